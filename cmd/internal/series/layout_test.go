package series

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// stepData has series of the given lengths, X and labels counting up from 0.
func stepData(lengths ...int) *Data {
	d := &Data{Features: []string{"a"}, Label: "label"}
	for i, n := range lengths {
		d.Series = append(d.Series, Range{Name: string(rune('a' + i)), Start: d.Len(), End: d.Len() + n})
	}
	for i := range d.Len() {
		d.X = append(d.X, float32(i))
		d.Labels = append(d.Labels, int16(i%2))
	}
	return d
}

// spans shows ranges as [start end) pairs.
func spans(ranges []Range) (out [][2]int) {
	for _, r := range ranges {
		out = append(out, [2]int{r.Start, r.End})
	}
	return out
}

func TestSplit(t *testing.T) {
	d := stepData(10, 5, 1)
	train, validation, err := Split(d.Series, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][2]int{{0, 8}, {10, 14}, {15, 16}}; !slices.Equal(spans(train), want) {
		t.Errorf("train %v, want %v", spans(train), want)
	}
	if Rows(train)+Rows(validation) != d.Len() {
		t.Errorf("%d and %d rows, want %d in all", Rows(train), Rows(validation), d.Len())
	}
	if want := [][2]int{{8, 10}, {14, 15}}; !slices.Equal(spans(validation), want) {
		t.Errorf("validation %v, want %v", spans(validation), want)
	}
	for _, fraction := range []float64{-0.1, 1, math.NaN()} {
		if _, _, err := Split(d.Series, fraction); err == nil {
			t.Errorf("no error for the fraction %v", fraction)
		}
	}
}

func TestWalkForward(t *testing.T) {
	folds, err := WalkForward(stepData(11, 6).Series, 2)
	if err != nil {
		t.Fatal(err)
	}
	// sklearn.model_selection.TimeSeriesSplit(2) on 11 and on 6 rows
	want := []struct{ train, validation [][2]int }{
		{[][2]int{{0, 5}, {11, 13}}, [][2]int{{5, 8}, {13, 15}}},
		{[][2]int{{0, 8}, {11, 15}}, [][2]int{{8, 11}, {15, 17}}},
	}
	for i, fold := range folds {
		if !slices.Equal(spans(fold.Train), want[i].train) || !slices.Equal(spans(fold.Validation), want[i].validation) {
			t.Errorf("fold %d: %v and %v, want %v", i, spans(fold.Train), spans(fold.Validation), want[i])
		}
	}
	if _, err := WalkForward(stepData(2).Series, 2); err == nil {
		t.Error("no error for a series shorter than the blocks")
	}
}

func TestBuild(t *testing.T) {
	d := stepData(4, 2)
	d.Labels[3] = Unlabelled
	tests := []struct {
		name   string
		parts  []Range
		layout Layout
		x      []float32
		y, w   []float32
	}{
		{"as it is", d.Series, Layout{0, ClassWeight{1, 1}}, d.X,
			[]float32{0, 1, 0, 0, 0, 1}, []float32{1, 1, 1, 0, 1, 1}},
		{"weights", d.Series, Layout{0, ClassWeight{.5, 3}}, d.X,
			[]float32{0, 1, 0, 0, 0, 1}, []float32{.5, 3, .5, 0, .5, 3}},
		{"one step ahead", d.Series, Layout{1, ClassWeight{1, 1}}, d.X,
			[]float32{1, 0, 0, 0, 1, 0}, []float32{1, 1, 0, 0, 1, 0}},
		{"one step behind", d.Series, Layout{-1, ClassWeight{1, 1}}, d.X,
			[]float32{0, 0, 1, 0, 0, 0}, []float32{0, 1, 1, 1, 0, 1}},
		{"a part", d.Series[1:], Layout{0, ClassWeight{1, 1}}, []float32{4, 5},
			[]float32{0, 1}, []float32{1, 1}},
		{"horizon beyond everything", d.Series, Layout{9, ClassWeight{1, 1}}, d.X,
			make([]float32, 6), make([]float32, 6)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Build(d, test.parts, test.layout)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.X, test.x) || !slices.Equal(s.Y, test.y) || !slices.Equal(s.W, test.w) {
				t.Errorf("X %v Y %v W %v, want %v %v %v", s.X, s.Y, s.W, test.x, test.y, test.w)
			}
			total := 0
			for i, n := range s.Lengths() {
				if n != test.parts[i].Len() {
					t.Errorf("length %d of part %d", n, i)
				}
				total += n
			}
			if total != len(s.Y) {
				t.Errorf("lengths add up to %d, not %d", total, len(s.Y))
			}
		})
	}
}

