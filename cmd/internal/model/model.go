package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Format is the version of the folder's layout that this package writes and reads.
const Format = 3

// Model is all of a trained network but its weights.
type Model struct {
	Format  int       `json:"format"`  // set by Commit
	Version string    `json:"rnnbin"`  // of the program that made it
	Created time.Time `json:"created"` // set by Commit when zero

	Network graph.Config `json:"-"`       // stored without what depends on the machine, see network
	Weights []Weights    `json:"weights"` // one for each network; set by Commit

	Columns Columns `json:"columns"`
	Horizon int     `json:"horizon"` // row i gives the label of row i+Horizon

	Scaler      series.Scaler      `json:"scaler"`
	Threshold   float64            `json:"threshold"` // a probability of at least this is label 1
	ClassWeight series.ClassWeight `json:"class_weight"`

	Training Training        `json:"training"`
	Settings json.RawMessage `json:"settings,omitempty"` // of the training run: the flags' names and their values
	Metrics  *Metrics        `json:"metrics,omitempty"`  // of the last evaluation in training
	History  string          `json:"history,omitempty"`  // name of the file; set by Commit
}

// Weights names the weights of a network.
type Weights struct {
	Prefix string `json:"prefix"` // of the checkpoint in the folder
	SHA256 string `json:"sha256"` // of its two files, the index first
}

// Metrics is the judgement of the weights, as `rnnbin evaluate --json` has it.
type Metrics struct {
	*metrics.Report
	WalkForward json.RawMessage `json:"walk_forward,omitempty"` // mean and deviation over the folds
}

// stored is a Model as model.json has it.
type stored struct {
	*unstored
	Network network `json:"network"`
}

type unstored Model // without its methods

// MarshalJSON gives the network keys of its own.
func (m *Model) MarshalJSON() ([]byte, error) {
	return json.Marshal(stored{(*unstored)(m), networkOf(m.Network)})
}

// Columns are the roles of the training data's columns.
type Columns struct {
	Label    string         `json:"label"`
	Features []string       `json:"features"` // [F] in the network's order
	Series   string         `json:"series,omitempty"`
	Time     string         `json:"time,omitempty"`
	Positive string         `json:"positive,omitempty"`
	Missing  series.Missing `json:"missing"`
}

// Training sums a training run up.
type Training struct {
	Data    []string `json:"data,omitempty"` // as --data named the files
	Rows    int      `json:"rows"`           // that were trained on
	Windows int      `json:"windows"`        // they were cut into
	Epochs  int      `json:"epochs"`         // made
	Best    int      `json:"best,omitempty"` // epoch, from 1, whose weights were kept; 0: the last
	Steps   int      `json:"steps"`          // made
	Seconds float64  `json:"seconds"`
}

// Options are those to read data with that has the columns of the training data.
func (m *Model) Options() series.Options {
	c := m.Columns
	o := series.DefaultOptions()
	o.Label, o.Features, o.Series, o.Time, o.Positive, o.Missing = c.Label, c.Features, c.Series, c.Time, c.Positive, c.Missing
	return o
}

// ColumnsOf are the roles that o gives, with the features that were found.
func ColumnsOf(o series.Options, features []string) Columns {
	return Columns{Label: o.Label, Features: features, Series: o.Series, Time: o.Time, Positive: o.Positive, Missing: o.Missing}
}

// MaxHorizon is the furthest that a horizon may reach, ahead or behind: a typing
// error or a damaged file is not to ask for more memory than there is.
const MaxHorizon = 1 << 24

// validate finds what cannot be, or does not fit together.
func (m *Model) validate() error {
	if err := m.Network.Validate(); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if n := m.Network.Classes; n != 2 {
		return fmt.Errorf("network: %d classes, not 2", n)
	}
	if err := m.Columns.validate(); err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	if err := m.validateFiles(); err != nil {
		return err
	}
	if n := len(m.Columns.Features); n != m.Network.Features {
		return fmt.Errorf("%d feature columns for a network of %d", n, m.Network.Features)
	}
	if err := checkScaler(&m.Scaler, m.Columns.Features); err != nil {
		return fmt.Errorf("scaler: %w", err)
	}
	if !(m.Threshold >= 0 && m.Threshold <= 1) {
		return fmt.Errorf("threshold %v is not between 0 and 1", m.Threshold)
	}
	if m.Horizon < -MaxHorizon || m.Horizon > MaxHorizon {
		return fmt.Errorf("horizon %d is not between -%d and %d", m.Horizon, MaxHorizon, MaxHorizon)
	}
	return nil
}

// validateFiles checks the names: a file that is not in the folder must not be read.
func (m *Model) validateFiles() error {
	if n := len(m.Weights); n != 1 {
		return fmt.Errorf("weights of %d networks, not of 1", n)
	}
	for _, w := range m.Weights {
		if !prefixPattern.MatchString(w.Prefix) {
			return fmt.Errorf("weights: %q is no name of a checkpoint", w.Prefix)
		}
		if !strings.HasPrefix("weights-"+w.SHA256, w.Prefix) {
			return fmt.Errorf("weights: the digest of %s is %q", w.Prefix, w.SHA256)
		}
	}
	if m.History != "" && !historyPattern.MatchString(m.History) {
		return fmt.Errorf("history: %q is no name of a history", m.History)
	}
	return nil
}

func (c Columns) validate() error {
	if len(c.Features) == 0 {
		return errors.New("there is no feature")
	}
	o := series.DefaultOptions()
	o.Label, o.Features, o.Series, o.Time, o.Missing = c.Label, c.Features, c.Series, c.Time, c.Missing
	return o.Validate()
}

// checkScaler finds what would make Apply panic or give no numbers.
func checkScaler(s *series.Scaler, features []string) error {
	if err := s.Check(features); err != nil {
		return err
	}
	for _, values := range [][]float64{s.Offset, s.Scale, s.Fill} {
		if len(values) != len(features) {
			return fmt.Errorf("%d values for %d features", len(values), len(features))
		}
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%v is not a finite number", v)
			}
		}
	}
	for i, v := range s.Scale {
		if v == 0 {
			return fmt.Errorf("the scale of %q is 0", features[i])
		}
	}
	return nil
}
