package answer

import (
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/model"
)

// OptionsOf are those to read data with that has the columns and the classes of a model's training
// data.
func OptionsOf(m *model.Model) series.Options {
	c := m.Columns
	o := series.DefaultOptions()
	o.Label, o.Features, o.Series, o.Time, o.Positive, o.Missing = c.Label, c.Features, c.Series, c.Time, c.Positive, series.Missing(c.Missing)
	o.MaxGap, o.NAValues, o.Times, o.TimeOptional = c.MaxGap, c.NAValues, series.Times(c.Times), c.Resample == "" && !c.Elapsed
	o.Elapsed = c.Elapsed
	o.SetResample(c.Resample, series.ResampleBy(c.ResampleBy))
	o.Keep = []string{c.Label}
	o.SetLayout(series.Layout(c.Layout))
	if o.Shift = c.Shift; o.Shift == nil {
		o.Shift = make([]float64, len(c.Features))
	}
	if o.Positive == "" {
		o.Classes = m.Classes
	}
	return o
}
