package label

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

func TestOf(t *testing.T) {
	for _, test := range []struct {
		probability []float32
		threshold   float64
		want        int16
	}{
		{[]float32{0.5, 0.5}, 0.5, 1},
		{[]float32{0.9, 0.1}, 0.5, 0},
		{[]float32{0.9, 0.1}, 0.1, 1}, // the 32-bit 0.1 is the larger one
		{[]float32{0.7, 0.3}, 0.25, 1},
		{[]float32{0.2, 0.5, 0.3}, 0.1, 1},
		{[]float32{0.2, 0.4, 0.4}, 0.1, 1},
		{[]float32{0.4, 0.2, 0.4}, 0.9, 0},
		{[]float32{0.1, 0.2, 0.3, 0.4}, 0.9, 3},
	} {
		if got := Decide(test.probability, test.threshold); got != test.want {
			t.Errorf("%v at %v: class %d, want %d", test.probability, test.threshold, got, test.want)
		}
	}
}

// three is a counter of three classes: what a counter of two has, and a third one whose
// probability is the row's second feature's.
type three struct{ counter }

func (c *three) Network() graph.Network {
	config := c.counter.Network()
	config.Classes = 3
	return config
}

func (c *three) Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error) {
	p, err := c.counter.Predict(ctx, x, batch, state)
	two := p.Probability
	p.Probability = nil
	for i := range len(two) / 2 {
		left := 1 - x[2*i+1]
		p.Probability = append(p.Probability, left*two[2*i], left*two[2*i+1], x[2*i+1])
	}
	return p, err
}

// expectedOfThree are the answers of three classes to rows x of one series.
func expectedOfThree(x []float32, steps int) []float32 {
	one, _ := expected(x, steps, 0, nil)
	var want []float32
	for i, p := range one {
		left := 1 - x[2*i+1]
		want = append(want, left*(1-p), left*p, x[2*i+1])
	}
	return want
}

func TestThreeClasses(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 21))
	in := interleave(r, 1, 300)
	want := expectedOfThree(in.x, 7)
	l := modelOf(&three{counter{steps: 7}}, 0, inputs.None)
	for what, s := range map[string]*Streams{"stream": l.Streams(nil), "following": l.Follow(nil)} {
		got, padded := in.stream(t, s, r, 20)
		if !slices.Equal(got, want) || len(padded) != 300 {
			t.Errorf("%s: other answers", what)
		}
	}
	got, err := labelParts(context.Background(), l, append([]float32{9, 9}, in.x...), []inputs.Range{{Start: 1, End: 301}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Probability, append([]float32{0, 0, 0}, want...)) || len(got.Padded) != 301 {
		t.Error("in memory: other answers")
	}
}

// What several networks answer is the mean of what each answers by itself, with as many
// values of state as they have together.
func TestMembers(t *testing.T) {
	const members, rows = 3, 500
	r := rand.New(rand.NewPCG(22, 22))
	in := interleave(r, 3, rows)
	parts := []inputs.Range{{Start: 3, End: 200}, {Start: 200, End: rows}}
	for name, c := range map[string]graph.Network{
		"gru":   {Layers: []graph.Layer{{Cell: graph.GRU, Units: 8}, {Cell: graph.LSTM, Units: 4}}, Classes: 2},
		"both":  {Layers: []graph.Layer{{Cell: graph.GRU, Units: 8}}, Bidirectional: true, Classes: 3},
		"none":  {Lags: []int{-2, 0, 1}, Classes: 3},
		"plain": {Layers: []graph.Layer{{Cell: graph.Plain, Units: 8, Activation: graph.Tanh}}, Classes: 4},
	} {
		c.Window, c.Features, c.Loss = 20, 2, graph.SparseXent
		newNetwork := func(members int) *graph.Predictor {
			p, err := graph.NewEnsemble(c, members, graph.Machine{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close() })
			return p
		}
		answers := func(p *graph.Predictor) [][]float32 {
			l := modelOf(p, -1, inputs.None)
			whole, err := labelParts(context.Background(), l, in.x, parts)
			if err != nil {
				t.Fatal(err)
			}
			stream, _ := in.stream(t, l.Streams(nil), r, 100)
			all := [][]float32{whole.Probability[parts[0].Start*c.Classes:], stream}
			if !c.Bidirectional {
				rows, _ := in.stream(t, l.Follow(nil), r, 2)
				all = append(all, rows)
			}
			return all
		}
		ensemble := newNetwork(members)
		got := answers(ensemble)
		each := make([][][]float32, len(got)) // of each way, what each network answers
		for _, m := range ensemble.Members() {
			vars, err := m.Variables()
			if err != nil {
				t.Fatal(err)
			}
			single := newNetwork(1)
			if err := single.Members()[0].SetVariables(vars); err != nil {
				t.Fatal(err)
			}
			for way, one := range answers(single) {
				each[way] = append(each[way], one)
			}
		}
		for way, all := range each {
			if d := apart(got[way], c.Loss.Mean(c.Classes, all...)); !(d <= rounding) || len(got[way]) < (rows-parts[0].Start)*c.Classes || slices.Equal(got[way], make([]float32, len(got[way]))) {
				t.Errorf("%s, way %d: %d values, %g apart", name, way, len(got[way]), d)
			}
		}
	}
}

// Networks beside each other count in what a call may hold.
func TestBatchCountsMembers(t *testing.T) {
	c := graph.Network{Window: 1000, Features: 6, Layers: []graph.Layer{{Units: 50}}}
	for members, want := range map[int]int{1: 64, 5: 64, 20: 16, 1000: 1} {
		if got := windowsOf(c, members); got != want {
			t.Errorf("%d members: batches of %d, want %d", members, got, want)
		}
	}
}
