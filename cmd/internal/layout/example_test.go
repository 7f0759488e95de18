package layout_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/builtin"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// read writes the built-in sine to a file, and reads it.
func read() (*series.Data, error) {
	dir, err := os.MkdirTemp("", "layout")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sine.csv")
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := builtin.Write(file, "sine", 0); err != nil {
		return nil, err
	}
	return series.Read(context.Background(), []string{path}, series.DefaultOptions())
}

// From rows to what the engine trains on: the first four fifths, in windows of 20 rows.
func Example() {
	data, err := read()
	if err != nil {
		fmt.Println(err)
		return
	}
	parts := layout.Tail(data, 0.2).Train
	count := layout.Count(data.Labels, parts, len(data.Classes))
	weights, err := layout.ClassWeight{Balanced: true}.Weights(data.Classes, count)
	if err != nil {
		fmt.Println(err)
		return
	}
	scale := layout.FitScale(layout.MinMax, data.X, len(data.Features), parts)
	set, err := layout.Build(data.Labels, parts, 0, weights)
	if err != nil {
		fmt.Println(err)
		return
	}
	set.Gather(data.X, len(data.Features))
	windows := layout.NewScatter(set, 20, 4, 1)
	fmt.Println(layout.Rows(parts), "rows,", count, "of each class, which weigh", weights)
	fmt.Println("offset and divisor", scale.Offset, scale.Divisor)
	fmt.Println(windows.Steps(), "steps an epoch, of", len(windows.Epoch(0)[0]), "windows")
	// Output:
	// 800 rows, [300 500] of each class, which weigh [1.3333334 0.8]
	// offset and divisor [-1] [2]
	// 10 steps an epoch, of 4 windows
}
