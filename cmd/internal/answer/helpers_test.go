package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

// counter is a network of two features whose probability depends on all of its history: the
// state is a sum that forgets little.
type counter struct {
	steps int
	lags  []int
}

func (c *counter) Network() graph.Network {
	return graph.Network{Window: c.steps, Features: 2, Classes: 2, Lags: c.lags, Layers: []graph.Layer{{Units: 1}}}
}
func (c *counter) Members() []*graph.Member { return make([]*graph.Member, 1) }
func (c *counter) StateSize() int           { return 1 }

func (c *counter) Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return graph.Prediction{}, err
	}
	if state == nil {
		state = make([]float32, batch)
	}
	p := graph.Prediction{State: slices.Clone(state)}
	before, after := c.Network().Context()
	rows := len(x) / batch / 2
	for b := range batch {
		for i := before; i < rows-after; i++ {
			row := x[(b*rows+i)*2:]
			p.State[b] = p.State[b]*0.97 + row[0] + 0.1*row[1]
			one := p.State[b] / (1 + p.State[b])
			p.Probability = append(p.Probability, 1-one, one)
		}
	}
	return p, nil
}

// three is a network of three classes whose probabilities are a rest, half of the first
// feature's and the second feature's.
type three struct{ counter }

func (*three) Network() graph.Network {
	return graph.Network{Window: 1, Features: 2, Classes: 3, Layers: []graph.Layer{{Units: 1}}}
}

func (*three) Predict(_ context.Context, x []float32, batch int, _ []float32) (graph.Prediction, error) {
	p := graph.Prediction{State: make([]float32, batch)}
	for row := range slices.Chunk(x, 2) {
		left := 1 - row[1]
		one := row[0] / (1 + row[0])
		p.Probability = append(p.Probability, left*(1-one), left*one, row[1])
	}
	return p, nil
}

// kindOf is a kind of one network that is told what a row is within its series.
func kindOf(n label.Network, horizon int, within inputs.Within) label.Kind {
	return label.Kind{Networks: n, Inputs: inputs.Inputs{SeriesScale: within}, Horizon: horizon}
}

// modelOf is a model of a network whose features and classes have numbers for names.
func modelOf(n label.Network, horizon int, within inputs.Within) *label.Model {
	return modelOfKinds(kindOf(n, horizon, within))
}

func modelOfKinds(kinds ...label.Kind) *label.Model {
	c := kinds[0].Networks.Network()
	t := label.Task{Threshold: 0.5}
	for k := range c.Features / kinds[0].Inputs.Columns(1) {
		t.Features, t.Fill = append(t.Features, fmt.Sprint(k)), append(t.Fill, 0)
	}
	for k := range c.Classes {
		t.Classes = append(t.Classes, fmt.Sprint(k))
	}
	m, err := label.New(t, kinds...)
	if err != nil {
		panic(err)
	}
	return m
}

// expected are the probabilities of class 1 that a counter gives rows x [n,2] of one series.
func expected(x []float32, steps, horizon int) []float32 {
	a, err := modelOf(&counter{steps: steps}, horizon, inputs.None).Label(context.Background(), label.Series{Values: x})
	if err != nil {
		panic(err)
	}
	return ones(a.Probability)
}

// ones are the probabilities of class 1 among those of two classes.
func ones(probability []float32) []float32 {
	var list []float32
	for i := 1; i < len(probability); i += 2 {
		list = append(list, probability[i])
	}
	return list
}

// inTurn is rows of one feature of several series.
type inTurn struct {
	series []int32
	x      []float32
}

// expected are the probabilities of class 1, each series by itself and scaled by the whole.
func (in inTurn) expected() []float32 {
	all := make([]float32, len(in.x))
	for s := range slices.Max(in.series) + 1 {
		var rows []int
		var x []float32
		for i, of := range in.series {
			if of == s {
				rows, x = append(rows, i), append(x, in.x[i])
			}
		}
		for k, p := range expected(inputs.Inputs{SeriesScale: inputs.Whole}.Expand(x, 1, []inputs.Range{{End: len(x)}}), 8, -3) {
			all[rows[k]] = p
		}
	}
	return all
}
