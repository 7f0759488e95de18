package answer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// survey is the moments of whole series, from a reading of all rows before the one that
// answers them. Those of the series that are open, see [series.MaxOpen], are in memory;
// those of the others wait in a temporary file.
type survey struct {
	fill  []float32 // [R] stands in for missing values
	rows  int
	open  map[int32]*inputs.Moments
	ended *os.File // a record for each series; nil while none has ended
}

var errChanged = errors.New("the rows changed while they were read twice")

func newSurvey(fill []float32) *survey {
	return &survey{fill: fill, open: map[int32]*inputs.Moments{}}
}

// read reads the rows of r, up to one that cannot be read. Measured is called with the number of
// rows of input in each chunk; it may be nil.
func (v *survey) read(ctx context.Context, r *series.Reader, measured func(rows int)) error {
	for c := new(series.Chunk); ctx.Err() == nil && r.Next(c) == nil; {
		v.add(c.Series, c.X)
		for _, ended := range c.Ended {
			if err := v.end(ended); err != nil {
				return err
			}
		}
		if measured != nil {
			measured(c.InputRows())
		}
	}
	return ctx.Err()
}

// add adds rows: the number of each one's series, [n], and their features, [n,R].
func (v *survey) add(series []int32, x []float32) {
	x, R := inputs.Fill(x, v.fill), len(v.fill)
	for at := 0; at < len(series); {
		end := at + 1
		for end < len(series) && series[end] == series[at] {
			end++
		}
		m := v.open[series[at]]
		if m == nil {
			m = inputs.NewMoments(R)
			v.open[series[at]] = m
		}
		m.Add(x[at*R : end*R])
		at = end
	}
	v.rows += len(series)
}

// end puts the moments of a series, which has no more rows, into the file.
func (v *survey) end(series int32) error {
	m := v.open[series]
	if m == nil {
		return nil
	}
	delete(v.open, series)
	if err := v.write(series, m); err != nil {
		return fmt.Errorf("scales of series that have ended: %w", err)
	}
	return nil
}

func (v *survey) write(number int32, m *inputs.Moments) error {
	if v.ended == nil {
		var err error
		if v.ended, err = table.Scratch(); err != nil {
			return err
		}
	}
	record, err := binary.Append(nil, binary.LittleEndian, slices.Concat([]float64{m.Rows}, m.Mean, m.Squares))
	if err != nil {
		return err
	}
	_, err = v.ended.WriteAt(record, v.offset(number))
	return err
}

// values is the number of them in a record: its rows, means and squares.
func (v *survey) values() int { return 1 + 2*len(v.fill) }

// offset is where the record of a series begins.
func (v *survey) offset(series int32) int64 { return 8 * int64(v.values()) * int64(series) }

// of returns the moments of a series that begins.
func (v *survey) of(series int32) (*inputs.Moments, error) {
	if m := v.open[series]; m != nil {
		return m, nil
	}
	if v.ended == nil {
		return nil, errChanged
	}
	values := make([]float64, v.values())
	err := binary.Read(io.NewSectionReader(v.ended, v.offset(series), v.offset(1)), binary.LittleEndian, values)
	if err == io.EOF || err == nil && values[0] == 0 {
		return nil, errChanged
	}
	if err != nil {
		return nil, fmt.Errorf("scales of series that have ended: %w", err)
	}
	return &inputs.Moments{Rows: values[0], Mean: values[1 : 1+len(v.fill)], Squares: values[1+len(v.fill):]}, nil
}

// close lets go of the file.
func (v *survey) close() {
	if v.ended != nil {
		v.ended.Close()
	}
}
