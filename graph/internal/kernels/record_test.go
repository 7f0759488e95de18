package kernels

import (
	"math"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// record runs the op and returns next and the report after it.
func record(t *testing.T, report *tf.Tensor, at any, loss, norm float32) (next int32, after []float32, err error) {
	t.Helper()
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	v := variables{s: op.NewScope()}
	h := v.add("report", report)
	value := func(x any) tf.Output { return op.Const(v.s.SubScope("scalar"), x) }
	out := v.s.AddOperation(tf.OpSpec{Type: Record, Input: []tf.Input{h, value(at), value(loss), value(norm)}})
	got, values, err := v.run(t, []tf.Output{out.Output(0)})
	if err != nil {
		return 0, nil, err
	}
	return got[0].Value().(int32), values[0], nil
}

func TestRecord(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		loss, norm float32
		next       int32
	}{
		{.5, 2, 2},
		{3e38, 3e38, 2},
		{inf, 2, math.MaxInt32},
		{nan, 2, math.MaxInt32},
		{.5, inf, math.MaxInt32},
		{.5, nan, math.MaxInt32},
		{inf, -inf, math.MaxInt32},
	} {
		next, report, err := record(t, tensor(t, []float32{1, 2, 3, 4, 5, 6}, 3, 2), int32(1), c.loss, c.norm)
		if err != nil {
			t.Fatal(err)
		}
		if next != c.next {
			t.Errorf("%v: next is %d", c, next)
		}
		if !sameBits(report, []float32{1, 2, c.loss, c.norm, 5, 6}) {
			t.Errorf("%v: report is %v", c, report)
		}
	}
}

func TestRecordRefuses(t *testing.T) {
	report := func(dims ...int64) *tf.Tensor { return tensor(t, make([]float32, 6), dims...) }
	ints, err := tf.NewTensor([][]int32{{1, 2}, {3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "want report [K, 2] and 0 <= at < K"
	for _, test := range []struct {
		name, want string
		report     *tf.Tensor
		at         any
	}{
		{"behind the end", want, report(3, 2), int32(3)},
		{"before the start", want, report(3, 2), int32(-1)},
		{"three columns", want, report(2, 3), int32(0)},
		{"rank 1", want, report(6), int32(0)},
		{"rank 3", want, report(3, 2, 1), int32(0)},
		{"no scalar", "want at as a scalar", report(3, 2), []int32{0}},
		{"unset", "localhost/report", nil, int32(0)},
		{"integers", "want variables of type float", ints, int32(0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := record(t, test.report, test.at, 1, 1)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
