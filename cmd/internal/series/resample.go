package series

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// ResampleBy is how the rows of an interval become one.
type ResampleBy string

const (
	ResampleMean   ResampleBy = "mean"
	ResampleLast   ResampleBy = "last"
	ResampleLinear ResampleBy = "linear" // the value at its beginning, interpolated between rows
)

// ResampleMethods lists all of them.
var ResampleMethods = []ResampleBy{ResampleMean, ResampleLast, ResampleLinear}

// longGap is the number of intervals without a row behind which a new series begins unless Options.MaxGap says otherwise.
const longGap = 10

// SetResample sets an interval for rows, "" for none, and what becomes of those in one.
func (o *Options) SetResample(every string, by ResampleBy) {
	o.Resample, o.ResampleBy = every, by
	if l, err := ParseLength("Options.Resample", every); err == nil && l.Value > 0 && o.MaxGap == "" {
		o.MaxGap = l.times(longGap)
	}
}

func (o Options) validateResample() error {
	every, err := ParseLength("Options.Resample", o.Resample)
	switch {
	case err != nil:
		return err
	case o.Resample == "":
		return nil
	case every.Value == 0:
		return errors.New("Options.Resample must be more than 0")
	case o.Time == "":
		return fmt.Errorf("Options.Resample %s needs Options.Time", o.Resample)
	case !slices.Contains(ResampleMethods, o.ResampleBy):
		return fmt.Errorf("Options.ResampleBy %q is none of %v", o.ResampleBy, ResampleMethods)
	case o.Elapsed:
		return errors.New("Options.Elapsed cannot be used with Options.Resample, which makes it the same for all rows")
	}
	return nil
}

// grid is intervals of the same length, one of which begins at 0.
type grid struct {
	every float64
	by    ResampleBy
}

func (o Options) grid() grid {
	every, _ := ParseLength("Options.Resample", o.Resample)
	return grid{every.Value, o.ResampleBy}
}

// cell is the number of the interval that a time is in. Times just before one, as rounding leaves them, are in it.
func (g grid) cell(time float64) float64 {
	const rounding = 1e-6
	return math.Floor(time/g.every + rounding)
}

// cells is how many intervals there are from the first to the last of times.
func (g grid) cells(time []float64) int {
	return int(min(g.cell(time[len(time)-1])-g.cell(time[0]), math.MaxInt32)) + 1
}

// resampled is a series of a grid.
type resampled struct {
	x      []float32 // [cells,F]
	time   []float64 // [cells] when each begins
	labels []int16   // [cells] nil without labels
	filled int       // cells without a row
}

// of resamples rows x [N,F]. An interval without a row has the values of the one before, unless these are interpolated, and no label.
func (g grid) of(x []float32, time []float64, labels []int16) (r resampled) {
	F, first := len(x)/len(time), g.cell(time[0])
	to := 0
	for k := range g.cells(time) {
		from, begins := to, (first+float64(k))*g.every
		for to < len(time) && g.cell(time[to]) <= first+float64(k) {
			to++
		}
		if from == to {
			r.filled++
		}
		r.time = append(r.time, begins)
		for f := range F {
			r.x = append(r.x, g.value(x[f:], F, time, from, to, begins))
		}
		if from == to && g.by != ResampleLinear {
			copy(r.x[k*F:], r.x[(k-1)*F:k*F])
		}
		if labels != nil {
			r.labels = append(r.labels, mostOf(labels[from:to]))
		}
	}
	return r
}

// value is that of an interval with the rows from to to-1, NaN if it is not known.
func (g grid) value(x []float32, stride int, time []float64, from, to int, begins float64) float32 {
	if g.by == ResampleLinear {
		return interpolate(x, stride, time, from, begins)
	}
	sum, n := 0., 0
	for i := to - 1; i >= from; i-- {
		if v := x[i*stride]; v == v {
			if g.by == ResampleLast {
				return v
			}
			sum, n = sum+float64(v), n+1
		}
	}
	return float32(sum / float64(n))
}

