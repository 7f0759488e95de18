package inputs

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// scaleOf is a scale of so many columns, with a centre or without.
func scaleOf(columns int, centre bool) *Scale {
	r := rand.New(rand.NewPCG(3, uint64(columns)))
	s := &Scale{}
	for range columns {
		s.Offset = append(s.Offset, r.Float32())
		s.Divisor = append(s.Divisor, 0.1+r.Float32())
		if centre {
			s.Center = append(s.Center, r.Float32()-0.5)
			s.Spread = append(s.Spread, 0.1+r.Float32())
		}
	}
	return s
}

// kinds are inputs of all kinds for so many features.
func kinds(features int) []Inputs {
	var all []Inputs
	for _, w := range Kinds {
		for _, rolling := range [][]int{nil, {2}, {3, 8, 100}, {500}} {
			for _, ahead := range []int{Centred, 0, 3} {
				in := Inputs{SeriesScale: w, Rolling: rolling, Ahead: ahead}
				all = append(all, in)
				in.Scale = scaleOf(in.Columns(features), ahead == 0)
				all = append(all, in)
			}
		}
	}
	return all
}

// momentsOf are the moments that a stream of rows x begins with.
func momentsOf(in Inputs, x []float32, features int) *Moments {
	if in.SeriesScale != Whole {
		return nil
	}
	m := NewMoments(features)
	m.Add(x)
	return m
}

// Rows as they come give the bits of rows in memory, whatever is asked for between them.
func TestStreamAsInMemory(t *testing.T) {
	const features, rows = 3, 1100
	r := rand.New(rand.NewPCG(1, 5))
	x := walk(rows, features)
	for _, in := range kinds(features) {
		if err := in.Validate(features); err != nil {
			t.Fatal(err)
		}
		want := in.Expand(x, features, []Range{{End: rows}})
		s := in.NewStream(features, momentsOf(in, x, features))
		var got []float32
		for at, n := 0, 0; at < rows; at += n {
			n = min(1+r.IntN(1+r.IntN(60)), rows-at)
			got = s.Append(got, x[at*features:(at+n)*features])
			if _, behind := in.Context(); len(got) != max(at+n-behind, 0)*in.Columns(features) {
				t.Fatalf("%+v: %d values of %d rows", in, len(got), at+n)
			}
			if r.IntN(5) == 0 {
				s.Rest(nil)
			}
		}
		if got = s.Rest(got); !slices.Equal(got, want) {
			t.Errorf("%+v: other bits than in memory", in)
		}
	}
}

// The rest is that of a series which ends there.
func TestStreamRest(t *testing.T) {
	const features, rows = 2, 210
	x := walk(rows, features)
	for _, in := range kinds(features) {
		s := in.NewStream(features, momentsOf(in, x, features))
		var got []float32
		for n := 1; n <= rows; n++ {
			got = s.Append(got, x[(n-1)*features:n*features])
			all := s.Rest(slices.Clone(got))
			if n%7 > 0 {
				continue
			}
			ended := in.NewStream(features, momentsOf(in, x, features))
			if want := ended.Rest(ended.Append(nil, x[:n*features])); !slices.Equal(all, want) {
				t.Fatalf("%+v: other rows than of a series of %d", in, n)
			}
		}
	}
}

// Running scales by the rows before the stream too.
func TestStreamGoesOn(t *testing.T) {
	const features, rows, before = 2, 200, 77
	x := walk(rows, features)
	in := Inputs{SeriesScale: Running}
	want := in.Expand(x, features, []Range{{End: rows}})
	m := NewMoments(features)
	m.Add(x[:before*features])
	if got := in.NewStream(features, m).Append(nil, x[before*features:]); !slices.Equal(got, want[before*in.Columns(features):]) {
		t.Error("other bits than in memory")
	}
}

// A part knows nothing of another, nor of rows outside of the parts.
func TestExpandParts(t *testing.T) {
	const features, rows = 2, 300
	x := walk(rows, features)
	in := Inputs{SeriesScale: Whole, Rolling: []int{4, 20}, Ahead: Centred}
	in.Scale = scaleOf(in.Columns(features), true)
	got := in.Expand(x, features, []Range{{3, 120}, {120, 121}, {130, 130}, {140, 299}})
	want := make([]float32, rows*in.Columns(features))
	for _, p := range []Range{{3, 120}, {120, 121}, {140, 299}} {
		copy(want[p.Start*in.Columns(features):], in.Expand(x[p.Start*features:p.End*features], features, []Range{{End: p.End - p.Start}}))
	}
	if !slices.Equal(got, want) {
		t.Error("a part by itself is different")
	}
}

// No memory is taken for a row, nor more for a longer series.
func TestStreamAllocatesNothing(t *testing.T) {
	in := Inputs{SeriesScale: Running, Rolling: []int{8, 32}, Ahead: 3}
	in.Scale = scaleOf(in.Columns(1), true)
	s, x, dst := in.NewStream(1, nil), walk(1000, 1), make([]float32, 0, 1000*in.Columns(1))
	s.Append(dst, x)
	if n := testing.AllocsPerRun(100, func() { s.Append(dst, x[:1]) }); n != 0 {
		t.Errorf("%v allocations of a row", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.Append(dst, x) }); n != 0 {
		t.Errorf("%v allocations of %d rows", n, len(x))
	}
}
