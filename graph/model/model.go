package model

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Format is the version of the folder's layout that this package writes and reads.
const Format = 8

// Model is all of trained networks of one or several kinds but their weights.
type Model struct {
	Format  int       `json:"format"`  // set by Commit
	Version string    `json:"rnnbin"`  // of the program that made it
	Created time.Time `json:"created"` // set by Commit when zero

	Columns     Columns  `json:"columns"`
	Classes     []string `json:"classes"`   // [C] names of the labels
	Lookahead   string   `json:"lookahead"` // how many rows after a row its answer was allowed to rest on, or [All]
	Profile     Profile  `json:"profile"`
	Threshold   float64  `json:"threshold"`    // of two classes: a row is of the second if that has at least this probability
	ClassWeight string   `json:"class_weight"` // as the settings have it

	Kinds []Kind `json:"networks"`        // whose log-odds are averaged; at least one
	Rival *Rival `json:"rival,omitempty"` // to compare with

	Run     Run    `json:"run"`
	History string `json:"history,omitempty"` // name of the file, see [Opened.Read]; set by Commit
	Judged  string `json:"judged,omitempty"`  // the same

	SHA256 string `json:"sha256"` // of all else, see sum; set by Commit

	// What only the program that trained the model understands, as it has written it.
	Reports  json.RawMessage `json:"reports,omitempty"`  // how the model was chosen and how good it is
	Settings json.RawMessage `json:"settings,omitempty"` // that make the training run again
}

// sum is the SHA-256 of a model.json, but for its SHA256, without spaces.
func (m Model) sum() (string, error) {
	m.SHA256 = ""
	return sumOf(m)
}

// sumOf is the SHA-256 of a value as JSON without spaces.
func sumOf(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return digest(bytes.NewReader(text))
}

// All is the lookahead to the end of a row's series.
const All = "all"

// Columns are the roles of the training data's columns.
type Columns struct {
	Label      string    `json:"label"`           // "" where labels were events
	Features   []string  `json:"features"`        // [R] in the order of a row's values
	Shift      []float64 `json:"shift,omitempty"` // [R] is taken off the values before they become 32-bit floats; nil: nothing is
	Series     string    `json:"series,omitempty"`
	Time       string    `json:"time,omitempty"` // also one that was found, which other data may lack
	Times      Times     `json:"times,omitzero"`
	Layout     string    `json:"layout,omitempty"`   // wide: a row of a file was a series; "": a step of one
	Elapsed    bool      `json:"elapsed,omitempty"`  // the last feature is no column but the time since the row before
	Resample   string    `json:"resample,omitempty"` // the interval that rows were made to have, as mean, last or linear
	ResampleBy string    `json:"resample_by,omitempty"`
	MaxGap     string    `json:"max_gap,omitempty"`   // the time between two rows of a series, at most
	Positive   string    `json:"positive,omitempty"`  // the label that was class 1 where all others were 0
	NAValues   []string  `json:"na_values,omitempty"` // what else than NA meant that a value is missing
	Missing    string    `json:"missing"`             // what stood in for missing features: error, forward, zero, mean or drop
}

// Times says how the times of rows are written.
type Times struct {
	TimeFormat string  `json:"format,omitempty"` // of timestamps, as strftime has it
	TimeZone   string  `json:"zone,omitempty"`   // of timestamps that name none
	TimeKind   string  `json:"kind,omitempty"`   // numbers or timestamps
	DateOrder  string  `json:"dates,omitempty"`  // of dates with slashes: 2/1/2006 or 1/2/2006
	TimeStep   float64 `json:"step,omitempty"`   // that is usual from a row to the next; 0: not known
}

// Measured is value v of feature k, less the shift, as it was measured.
func (c Columns) Measured(k int, v float32) float64 {
	if c.Shift == nil {
		return float64(v)
	}
	return float64(v) + c.Shift[k]
}

// Profile is what the training rows are like, less the shift of their columns.
type Profile struct {
	Mean []float32 `json:"mean"`           // [R] stands in for a value that is missing
	Low  []float32 `json:"low,omitempty"`  // [R] the least value; nil where it is not known, as is High
	High []float32 `json:"high,omitempty"` // [R] the greatest
}

// Kind is one or several networks of one shape, its members, whose log-odds are averaged.
type Kind struct {
	Network  graph.Network  `json:"network"`           // each member's
	Training graph.Training `json:"training,omitzero"` // the first member's; zero if it was trained elsewhere
	Horizon  int            `json:"horizon"`           // row i gives the label of row i+Horizon
	Inputs   inputs.Inputs  `json:"inputs"`            // what a network gets of a row
	Weights  []Weights      `json:"weights"`           // the members', as [Writer.AddWeights] has written them
}

// Weights names the weights of a network.
type Weights struct {
	Prefix string `json:"prefix"` // of the checkpoint in the folder
	SHA256 string `json:"sha256"` // of its two files, the index first
}

// Rival is logistic regression, one network without layers, for comparison with the members.
type Rival struct {
	Kind
	Threshold float64 `json:"threshold"` // as the model's
}

// Run sums up the run that trained the members. It is zero for a model that was trained
// elsewhere.
type Run struct {
	Data    []string `json:"data,omitempty"` // names of the files
	Rows    int      `json:"rows"`           // that the members were trained on
	Members int      `json:"members"`        // asked for
	Epochs  int      `json:"epochs"`         // of a member
	Steps   int      `json:"steps"`          // of a member
	Seconds float64  `json:"seconds"`        // of the whole run
	Partial string   `json:"partial"`        // what was kept of a run that ended early; "" of others
}

// Wait is how many rows of its series have to follow a row before it can be labelled. It is
// not finite where a label rests on the whole series.
func (m *Model) Wait() (rows int, finite bool) {
	for _, k := range m.Kinds {
		n, finite := k.wait()
		if !finite {
			return 0, false
		}
		rows = max(rows, n)
	}
	return rows, true
}

func (k *Kind) wait() (rows int, finite bool) {
	if k.Network.Bidirectional || k.Inputs.SeriesScale == inputs.Whole {
		return 0, false
	}
	_, steps := k.Network.Context()
	_, behind := k.Inputs.Context()
	return max(0, -k.Horizon) + max(0, steps+behind-max(0, k.Horizon)), true
}

// ScalesWhole reports whether a kind scales features by all rows of their series, which have to
// be known before the first is labelled.
func (m *Model) ScalesWhole() bool {
	return slices.ContainsFunc(m.Kinds, func(k Kind) bool { return k.Inputs.SeriesScale == inputs.Whole })
}
