package fit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// A network that needs more memory than there is is not begun; where it is the only one, the
// figures are the error.
func TestNetworksThatNeedTooMuchMemory(t *testing.T) {
	d := Data{Train: steps(2, 100)}
	s := quick()
	var tooMuch *MemoryError
	none := observe(func(context.Context, Event) error { return nil })
	if err := Preview(context.Background(), d, s, Means{Memory: 1e9}, none); err != nil {
		t.Error(err)
	}
	s.Recipe.Units = []int{60000}
	err := Preview(context.Background(), d, s, Means{Memory: 1e9}, none)
	if !errors.As(err, &tooMuch) || tooMuch.Has != 1e9 || !(tooMuch.Needs > 1e11) {
		t.Errorf("60000 units: %v", err)
	}
	s = quick()
	batch := 100_000_000
	s.Recipe.BatchSize = &batch
	if err := Preview(context.Background(), d, s, Means{Memory: 2e10}, none); !errors.As(err, &tooMuch) {
		t.Errorf("large batches: %v", err)
	}
	if err := Preview(context.Background(), d, s, Means{}, none); err != nil {
		t.Errorf("memory that is not known: %v", err)
	}
}

// Wide data leave out the recipes that have too many inputs for them.
func TestNetworksThatCannotBe(t *testing.T) {
	d := steps(2, 100)
	d.Features, d.X = make([]string, 3900), make([]float32, 200*3900)
	var plan Planned
	var failed []string
	err := Preview(context.Background(), Data{Train: d}, DefaultSpec(), Means{}, observe(func(_ context.Context, e Event) error {
		switch e := e.(type) {
		case Noticed:
			if e.Kind == RungFailed {
				failed = append(failed, e.Rung+": "+e.Err.Error())
			}
		case Planned:
			plan = e
		}
		return nil
	}))
	if err != nil || len(plan.Rungs) != 5 || !slices.Equal(failed, []string{Rival + ": 17 lags of 3900 features are too many inputs"}) {
		t.Errorf("%v: %d networks, without %q", err, len(plan.Rungs), failed)
	}
}

