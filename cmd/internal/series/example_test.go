package series_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
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
	if err := series.WriteBuiltin(file, "sine"); err != nil {
		panic(err)
	}
	return path, func() { os.RemoveAll(dir) }
}

// From a file to what the engine trains on.
func Example() {
	path, remove := sine()
	defer remove()

	options := series.DefaultOptions()
	options.Time = "sample"
	data, err := series.Read(context.Background(), []string{path}, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	train, validation, err := series.Split(data.Series, 0.2)
	if err != nil {
		fmt.Println(err)
		return
	}
	scaler, err := series.FitScaler(series.Standard, data, train)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := data.Scale(scaler); err != nil {
		fmt.Println(err)
		return
	}
	parts := append(train, validation...)
	set, err := series.Build(data, parts, series.Layout{Weight: series.BalancedWeight(data.Labels, train)})
	if err != nil {
		fmt.Println(err)
		return
	}
	windows, err := set.Windows(set.Parts[:len(train)], 20, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Len(), "rows of", data.Features)
	fmt.Println(len(windows), "windows to train, from", windows[0], "to", windows[len(windows)-1])
	// Output:
	// 1000 rows of [x]
	// 79 windows to train, from 0 to 780
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
	writer, err := series.NewWriter(&head{lines: 3}, series.JSONL, reader)
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
		probability, label := make([]float32, chunk.Rows()), make([]int16, chunk.Rows())
		for i, x := range chunk.X {
			if probability[i] = x; x > 0 { // a model would go here
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
	// {"sample":0,"x":0,"label":0,"probability":0,"predicted_label":0}
	// {"sample":1,"x":0.01256604,"label":1,"probability":0.01256604,"predicted_label":1}
	// {"sample":2,"x":0.025130095,"label":1,"probability":0.025130095,"predicted_label":1}
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
