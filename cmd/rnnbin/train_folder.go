package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// runs is where models go that are given no folder.
const runs = "runs"

// forceUsage is the help of --force.
const forceUsage = "use a folder that is not empty: replace the model in it, and leave files that are not\nrnnbin's as they are"

// nothingGood is what becomes of a training without validation that ends early.
const nothingGood = "nothing is kept, as without validation no epoch is known to be good"

// folder is where the model goes, if anywhere.
type folder struct {
	writer *model.Writer
	latest bool  // runs/latest is to point to it
	moved  error // why it is not where --out has it
}

// createFolder makes the folder before training, so that one that cannot be
// written is known at once.
func (o *trainOptions) createFolder() (*folder, error) {
	switch {
	case o.out != "":
		w, err := model.Create(o.out, o.force)
		if err != nil {
			return nil, usageError{fmt.Errorf("--out: %w", err)}
		}
		return &folder{writer: w}, nil
	case o.own():
		w, err := model.CreateRun(runs)
		return &folder{writer: w, latest: true}, err
	}
	return &folder{}, nil
}

func (f *folder) close() {
	if f.writer != nil {
		f.writer.Close()
	}
}

// commit makes m, with the session's weights, the folder's model, and reports where it
// is. What comes after it must not lose the model any more.
func (f *folder) commit(ctx context.Context, s *graph.Session, m *model.Model, history []epochLine, errOut io.Writer) error {
	if f.writer == nil {
		return nil
	}
	endingOf(ctx).begin()
	if f.writer.Taken() {
		if err := f.moveAway(); err != nil {
			return err
		}
	}
	err := tflib.Quietly(func() error { return f.writer.AddWeights(s.Save) })
	if err != nil {
		return err
	}
	if err := f.addHistory(history); err != nil {
		return err
	}
	if err := f.writer.Commit(m); err != nil {
		return err
	}
	fmt.Fprintf(errOut, "rnnbin: the model is in %s\n", f.writer.Dir())
	return nil
}

// moveAway goes to a folder of its own, as somebody has put a model into the one that
// --out named.
func (f *folder) moveAway() error {
	w, err := model.CreateRun(runs)
	if err != nil {
		return err
	}
	f.moved = fmt.Errorf("--out: %s: another model is there by now and is not replaced; this one is in %s", f.writer.Dir(), w.Dir())
	f.writer.Close()
	f.writer, f.latest = w, true
	return nil
}

// addHistory writes a line for each epoch.
func (f *folder) addHistory(history []epochLine) error {
	if len(history) == 0 {
		return nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, l := range history {
		if err := encoder.Encode(l); err != nil {
			return err
		}
	}
	return f.writer.SetHistory(text.Bytes())
}

// settle has runs/latest point to the model, and reports one that is not where it was
// to be.
func (f *folder) settle() error {
	if f.latest {
		if err := model.SetLatest(f.writer.Dir()); err != nil {
			return fmt.Errorf("the link to the newest model cannot be set: %w", err)
		}
	}
	return f.moved
}

// savedMetrics is the judgement of the weights that are kept, nil without validation.
func (o *trainOptions) savedMetrics(results []*foldResult) (*model.Metrics, error) {
	last := results[len(results)-1]
	if last.report() == nil {
		return nil, nil
	}
	saved := &model.Metrics{Report: last.report()}
	if o.walkForward == 0 {
		return saved, nil
	}
	var err error
	saved.WalkForward, err = json.Marshal(summarise(results))
	return saved, err
}

// commitOwn commits what came of the last fold.
func (o *trainOptions) commitOwn(ctx context.Context, f *folder, data *ownData, results []*foldResult, errOut io.Writer) error {
	last := results[len(results)-1]
	m := o.ownModel(data, last)
	var err error
	if m.Settings, err = o.effective(); err != nil {
		return err
	}
	if m.Metrics, err = o.savedMetrics(results); err != nil {
		return err
	}
	var history []epochLine
	for _, r := range results {
		history = append(history, r.history...)
	}
	return f.commit(ctx, last.session, m, history, errOut)
}

// rescue keeps the weights that did best before err ended the training.
func (o *trainOptions) rescue(ctx context.Context, f *folder, data *ownData, results []*foldResult, err error, errOut io.Writer) error {
	if len(results) == 0 { // it has not begun
		return err
	}
	judged := results
	for len(judged) > 0 && judged[len(judged)-1].report() == nil {
		judged = judged[:len(judged)-1]
	}
	switch {
	case len(judged) > 0:
	case o.validates():
		return &endedEarly{err, "nothing is kept, as no epoch had been judged yet"}
	default:
		return &endedEarly{err, nothingGood}
	}
	best := judged[len(judged)-1]
	failed := best.restore()
	if failed == nil {
		failed = o.commitOwn(ctx, f, data, judged, io.Discard)
	}
	if failed != nil {
		return &endedEarly{err, fmt.Sprintf("the weights of the best epoch cannot be kept: %v", failed)}
	}
	epoch := fmt.Sprintf("epoch %d", best.best.Epoch)
	if o.walkForward > 0 {
		epoch += fmt.Sprintf(" of fold %d", best.fold.number)
	}
	kept := fmt.Sprintf("the weights of %s, the best so far, are in %s", epoch, f.writer.Dir())
	if err := f.settle(); err != nil {
		kept += "; " + err.Error()
	}
	return &endedEarly{err, kept}
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
