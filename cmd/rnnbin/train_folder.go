package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"

	"github.com/rnnbin/rnnbin/cmd/internal/cluster"
	"github.com/rnnbin/rnnbin/cmd/internal/eventlog"
	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/judged"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/model"
)

// runs is where models go that are given no folder.
const runs = "runs"

// forceUsage is the help of --force.
const forceUsage = "use a folder that is not empty: replace the model in it, and leave files that are not\nrnnbin's as they are"

// folder is where the model goes, if anywhere.
type folder struct {
	writer  *model.Writer
	run     model.RunRecord
	model   *model.Model // that has been committed, nil before
	named   bool         // by --out
	latest  bool         // runs/latest is to point to it: it is what a comparison has chosen, if there was one to make
	dropped bool         // nothing is left of the run
	moved   error        // why it is not where --out has it
}

// createFolder makes the folder before training, so that one that cannot be
// written is known at once.
func (o *trainOptions) createFolder() (*folder, error) {
	switch {
	case o.out != "":
		w, err := model.Create(o.out, o.force)
		if err != nil {
			return nil, fmt.Errorf("--out: %w", err)
		}
		return &folder{writer: w, named: true, latest: true}, nil
	case o.own():
		w, err := model.CreateRun(runs)
		return &folder{writer: w, latest: true}, err
	}
	return &folder{}, nil
}

// begin has run.json say that the run has begun.
func (f *folder) begin(o *trainOptions, data fit.Data) error {
	if f.writer == nil {
		return nil
	}
	text, err := o.effective(f.writer.Dir())
	if err != nil {
		return err
	}
	f.run = model.RunRecord{Version: programVersion(), Seed: o.Seed, Data: dataRecords(&o.settings, data), Machine: machineOf(&o.settings), Settings: text}
	if was := o.begun; was != nil {
		f.run.Begun, f.run.Machine = was.Begun, was.Machine
	}
	return f.writer.BeginRun(f.run)
}

// end has run.json say how the run has ended, which is with err or with a model.
func (f *folder) end(ctx context.Context, err error) error {
	if f.writer == nil {
		return err
	}
	if err == nil || f.model != nil && f.model.Run.Partial == "" {
		return cmp.Or(err, f.writer.EndRun(model.Finished, ""))
	}
	err = withSignal(ctx, err)
	state, reason := model.Failed, err
	if stopped(ctx, err) {
		state = model.Stopped
	}
	if early := (*endedEarly)(nil); errors.As(err, &early) {
		reason = early.err
	}
	if !f.dropped && !errors.As(err, new(*graph.DivergedError)) {
		err = hinted{err, fmt.Sprintf("`rnnbin train %s` goes on", quoteAll([]string{"--resume", f.writer.Dir()}))}
	}
	return cmp.Or(err, f.writer.EndRun(state, reason.Error()))
}

// drop leaves nothing of a new run that has failed. One that was gone on with has what was there.
func (f *folder) drop(o *trainOptions) {
	if o.begun == nil {
		f.writer.Drop()
		f.dropped = true
	}
}

// stopped reports whether somebody has ended a run, which would have gone on.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.As(withSignal(ctx, err), new(signalError)) || errors.As(err, new(*cluster.LostError))
}

// dataRecords name what a run works on.
func dataRecords(s *settings, data fit.Data) []model.DataRecord {
	var all []model.DataRecord
	for _, part := range []struct {
		role  string
		files files
		data  *series.Data
	}{{"train", s.Data.Files, data.Train}, {"validation", s.Data.Validation, data.Validation}, {"test", s.Data.Test, data.Test}} {
		if part.data != nil {
			all = append(all, model.DataRecord{Role: part.role, Files: part.files, Rows: part.data.Len(), SHA256: part.data.Digest()})
		}
	}
	return all
}

