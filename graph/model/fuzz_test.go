package model

import (
	"encoding/json"
	"testing"
)

// Whatever a model.json holds, parse reports it or returns what can be worked
// with.
func FuzzParse(f *testing.F) {
	whole := whole()
	text, err := json.Marshal(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":8,"networks":[{"weights":[{"prefix":"../x"}]}]}`))
	f.Add([]byte(`{"format":8,"networks":[{"network":{"layers":[{"units":-1}]}},null],"columns":{"features":[""]}}`))
	f.Add([]byte(`{"format":8,"networks":[{"inputs":{"rolling":[2,2],"ahead":-2,"scale":{"center":[],"divisor":[0]}}}]}`))
	f.Add([]byte(`{"format":8,"networks":[],"rival":{"network":null},"reports":{"judged":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err != nil {
			return
		}
		use(t, m)
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}

// use does what predict, evaluate and inspect do with a model.
func use(t *testing.T, m *Model) {
	R := len(m.Columns.Features)
	if len(m.Kinds) == 0 {
		t.Error("no kind")
	}
	for _, k := range m.Kinds {
		c := k.Network
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if c.Features != k.Inputs.Columns(R) || c.Classes != len(m.Classes) || len(k.Weights) == 0 {
			t.Errorf("%d networks of %d features and %d classes", len(k.Weights), c.Features, c.Classes)
		}
		if s := k.Inputs.Scale; s != nil {
			s.Apply(make([]float32, c.Features))
		}
	}
	if _, finite := m.Wait(); !finite && m.Lookahead != All {
		t.Errorf("lookahead %s", m.Lookahead)
	}
	for k := range R {
		_ = m.Profile.Mean[k]
		if m.Profile.Low != nil {
			_ = m.Profile.High[k] - m.Profile.Low[k]
		}
	}
	if len(m.files()) < 3 {
		t.Errorf("files %q", m.files())
	}
}
