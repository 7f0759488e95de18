package train

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// echo is a network whose probability is its input.
type echo struct{}

func (echo) Config() graph.Config {
	return graph.Config{Window: 2, Features: 1, Layers: []graph.Layer{{Units: 1}}, Loss: graph.MSE}
}

func (echo) Predict(_ context.Context, x []float32, batch int, _ []float32) (graph.Prediction, error) {
	p := graph.Prediction{Outputs: x, State: make([]float32, batch)}
	for _, one := range x {
		p.Probability = append(p.Probability, 1-one, one)
	}
	return p, nil
}

// held is a validation of 10 rows in two series, the tail of each held back.
func held() *Validation {
	const none = series.Unlabelled
	return &Validation{
		X:         []float32{0, 0, 0.9, 0.2, 0.6, 0.5, 0.5, 0.1, 0.9, 0.4},
		Labels:    []int16{1, 1, 1, 0, none, 1, 0, 0, 1, 1},
		Series:    []series.Range{{Name: "a", Start: 0, End: 5}, {Name: "b", Start: 5, End: 10}},
		Parts:     []series.Range{{Name: "a", Start: 2, End: 5}, {Name: "b", Start: 7, End: 10}},
		Threshold: 0.5,
		Loss:      graph.OneHotXent,
		Weight:    series.ClassWeight{1, 2},
	}
}

func judge(t *testing.T, v *Validation) *Judgement {
	t.Helper()
	j, err := v.Judge(context.Background(), echo{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJudgeCountsLabelledRowsHeldBack(t *testing.T) {
	v := held()
	j := judge(t, v)
	want := metrics.Confusion{{2, 0}, {1, 2}}
	if !reflect.DeepEqual(j.Confusion, want) || j.Steps != 5 || v.Count() != 5 || len(j.Series) != 2 {
		t.Errorf("%+v of %d steps (%d), want %+v", j.Confusion, j.Steps, v.Count(), want)
	}
	ln := func(p float32) float64 { return -math.Log(float64(p)) }
	loss := (2*ln(0.9) + ln(1-0.2) + ln(1-0.1) + 2*ln(0.9) + 2*ln(0.4)) / 5
	if !(math.Abs(j.Loss-loss) <= 1e-6) {
		t.Errorf("loss %v, want %v", j.Loss, loss)
	}
}

// A row's answer is that of the row |horizon| away; the first or last rows of a
// series have none of their own.
func TestJudgeWithHorizon(t *testing.T) {
	for horizon, want := range map[int]int{1: 5, -1: 4, 3: 3, -9: 0} {
		v := held()
		v.Horizon = horizon
		if got := v.Count(); got != want {
			t.Errorf("horizon %d: %d steps count, want %d", horizon, got, want)
		}
		if want > 0 && judge(t, v).Steps != want {
			t.Errorf("horizon %d: %d steps are judged, want %d", horizon, judge(t, v).Steps, want)
		}
	}
}

func TestJudgeFindsTheThreshold(t *testing.T) {
	v := held()
	v.Auto = true
	if j := judge(t, v); j.F1 != 1 || !(j.Threshold > 0.2 && j.Threshold <= 0.4) {
		t.Errorf("threshold %v, F1 %v", j.Threshold, j.F1)
	}
}

func TestLosses(t *testing.T) {
	tests := []struct {
		loss graph.Loss
		p    float64
		y    int16
		want float64
	}{
		{graph.OneHotXent, 0.25, 1, math.Log(4)},
		{graph.SparseXent, 0.25, 0, -math.Log(0.75)},
		{graph.MSE, 0.25, 1, 0.5625},
		{graph.MSE, 0.25, 0, 0.0625},
		{graph.Focal, 0.25, 1, 0.5625 * math.Log(4)},
		{graph.Focal, 0.25, 0, -0.0625 * math.Log(0.75)},
		{graph.OneHotXent, 0, 1, 103.27892990343185}, // the smallest float32
	}
	for _, test := range tests {
		v := Validation{Loss: test.loss, Gamma: 2}
		if got := v.stepLoss(test.p, test.y); !(math.Abs(got-test.want) <= 1e-9) {
			t.Errorf("%s of %v for label %d: %v, want %v", test.loss, test.p, test.y, got, test.want)
		}
	}
}

func TestBestIsTheHighestF1ThenTheLeastLoss(t *testing.T) {
	none := math.NaN()
	r := newRun(t, sine())
	var b Best
	if err := b.Restore(r.Session); err == nil {
		t.Error("weights restored before any epoch")
	}
	for i, epoch := range []struct {
		f1, loss float64
		better   bool
	}{
		{none, 0.9, true},
		{none, 0.8, true},
		{0, 0.85, false},
		{0.5, 0.9, true},
		{0.5, 0.9, false},
		{0.5, 0.7, true},
		{0.4, 0.1, false},
	} {
		j := &Judgement{epoch.loss, &metrics.Report{Scores: metrics.Scores{F1: metrics.Number(epoch.f1)}}}
		better, err := b.Offer(r.Session, i+1, j)
		if err != nil || better != epoch.better {
			t.Errorf("epoch %d: better %v, %v", i+1, better, err)
		}
	}
	if b.Epoch != 6 {
		t.Errorf("the best is epoch %d", b.Epoch)
	}
}

// The weights of the best epoch come back.
func TestRestore(t *testing.T) {
	r := newRun(t, sine())
	var b Best
	if _, err := b.Offer(r.Session, 1, &Judgement{1, &metrics.Report{}}); err != nil {
		t.Fatal(err)
	}
	before, err := r.Session.Loss(r.Batches[0])
	if err != nil {
		t.Fatal(err)
	}
	r.Log = nil
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := b.Restore(r.Session); err != nil {
		t.Fatal(err)
	}
	if after, err := r.Session.Loss(r.Batches[0]); err != nil || after != before {
		t.Errorf("loss %v, %v, want %v", after, err, before)
	}
}
