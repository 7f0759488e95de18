package eventlog

import (
	"bytes"
	"image/png"
	"slices"

	summarypb "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// pictured is how many rows a picture has at most: more are too close to see, and take long to draw.
const pictured = 1000

// picture is of the series whose rows, held back, were answered wrong most often, where most of them were.
func (l *Log) picture(r *fit.Result) (value, error) {
	var text bytes.Buffer
	if err := l.answers(l.worst(r.Judged), r).Figures()[0].WritePNG(&text); err != nil {
		return nil, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(text.Bytes()))
	if err != nil {
		return nil, err
	}
	const rgba = 4
	image := &summarypb.Summary_Image{Width: int32(size.Width), Height: int32(size.Height), Colorspace: rgba, EncodedImageString: text.Bytes()}
	return &summarypb.Summary_Value{Tag: heldBack + "/answers", Value: &summarypb.Summary_Value_Image{Image: image}}, nil
}

// worst is the stretch of a series with the most mistakes.
func (l *Log) worst(j *fit.Judged) (worst series.Range) {
	most := -1
	for _, s := range l.data.Series {
		mistakes := 0
		for i := s.Start; i < s.End; i++ {
			mistakes += l.mistake(j, i)
			from := max(s.Start, i+1-pictured)
			if from > s.Start {
				mistakes -= l.mistake(j, from-1)
			}
			if whole := i+1 == s.End || i+1-from == pictured; whole && mistakes > most {
				most, worst = mistakes, s
				worst.Start, worst.End = from, i+1
			}
		}
	}
	return worst
}

// mistake is 1 if row i was judged and answered wrong, else 0.
func (l *Log) mistake(j *fit.Judged, i int) int {
	if j.Fold[i] > 0 && j.Answer[i] != l.data.Labels[i] {
		return 1
	}
	return 0
}

// answers are those to a stretch of a series.
func (l *Log) answers(s series.Range, r *fit.Result) *plot.Answers {
	d, j := l.data, r.Judged
	a := plot.NewAnswers(plot.Shown{Features: d.Features, Classes: d.Classes, Threshold: r.Threshold, Scale: plot.ScaleOf(d.Time != nil, d.Stamps)})
	a.Begin(0, s.Name)
	F, C := len(d.Features), len(d.Classes)
	x := inputs.Fill(d.X[s.Start*F:s.End*F], r.Profile.Mean)
	begin := d.Series[slices.IndexFunc(d.Series, func(whole series.Range) bool { return s.Start < whole.End })].Start
	for i := range s.Len() {
		row := plot.Row{At: float64(s.Start - begin + i), X: x[i*F : (i+1)*F], Answer: -1, Label: d.Labels[s.Start+i]}
		if d.Time != nil {
			row.At = d.Time[s.Start+i]
		}
		if at := s.Start + i; j.Fold[at] > 0 {
			row.Answer, row.Probability = j.Answer[at], j.Probability[at*C:(at+1)*C]
		}
		a.Add(0, row)
	}
	return a
}
