package model

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Names of the files in a folder.
const (
	modelFile     = "model.json"
	WeightsPrefix = "weights" // of the checkpoint
	ConfigFile    = "config.yaml"
	MetricsFile   = "metrics.json"
	HistoryFile   = "history.jsonl"
)

// weightsFiles are those of the checkpoint.
var weightsFiles = []string{WeightsPrefix + ".index", WeightsPrefix + ".data-00000-of-00001"}

// Format is the version of the folder's layout that this package writes and reads.
const Format = 2

// Model is all of a trained network but its weights.
type Model struct {
	Format  int       `json:"format"`  // set by Commit
	Version string    `json:"rnnbin"`  // of the program that made it
	Created time.Time `json:"created"` // set by Commit when zero

	Network graph.Config `json:"network"` // with the defaults for Threads, Form and InstructionSet, which depend on the machine
	Columns Columns      `json:"columns"`
	Horizon int          `json:"horizon"` // row i gives the label of row i+Horizon

	Scaler      series.Scaler      `json:"scaler"`
	Threshold   float64            `json:"threshold"` // a probability of at least this is label 1
	ClassWeight series.ClassWeight `json:"class_weight"`

	Training Training `json:"training"`
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
