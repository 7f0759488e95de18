package engine

import (
	"encoding/json"
	"time"

	"github.com/rnnbin/rnnbin/graph/model"
)

// Info is what a client may know of a version of a model.
type Info struct {
	Name    string `json:"name"`
	Version int64  `json:"version,string"`

	Features  []string  `json:"features"`            // [R]
	Shift     []float64 `json:"shift,omitempty"`     // [R] is taken off the values, also of the profile; nil: nothing is
	Classes   []string  `json:"classes"`             // [C]
	Threshold *float64  `json:"threshold,omitempty"` // nil for more than two classes

	Lookahead string `json:"lookahead"`      // rows after a row that its answer was allowed to rest on, or all
	Wait      *int   `json:"wait,omitempty"` // rows after a row that it waits for in a stream; nil if the model has no streams

	Members    int             `json:"members"`
	Parameters int             `json:"parameters"` // of all members
	Window     int             `json:"window"`     // steps that the networks were trained on, the most
	Created    time.Time       `json:"created"`
	Program    string          `json:"rnnbin"`        // its version
	Rows       int             `json:"training_rows"` // 0 if that is not known
	Profile    model.Profile   `json:"profile"`
	Reports    json.RawMessage `json:"reports,omitempty"` // how good the model is, as it was judged in training

	Model *model.Model `json:"-"`
}

func newInfo(name string, version int64, m *model.Model) *Info {
	i := &Info{
		Name: name, Version: version, Features: m.Columns.Features, Shift: m.Columns.Shift, Classes: m.Classes, Lookahead: m.Lookahead,
		Created: m.Created, Program: m.Version, Rows: m.Run.Rows, Profile: m.Profile, Reports: m.Reports, Model: m,
	}
	if len(m.Classes) == 2 {
		i.Threshold = &m.Threshold
	}
	if rows, finite := m.Wait(); finite {
		i.Wait = &rows
	}
	for _, k := range m.Kinds {
		i.Members += len(k.Weights)
		i.Parameters += len(k.Weights) * k.Network.Parameters()
		i.Window = max(i.Window, k.Network.Window)
	}
	return i
}
