package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// pictureFlags say what is drawn, and where.
type pictureFlags struct {
	path   string
	rows   string
	series files // names, one a flag: a name may have a comma
}

func (p *pictureFlags) addFlags(f *pflag.FlagSet) {
	addFlag(f, "plot", &p.path, "draw features, labels, answers, mistakes and probabilities to `file`, .svg or .png", pictureEndings...)
	addFlag(f, "plot-rows", &p.rows, "draw only rows `FROM:TO` of each series, counted from 0 and without TO; either may be empty")
	addFlag(f, "plot-series", &p.series, "draw the series of this `name`; can be repeated (default the first 4)")
}

// checkPlot checks the value of --plot; "" stands for none.
func checkPlot(path string) error {
	if path == "" {
		return nil
	}
	if err := plot.Check(path); err != nil {
		return usageError{fmt.Errorf("--plot: %w", err)}
	}
	return nil
}

// validate checks the flags.
func (p *pictureFlags) validate() error {
	if p.path == "" && p.rows != "" {
		return usagef("plot-rows", "needs --plot")
	}
	if p.path == "" && len(p.series) > 0 {
		return usagef("plot-series", "needs --plot")
	}
	return checkPlot(p.path)
}

// answersPicture is the picture that --plot asks for, if it does.
type answersPicture struct {
	*plot.Answers // nil if it does not
	path          string
	model         *model.Model
	rows          rowRange
	seen          map[int32]int // rows of each series
}

// begin begins the picture of what a model answers. Of --plot-rows numbers from the end need series
// of known lengths.
func (p *pictureFlags) begin(m *model.Model, lengths bool) (*answersPicture, error) {
	a := &answersPicture{path: p.path, model: m, seen: map[int32]int{}}
	if p.path == "" {
		return a, nil
	}
	var err error
	if a.rows, err = parseRows("plot-rows", p.rows); err != nil {
		return nil, err
	}
	if !lengths && (a.rows.from < 0 || a.rows.to < 0) {
		return nil, usagef("plot-rows", "counts from the start of a series here, as its end is not known beforehand")
	}
	a.Answers = plot.NewAnswers(plot.Shown{Features: featureNames(m), Classes: m.Classes, Threshold: m.Threshold, Series: p.series})
	return a, nil
}

// featureNames are the features as networks get them: less what is taken from each.
func featureNames(m *model.Model) []string {
	names := slices.Clone(m.Columns.Features)
	for k, s := range m.Columns.Shift {
		if s != 0 {
			names[k] += fmt.Sprintf(" - %.12g", s)
		}
	}
	return names
}

// addChunk adds the rows of a chunk.
func (a *answersPicture) addChunk(c *series.Chunk, answers label.Answers) {
	if a.Answers == nil {
		return
	}
	a.Scale = plot.ScaleOf(c.Time != nil, c.Stamps)
	for _, b := range c.Begun {
		a.Begin(b.Series, b.Name)
	}
	x := inputs.Fill(c.X, a.model.Profile.Mean)
	for i, s := range c.Series {
		n := a.seen[s]
		a.seen[s] = n + 1
		if n >= a.rows.from && (a.rows.open || n < a.rows.to) {
			a.addRow(s, n, i, x, c.Labels, c.Time, answers)
		}
	}
}

// addAll adds the rows of data.
func (a *answersPicture) addAll(d *series.Data, answers label.Answers) {
	if a.Answers == nil {
		return
	}
	a.Scale = plot.ScaleOf(d.Time != nil, d.Stamps)
	x := inputs.Fill(d.X, a.model.Profile.Mean)
	for k, s := range d.Series {
		a.Begin(int32(k), s.Name)
		from, to := a.rows.of(s.Len())
		for n := from; n < to; n++ {
			a.addRow(int32(k), n, s.Start+n, x, d.Labels, d.Time, answers)
		}
	}
}

// addRow adds a row, which has number n in its series and i among those that are answered. Labels
// and times may be nil.
func (a *answersPicture) addRow(s int32, n, i int, x []float32, labels []int16, time []float64, answers label.Answers) {
	F, C := len(a.model.Columns.Features), len(a.model.Classes)
	row := plot.Row{At: float64(n), X: x[i*F : (i+1)*F], Probability: answers.Probability[i*C : (i+1)*C], Answer: answers.Class[i], Label: series.Unlabelled}
	if labels != nil {
		row.Label = labels[i]
	}
	if time != nil {
		row.At = time[i]
	}
	a.Add(s, row)
}

// write draws the picture, and says what it leaves out.
func (a *answersPicture) write(errOut io.Writer) error {
	if a.Answers == nil {
		return nil
	}
	if name, all := a.Unknown(); name != "" {
		err := flagf("plot-series", "names %q, but the series are %s", name, table.List(all))
		if near := table.Closest(all, name); near != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, near)
		}
		return err
	}
	if err := a.Write(a.path); err != nil {
		return fmt.Errorf("--plot: %w", err)
	}
	if text := a.LeftOut(); text != "" {
		fmt.Fprintf(errOut, "rnnbin: %s shows %s (--plot-series and --plot-rows choose)\n", a.path, text)
	}
	return nil
}
