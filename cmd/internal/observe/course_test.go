package observe

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/graph"
)

// run is a course with a clock of its own, of two networks in two folds, the second of which takes
// two members.
type run struct {
	*Progress
	clock time.Time
	first map[fit.Job]int
	out   strings.Builder
}

func newRun(columns func() int) *run {
	r := &run{clock: time.Unix(1, 0), first: map[fit.Job]int{}}
	r.Progress = NewProgress(&r.out, columns)
	r.now, r.last = func() time.Time { return r.clock }, r.clock
	slow := &fit.Recipe{Batch: 8}
	slow.Network.Layers, slow.Network.Window = []graph.Layer{{Cell: graph.GRU, Units: 16}}, 32
	config := graph.DefaultConfig()
	r.tell(fit.Planned{Folds: make([]layout.Fold, 2), Rungs: []fit.Plan{
		{Recipe: &fit.Recipe{Batch: 8, Baseline: true}, Config: config, Members: 1, Epochs: 10, Steps: 10},
		{Recipe: slow, Rung: 1, Config: config, Members: 2, Epochs: 10, Steps: 10},
	}})
	r.tell(fit.Stage{Name: fit.Compare, Steps: map[fit.Job]int{{Fold: 1}: 100, {Rung: 1, Fold: 1}: 100, {Fold: 2}: 100, {Rung: 1, Fold: 2}: 100}})
	return r
}

func (r *run) tell(e fit.Event) { _ = r.Observe(context.Background(), e) }

// train makes steps of a job, in a time.
func (r *run) train(j fit.Job, steps int, took time.Duration) {
	r.clock = r.clock.Add(took)
	r.tell(fit.Progress{Job: j, Steps: steps, First: r.first[j], Report: graph.Report{Losses: make([]float32, steps)}})
	r.first[j] += steps
}

func (r *run) begin(j fit.Job) {
	r.tell(fit.JobBegan{Job: j, Recipe: r.rungs[j.Rung].Recipe, Steps: 10})
}

// What is left is told from how long each network's updates have taken, and those to come of it.
func TestTimeLeft(t *testing.T) {
	r := newRun(nil)
	if _, _, known := r.estimate(); known {
		t.Error("it is known before anything was trained")
	}
	fast, slow := fit.Job{Fold: 1}, fit.Job{Rung: 1, Fold: 1}
	r.begin(fast)
	r.train(fast, 100, time.Second)
	r.tell(fit.JobEnded{Job: fast})
	// Three to compare, two to judge it, two on all rows, as fast as this one for all that is known.
	if done, left, _ := r.estimate(); left != 7*time.Second || done != 1./8 {
		t.Errorf("%v done, %v left", done, left)
	}
	r.folds = 3 // of which the last is compared later, and judges, too
	if _, left, _ := r.estimate(); left != (7+2+1)*time.Second {
		t.Errorf("%v left with three folds", left)
	}
	r.folds = 2
	r.begin(slow)
	r.train(slow, 50, 2*time.Second)
	if _, left, _ := r.estimate(); left != 2*time.Second+(1+4)*time.Second+4*4*time.Second {
		t.Errorf("%v left", left)
	}
	r.tell(fit.Stage{Name: fit.Final, Steps: map[fit.Job]int{{Rung: 1}: 100, {Rung: 1, Member: 1}: 100}})
	if _, left, _ := r.estimate(); left != 2*4*time.Second {
		t.Errorf("%v left in the end", left)
	}
	if text := r.line(); text != "" { // the slow one, whose time was over, does not go on
		t.Errorf("%q", text)
	}
}

// What the first updates of a network have taken, which prepare the others, is not taken for what
// all take; nor does a network of little work tell nothing of one of much.
func TestTimeLeftAtFirst(t *testing.T) {
	r := newRun(nil)
	r.rungs[0].work, r.rungs[1].work = 1.01e6, 20e6
	fast, slow := fit.Job{Fold: 1}, fit.Job{Rung: 1, Fold: 1}
	r.begin(fast)
	r.train(fast, 2, time.Second/2)
	r.train(fast, 10, time.Millisecond)
	most := 700 * 20 * time.Second / 2 / 2 // by the first two
	if _, left, known := r.estimate(); !known || left <= 0 || left > most {
		t.Errorf("%v left", left)
	}
	r.train(fast, 88, 9*time.Millisecond)
	r.begin(slow)
	if !strings.Contains(r.line(), "loss") { // of the first
		t.Errorf("%q", r.line())
	}
	r.tell(fit.JobEnded{Job: fast})
	if got := r.line(); strings.Contains(got, "loss") || strings.Contains(got, "a second") {
		t.Errorf("%q before any update", got)
	}
	r.train(slow, 2, time.Second)
	r.train(slow, 10, 20*time.Millisecond)
	if _, left, _ := r.estimate(); left > 3*time.Second { // 688 of 2 ms
		t.Errorf("%v left", left)
	}
}

// Trainings side by side take less.
func TestTimeLeftSideBySide(t *testing.T) {
	r := newRun(nil)
	r.tell(fit.Stage{Name: fit.Final, Steps: map[fit.Job]int{{Rung: 1}: 100, {Rung: 1, Member: 1}: 100}})
	a, b := fit.Job{Rung: 1}, fit.Job{Rung: 1, Member: 1}
	r.begin(a)
	r.begin(b)
	r.train(a, 50, time.Second)
	r.train(b, 50, 0)
	if done, left, _ := r.estimate(); left != time.Second || done != 0.5 {
		t.Errorf("%v done, %v left", done, left)
	}
}

// The bar fits any terminal, and has neither colours nor more than one line.
func TestTheBarFits(t *testing.T) {
	for _, columns := range []int{10, 40, 60, 80, 200} {
		r := newRun(func() int { return columns })
		j := fit.Job{Rung: 1, Fold: 1}
		r.begin(j)
		r.train(j, 50, time.Minute)
		r.tell(fit.EpochEnded{Job: j, Validated: &fit.Validated{Report: &metrics.Report{Scores: metrics.Scores{MacroF1: 0.98765}}}})
		r.train(j, 5, time.Minute)
		r.Clear()
		text := r.out.String()
		if regexp.MustCompile(`\x1b\[[^K]|\n`).MatchString(text) || !strings.HasSuffix(text, "\r\x1b[K") {
			t.Errorf("%q", text)
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(text, "\x1b[K", ""), "\r") {
			if len(line) >= columns {
				t.Errorf("%d columns: %q has %d", columns, line, len(line))
			}
		}
		want := map[int]string{60: "left fold 1 GRU 16 epoch 6/10 loss 0\x1b", 200: "left fold 1 GRU 16, 32 steps epoch 6/10 loss 0 F1 0.9877 0.1/s"}[columns]
		if !strings.Contains(text, want) {
			t.Errorf("%d columns: %q has no %q", columns, text, want)
		}
	}
}

// Where there is no terminal a line comes every ten seconds.
func TestLinesOfProgress(t *testing.T) {
	r := newRun(nil)
	j := fit.Job{Rung: 1, Fold: 1}
	r.begin(j)
	for range 21 {
		r.train(j, 1, time.Second)
	}
	lines := strings.Split(r.out.String(), "\n")
	if len(lines) != 3 || lines[1] != "rnnbin: 2 % done, about 13m0s left: fold 1, GRU 16, 32 steps, epoch 2 of 10, loss 0, 1.0 updates a second" {
		t.Errorf("%q", lines)
	}
}