// machineOf is what the last bits of a run's results depend on here.
func machineOf(s *settings) model.MachineRecord {
	_, set := chosen(graph.Machine{Form: s.Form, InstructionSet: s.InstructionSet})
	return model.MachineRecord{InstructionSet: set, Threads: cmp.Or(s.Threads, runtime.GOMAXPROCS(0))}
}

// means has what is trained kept in the folder, if there is one.
func (f *folder) means(o *trainOptions) fit.Means {
	m := fit.Means{Memory: availableMemory(), Checkpoint: o.checkpoint, Longer: o.longer}
	if f.writer != nil {
		m.Store, m.Processors = f.writer.Jobs(programVersion(), o.keep), f.run.Machine.Threads
	}
	return m
}

// events are what writes events of a run on data into the folder, if that is wanted and there is one.
func (f *folder) events(wanted bool, data *series.Data, note func(format string, args ...any)) []fit.Observer {
	if !wanted || f.writer == nil {
		return nil
	}
	return []fit.Observer{eventlog.New(f.writer.Events, data, func(err error) {
		note("warning: no more events for TensorBoard are written: %v", err)
	})}
}

func (f *folder) close() {
	if f.writer != nil {
		f.writer.Close()
	}
}

// commit makes m, with the networks' weights and the rows that they were judged by, if there are
// any, the folder's model, and reports where it is. What comes after it must not lose the model any
// more.
func (f *folder) commit(ctx context.Context, m *model.Model, r *fit.Result, rows *judged.Rows, errOut io.Writer) error {
	endingOf(ctx).begin()
	if f.writer.Taken() {
		if err := f.moveAway(); err != nil {
			return err
		}
	}
	if err := f.addWeights(m, r); err != nil {
		return err
	}
	if err := f.addHistory(r.Members); err != nil {
		return err
	}
	if err := f.addJudged(rows); err != nil {
		return err
	}
	if err := f.writer.Commit(m); err != nil {
		return err
	}
	f.model = m
	fmt.Fprintf(errOut, "rnnbin: the model is in %s\n", f.writer.Dir())
	return nil
}

// addWeights writes the weights of the members, and of the rival.
func (f *folder) addWeights(m *model.Model, r *fit.Result) (err error) {
	for i, of := range kindsOf(r) {
		if m.Kinds[i].Weights, err = f.weightsOf(of...); err != nil {
			return err
		}
	}
	if r.Rival != nil {
		m.Rival.Weights, err = f.weightsOf(r.Rival)
	}
	return err
}

// weightsOf writes the weights of networks, which are of one shape and so share a session.
func (f *folder) weightsOf(all ...*fit.Trained) ([]model.Weights, error) {
	s, err := newSession(all[0].Config)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	weights := make([]model.Weights, len(all))
	for i, t := range all {
		if weights[i], err = f.writer.AddWeights(saver(s, t)); err != nil {
			return nil, err
		}
	}
	return weights, nil
}

// saver writes a network's state, by a session of its shape, as a checkpoint of the given
// prefix.
func saver(s *graph.Session, t *fit.Trained) func(prefix string) error {
	return func(prefix string) error {
		return tflib.Quietly(func() error {
			if err := setState(s, t); err != nil {
				return err
			}
			return s.Save(prefix)
		})
	}
}

// moveAway goes to a folder of its own, as somebody has put a model into the one that
// --out named.
func (f *folder) moveAway() error {
	w, err := model.CreateRun(runs)
	if err != nil {
		return err
	}
	f.moved = fmt.Errorf("--out: %s: another model has appeared there and is not replaced; this one is in %s", f.writer.Dir(), w.Dir())
	f.writer.Drop()
	f.writer.Close()
	f.writer, f.named = w, false
	return w.BeginRun(f.run)
}

// addHistory writes a line for each epoch of each member.
func (f *folder) addHistory(members []*fit.Trained) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, t := range members {
		for _, e := range t.History {
			if err := encoder.Encode(observe.NewEpochLine(e)); err != nil {
				return err
			}
		}
	}
	return f.writer.SetHistory(text.Bytes())
}

