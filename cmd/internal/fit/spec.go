package fit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph"
)

// Spec says what to train, and how to judge it. Its zero value is not valid: start from
// [DefaultSpec].
type Spec struct {
	Lookahead   Lookahead        `json:"lookahead"`
	Horizon     int              `json:"horizon"`      // rows ahead of a row is the label it is to get; above 0 only without lookahead
	Scale       layout.ScaleKind `json:"scale"`        // of the features, fitted to the rows that train
	SeriesScale SeriesScale      `json:"series_scale"` // whether features are scaled within each series, too
	ClassWeight ClassWeight      `json:"class_weight"`

	Network NetworkKind `json:"network"`
	Recipe  Override    `json:"recipe"`           // what is to be other than in the recipes of Network
	Rolling Windows     `json:"rolling,omitzero"` // whose statistics networks get; nil: the recipes' own
	Members int         `json:"members"`          // of each kind of network that is chosen; of logistic regression there is one

	Folds         int              `json:"folds"` // 0: do not judge
	Split         layout.SplitKind `json:"split"`
	TestFraction  float64          `json:"test_fraction"` // of the rows: held back until the end
	Threshold     Threshold        `json:"threshold"`
	EarlyStopping int              `json:"early_stopping"` // epochs without improvement on Data.Validation; 0: never stop

	TimeLimit      Limit      `json:"time_limit,omitempty"` // of the run; 0: none
	Seed           int64      `json:"seed"`
	Threads        int        `json:"threads"`            // and so many networks side by side; 0: as many as there are processors
	Replicas       int        `json:"replicas,omitempty"` // servers that train a network together, each with a part of its rows and batches; 0: one
	Form           graph.Form `json:"form"`
	InstructionSet string     `json:"instruction_set"`

	Trial bool     `json:"-"` // the network is one of a search: it begins as the best of those that auto compares, not as the smallest
	Rungs []Recipe `json:"-"` // to compare, from the simplest on, in place of those of Network and Recipe; nil: those
}

// DefaultSpec is a search among the networks of [Spec.Recipes], judged in four folds, and an
// ensemble of those that are taken.
func DefaultSpec() Spec {
	m := graph.Machine{}.WithDefaults()
	return Spec{
		Lookahead:      All,
		Scale:          layout.Standard,
		SeriesScale:    SeriesScaleAuto,
		ClassWeight:    "none",
		Network:        NetworkAuto,
		Members:        3,
		Folds:          4,
		Split:          layout.SplitAuto,
		Threshold:      Threshold{At: 0.5},
		Form:           m.Form,
		InstructionSet: m.InstructionSet,
	}
}

// Lookahead is how many rows behind a row its answer may rest on, or All.
type Lookahead int

// All is the lookahead to the end of the series.
const All Lookahead = -1

// Finite reports whether the lookahead has a limit.
func (l Lookahead) Finite() bool { return l >= 0 }

// String is the text that UnmarshalText reads.
func (l Lookahead) String() string {
	if l == All {
		return "all"
	}
	return strconv.Itoa(int(l))
}

// MarshalText implements encoding.TextMarshaler.
func (l Lookahead) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Lookahead) UnmarshalText(text []byte) error {
	if string(text) == "all" {
		*l = All
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return fmt.Errorf("must be all or a number of rows, not %q", text)
	}
	*l = Lookahead(n)
	return nil
}

// SeriesScale says whether features are scaled within each series, too.
type SeriesScale string

const (
	SeriesScaleAuto SeriesScale = "auto" // with three groups of training series or more
	SeriesScaleNone SeriesScale = "none"
)

// SeriesScales lists all of them.
var SeriesScales = []SeriesScale{SeriesScaleAuto, SeriesScaleNone}

// NetworkKind says which networks are compared.
type NetworkKind string

const (
	NetworkAuto     NetworkKind = "auto"     // all there are; with an Override the first that is recurrent
	NetworkLogistic NetworkKind = "logistic" // logistic regression on a row and rows around it
	NetworkRNN      NetworkKind = "rnn"      // a recurrent network
)

// NetworkKinds lists all of them.
var NetworkKinds = []NetworkKind{NetworkAuto, NetworkLogistic, NetworkRNN}

// Threshold is the probability from which on label 1 is answered.
type Threshold struct {
	Auto bool // that with the best F1 of the answers to rows held back
	At   float64
}

// String is the text that UnmarshalText reads.
func (t Threshold) String() string {
	if t.Auto {
		return "auto"
	}
	return strconv.FormatFloat(t.At, 'g', -1, 64)
}

