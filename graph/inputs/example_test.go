package inputs_test

import (
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/graph/inputs"
)

// The rows of a window that is centred wait for those behind them.
func ExampleInputs_NewStream() {
	in := inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{3}, Ahead: inputs.Centred}
	if err := in.Validate(1); err != nil {
		panic(err)
	}
	s := in.NewStream(1, nil)
	var rows []float32
	for _, x := range []float32{1, 1, 4, 4} {
		rows = s.Append(rows, []float32{x})
	}
	rows = s.Rest(rows) // the last one

	fmt.Println("value, mean, deviation, minimum, maximum, slope")
	for row := range slices.Chunk(rows, in.Columns(1)) {
		fmt.Println(row)
	}
	// Output:
	// value, mean, deviation, minimum, maximum, slope
	// [1 1 0 1 1 0]
	// [1 2 1.4142135 1 4 1.5]
	// [4 3 1.4142135 1 4 1.5]
	// [4 4 0 4 4 0]
}
