package series

import "github.com/rnnbin/rnnbin/cmd/internal/table"

// Chunk is some consecutive rows of a file. A Reader fills one that the caller
// owns, so the caller may keep as many as its model looks back.
//
// Rows left out by MissingDrop are part of the input but have no features, so a
// chunk has n of its m input rows.
type Chunk struct {
	X      []float32 // [n,F] features less Options.Shift, row by row; NaN where one is missing and Options.Missing is MissingMean
	Labels []int16   // [n] numbers of classes or Unlabelled; nil without a label column
	Time   []float64 // [n] numbers, or seconds since 1970; nil without a time column
	Series []int32   // [n] number of the row's series
	Input  []int32   // [n] number of the row among the chunk's m input rows

	Stamps  bool // times are timestamps
	Seconds bool // they are numbers of seconds, as the file says

	Begun []Begun // the series whose first row is in the chunk
	Ended []int32 // numbers of those that no row behind the chunk belongs to, see MaxOpen

	batch table.Batch
	rows  []int32 // [m] of the batch
	marks []byte  // decimals.marks
}

// Begun is a series that begins. Series are numbered from 0; its name is the text of
// the series column, or the file's name, with its number behind a gap in time.
type Begun struct {
	Series int32
	Name   string
	Key    string // the text of the series column; "" without one
	Group  string // that it belongs to, see Range
}

// Rows is n, the number of rows with features.
func (c *Chunk) Rows() int { return len(c.Input) }

// InputRows is m, the number of rows of input.
func (c *Chunk) InputRows() int { return len(c.rows) }

// input is which row of the batch is row i of those with features.
func (c *Chunk) input(i int) int { return int(c.rows[c.Input[i]]) }

// reset empties the chunk and keeps its memory.
func (c *Chunk) reset() {
	*c = Chunk{
		X: c.X[:0], Labels: c.Labels[:0], Time: c.Time[:0], Series: c.Series[:0], Input: c.Input[:0],
		Begun: c.Begun[:0], Ended: c.Ended[:0], batch: c.batch, rows: c.rows[:0],
	}
}
