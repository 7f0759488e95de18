package eventlog

import (
	"bytes"
	"image/png"

	summarypb "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// picture is of the series whose rows, held back, were answered wrong most often.
func (l *Log) picture(r *fit.Result) (value, error) {
	j := r.Judged
	mistakes := func(s series.Range) (n int) {
		for i := s.Start; i < s.End; i++ {
			if j.Fold[i] > 0 && j.Answer[i] != l.data.Labels[i] {
				n++
			}
		}
		return n
	}
	worst, most := l.data.Series[0], -1
	for _, s := range l.data.Series {
		if n := mistakes(s); n > most {
			worst, most = s, n
		}
	}
	var text bytes.Buffer
	if err := l.answers(worst, r).Figures()[0].WritePNG(&text); err != nil {
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

// answers are those to a series.
func (l *Log) answers(s series.Range, r *fit.Result) *plot.Answers {
	d, j := l.data, r.Judged
	shown := plot.Shown{Features: d.Features, Classes: d.Classes, Threshold: r.Threshold}
	switch {
	case d.Stamps:
		shown.Scale = plot.Stamps
	case d.Time != nil:
		shown.Scale = plot.Times
	}
	a := plot.NewAnswers(shown)
	a.Begin(0, s.Name)
	F, C := len(d.Features), len(d.Classes)
	x := inputs.Fill(d.X[s.Start*F:s.End*F], r.Profile.Mean)
	for i := range s.Len() {
		row := plot.Row{At: float64(i), X: x[i*F : (i+1)*F], Answer: -1, Label: d.Labels[s.Start+i]}
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
