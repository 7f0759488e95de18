package label

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph/inputs"
)

// modelOf is a model of a network whose features and classes have numbers for names.
func modelOf(n Network, horizon int, within inputs.Within) *Model {
	return modelOfKinds(Kind{n, inputs.Inputs{SeriesScale: within}, horizon})
}

func modelOfKinds(kinds ...Kind) *Model {
	c := kinds[0].Networks.Network()
	t := Task{Threshold: 0.5}
	for k := range c.Features / kinds[0].Inputs.Columns(1) {
		t.Features, t.Fill = append(t.Features, fmt.Sprint(k)), append(t.Fill, 0)
	}
	for k := range c.Classes {
		t.Classes = append(t.Classes, fmt.Sprint(k))
	}
	m, err := New(t, kinds...)
	if err != nil {
		panic(err)
	}
	return m
}

// labelParts labels the parts of rows x [N,R], each a series of its own. The answers are in
// their rows' places; rows beyond the parts are padded.
func labelParts(ctx context.Context, m *Model, x []float32, parts []inputs.Range) (Answers, error) {
	R, C := m.engines[0].raw, m.engines[0].classes
	n := len(x) / R
	all := Answers{Probability: make([]float32, n*C), Padded: slices.Repeat([]bool{true}, n)}
	var series []Series
	for _, p := range parts {
		series = append(series, Series{Values: x[p.Start*R : p.End*R]})
	}
	got, err := m.Label(ctx, series...)
	if err != nil {
		return all, err
	}
	at := 0
	for _, p := range parts {
		n := p.End - p.Start
		copy(all.Probability[p.Start*C:], got.Probability[at*C:(at+n)*C])
		copy(all.Padded[p.Start:], got.Padded[at:at+n])
		at += n
	}
	return all, nil
}

// take is what the streams have ready, n rows of it.
func take(s *Streams, n int) ([]float32, []bool) {
	a := s.Take(n)
	return a.Probability, a.Padded
}

// answersAsRowsCome pushes the rows x [n,2] of a series one by one, and fails unless as many are
// answered after each as want says for that many rows.
func answersAsRowsCome(t *testing.T, what string, s *Streams, x []float32, want func(rows int) int) {
	t.Helper()
	taken := 0
	for i := range len(x) / 2 {
		if err := s.Push(context.Background(), []int32{0}, x[2*i:2*i+2]); err != nil {
			t.Fatal(err)
		}
		_, padded := take(s, s.Ready())
		taken += len(padded)
		if n := want(i + 1); taken != n {
			t.Fatalf("%s: %d answers after %d rows, want %d", what, taken, i+1, n)
		}
	}
}
