package table

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// recording is signals that begin together, in blocks of one length: what WFDB and EDF hold. It gives them as
// batches of Arrow, behind the seconds since the beginning. A row is a number of the fastest signal; slower ones
// repeat theirs.
type recording struct {
	signals []*signal
	second  float64 // blocks in a second
	blocks  int     // in all; 0 where that is not known
	fastest int     // numbers in a block
	builder *array.RecordBuilder

	// more reads up to so many blocks, which follow each other, into the signals. The first one is the given block
	// after a number of seconds. Behind the last one it returns io.EOF.
	more func(most int) (n, first int, after float64, err error)
}

// signal is a column of a recording.
type signal struct {
	name, unit        string
	rate              int     // numbers in a block
	zero, span, steps float64 // a number stands for (number - zero) * span / steps + least
	least             float64
	values            []float64 // of the blocks read last, NaN for none
}

func (s *signal) add(number int32) {
	s.values = append(s.values, (float64(number)-s.zero)*s.span/s.steps+s.least)
}

const (
	timeColumn = "time" // of a recording
	maxBlock   = 16 << 20
)

// SecondUnit is the unit of a column of seconds.
const SecondUnit = "s"

// begin describes the columns of a recording.
func (d *arrowDecoder) begin(r *recording) error {
	for _, s := range r.signals {
		r.fastest = max(r.fastest, s.rate)
	}
	if float64(r.blocks)*float64(r.fastest) > math.MaxInt32 {
		return fmt.Errorf("there are more than %d rows", math.MaxInt32)
	}
	var fields []arrow.Field
	taken := map[string]bool{"": true}
	add := func(name, unit string) {
		for n, plain := 2, name; taken[name]; n++ {
			name = strings.TrimSpace(fmt.Sprintf("%s (%d)", plain, n))
		}
		taken[name] = true
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
		d.units = append(d.units, unit)
	}
	add(timeColumn, SecondUnit)
	for _, s := range r.signals {
		if add(s.name, s.unit); s.rate < r.fastest {
			d.notes = append(d.notes, Warning{Column: s.name, Text: fmt.Sprintf("has %s values a second, and rows are %s, so each is repeated", r.perSecond(s.rate), r.perSecond(r.fastest))})
		}
	}
	d.describe(arrow.NewSchema(fields, nil))
	r.builder = array.NewRecordBuilder(memory.NewGoAllocator(), d.schema)
	d.rows, d.batches = r.blocks*r.fastest, r
	return nil
}

// perSecond is how many numbers there are in a second if there are n in a block.
func (r *recording) perSecond(n int) string {
	return string(appendFloat(nil, math.Round(float64(n)*r.second*1e6)/1e6, 64))
}

// Read reads some blocks.
func (r *recording) Read() (arrow.RecordBatch, error) {
	const rows = 8192
	for _, s := range r.signals {
		s.values = s.values[:0]
	}
	n, first, after, err := r.more(max(rows/r.fastest, 1))
	if err != nil {
		return nil, err
	}
	times, rate := r.builder.Field(0).(*array.Float64Builder), float64(r.fastest)*r.second
	for i := range n * r.fastest {
		times.Append(after + float64(first*r.fastest+i)/rate)
	}
	for k, s := range r.signals {
		to := r.builder.Field(k + 1).(*array.Float64Builder)
		for i := range n * r.fastest {
			if x := s.values[i/r.fastest*s.rate+i%r.fastest*s.rate/r.fastest]; x == x {
				to.Append(x)
			} else {
				to.AppendNull()
			}
		}
	}
	return r.builder.NewRecordBatch(), nil
}

// cutOff is io.EOF where a recording may end, and otherwise an error.
func cutOff(err error, may bool) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF && !may {
		return fmt.Errorf("the data is cut off: %w", io.ErrUnexpectedEOF)
	}
	return err
}