func TestWindows(t *testing.T) {
	d := stepData(10, 3)
	for i := range 4 {
		d.Labels[i] = Unlabelled
	}
	tests := []struct {
		steps, stride int
		want          []int32
	}{
		{4, 4, []int32{4, 6, 10}},    // 0 has no label; 6 and 10 end the parts
		{4, 2, []int32{2, 4, 6, 10}}, //
		{3, 3, []int32{3, 6, 7, 10}}, //
		{5, 5, []int32{0, 5, 10}},    // fits exactly
		{8, 8, []int32{0, 2, 10}},    // the second part is shorter
		{12, 12, []int32{0, 10}},     // both parts are
		{1, 1, []int32{4, 5, 6, 7, 8, 9, 10, 11, 12}},
	}
	for _, test := range tests {
		s, err := Build(d, d.Series, Layout{Weight: ClassWeight{1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Windows(s.Parts, test.steps, test.stride)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("steps %d, stride %d: %v, %v, want %v", test.steps, test.stride, got, err, test.want)
		}
	}
	s, err := Build(d, d.Series, Layout{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Windows(s.Parts, 2, 3); err == nil {
		t.Error("no error for a stride beyond the steps")
	}
}

func TestScaler(t *testing.T) {
	nan := float32(math.NaN())
	d := &Data{Features: []string{"a", "constant"}, X: []float32{1, .1, nan, .1, 3, .1, 100, 7}}
	training := []Range{{Start: 0, End: 3}}
	tests := []struct {
		kind ScaleKind
		want []float32
	}{
		{Standard, []float32{-1, 0, 0, 0, 1, 0, 98, 6.9}},
		{MinMax, []float32{0, 0, .5, 0, 1, 0, 49.5, 6.9}},
		{NoScale, []float32{1, .1, 2, .1, 3, .1, 100, 7}},
	}
	for _, test := range tests {
		fitted, err := FitScaler(test.kind, d, training)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := json.Marshal(fitted)
		if err != nil {
			t.Fatal(err)
		}
		var s Scaler
		if err := json.Unmarshal(stored, &s); err != nil || !reflect.DeepEqual(&s, fitted) {
			t.Errorf("%s: %s is not what was stored (%v)", test.kind, stored, err)
		}
		x := slices.Clone(d.X)
		if err := s.Apply(x); err != nil {
			t.Fatal(err)
		}
		near := func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }
		if !slices.EqualFunc(x, test.want, near) {
			t.Errorf("%s: %v, want %v", test.kind, x, test.want)
		}
		s.Undo(x)
		filled := slices.Clone(d.X)
		filled[2] = 2 // the mean
		if !slices.EqualFunc(x, filled, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }) {
			t.Errorf("%s: undone %v, want %v", test.kind, x, filled)
		}
	}
	s := Scaler{Columns: []string{"a", "b"}}
	if err := s.Check([]string{"a", "b"}); err != nil {
		t.Error(err)
	}
	if err := s.Check([]string{"b", "a"}); err == nil {
		t.Error("no error for features in another order")
	}
	if _, err := FitScaler("log", d, training); err == nil {
		t.Error("no error for an unknown kind")
	}
	if _, err := FitScaler(Standard, d, []Range{{Start: 1, End: 2}}); err == nil {
		t.Error("no error for a feature without values")
	}
}

// A value that scaling makes infinite is reported with its place.
func TestScaleOverflows(t *testing.T) {
	const text = "id,a,b,label\ns,1,0,1\ns,1,0.0001,0\nt,2,0,1\nt,2,-1e38,0\n"
	o := DefaultOptions()
	o.Series = "id"
	d, err := readText(text, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := FitScaler(Standard, d, d.Series[:1])
	if err != nil {
		t.Fatal(err)
	}
	const what = `-1e+38 is beyond 32-bit numbers when scaled as the training rows, (x - 5e-05) / 5e-05`
	if err := d.Scale(s); err == nil || err.Error() != `standard input: column "b": row 1 (from 0) of series "t": `+what {
		t.Errorf("in memory: %v", err)
	}

	o.Scaler = s
	r, err := open(t.Context(), Stdin, strings.NewReader(text), o, newRoster(MaxOpen), true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var c Chunk
	if err := r.Next(&c); err != nil || c.Rows() != 3 || c.X[3] != 1 {
		t.Errorf("the rows before: %v, %v", c.X, err)
	}
	if err := r.Next(&c); err == nil || err.Error() != `standard input:5: column "b": `+what {
		t.Errorf("streaming: %v", err)
	}
}

func TestClassWeight(t *testing.T) {
	labels := []int16{0, 0, 0, 1, Unlabelled, 1, 1, 1}
	head := []Range{{Start: 0, End: 5}}
	tests := []struct {
		text string
		want ClassWeight
		ok   bool
	}{
		{"", ClassWeight{1, 1}, true},
		{"auto", ClassWeight{4. / 6, 2}, true},
		{"0.5, 3", ClassWeight{.5 / 1.125, 3 / 1.125}, true}, // 4.5 of 4 labels
		{"0, 3", ClassWeight{0, 1}, true},
		{"1", ClassWeight{}, false},
		{"1,x", ClassWeight{}, false},
		{"1,-1", ClassWeight{}, false},
		{"0,0", ClassWeight{}, false},
		{"1,NaN", ClassWeight{}, false},
	}
	for _, test := range tests {
		got, err := ParseClassWeight(test.text, labels, head)
		if (err == nil) != test.ok || test.ok && got != test.want {
			t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
		}
	}
}

func TestBuiltin(t *testing.T) {
	for _, b := range builtins {
		var text bytes.Buffer
		if err := WriteBuiltin(&text, b.name); err != nil {
			t.Fatal(err)
		}
		o := DefaultOptions()
		if b.name == "sine-question" {
			o.Positive = "2"
		}
		if b.columns[0] == "series" {
			o.Series = "series"
		}
		d, err := readText(text.String(), o)
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != b.rows {
			t.Errorf("%s has %d rows, want %d", b.name, d.Len(), b.rows)
		}
		if d.TimeColumn != "sample" || d.Features[0] != "x" {
			t.Errorf("%s has the time %q and features %q", b.name, d.TimeColumn, d.Features)
		}
		if b.name == "sine" {
			checkSine(t, d)
		}
		if count := CountLabels(d.Labels, d.Series); b.name == "sine-question" && count != [2]int{1, 999} {
			t.Errorf("%s has %v zeros and twos, want one 0", b.name, count)
		}
	}
	if lines := Builtins(); len(lines) != len(builtins) || !strings.HasPrefix(lines[0], "sine ") {
		t.Errorf("the list is %q", lines)
	}
	if err := WriteBuiltin(&bytes.Buffer{}, "cosine"); err == nil {
		t.Error("no error for an unknown name")
	}
}

// checkSine compares with the labels that the original program computed: 500
// ones, and changes at 1, 251, 501 and 751. The features are its 32-bit floats.
func checkSine(t *testing.T, d *Data) {
	labels := d.Labels
	for i, x := range d.X {
		if x != float32(sine(i)) {
			t.Fatalf("row %d of the sine is %v, want %v", i, x, float32(sine(i)))
		}
	}
	var changes []int
	for i := 1; i < len(labels); i++ {
		if labels[i] != labels[i-1] {
			changes = append(changes, i)
		}
	}
	if want := []int{1, 251, 501, 751}; !slices.Equal(changes, want) {
		t.Errorf("the sine's labels change at %v, want %v", changes, want)
	}
	if count := CountLabels(labels, []Range{{End: len(labels)}}); count != [2]int{500, 500} {
		t.Errorf("the sine has %v zeros and ones, want 500 of each", count)
	}
}
