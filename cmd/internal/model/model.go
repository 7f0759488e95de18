package model

import (
	"encoding/json"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Format is the version of the folder's layout that this package writes and reads.
const Format = 4

// Model is all of one or several trained networks, its members, but their weights. Their
// probabilities are averaged.
type Model struct {
	Format  int       `json:"format"`  // set by Commit
	Version string    `json:"rnnbin"`  // of the program that made it
	Created time.Time `json:"created"` // set by Commit when zero

	Columns     Columns       `json:"columns"`
	Classes     []string      `json:"classes"`      // [C] names of the labels
	Lookahead   string        `json:"lookahead"`    // how many rows behind a row its answer was allowed to rest on, or [All]
	Horizon     int           `json:"horizon"`      // row i gives the label of row i+Horizon
	SeriesScale layout.Within `json:"series_scale"` // how features are scaled within their series, too
	Profile     Profile       `json:"profile"`
	Threshold   float64       `json:"threshold"`    // of two classes: with at least this probability of the second a row is labelled that
	ClassWeight string        `json:"class_weight"` // as --class-weight had it

	Network   Network           `json:"network"`            // each member's
	Weights   []Weights         `json:"weights"`            // the members'; set by Commit
	Rival     *Rival            `json:"rival,omitempty"`    // set by Commit
	Positions metrics.Positions `json:"positions,omitzero"` // what a row's number in its series alone answers

	Training Training        `json:"training"`
	Rungs    []Rung          `json:"rungs,omitempty"`    // the networks that were compared, from the simplest on
	Judged   *Judged         `json:"judged,omitempty"`   // by rows that took no part in the training
	Test     *metrics.Report `json:"test,omitempty"`     // of rows that nothing was chosen by
	Settings json.RawMessage `json:"settings,omitempty"` // of the training run: the flags' names and their values
	History  string          `json:"history,omitempty"`  // name of the file; set by Commit
}

// All is the lookahead to the end of a row's series.
const All = "all"

// Columns are the roles of the training data's columns.
type Columns struct {
	Label    string         `json:"label"`    // "" where labels were events
	Features []string       `json:"features"` // [F] in the network's order
	Series   string         `json:"series,omitempty"`
	Time     string         `json:"time,omitempty"`
	MaxGap   string         `json:"max_gap,omitempty"`
	Positive string         `json:"positive,omitempty"`
	Missing  series.Missing `json:"missing"`
}

// Profile is what the training rows are like, as [layout.Profile] has it.
type Profile struct {
	Mean []float32 `json:"mean"`           // [F] stands in for a value that is missing
	Low  []float32 `json:"low,omitempty"`  // [F] the least value; nil where it is not known, as is High
	High []float32 `json:"high,omitempty"` // [F] the greatest
}

// Weights names the weights of a network.
type Weights struct {
	Prefix string `json:"prefix"` // of the checkpoint in the folder
	SHA256 string `json:"sha256"` // of its two files, the index first
}

// Rival is logistic regression, for comparison with the members.
type Rival struct {
	Network Network `json:"network"`
	Weights Weights `json:"weights"`
}

// Training sums a training run up.
type Training struct {
	Data    []string `json:"data,omitempty"` // as --data named the files
	Rows    int      `json:"rows"`           // that the members were trained on
	Members int      `json:"members"`        // asked for
	Epochs  int      `json:"epochs"`         // of a member
	Steps   int      `json:"steps"`          // of a member
	Seconds float64  `json:"seconds"`        // of the whole run
	Partial string   `json:"partial"`        // what was kept of a run that ended early; "" of others
}

// Rung is one of the networks that were compared.
type Rung struct {
	Name                string  `json:"name"`
	Candidate           bool    `json:"candidate"` // it could have been chosen
	Chosen              bool    `json:"chosen"`
	Epochs              int     `json:"epochs"`          // made, the most of the folds'
	Seconds             float64 `json:"seconds"`         // of all folds together
	Error               string  `json:"error,omitempty"` // why it was not judged
	*metrics.FoldSpread         // of one member; nil if it was not judged
}

// Judged is how good the members are, by the answers of such networks to rows that these
// were not trained on.
type Judged struct {
	Split string `json:"split"` // how the rows were divided into folds
	metrics.FoldSpread
	Report *metrics.Report `json:"report"` // of all rows
}

// Options are those to read data with that has the columns and the classes of the training
// data.
func (m *Model) Options() series.Options {
	c := m.Columns
	o := series.DefaultOptions()
	o.Label, o.Features, o.Series, o.Time, o.Positive, o.Missing = c.Label, c.Features, c.Series, c.Time, c.Positive, c.Missing
	o.MaxGap = c.MaxGap
	if o.Positive == "" {
		o.Classes = m.Classes
	}
	return o
}

// Wait is for how many rows after it, of its series, a row waits for its answer. It is not
// finite where a row waits for the end of its series.
func (m *Model) Wait() (rows int, finite bool) {
	if m.Network.Bidirectional || m.SeriesScale == layout.Whole {
		return 0, false
	}
	_, behind := m.Network.Context()
	return max(0, -m.Horizon) + max(0, behind-max(0, m.Horizon)), true
}

// ColumnsOf are the roles that o gives, with the features that were found.
func ColumnsOf(o series.Options, features []string) Columns {
	return Columns{Label: o.Label, Features: features, Series: o.Series, Time: o.Time, MaxGap: o.MaxGap, Positive: o.Positive, Missing: o.Missing}
}
