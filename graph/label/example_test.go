package label_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// A series is labelled as `rnnbin predict` labels it.
func Example() {
	folder := trained() // such as runs/latest
	defer os.RemoveAll(folder)

	m, err := label.Open(folder)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	x := []float32{18, 19, 24, 25, 19} // rows x features, as they were measured
	a, err := m.Label(context.Background(), label.Series{Values: x})
	if err != nil {
		log.Fatal(err)
	}
	for i, class := range a.Class {
		fmt.Printf("%v %s %.1f\n", x[i], m.Class(class), a.Score[i])
	}
	// Output:
	// 18 cold 1.0
	// 19 cold 1.0
	// 24 warm 1.0
	// 25 warm 1.0
	// 19 cold 1.0
}

// Rows are labelled as they arrive.
func ExampleModel_Stream() {
	folder := trained()
	defer os.RemoveAll(folder)
	m, err := label.Open(folder)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	s := m.Stream()
	for _, measured := range []float32{18, 24} {
		a, err := s.Push([]float32{measured})
		if err != nil {
			log.Fatal(err)
		}
		for _, class := range a.Class { // none, one or many are known now
			fmt.Println(m.Class(class))
		}
	}
	rest, err := s.Flush() // the rows that waited for others
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rest.Len(), "waited")
	// Output:
	// cold
	// warm
	// 0 waited
}

// Several series, and a part of one in the light of the rest of it.
func ExampleModel_Label() {
	folder := trained()
	defer os.RemoveAll(folder)
	m, err := label.Open(folder)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	missing := float32(math.NaN()) // the mean of the training rows stands in for it
	a, err := m.WithThreshold(0.9).Label(context.Background(),
		label.Series{Values: []float32{18, missing}},
		label.Series{Values: []float32{17, 18, 24, 25}, From: 2, To: 4})
	if err != nil {
		log.Fatal(err)
	}
	for _, class := range a.Class {
		fmt.Println(m.Class(class))
	}
	// Output:
	// cold
	// cold
	// warm
	// warm
}

// trained makes a model folder, as `rnnbin train` does: logistic regression of what is warm.
func trained() string {
	c := graph.DefaultConfig()
	c.Window, c.Layers, c.LearningRate = 1, nil, 0.05
	s, err := graph.NewSession(c)
	check(err)
	defer s.Close()
	in := inputs.Inputs{SeriesScale: inputs.None, Scale: &inputs.Scale{Offset: []float32{20.5}, Divisor: []float32{1}}}
	x := []float32{17, 18, 19, 20, 21, 22, 23, 24}
	x = in.Expand(x, 1, []inputs.Range{{End: len(x)}})
	check(s.SetSeries(graph.Series{X: x, Y: []float32{0, 0, 0, 0, 1, 1, 1, 1}}))
	step := []int32{0, 1, 2, 3, 4, 5, 6, 7} // all rows
	_, err = s.Train(context.Background(), graph.Plan{Starts: slices.Repeat([][]int32{step}, 300)})
	check(err)

	folder, err := os.MkdirTemp("", "label")
	check(err)
	w, err := model.Create(folder, false)
	check(err)
	defer w.Close()
	weights, err := w.AddWeights(s.Save)
	check(err)
	check(w.Commit(&model.Model{
		Columns: model.Columns{Label: "feels", Features: []string{"celsius"}, Missing: "mean"}, Classes: []string{"cold", "warm"},
		Lookahead: "0", Profile: model.Profile{Mean: []float32{20.5}}, Threshold: 0.5,
		Kinds: []model.Kind{{Network: c.Network, Inputs: in, Weights: []model.Weights{weights}}},
	}))
	return folder
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
