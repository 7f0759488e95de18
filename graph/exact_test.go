package graph_test

import (
	"math"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// Without layers, inputs are of any size, and weights of rows close to each other of either sign:
// outputs are their sums all the same, rounded once.
func TestOutputsOfInputsAreSummedExactly(t *testing.T) {
	for _, f := range []form{portable, {}} {
		c := graph.DefaultConfig()
		c.Window, c.Layers, c.Features = 1, nil, 2
		for lag := range 57 {
			c.Lags = append(c.Lags, lag-20)
		}
		f.apply(&c)
		p := newPredictor(t, c)
		weights := c.Weights()
		for i, w := range weights {
			weights[i].Value = randoms(w.Size())
		}
		if err := only(p).SetVariables(weights); err != nil {
			t.Fatal(err)
		}
		const steps = 500
		x := randoms((steps + 56) * c.Features)
		for i := range x {
			x[i] = 8 + x[i]/100
		}
		got := predict(t, p, x, 1, nil).Outputs
		for i, y := range got {
			step, output := i/2, i%2
			want := float64(weights[1].Value[output])
			for k, v := range x[step*c.Features:][:c.Inputs()] {
				want += float64(v) * float64(weights[0].Value[k*2+output])
			}
			if !(math.Abs(float64(y)-want) <= 1e-7*math.Abs(want)) {
				t.Fatalf("%s: output %d of step %d is %v, want %v", f, output, step, y, want)
			}
		}
	}
}

// A plain layer's tanh is that of the sums, also where it is nearly 1.
func TestTanhIsExact(t *testing.T) {
	for _, f := range forms() {
		c := smallConfig(graph.MSE, graph.Tanh, f)
		c.Features, c.Layers[0].Units = 1, 1
		p := newPredictor(t, c)
		weights := c.Weights()
		for i, value := range [][]float32{{1, 0}, {0}, {1}, {0}} { // the input's and the state's; the output is the layer's
			weights[i].Value = value
		}
		if err := only(p).SetVariables(weights); err != nil {
			t.Fatal(err)
		}
		x := []float32{-math.MaxFloat32, -100, 100, math.MaxFloat32}
		for i := range 20001 {
			x = append(x, float32(i-10000)/1000)
		}
		got := predict(t, p, x, 1, nil).Outputs
		for i, v := range x {
			if want := math.Tanh(float64(v)); !(math.Abs(float64(got[i])-want) <= 2e-7) {
				t.Fatalf("%s: tanh of %v is %v, want %v", f, v, got[i], want)
			}
		}
	}
}
