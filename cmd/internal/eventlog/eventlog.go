// Package eventlog writes what happens in a run of package fit as event files, which
// TensorBoard shows.
//
// Each training has a folder of its own, a line of its own among TensorBoard's runs, so that
// folds and networks can be compared: fold2/gru-16-32-steps/member0, final/… for those on all
// rows. The step of all that is written is the number of the update, from 0.
package eventlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/model"
)

// Log writes the events of a run. It implements fit.Observer, and never ends the run: what
// cannot be written is reported once, and is the end of the log.
type Log struct {
	open   func() string
	dir    string       // what it returned
	data   *series.Data // that trains
	failed func(error)
	now    func() time.Time

	jobs  map[fit.Job]*job
	told  map[string]bool // folders that belong to this run
	steps map[string]int  // number of a folder's last update
	ended bool
}

// New returns a log of a run on data that writes to the folder that open names when there is
// something to write, and which is made then. Event files that an earlier run has left there go as
// this one writes its own. An error is given to failed.
func New(open func() string, data *series.Data, failed func(error)) *Log {
	return &Log{
		open: open, data: data, failed: failed, now: time.Now,
		jobs: map[fit.Job]*job{}, told: map[string]bool{}, steps: map[string]int{},
	}
}

// job is a training that goes on.
type job struct {
	fit.JobBegan
	folder string
	log    *writer // nil before the first update
	begun  time.Time
	last   time.Time     // that its updates were told of
	read   bool          // its variables, before
	spent  time.Duration // on histograms
	next   int           // epoch that may have them
	slow   time.Duration // what gradients are expected to take
	starts []int32       // windows of the last update
}

// Observe implements fit.Observer.
func (l *Log) Observe(ctx context.Context, e fit.Event) error {
	if l.ended {
		return nil
	}
	err := l.observe(ctx, e)
	if errors.As(err, new(*graph.ServerError)) { // the job's worker is lost, and it is done again
		return nil
	}
	if err != nil {
		l.close()
		if errors.Is(err, syscall.ENOSPC) { // the model needs the space more
			model.RemoveEvents(l.dir, nil)
		}
		l.failed(err)
	}
	return nil
}

func (l *Log) observe(ctx context.Context, e fit.Event) error {
	switch e := e.(type) {
	case fit.Planned:
		l.dir = l.open()
		return l.write(l.dir, 0, true, experiment(e, l.now()))
	case fit.JobBegan:
		if j := l.jobs[e.Job]; j != nil { // done again, by another worker
			j.JobBegan = e
			return nil
		}
		now := l.now()
		l.jobs[e.Job] = &job{JobBegan: e, folder: l.folder(e.Job, e.Recipe.Name()), begun: now, last: now, slow: firstGradients}
	case fit.Progress:
		if j := l.jobs[e.Job]; j != nil && e.Plan.Starts != nil { // else they were made by an earlier run, and perhaps their events
			return l.updates(j, e)
		}
	case fit.EpochEnded:
		return l.epoch(ctx, l.jobs[e.Job], e)
	case fit.JobEnded:
		return l.jobEnded(e)
	case fit.RungJudged:
		return l.heldBack(e.Rung)
	case fit.Ended:
		return l.result(e)
	}
	return nil
}

// folder is that of a job of a network.
func (l *Log) folder(j fit.Job, network string) string {
	rows := "final"
	if j.Fold > 0 {
		rows = fmt.Sprintf("fold%d", j.Fold)
	}
	return filepath.Join(l.dir, rows, slug(network), fmt.Sprintf("member%d", j.Member))
}

var noSlug = regexp.MustCompile(`[^a-z0-9+]+`)

