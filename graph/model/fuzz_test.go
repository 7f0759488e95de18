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
	f.Add([]byte(`{"format":6,"weights":[{"prefix":"../x"}]}`))
	f.Add([]byte(`{"format":6,"network":{"layers":[{"units":-1}]},"columns":{"features":[""]}}`))
	f.Add([]byte(`{"format":6,"rival":{"network":null},"reports":{"judged":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err != nil {
			return
		}
		if err := m.Network.Validate(); err != nil {
			t.Error(err)
		}
		use(t, m)
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}

// use does what predict, evaluate and inspect do with a model.
func use(t *testing.T, m *Model) {
	F := len(m.Columns.Features)
	if c := m.Network; c.Features != m.SeriesScale.Columns(F) || c.Classes != len(m.Classes) {
		t.Errorf("a network of %d features and %d classes", c.Features, c.Classes)
	}
	for k := range F {
		_ = m.Profile.Mean[k]
		if m.Profile.Low != nil {
			_ = m.Profile.High[k] - m.Profile.Low[k]
		}
	}
	if len(m.files()) < 3 {
		t.Errorf("files %q", m.files())
	}
}
