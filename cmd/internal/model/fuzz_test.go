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
	f.Add([]byte(`{"format":3,"weights":[{"prefix":"../x"}]}`))
	f.Add([]byte(`{"format":3,"network":{"layers":[{"units":-1}]},"columns":{"features":[""]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err != nil {
			return
		}
		if err := m.Network.Validate(); err != nil {
			t.Error(err)
		}
		if err := m.Options().Validate(); err != nil {
			t.Error(err)
		}
		_ = m.Scaler.Apply(make([]float32, 3*len(m.Columns.Features)))
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}