// addJudged writes the rows that the networks were judged by.
func (f *folder) addJudged(rows *judged.Rows) error {
	if rows == nil {
		return nil
	}
	var content bytes.Buffer
	if err := rows.Write(&content); err != nil {
		return err
	}
	return f.writer.SetJudged(content.Bytes())
}

// judgedRows are the rows of the data that a network was judged by, nil if it was not.
func judgedRows(d *series.Data, j *fit.Judged) *judged.Rows {
	if j == nil {
		return nil
	}
	return &judged.Rows{Classes: d.Classes, Series: fit.Spans(d.Series), Time: d.Time, Stamps: d.Stamps,
		Fold: j.Fold, Label: d.Labels, Answer: j.Answer, Probability: j.Probability}
}

// settle has runs/latest point to the model, and reports one that is not where it was
// to be.
func (f *folder) settle() error {
	if f.latest {
		if err := model.SetLatest(runs, f.writer.Dir()); err != nil && !f.named { // where the model is else is known
			return fmt.Errorf("cannot set the link to the newest model: %w", err)
		}
	}
	return f.moved
}

// commitOwn commits what came of a run on own data.
func (o *trainOptions) commitOwn(ctx context.Context, f *folder, data fit.Data, r *fit.Result, errOut io.Writer) error {
	f.latest = len(r.Uncompared) == 0
	m, err := o.ownModel(f.writer.Dir(), data, r)
	if err != nil {
		return err
	}
	return f.commit(ctx, m, r, judgedRows(data.Train, r.Judged), errOut)
}

// rescue keeps what is worth keeping of a run that err ended.
func (o *trainOptions) rescue(ctx context.Context, f *folder, report *reporter, data fit.Data, r *fit.Result, err error) error {
	if f.writer == nil {
		return err
	}
	switch {
	case r == nil && stopped(ctx, err):
		return &endedEarly{err, "no network was trained for a whole epoch yet"}
	case r == nil:
		f.drop(o)
		return &endedEarly{err, "nothing is kept: no network was trained for a whole epoch"}
	}
	if failed := o.commitOwn(ctx, f, data, r, io.Discard); failed != nil {
		return &endedEarly{err, fmt.Sprintf("what was trained could not be saved: %v", failed)}
	}
	if r.Judged != nil {
		_ = report.result(r, f.writer.Dir()) // the run has an error
	}
	kept := fmt.Sprintf("%s, is in %s", whatIsKept(r), f.writer.Dir())
	if f.moved != nil {
		kept += "; " + f.moved.Error()
	}
	return &endedEarly{err, kept}
}

// whatIsKept describes the members of a run that ended early.
func whatIsKept(r *fit.Result) string {
	name, n := fit.Names(r.Taken()), len(r.Members)
	switch r.Partial {
	case fit.Whole:
		return fmt.Sprintf("what was trained, %s (%s)", name, count(n, "network"))
	case fit.SomeFinal:
		return fmt.Sprintf("what was trained so far, %s (%d of %d networks)", name, n, r.Wanted)
	case fit.OfFolds:
		text := fmt.Sprintf("what was trained so far, %s (%s, trained on the rows of folds", name, count(n, "network"))
		if len(r.Uncompared) > 0 {
			text += "; not compared with " + strings.Join(r.Uncompared, "; ")
		}
		return text + ")"
	}
	return fmt.Sprintf("what was trained so far, %s (one network, %s)", name, count(len(r.Members[0].History), "epoch"))
}

// firstWriteError is a writer that remembers its first error and goes on: lines that
// nobody can read are no reason to lose a training.
type firstWriteError struct {
	io.Writer
	err error
}

func (w *firstWriteError) Write(p []byte) (int, error) {
	if w.err == nil {
		_, w.err = w.Writer.Write(p)
	}
	if errors.Is(w.err, syscall.EPIPE) { // but then the reader has ended the run
		return 0, w.err
	}
	return len(p), nil
}