// MarshalText implements encoding.TextMarshaler.
func (t Threshold) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Threshold) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*t = Threshold{Auto: true, At: 0.5}
		return nil
	}
	at, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(at >= 0 && at <= 1) {
		return fmt.Errorf("must be auto or between 0 and 1, not %q", text)
	}
	*t = Threshold{At: at}
	return nil
}

// Limit is a time that something may take at most.
type Limit time.Duration

// String is the text that UnmarshalText reads.
func (l Limit) String() string {
	if l == 0 {
		return ""
	}
	return time.Duration(l).String()
}

// MarshalText implements encoding.TextMarshaler.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Limit) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil && len(text) > 0 || d < 0 {
		return fmt.Errorf("must be a time such as 90s or 1h30m, not %q", text)
	}
	*l = Limit(d)
	return nil
}

// ClassWeight is the text that [layout.ParseClassWeight] reads.
type ClassWeight string

// SpecError is returned for a Spec with a setting that is impossible.
type SpecError struct {
	Field  string // of Spec, or of its Recipe
	Reason string
}

func (e *SpecError) Error() string { return e.Field + " " + e.Reason }

func wrong(field, format string, args ...any) error {
	return &SpecError{field, fmt.Sprintf(format, args...)}
}

// MaxHorizon is the furthest that a horizon or a lookahead may reach: a typing error or a
// damaged file is not to ask for more memory than there is.
const MaxHorizon = 1 << 24

// Validate returns a *[SpecError], or a *[graph.ConfigError] for a setting of a network,
// that names the first field with an impossible value.
func (s *Spec) Validate() error {
	for _, check := range []func() error{s.validateTask, s.validateJudging, s.validateNetworks} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateTask() error {
	if _, err := layout.ParseClassWeight(string(s.ClassWeight)); err != nil {
		return wrong("ClassWeight", "%v", err)
	}
	switch {
	case s.Lookahead < All || s.Lookahead > MaxHorizon:
		return wrong("Lookahead", "must be all or a number of rows up to %d, not %d", MaxHorizon, s.Lookahead)
	case s.Horizon < 0 || s.Horizon > MaxHorizon:
		return wrong("Horizon", "must be between 0 and %d, not %d", MaxHorizon, s.Horizon)
	case s.Horizon > 0 && s.Lookahead != 0:
		return wrong("Horizon", "above 0 needs a lookahead of 0: a network that sees the rows ahead has nothing to forecast")
	}
	return errors.Join(
		oneOf("Scale", s.Scale, layout.ScaleKinds),
		oneOf("SeriesScale", s.SeriesScale, SeriesScales))
}

func (s *Spec) validateJudging() error {
	switch {
	case s.Folds < 0 || s.Folds > 100:
		return wrong("Folds", "must be between 0 and 100, not %d", s.Folds)
	case s.Folds == 1 && s.Split != layout.SplitForward:
		return wrong("Folds", "must be 0 or at least 2, not 1")
	case !(s.TestFraction >= 0 && s.TestFraction < 1):
		return wrong("TestFraction", "must be at least 0 and below 1, not %v", s.TestFraction)
	case s.Threshold.Auto && s.Folds == 0:
		return wrong("Threshold", "auto needs folds")
	case s.EarlyStopping < 0:
		return wrong("EarlyStopping", "must be at least 0, not %d", s.EarlyStopping)
	}
	return oneOf("Split", s.Split, layout.SplitKinds)
}

func (s *Spec) validateNetworks() error {
	if err := oneOf("Network", s.Network, NetworkKinds); err != nil {
		return err
	}
	switch {
	case s.Members < 1 || s.Members > 100:
		return wrong("Members", "must be between 1 and 100, not %d", s.Members)
	case s.Threads < 0 || s.Threads > 1024:
		return wrong("Threads", "must be between 0 and 1024, not %d", s.Threads)
	case s.Replicas < 0 || s.Replicas > 1024:
		return wrong("Replicas", "must be between 0 and 1024, not %d", s.Replicas)
	}
	recipes, err := s.Recipes()
	if err != nil {
		return err
	}
	for _, r := range recipes {
		if err := r.validate(s); err != nil {
			return err
		}
	}
	return nil
}

// oneOf checks a setting with few values.
func oneOf[T ~string](field string, value T, all []T) error {
	if slices.Contains(all, value) {
		return nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	last := len(names) - 1
	return wrong(field, "must be %s or %s, not %q", strings.Join(names[:last], ", "), names[last], value)
}

// target is how many rows ahead of a row the label lies that the network gives there.
func (s *Spec) target() int {
	if s.Lookahead > 0 {
		return -int(s.Lookahead)
	}
	return s.Horizon
}
