package graph_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/graph"
)

// Train a small network to say whether the last value was above zero, and label
// a window.
func Example() {
	config := graph.DefaultConfig()
	config.Window, config.LearningRate = 8, 0.01
	config.Layers[0].Units = 16

	session, err := graph.NewSession(config)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	series := graph.Series{}
	for i := range 64 {
		value := float32(i%5) - 2
		series.X = append(series.X, value)
		series.Y = append(series.Y, map[bool]float32{true: 1}[value > 0])
	}
	if err := session.SetSeries(series); err != nil {
		log.Fatal(err)
	}

	// Two hundred steps, each on four windows.
	var plan graph.Plan
	for i := range int32(200) {
		plan.Starts = append(plan.Starts, []int32{i % 16, 16 + i%16, 32 + i%16, 40 + i%16})
	}
	if _, err := session.Train(context.Background(), plan); err != nil {
		log.Fatal(err)
	}

	prediction, err := session.Predict(context.Background(), series.X[:8], 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	for t, x := range series.X[:8] {
		no, yes := prediction.Outputs[2*t], prediction.Outputs[2*t+1]
		fmt.Println(x, yes > no)
	}
	// Output:
	// -2 false
	// -1 false
	// 0 false
	// 1 true
	// 2 true
	// -2 false
	// -1 false
	// 0 false
}

// Label a series as its rows arrive: the state goes from call to call.
func ExamplePredictor_Predict() {
	config := graph.DefaultConfig()
	config.Layers[0].Units = 16
	network, err := graph.NewPredictor(config.Network, config.Machine)
	if err != nil {
		log.Fatal(err)
	}
	defer network.Close()

	rows := []float32{0.1, 0.7, -0.3, 0.4, 0.9}
	whole, err := network.Predict(context.Background(), rows, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	var state []float32
	for t := range rows {
		now, err := network.Predict(context.Background(), rows[t:t+1], 1, state)
		if err != nil {
			log.Fatal(err)
		}
		state = now.State
		difference := now.Probability[1] - whole.Probability[2*t+1] // of class 1
		fmt.Println(math.Abs(float64(difference)) < 1e-6)
	}
	// Output:
	// true
	// true
	// true
	// true
	// true
}

// Keep a session in a checkpoint, and go on from it later.
func ExampleMember_Save() {
	config := graph.DefaultConfig()
	config.Window, config.Layers[0].Units = 2, 4
	session, err := graph.NewSession(config)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	prefix := filepath.Join(dir, "weights")
	if err := session.Save(prefix); err != nil {
		log.Fatal(err)
	}

	config.Seed = 1 // other weights
	later, err := graph.NewSession(config)
	if err != nil {
		log.Fatal(err)
	}
	defer later.Close()
	if err := later.Restore(prefix); err != nil {
		log.Fatal(err)
	}

	config.Layers[0].Units = 5
	wider, err := graph.NewSession(config)
	if err != nil {
		log.Fatal(err)
	}
	defer wider.Close()
	var missing *graph.CheckpointError
	if err := wider.Restore(prefix); errors.As(err, &missing) {
		fmt.Println(missing.Variable, missing.Reason)
	}
	// Output:
	// rnn/output_projection_wrapper/basic_rnn_cell/kernel has the shape [5 4], this network's [6 5]
}

// Train with AdamW, the gradients clipped, at a rate that falls from step to step.
func ExamplePlan() {
	config := graph.DefaultConfig()
	config.Window, config.Layers[0].Units = 4, 8
	config.Optimizer, config.WeightDecay, config.ClipNorm = graph.AdamW, 0.01, 1
	session, err := graph.NewSession(config)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	err = session.SetSeries(graph.Series{
		X: []float32{0, 1, 0, 0, 1, 1, 0, 1},
		Y: []float32{0, 1, 1, 0, 1, 1, 1, 1},
		W: []float32{0, 1, 1, 1, 1, 1, 1, 1}, // the first row's label is not known
	})
	if err != nil {
		log.Fatal(err)
	}

	var plan graph.Plan
	for step := range 100 {
		plan.Starts = append(plan.Starts, []int32{0, 2, 4})
		plan.Rates = append(plan.Rates, 0.02*float32(100-step)/100)
	}
	report, err := session.Train(context.Background(), plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(report.Losses), report.Losses[99] < report.Losses[0]/2)
	// Output:
	// 100 true
}

// Set the weights of a network by hand: logistic regression on one feature.
func ExampleMember_SetVariables() {
	config := graph.DefaultConfig()
	config.Layers = nil
	network, err := graph.NewPredictor(config.Network, config.Machine)
	if err != nil {
		log.Fatal(err)
	}
	defer network.Close()

	err = network.Members()[0].SetVariables([]graph.Variable{
		{Name: "projection/kernel", Shape: []int{1, 2}, Value: []float32{0, 8}},
		{Name: "projection/bias", Shape: []int{2}, Value: []float32{0, -4}},
	})
	if err != nil {
		log.Fatal(err)
	}
	prediction, err := network.Predict(context.Background(), []float32{0, 0.5, 1}, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	for t := range 3 {
		fmt.Printf("%.2f\n", prediction.Probability[2*t+1]) // of class 1
	}

	err = network.Members()[0].SetVariables([]graph.Variable{
		{Name: "projection/bias", Shape: []int{1}, Value: []float32{0}},
	})
	fmt.Println(err)
	// Output:
	// 0.02
	// 0.50
	// 0.98
	// projection/bias: want [2], got [1] with 1 values
}

// Ask several networks of one shape, and take the mean of what they answer.
func ExampleNewEnsemble() {
	config := graph.DefaultConfig()
	config.Window, config.Layers = 4, []graph.Layer{{Cell: graph.GRU, Units: 8}}
	config.Lags = []int{-1, 0, 1} // each step sees the rows beside its own

	ensemble, err := graph.NewEnsemble(config.Network, 3, config.Machine)
	if err != nil {
		log.Fatal(err)
	}
	defer ensemble.Close()

	before, behind := config.Context()
	rows := []float32{0, 0.1, 0.7, -0.3, 0.4, 0.9, 0.9} // five, and one on either side
	prediction, err := ensemble.Predict(context.Background(), rows, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(before, behind, len(prediction.Probability), len(ensemble.Members()))
	// Output:
	// 1 1 10 3
}
