package original

import (
	"math"
	"slices"
	"testing"
)

func TestFormatFloatIsNumPys(t *testing.T) {
	// From NumPy 1.18.5: print(np.float32(v)).
	for v, want := range map[float32]string{
		0.006987947:   "0.006987947",
		1.8857549e-05: "1.8857549e-05",
		3.6717246:     "3.6717246",
		0.0001:        "1e-04",
		0.00012:       "0.00012",
		0:             "0.0",
		1:             "1.0",
		-2.5:          "-2.5",
		123456.79:     "123456.79",
		1e16:          "1e+16",
		1e-45:         "1e-45",
	} {
		if got := FormatFloat(v); got != want {
			t.Errorf("%g: %s, NumPy prints %s", v, got, want)
		}
	}
	for _, v := range []struct {
		value float64
		want  string
	}{{math.NaN(), "nan"}, {math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}} {
		if got := FormatFloat(float32(v.value)); got != v.want {
			t.Errorf("%v: %s", v.value, got)
		}
	}
}

func TestLabels(t *testing.T) {
	var ones int
	var changes []int
	for i := range Samples {
		label := binary(sine(i))
		ones += int(label)
		if i > 0 && label != binary(sine(i-1)) {
			changes = append(changes, i)
		}
		if want := min(float32(i)*2, 2); buggy(sine(i)) != want {
			t.Errorf("question's label %d is %v, want %v", i, buggy(sine(i)), want)
		}
	}
	if ones != 500 || !slices.Equal(changes, []int{1, 251, 501, 751}) {
		t.Errorf("answer's labels: %d ones, changes at %v", ones, changes)
	}
}

func TestBatches(t *testing.T) {
	table := Batches(Iterations(200), 10, 20)
	if len(table) != 800 || len(table[799]) != 10 || table[0][1] != 20 || table[799][9] != 979 {
		t.Errorf("%d batches, the last %v", len(table), table[len(table)-1])
	}
}