// interpolate is the value at a time which is not behind row next, if there is one.
func interpolate(x []float32, stride int, time []float64, next int, at float64) float32 {
	for next < len(time) && time[next] < at {
		next++
	}
	switch {
	case next == 0 || next < len(time) && time[next] == at:
		return x[next*stride]
	case next == len(time):
		return x[(next-1)*stride]
	}
	before, part := float64(x[(next-1)*stride]), (at-time[next-1])/(time[next]-time[next-1])
	return float32(before + part*(float64(x[next*stride])-before))
}

// mostOf is the label that most rows have, of several the one that comes last, if one has any.
func mostOf(labels []int16) int16 {
	best, most := int16(Unlabelled), 0
	for i := len(labels) - 1; i >= 0; i-- {
		n := 0
		for _, l := range labels {
			if l == labels[i] {
				n++
			}
		}
		if labels[i] != Unlabelled && n > most {
			best, most = labels[i], n
		}
		if 2*n > len(labels) {
			break
		}
	}
	return best
}

// Resample replaces the rows by one for each interval of Options.Resample, if that is set, and says so.
func (d *Data) Resample(o Options) (note string, err error) {
	if o.Resample == "" {
		return "", nil
	}
	every, _ := ParseLength("Options.Resample", o.Resample)
	if err := every.Check(d.Stamps, d.Seconds); err != nil {
		return "", err
	}
	g, rows, filled := o.grid(), d.Len(), 0
	F, all := len(d.Features), *d
	d.X, d.Time, d.Series = nil, nil, nil
	if d.Labels != nil {
		d.Labels = []int16{}
	}
	for _, s := range all.Series {
		time := all.Time[s.Start:s.End]
		if len(d.Time)+g.cells(time) > math.MaxInt32 {
			return "", fmt.Errorf("Options.Resample %s makes more than %d rows", o.Resample, math.MaxInt32)
		}
		var labels []int16
		if all.Labels != nil {
			labels = all.Labels[s.Start:s.End]
		}
		r := g.of(all.X[s.Start*F:s.End*F], time, labels)
		s.Start = len(d.Time)
		d.X, d.Time, d.Labels = append(d.X, r.x...), append(d.Time, r.time...), append(d.Labels, r.labels...)
		s.End = len(d.Time)
		d.Series, filled = append(d.Series, s), filled+r.filled
	}
	d.Input = d.Len()
	return fmt.Sprintf("resampled to a row every %s (%s): %d rows became %d, of which %d had none and are filled without a label; a new series begins behind gaps of more than %s",
		o.Resample, o.ResampleBy, rows, d.Len(), filled, o.MaxGap), nil
}

// Resampled is the rows of a file as Options.Resample has them.
type Resampled struct {
	Values [][]float32 // of each series, by its number [cells*F]
	grid   grid
	first  []float64 // cells
	offset []int     // cells of the series before
}

// ReadResampled reads all rows of r, up to one at fault, which whoever reads them again will meet.
func ReadResampled(ctx context.Context, r *Reader) (*Resampled, error) {
	var x [][]float32
	var time [][]float64
	F := len(r.Features())
	for c := new(Chunk); ; {
		err := r.Next(c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if fault := (*table.Error)(nil); err != nil && err != io.EOF && !errors.As(err, &fault) {
			return nil, err
		}
		if err != nil {
			break
		}
		if every, _ := ParseLength("Options.Resample", r.options.Resample); c.Rows() > 0 {
			if err := every.Check(c.Stamps, c.Seconds); err != nil {
				return nil, err
			}
		}
		for i, s := range c.Series {
			for int(s) >= len(x) {
				x, time = append(x, nil), append(time, nil)
			}
			x[s], time[s] = append(x[s], c.X[i*F:(i+1)*F]...), append(time[s], c.Time[i])
		}
	}
	all, rows := &Resampled{grid: r.options.grid()}, 0
	for s := range x {
		first, made := 0., resampled{}
		if len(time[s]) > 0 {
			first, made = all.grid.cell(time[s][0]), all.grid.of(x[s], time[s], nil)
		}
		all.Values, all.first, all.offset = append(all.Values, made.x), append(all.first, first), append(all.offset, rows)
		rows += len(made.time)
	}
	return all, nil
}

// Row is where the interval of a row, which a Reader of the same file has, is among those of all series.
func (r *Resampled) Row(series int32, time float64) int {
	return r.offset[series] + int(r.grid.cell(time)-r.first[series])
}
