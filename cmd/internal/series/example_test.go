package series_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/builtin"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// sine writes the built-in sine to a file.
func sine() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "series")
	if err != nil {
		panic(err)
	}
	path = filepath.Join(dir, "sine.csv")
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if err := builtin.Write(file, "sine", 0); err != nil {
		panic(err)
	}
	return path, func() { os.RemoveAll(dir) }
}

// From a file to rows and their classes.
func Example() {
	path, remove := sine()
	defer remove()

	data, err := series.Read(context.Background(), []string{path}, series.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Len(), "rows of", data.Features, "in time of", data.TimeColumn)
	fmt.Println("rows of classes", data.Classes, "are", data.Count())
	// Output:
	// 1000 rows of [x] in time of sample
	// rows of classes [0 1] are [500 500]
}

// Rows stream through a model and come out with two more columns.
func ExampleWriter() {
	path, remove := sine()
	defer remove()

	options := series.DefaultOptions()
	options.Features = []string{"x"}
	reader, err := series.Open(context.Background(), path, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reader.Close()
	writer, err := series.NewWriter(&head{lines: 3}, table.JSONL, reader, series.Answers{Classes: []string{"0", "1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for chunk := new(series.Chunk); ; {
		err := reader.Next(chunk)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		var probability []float32 // of each class
		label := make([]int16, chunk.Rows())
		for i, x := range chunk.X {
			if probability = append(probability, 1-x, x); x > 0 { // a model would go here
				label[i] = 1
			}
		}
		if err := writer.Write(chunk, probability, label); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := writer.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"sample":0,"x":0,"label":0,"predicted_label":0,"predicted_probability":1}
	// {"sample":1,"x":0.01256604,"label":1,"predicted_label":1,"predicted_probability":0.01256604}
	// {"sample":2,"x":0.025130095,"label":1,"predicted_label":1,"predicted_probability":0.025130095}
}

// head prints the first lines of what is written to it.
type head struct{ lines int }

func (h *head) Write(p []byte) (int, error) {
	for _, c := range p {
		if h.lines > 0 {
			fmt.Printf("%c", c)
		}
		if c == '\n' {
			h.lines--
		}
	}
	return len(p), nil
}
