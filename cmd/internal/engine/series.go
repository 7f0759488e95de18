package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rnnbin/rnnbin/graph/label"
)

// seriesJob is series to label.
type seriesJob struct {
	ctx    context.Context
	series []label.Series
	rows   int
	since  time.Time
	done   chan seriesAnswer // takes one
}

type seriesAnswer struct {
	answers label.Answers
	err     error
}

func (j *seriesJob) context() context.Context { return j.ctx }
func (j *seriesJob) size() (series, rows int) { return len(j.series), j.rows }
func (j *seriesJob) fail(err error)           { j.answer(label.Answers{}, err) }

// answer answers the job, unless it has been.
func (j *seriesJob) answer(a label.Answers, err error) {
	select {
	case j.done <- seriesAnswer{a, err}:
	default:
	}
}

// Label labels series, of each the rows [n,R] as they were measured, those of other requests with them. The answers to the
// rows of one follow those of the other; see [label.Model.Label].
func (h *Handle) Label(ctx context.Context, all [][]float64) (label.Answers, error) {
	j := &seriesJob{ctx: ctx, since: time.Now(), done: make(chan seriesAnswer, 1)}
	if err := h.check(j, all); err != nil || j.rows == 0 {
		return label.Answers{}, err
	}
	if err := h.series.offer(j); err != nil {
		return label.Answers{}, err
	}
	select {
	case a := <-j.done:
		return a.answers, a.err
	case <-ctx.Done():
		return label.Answers{}, reason(ctx)
	}
}

// check makes a job of a request, and finds what is wrong with it before it is run with others.
func (h *Handle) check(j *seriesJob, all [][]float64) error {
	for i, rows := range all {
		x, err := h.checked(i, rows, h.none())
		if err != nil {
			return err
		}
		j.series = append(j.series, label.Series{Values: x})
		j.rows += len(x) / len(h.info.Features)
	}
	return h.CheckRows(j.rows)
}

// runSeries labels what some requests ask for. A row that has no answer is the fault of its request
// alone: the others are labelled without it.
func (v *version) runSeries(jobs []*seriesJob) {
	r := v.newRun(false, len(jobs), jobs[0].since)
	for len(jobs) > 0 {
		var all []label.Series
		for _, j := range jobs {
			all = append(all, j.series...)
		}
		a, err := v.model.Label(together(jobs), all...)
		if err == nil {
			v.answer(jobs, a)
			r.count(jobs)
			break
		}
		jobs = v.failed(jobs, err)
		r.Err = err
	}
	v.ran(r)
}

// together is the context of jobs: of one its own, of several one that does not end.
func together(jobs []*seriesJob) context.Context {
	if len(jobs) == 1 {
		return jobs[0].ctx
	}
	return context.Background()
}

// failed answers the job that err is about, or all, and returns those that are left.
func (v *version) failed(jobs []*seriesJob, err error) []*seriesJob {
	var at *label.RowError
	if errors.As(err, &at) {
		first := 0
		for i, j := range jobs {
			if at.Series < first+len(j.series) {
				j.fail(placed(err, v.info.Features, first, 0))
				return slices.Delete(slices.Clone(jobs), i, i+1)
			}
			first += len(j.series)
		}
	}
	for _, j := range jobs {
		j.fail(asError(err))
	}
	return nil
}

// answer hands the answers out.
func (v *version) answer(jobs []*seriesJob, a label.Answers) {
	C, R := len(v.info.Classes), len(v.info.Features)
	for _, j := range jobs {
		n := 0
		for _, s := range j.series {
			v.drift.add(s.Values)
			n += len(s.Values) / R
		}
		j.answer(label.Answers{Class: a.Class[:n:n], Score: a.Score[:n:n], Probability: a.Probability[: n*C : n*C], Padded: a.Padded[:n:n]}, nil)
		a = label.Answers{Class: a.Class[n:], Score: a.Score[n:], Probability: a.Probability[n*C:], Padded: a.Padded[n:]}
	}
}

// newRun begins the record of jobs that are run together.
func (v *version) newRun(streams bool, jobs int, since time.Time) *running {
	now := time.Now()
	return &running{now, Run{Name: v.name, Version: v.number, Streams: streams, Requests: jobs, Waited: now.Sub(since)}}
}

// running is a run that has begun.
type running struct {
	begun time.Time
	Run
}

func (v *version) ran(r *running) {
	r.Took = time.Since(r.begun)
	v.options.Observer.Ran(r.Run)
}

// count counts what was answered.
func (r *running) count(jobs []*seriesJob) {
	for _, j := range jobs {
		series, rows := j.size()
		r.Series, r.Rows = r.Series+series, r.Rows+rows
	}
}
