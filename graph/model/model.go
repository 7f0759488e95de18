package model

import (
	"encoding/json"
	"time"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Format is the version of the folder's layout that this package writes and reads.
const Format = 6

// Model is all of one or several trained networks, its members, but their weights. Their
// probabilities are averaged.
type Model struct {
	Format  int       `json:"format"`  // set by Commit
	Version string    `json:"rnnbin"`  // of the program that made it
	Created time.Time `json:"created"` // set by Commit when zero

	Columns     Columns       `json:"columns"`
	Classes     []string      `json:"classes"`      // [C] names of the labels
	Lookahead   string        `json:"lookahead"`    // how many rows after a row its answer was allowed to rest on, or [All]
	Horizon     int           `json:"horizon"`      // row i gives the label of row i+Horizon
	SeriesScale inputs.Within `json:"series_scale"` // how features are scaled within their series too
	Profile     Profile       `json:"profile"`
	Threshold   float64       `json:"threshold"`    // of two classes: a row is of the second if that has at least this probability
	ClassWeight string        `json:"class_weight"` // as the settings have it

	Network  graph.Network  `json:"network"`           // each member's
	Training graph.Training `json:"training,omitzero"` // the first member's; zero if the model was trained elsewhere
	Weights  []Weights      `json:"weights"`           // the members'; set by Commit
	Rival    *Rival         `json:"rival,omitempty"`   // set by Commit

	Run     Run    `json:"run"`
	History string `json:"history,omitempty"` // name of the file; set by Commit

	// What only the program that trained the model understands, as it has written it.
	Reports  json.RawMessage `json:"reports,omitempty"`  // how the model was chosen and how good it is
	Settings json.RawMessage `json:"settings,omitempty"` // that make the training run again
}

// All is the lookahead to the end of a row's series.
const All = "all"

// Columns are the roles of the training data's columns.
type Columns struct {
	Label    string   `json:"label"`    // "" where labels were events
	Features []string `json:"features"` // [R] in the order of a row's values
	Series   string   `json:"series,omitempty"`
	Time     string   `json:"time,omitempty"`
	MaxGap   string   `json:"max_gap,omitempty"`  // the time between two rows of a series, at most
	Positive string   `json:"positive,omitempty"` // the label that was class 1 where all others were 0
	Missing  string   `json:"missing"`            // what stood in for missing features: error, forward, zero, mean or drop
}

// Profile is what the training rows are like.
type Profile struct {
	Mean []float32 `json:"mean"`           // [R] stands in for a value that is missing
	Low  []float32 `json:"low,omitempty"`  // [R] the least value; nil where it is not known, as is High
	High []float32 `json:"high,omitempty"` // [R] the greatest
}

// Weights names the weights of a network.
type Weights struct {
	Prefix string `json:"prefix"` // of the checkpoint in the folder
	SHA256 string `json:"sha256"` // of its two files, the index first
}

// Rival is logistic regression, for comparison with the members.
type Rival struct {
	Network   graph.Network `json:"network"`
	Threshold float64       `json:"threshold"` // as the model's
	Weights   Weights       `json:"weights"`
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
	if m.Network.Bidirectional || m.SeriesScale == inputs.Whole {
		return 0, false
	}
	_, behind := m.Network.Context()
	return max(0, -m.Horizon) + max(0, behind-max(0, m.Horizon)), true
}
