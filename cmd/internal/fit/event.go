package fit

import (
	"context"
	"sync"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// An Observer is told what happens in a run, one event at a time. An error of its own ends the run.
type Observer interface {
	Observe(context.Context, Event) error
}

// Event is one of the types of this file.
type Event interface{ event() }

// Job names one training: of a rung, from 0, on the rows that a fold leaves, and of a
// member, from 0. Fold 0 leaves all rows.
type Job struct {
	Rung   int `json:"rung"`
	Fold   int `json:"fold"`
	Member int `json:"member"`
}

// Planned comes before anything is trained.
type Planned struct {
	Rows   int   // that train in the end
	Count  []int // of these, those of each class
	Split  layout.SplitKind
	Group  string        // column that groups series; "" without one
	Folds  []layout.Fold // none where nothing is judged
	Test   int           // rows held back until the end
	Within inputs.Within // how features can be scaled within series
	Rungs  []Plan
	// Seconds that the run takes at most, about; 0 unless it is a preview.
	Seconds float64
}

// Plan is what a rung comes to on all rows.
type Plan struct {
	*Recipe
	Rung    int           // its number, as a [Job] has it
	Members int           // networks of it that are trained on all rows, if it is taken
	Inputs  inputs.Inputs // but for their scale
	Config  graph.Config
	Epochs  int
	Steps   int     // of an epoch
	Memory  float64 // bytes that a training takes, about
	Seconds float64 // that a training takes, about; 0 unless it is a preview
}

// Stage begins a part of the run, trainings of so many steps each at most.
type Stage struct {
	Name  StageName
	Steps map[Job]int
}

// StageName names a part of the run.
type StageName string

const (
	Compare StageName = "comparing networks" // by folds
	JudgeIt StageName = "judging"            // further members of the networks that were taken, by folds
	Final   StageName = "training"           // on all rows
)

// JobBegan reports a training that begins. The session is the job's until JobEnded; an observer
// may read it while it is told an event of the job, but not change it.
type JobBegan struct {
	Job     Job
	Recipe  *Recipe
	Steps   int // of an epoch
	Session *graph.Session
}

// Progress reports training steps that one call has made. Of those that were made before this run,
// of a job that the store has, it is all of them, without a plan and a report.
type Progress struct {
	Job    Job
	Steps  int
	First  int          // number of the first of them in the job, from 0
	Plan   graph.Plan   // of the call
	Report graph.Report // of each of Steps, which are less than the plan's if the training ends in between
}

// Iterated reports an iteration of the recipes that ask for it.
type Iterated struct {
	Job Job
	Line
}

// EpochEnded reports an epoch.
type EpochEnded struct {
	Job Job
	Epoch
	*Validated
	Beside bool // a network to compare with, or of the second kind that was taken
	Last   bool // of the job
}

// JobEnded reports a training that has come to its end, and whose result is kept.
type JobEnded struct {
	Job
	Network string  `json:"network"` // the rung's name
	Digest  string  `json:"digest"`  // under which the store has the result; "" if it is not kept
	Loaded  bool    `json:"loaded"`  // the result was there already
	Epochs  int     `json:"epochs"`
	Steps   int     `json:"steps"`
	Seconds float64 `json:"seconds"`
}

// Ended is the last event of a run: what Fit returns.
type Ended struct {
	Result *Result
	Err    error
}

// RungJudged reports how a network did by folds, a single member of it.
type RungJudged struct {
	Rung *Rung
}

// Taken reports which of the networks are taken, one or two.
type Taken struct {
	Rungs []*Rung
}

// Noticed is something odd that does not prevent the run.
type Noticed struct {
	Kind   Notice
	Rung   string    // the network's name, of some kinds
	Number int       // of some kinds
	Class  string    // of OneClass, RareClass and, there may be several, OneGroup, Untaught, TestUntaught and InBlocks; of Copied series
	Stage  StageName // of TimeUp
	Err    error     // of some kinds
}

// Notice is a kind of oddity.
type Notice int

const (
	OneClass       Notice = iota // every label is of Class
	RareClass                    // Number of the rows are of Class, which may be an error
	SaysLabel                    // Class, a feature, has few values, each of them in rows of one label only
	OneGroup                     // Class occurs in one series, or group of them, only, which is held back whole
	Untaught                     // folds hold all rows of Class back that could train for them
	TestUntaught                 // test rows are of Class, and none of those that train
	InBlocks                     // blocks of series are held back as there are Number of these, or Class occurs in one only
	NotJudged                    // there are no folds, because of Err
	FewerFolds                   // there are Number, as folds in which a class is missing were brought together
	EmptyFolds                   // Number folds hold no row back that has both a label and an answer
	NoClock                      // each series is cut by its own rows, not at the same time as the others
	FewUpdates                   // a training of Rung makes Number steps only
	RungFailed                   // Rung cannot be made or trained, because of Err
	MemberFailed                 // member Number of Rung, from 1, cannot be trained, because of Err
	SeenBefore                   // Number of the test rows are training rows
	ValidationSeen               // Number of the validation rows are training rows
	NoThreshold                  // nothing is judged, so that there is no best threshold
	Copied                       // Number of the rows that folds hold back are the same as rows that train; Class is the first such series
	TimeUp                       // the time limit has left out Number trainings of Stage
	NotCompared                  // there was no time for Rung, names of one or several
	FewerWindows                 // Rung, a network's shape, gets Number rolling windows only: its inputs are too many
	NotKept                      // the store cannot keep what trainings come to, because of Err
	Damaged                      // the store has a state of Rung, Err, that cannot be used; an older one is, if there is one
)

func (Planned) event()    {}
func (Stage) event()      {}
func (JobBegan) event()   {}
func (Progress) event()   {}
func (Iterated) event()   {}
func (EpochEnded) event() {}
func (JobEnded) event()   {}
func (Ended) event()      {}
func (RungJudged) event() {}
func (Taken) event()      {}
func (Noticed) event()    {}

// observers tells all of them, from any goroutine.
type observers struct {
	mu  sync.Mutex
	all []Observer
}

func (o *observers) tell(ctx context.Context, e Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.all {
		if err := one.Observe(ctx, e); err != nil {
			return &observerError{err}
		}
	}
	return nil
}

// observerError is an error of an observer, which ends the run.
type observerError struct{ error }

func (e *observerError) Unwrap() error { return e.error }