func TestNotices(t *testing.T) {
	notices := func(d Data, s Spec) map[Notice]int {
		seen := map[Notice]int{}
		_, err := Fit(context.Background(), d, s, Means{}, observe(func(_ context.Context, e Event) error {
			if n, ok := e.(Noticed); ok {
				seen[n.Kind] = n.Number
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	s := quick()
	epochs := 200
	s.Recipe.Epochs = &epochs
	if got := notices(Data{Train: steps(1, 400)}, s); len(got) > 0 {
		t.Errorf("%v", got)
	}
	same := steps(1, 400)
	for i := range same.Labels {
		same.Labels[i] = 1
	}
	got := notices(Data{Train: same}, s)
	if _, one := got[OneClass]; !one {
		t.Errorf("%v for one class", got)
	}
	if _, none := got[NotJudged]; !none {
		t.Errorf("%v for folds of one class", got)
	}
	forward := s
	forward.Split = layout.SplitForward
	timed := steps(2, 400)
	if _, own := notices(Data{Train: timed}, forward)[NoClock]; !own {
		t.Error("nothing is said of series that have no clock in common")
	}
	for i := range timed.Labels {
		timed.Time = append(timed.Time, float64(i))
	}
	if got := notices(Data{Train: timed}, forward); len(got) > 0 {
		t.Errorf("%v with a clock", got)
	}
	typing := steps(1, 2000)
	typing.Classes = append(typing.Classes, "o")
	typing.Labels[1000] = 2
	if got := notices(Data{Train: typing}, s); got[RareClass] != 1 {
		t.Errorf("%v for a label of one row", got)
	}
	epochs = 1
	if got := notices(Data{Train: steps(1, 400)}, s); got[FewUpdates] == 0 {
		t.Errorf("%v for few steps", got)
	}
	epochs = 50
	test := steps(1, 400)
	test.X = slices.Concat(test.X[200:], make([]float32, 200))
	if got := notices(Data{Train: steps(1, 400), Test: test}, s); got[SeenBefore] != 200 {
		t.Errorf("%v for rows seen before", got)
	}
}

// Rows that train and judge as well make scores too good, whether they are in the data twice or are
// validation rows, too. Labels that none of the rows that train has make them too bad.
func TestWhatSpoilsScores(t *testing.T) {
	twice := steps(4, 400)
	copy(twice.X[1250:1600], twice.X[50:400]) // of series a to d
	grouped := *twice
	grouped.Group, grouped.Series = "patient", slices.Clone(twice.Series)
	for i := range grouped.Series {
		grouped.Series[i].Group = string("pqrp"[i])
	}
	few := steps(4, 400)
	copy(few.X[1580:], few.X[:15])
	none := map[Notice]string{}
	other := steps(1, 100)
	other.Classes, other.Labels[50] = append(other.Classes, "2"), 2
	for i := range other.X {
		other.X[i]++ // others than those that train
	}
	once := steps(1, 400)
	once.Classes = append(once.Classes, "2", "3", "4")
	for i := range 80 {
		once.Labels[10+i], once.Labels[210+i] = 2, 3
	}
	for i := 150; i < 250; i += 10 {
		once.Labels[i] = 4
	}
	for name, test := range map[string]struct {
		data  Data
		split layout.SplitKind
		want  map[Notice]string
	}{
		"none":       {Data{Train: steps(4, 400)}, layout.SplitSeries, none},
		"few rows":   {Data{Train: few}, layout.SplitSeries, none},
		"series":     {Data{Train: twice}, layout.SplitSeries, map[Notice]string{Copied: "350 a, d"}},
		"forward":    {Data{Train: twice}, layout.SplitForward, map[Notice]string{NoClock: "0 "}}, // in the same blocks
		"once":       {Data{Train: once}, layout.SplitBlocks, map[Notice]string{Untaught: "0 2, 3"}},
		"test":       {Data{Train: steps(4, 400), Test: other}, layout.SplitSeries, map[Notice]string{TestUntaught: "0 2"}},
		"group":      {Data{Train: &grouped}, layout.SplitSeries, none},
		"validation": {Data{Train: steps(4, 400), Validation: twice}, layout.SplitSeries, map[Notice]string{ValidationSeen: "1600 "}},
	} {
		s := quick()
		s.Folds, s.Split = 4, test.split
		got := map[Notice]string{}
		err := Preview(context.Background(), test.data, s, Means{}, observe(func(_ context.Context, e Event) error {
			if n, ok := e.(Noticed); ok {
				got[n.Kind] = fmt.Sprint(n.Number, " ", n.Class)
			}
			return nil
		}))
		if err != nil || !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, not %v: %v", name, got, test.want, err)
		}
	}
}

// Where the gaps at the folds leave no row to train on, all rows train nevertheless.
func TestFewRowsTrainWithoutFolds(t *testing.T) {
	s := DefaultSpec()
	s.Members, s.Threshold.Auto = 1, true
	var kinds []Notice
	r := fit(t, Data{Train: steps(1, 12)}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok {
			kinds = append(kinds, n.Kind)
		}
		return nil
	}))
	if !slices.Contains(kinds, NotJudged) || !slices.Contains(kinds, NoThreshold) || r.Judged != nil || len(r.Members) != 1 {
		t.Errorf("notices %v, judged %v, %d members", kinds, r.Judged, len(r.Members))
	}
	if taken := r.Taken()[0]; taken.isLogistic() {
		t.Errorf("%s is taken", taken.Name())
	}
}

// prepared is a run before its first training.
func prepared(t *testing.T, d Data, s Spec, all ...Observer) *run {
	t.Helper()
	r := newRun(&s, Means{}, all)
	if err := r.prepare(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	return r
}

// A value that is missing is filled with the mean of the rows that train: in a fold not of those
// that it holds back.
func TestMissingValuesAreFilledFromRowsThatTrain(t *testing.T) {
	d := steps(1, 400)
	for i := range d.X {
		d.X[i] = 1
		if i >= 200 {
			d.X[i] = 3
		}
	}
	nan := float32(math.NaN())
	d.X[10], d.X[300] = nan, nan
	r := prepared(t, Data{Train: d}, quick())
	for fold, want := range []float32{2, 3, 1} {
		for _, row := range []int{10, 300} {
			if got, x := r.rowsOf(Job{Fold: fold}).fill[0], r.rowsOf(Job{Fold: fold}).inputs(inputs.Inputs{SeriesScale: inputs.None})[row]; x != want || got != want {
				t.Errorf("fold %d: row %d is filled with %v, %v, want %v", fold, row, x, got, want)
			}
		}
	}
	d.X[10], d.X[300] = 1, 3
	if r := prepared(t, Data{Train: d}, quick()); r.filled[0] != r.rows || r.filled[1] != r.rows {
		t.Error("rows are copied though none is missing")
	}
}

// A fold whose rows all lie where a lookahead leaves no answer is left out, and others judge.
func TestAFoldWithoutAnAnswerIsLeftOut(t *testing.T) {
	d := steps(3, 200)
	d.Series = append(d.Series, series.Range{Name: "d", Start: 560, End: 600}) // the end of the last one
	d.Series[2].End = 560
	s := quick()
	s.Folds, s.Split, s.Lookahead, s.Network = 4, layout.SplitSeries, 40, NetworkLogistic
	s.Recipe = Override{}
	left := 0
	r := fit(t, Data{Train: d}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok && n.Kind == EmptyFolds {
			left = n.Number
		}
		return nil
	}))
	if left != 1 || r.Judged == nil || len(r.Judged.Folds) != 3 || r.Judged.Report.Steps != 160+160+120 {
		t.Fatalf("%d left out, judged %+v", left, r.Judged)
	}
	s.TestFraction, s.Folds = 0.1, 0
	if err := newRun(&s, Means{}, nil).prepare(context.Background(), Data{Train: d}); err == nil || !strings.Contains(err.Error(), "no test row") {
		t.Errorf("test rows without an answer: error %v", err)
	}
}

// The parts of one recording, between gaps in time, are neither whole series to judge by nor
// several to scale within.
func TestPartsOfOneSeriesAreNotSeveral(t *testing.T) {
	d := steps(10, 60)
	for i := range d.Series {
		d.Series[i].Group = "a"
	}
	for _, group := range []string{"", "patient"} {
		d.Group = group
		s := quick()
		s.Folds = 4
		p := plannedBy(t, func(o Observer) error { return Preview(t.Context(), Data{Train: d}, s, Means{}, o) })
		if group == "" && (p.Split != layout.SplitBlocks || p.Within != inputs.None || len(p.Folds) != 4) {
			t.Errorf("%s, %s, %d folds", p.Split, p.Within, len(p.Folds))
		}
		if group != "" && (p.Split != layout.SplitSeries || len(p.Folds) > 0) {
			t.Errorf("one group, by a column: %s, %d folds", p.Split, len(p.Folds))
		}
	}
}

func TestRunningScaleIsForLimitedLookahead(t *testing.T) {
	s := DefaultSpec()
	for _, test := range []struct {
		lookahead Lookahead
		series    int
		want      inputs.Within
	}{{All, 2, inputs.None}, {All, 3, inputs.Whole}, {0, 3, inputs.Running}, {20, 2, inputs.None}} {
		s.Lookahead = test.lookahead
		if got := s.within(layout.SplitSeries, test.series); got != test.want {
			t.Errorf("%v, %d series: %v", test.lookahead, test.series, got)
		}
	}
	s.Lookahead, s.Split = All, layout.SplitForward // rows held back are later
	if got := s.within(layout.SplitForward, 3); got != inputs.Running {
		t.Errorf("forward: %v", got)
	}
}

// Whole series are held back, and features scaled within them, where every class is in two at
// least and there are three; else blocks, of rows that are not scaled by those beside them.
func TestWholeSeriesAreHeldBackWhereTheyCan(t *testing.T) {
	for _, test := range []struct {
		name   string
		series int
		alone  bool // a third class is in one series only
		split  layout.SplitKind
		folds  int
		within inputs.Within
		notice *Noticed
	}{
		{"three series", 3, false, layout.SplitSeries, 3, inputs.Whole, nil},
		{"five series", 5, false, layout.SplitSeries, 4, inputs.Whole, nil},
		{"two series", 2, false, layout.SplitBlocks, 4, inputs.None, &Noticed{Kind: InBlocks, Number: 2}},
		{"a class of one series", 10, true, layout.SplitBlocks, 4, inputs.None, &Noticed{Kind: InBlocks, Number: 10, Class: "2"}},
		{"one series", 1, false, layout.SplitBlocks, 4, inputs.None, nil},
	} {
		d := steps(test.series, 120)
		if test.alone {
			d.Classes = append(d.Classes, "2")
			for i := range 20 {
				d.Labels[i*6] = 2
			}
		}
		s := quick()
		s.Folds = 4
		var notices []Noticed
		p := plannedBy(t, func(o Observer) error {
			return Preview(t.Context(), Data{Train: d}, s, Means{}, o, observe(func(_ context.Context, e Event) error {
				if n, ok := e.(Noticed); ok {
					notices = append(notices, n)
				}
				return nil
			}))
		})
		if p.Split != test.split || len(p.Folds) != test.folds || p.Within != test.within {
			t.Errorf("%s: %s in %d folds, scaled within %q", test.name, p.Split, len(p.Folds), p.Within)
		}
		if i := slices.IndexFunc(notices, func(n Noticed) bool { return n.Kind != FewUpdates }); (i >= 0) != (test.notice != nil) || i >= 0 && notices[i] != *test.notice {
			t.Errorf("%s: notices %+v", test.name, notices)
		}
	}
}

// Features that are too many for all windows get fewer, and a line says so.
func TestWideDataGetFewerWindows(t *testing.T) {
	d := steps(2, 40)
	d.Features, d.X = make([]string, 5000), make([]float32, 80*5000)
	fewer := map[string]int{}
	p := plannedBy(t, func(o Observer) error {
		s := DefaultSpec()
		s.Folds = 2
		err := newRun(&s, Means{}, []Observer{o, observe(func(_ context.Context, e Event) error {
			if n, ok := e.(Noticed); ok && n.Kind == FewerWindows {
				fewer[n.Rung] = n.Number
			}
			return nil
		})}).prepare(t.Context(), Data{Train: d})
		return err
	})
	if fewer["MLP 64"] != 2 || len(fewer) != 3 {
		t.Errorf("windows: %v", fewer)
	}
	for _, plan := range p.Rungs {
		if plan.Config.Features > 1<<16 {
			t.Errorf("%s: %d inputs", plan.Name(), plan.Config.Features)
		}
	}
}