// slug is a name that is short to type and needs no quotes.
func slug(name string) string {
	return strings.Trim(noSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// resume begins to write to a folder, for updates from first on. What an earlier run has
// told of these counts no more.
func (l *Log) resume(folder string, first int) (*writer, error) {
	if first == 0 {
		model.RemoveEvents(folder, nil)
	}
	l.told[folder] = true
	w, err := create(folder, l.now())
	if err == nil {
		err = w.start(first, l.now())
	}
	return w, err
}

// write writes a single event to a folder, anew or beside what is there.
func (l *Log) write(folder string, step int, anew bool, values ...value) error {
	if anew {
		model.RemoveEvents(folder, func(at string) bool { return at != folder })
	}
	l.told[folder] = true
	w, err := create(folder, l.now())
	if err != nil {
		return err
	}
	return w.end(w.add(l.now(), step, values...))
}

// updates writes those of a call.
func (l *Log) updates(j *job, e fit.Progress) (err error) {
	if err := l.begin(j, e.First); err != nil {
		return err
	}
	begun, now := j.last, l.now()
	n := len(e.Report.Losses)
	rate := float32(0)
	for i, loss := range e.Report.Losses {
		values := []value{scalar("update/loss", loss), scalar("update/gradient_norm", e.Report.Norms[i])}
		if r := rateOf(j, e.Plan, i); r != rate || i == 0 {
			rate = r
			values = append(values, scalar("update/learning_rate", r))
		}
		at := begun.Add(now.Sub(begun) * time.Duration(i+1) / time.Duration(n))
		if took := now.Sub(begun).Seconds(); i == n-1 && took > 0 {
			values = append(values, scalar("update/per_second", float32(float64(n)/took)))
		}
		if err := j.log.add(at, e.First+i, values...); err != nil {
			return err
		}
	}
	j.last, j.starts, l.steps[j.folder] = now, e.Plan.Starts[n-1], e.First+n-1
	return nil
}

func rateOf(j *job, p graph.Plan, i int) float32 {
	if p.Rates == nil {
		return j.Session.Config().LearningRate
	}
	return p.Rates[i]
}

// begin writes what a job begins with, once, whose first update that is told of is first.
func (l *Log) begin(j *job, first int) (err error) {
	if j.log != nil {
		return nil
	}
	if j.log, err = l.resume(j.folder, first); err != nil {
		return err
	}
	if j.Job.Fold == 0 && j.Job.Member == 0 {
		def, err := j.Session.GraphDef()
		if err != nil {
			return err
		}
		if err := j.log.graph(j.begun, def); err != nil {
			return err
		}
	}
	return j.log.add(j.begun, first, sessionStart(j, j.begun))
}

// epoch writes what an epoch comes to, at the step of its last update.
func (l *Log) epoch(ctx context.Context, j *job, e fit.EpochEnded) error {
	step := e.Steps - 1
	if err := l.begin(j, step); err != nil { // an earlier run may have made its updates
		return err
	}
	values := []value{scalar("epoch/loss", float32(e.Epoch.Loss)), scalar("epoch/gradient_norm", float32(e.Epoch.GradientNorm))}
	if v := e.Validated; v != nil {
		values = append(values, scalar("validation/loss", float32(v.Loss)))
		values = append(values, scores("validation", &v.Report.Scores)...)
	}
	if e.Job.Fold == 0 {
		values = append(values, l.histograms(ctx, j, e.Epoch.Epoch, e.Last)...)
	}
	return j.log.add(l.now(), step, values...)
}

// scores are the metrics that are defined, under a name.
func scores(name string, s *metrics.Scores) []value {
	var all []value
	for _, m := range []struct {
		name  string
		value metrics.Number
	}{{"macro_f1", s.MacroF1}, {"f1", s.F1}, {"accuracy", s.Accuracy}, {"pr_auc", s.PRAUC}, {"roc_auc", s.ROCAUC}} {
		if m.value == m.value {
			all = append(all, scalar(name+"/"+m.name, float32(m.value)))
		}
	}
	return all
}

// jobEnded ends the log of a training.
func (l *Log) jobEnded(e fit.JobEnded) error {
	j := l.jobs[e.Job]
	if j == nil {
		folder := l.folder(e.Job, e.Network)
		l.told[folder], l.steps[folder] = true, e.Steps-1
		return nil
	}
	delete(l.jobs, e.Job)
	if err := l.begin(j, e.Steps-1); err != nil { // an earlier run may have made all epochs
		return err
	}
	return j.log.end(j.log.add(l.now(), e.Steps-1, sessionEnd(l.now())))
}

// heldBack writes how good a network is on the rows that each fold holds back.
func (l *Log) heldBack(g *fit.Rung) error {
	for i, report := range g.Folds {
		folder := l.folder(fit.Job{Fold: i + 1}, g.Name())
		if err := l.write(folder, l.steps[folder], false, scores(heldBack, &report.Scores)...); err != nil {
			return err
		}
	}
	return nil
}

const heldBack = "held_back"

// result writes how good the networks are that were taken, and ends the log.
func (l *Log) result(e fit.Ended) error {
	defer l.close()
	if e.Result == nil {
		return nil
	}
	var values []value
	if j := e.Result.Judged; j != nil {
		picture, err := l.picture(e.Result)
		if err != nil {
			return err
		}
		values = append(scores(heldBack, &j.Report.Scores), l.prCurves(j)...)
		values = append(values, picture)
	}
	if t := e.Result.Test; t != nil {
		values = append(values, scores("test", &t.Scores)...)
	}
	if len(values) > 0 {
		if err := l.write(filepath.Join(l.dir, "judged"), 0, true, values...); err != nil {
			return err
		}
	}
	if e.Err == nil { // all that belongs to the run is told
		model.RemoveEvents(l.dir, func(folder string) bool { return l.told[folder] })
	}
	return nil
}

// close ends the logs of trainings that have not come to their end.
func (l *Log) close() {
	l.ended = true
	for _, j := range l.jobs {
		if j.log != nil {
			_ = j.log.end(nil) // what is lost is the end of what did not come to its end
		}
	}
}
