// Package fit trains networks on labelled series and judges them by rows that took no part
// in it.
//
// [Fit] is a function: it prints nothing, opens nothing, and tells its observers what
// happens. It divides the rows into folds and trains the networks of a few recipes, from
// logistic regression to recurrent networks, on each fold's rows; their answers to
// the rows held back decide which are taken: the best two kinds of network, or one if the
// mean of both is no better. Of each several members are trained on each fold, by whose answers
// they are judged, and then several on all rows, which are the result.
//
// Each training is a [Job], seeded from what it is: how many run side by side changes
// nothing. A [Runner] has them done and a [Store] keeps what they come to, so that no training
// is lost or made twice.
//
// In comments N is the number of rows, F of features and C of classes.
package fit

import (
	"cmp"
	"context"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Data is what a run works on. All have the same features and classes.
type Data struct {
	Train      *series.Data
	Validation *series.Data // to choose epochs by; nil for none
	Test       *series.Data // to judge the result by; nil for none
}

// Result is what a run has made.
type Result struct {
	Spec    Spec
	Profile *layout.Profile // of the rows that train
	Rows    int             // that train

	Rungs   []*Rung    // that were compared, from the simplest on
	Chosen  []int      // of these, the best first: one, or two that answer together
	Members []*Trained // of those that were taken; none if a run ended too early
	Wanted  int        // how many Members there were to be
	Rival   *Trained   // logistic regression, to compare with; nil if it was taken itself or is not known

	Positions metrics.Positions // empty unless there are several series
	Judged    *Judged           // by folds; nil without
	Test      *metrics.Report   // of the test rows; nil without
	Threshold float64           // of two classes

	Partial    Partial  // what Members are if the run ended early
	Uncompared []string // names of rungs that the chosen one could not be compared with in such a run
}

// Partial says what the members of a run that ended early are.
type Partial string

const (
	Whole      Partial = ""           // what they were to be
	SomeFinal  Partial = "some"       // of the members some
	OfFolds    Partial = "folds"      // those trained on the folds' rows
	Unfinished Partial = "unfinished" // one whose training was not at its end
)

// Rung is one of the networks that are compared.
type Rung struct {
	*Recipe
	Err     error // why it cannot be made, or judged
	Stopped bool  // before the last folds, as others did at least as well in each before

	Report *metrics.Report   // of one member's answers to all rows held back
	Folds  []*metrics.Report // the same, fold by fold
	Spread metrics.FoldSpread

	Threshold float64 // of two classes, for rows that are not held back

	answers *answers // of one member
	decided []int16  // [N] by them
	tasks   []*task  // by folds, those of one member behind those of another
}

// Judged is how good the network that was taken is, by the answers of networks trained on
// other rows.
type Judged struct {
	Split   layout.SplitKind
	Members int // networks, of each fold, whose answers these are
	Folds   []*metrics.Report
	Report  *metrics.Report    // of all rows together, with Baselines that are also compared fold by fold
	Spread  metrics.FoldSpread // over the folds, as tables show it
	Tuned   *Tuned             // what a threshold of its own would come to; nil if that is used, or there are several classes

	// The answers that all this is about, to the rows of the data that trains.
	Fold        []int16   // [N] that held the row back, from 1; 0: none, or the row has no label or no answer
	Probability []float32 // [N,C]
	Answer      []int16   // [N] classes
}

// Tuned is a threshold with the best F1, and the F1 that comes of choosing it on other folds.
type Tuned struct {
	Threshold float64        `json:"threshold"`
	F1        metrics.Number `json:"f1"` // mean over the folds
	Std       metrics.Number `json:"std"`
}

// Taken are the rungs that were taken, the best first.
func (r *Result) Taken() []*Rung {
	var all []*Rung
	for _, i := range r.Chosen {
		all = append(all, r.Rungs[i])
	}
	return all
}

// Names are those of rungs, as text.
func Names(rungs []*Rung) string {
	var all []string
	for _, g := range rungs {
		all = append(all, g.Name())
	}
	return strings.Join(all, " and ")
}

// Preview tells the observers what Fit would, its notices and what it has planned, and how long
// that takes.
func Preview(ctx context.Context, d Data, s Spec, m Means, all ...Observer) error {
	r := newRun(&s, m, all)
	r.preview = true
	return r.prepare(ctx, d)
}

// Fit trains as s has it, by m. What is worth keeping of a run that ends with an error is in the
// result nevertheless, unless that is nil.
func Fit(ctx context.Context, d Data, s Spec, m Means, all ...Observer) (*Result, error) {
	r := newRun(&s, m, all)
	result, err := r.fit(ctx, d)
	if result != nil {
		result.Wanted = r.members()
		if s.Threshold.Auto && result.Judged == nil {
			err = cmp.Or(err, r.tell(ctx, Noticed{Kind: NoThreshold}))
		}
	}
	if told := r.tell(ctx, Ended{result, err}); err == nil {
		err = told
	}
	return result, err
}

// fit goes through the stages.
func (r *run) fit(ctx context.Context, d Data) (*Result, error) {
	if err := r.prepare(ctx, d); err != nil {
		return nil, err
	}
	for _, stage := range []func(context.Context) error{r.compare, r.judge, r.final} {
		if err := stage(ctx); err != nil {
			return r.rescue(context.WithoutCancel(ctx)), err
		}
	}
	return r.result, nil
}
