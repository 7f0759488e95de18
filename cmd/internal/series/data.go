package series

// Data is labelled series in memory, one after the other.
type Data struct {
	Features []string  // [F] names
	Label    string    // name of the label column; "" when it is absent
	X        []float32 // [N,F] row by row; NaN is for Scaler.Apply to fill
	Labels   []int8    // [N] 0, 1 or Unlabelled; nil when the column is absent
	Time     []float64 // [N] numbers, or seconds since 1970; nil without a time column
	Series   []Range   // cover the rows from 0 to N in order
	Rows     []int32   // [N] the input row of each row; nil when they are the same
	Input    int       // number of input rows, those left out included
	Warnings []Warning
}

// Len is N, the number of rows.
func (d *Data) Len() int {
	if len(d.Series) == 0 {
		return 0
	}
	return d.Series[len(d.Series)-1].End
}

// Range is the rows Start to End-1 of one series, or of a part of it.
type Range struct {
	Name  string // of the series
	File  string // where the series begins
	Start int
	End   int
}

// Len is the number of rows.
func (r Range) Len() int { return r.End - r.Start }
