package eventlog

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/python"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// data is two series, noise around 0 or 1, and which of these as the label.
func data() fit.Data {
	r := rand.New(rand.NewPCG(1, 2))
	d := &series.Data{Features: []string{"x"}, Label: "label", Classes: []string{"low", "high"}}
	for i, name := range []string{"a", "b"} {
		d.Series = append(d.Series, series.Range{Name: name, Start: i * 400, End: (i + 1) * 400})
		label := int16(i)
		for range 400 {
			if r.IntN(15) == 0 {
				label = 1 - label
			}
			d.X, d.Labels = append(d.X, float32(float64(label)+0.4*r.NormFloat64())), append(d.Labels, label)
		}
	}
	return fit.Data{Train: d, Validation: d}
}

// spec is two networks in two folds, two members of which are kept.
func spec() fit.Spec {
	s := fit.DefaultSpec()
	s.Network, s.Folds, s.Members, s.Seed, s.Threads = fit.NetworkRNN, 2, 2, 1, 2
	recipes, err := s.Recipes()
	if err != nil {
		panic(err)
	}
	gru, logistic := recipes[0], recipes[0]
	gru.Network.Layers = []graph.Layer{{Cell: graph.GRU, Units: 4}}
	gru.Network.Window = 16
	logistic.Network.Layers, logistic.Network.Window, logistic.Network.Lags = nil, 1, []int{-1, 0} // which others are compared with
	logistic.Batch, logistic.Baseline = 64, true
	gru.Epochs, logistic.Epochs = 12, 3
	gru.Updates, logistic.Updates = [2]int{}, [2]int{}
	s.Rungs = []fit.Recipe{logistic, gru}
	return s
}

// watch is an Observer.
type watch func(fit.Event)

func (w watch) Observe(_ context.Context, e fit.Event) error { w(e); return nil }

func train(t *testing.T, s fit.Spec, all ...fit.Observer) *fit.Result {
	t.Helper()
	r, err := fit.Fit(t.Context(), data(), s, fit.Means{}, all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newLog(t *testing.T, dir string) *Log {
	return New(func() string { return dir }, data().Train, func(err error) { t.Error(err) })
}

// board is what TensorBoard reads.
type board struct {
	Runs map[string]struct {
		Plugins map[string]string
		Steps   map[string][]int
		Times   map[string][]float64
		Values  map[string][]json.RawMessage
		Ops     []string
	}
	Hparams []struct{ Name string }
	Groups  []struct {
		Name     string
		Hparams  map[string]any
		Metrics  map[string]float64
		Sessions map[string]string
	}
}

// packages is the PYTHONPATH of TensorBoard; the test is skipped without it.
func packages(t *testing.T) string {
	t.Helper()
	home, err := python.Packages("tensorboard-2.18", filepath.Join("testdata", "requirements.txt"))
	if err != nil {
		t.Skip("TensorBoard cannot be installed: ", err)
	}
	return home
}

// read is what TensorBoard reads in a folder.
func read(t *testing.T, dir string) (b board) {
	t.Helper()
	cmd := exec.Command("python3", filepath.Join("testdata", "read.py"), dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages(t), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &b)
	}
	if failed, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%v: %s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scalars are the values of a tag of a run.
func (b *board) scalars(t *testing.T, run, tag string) []float32 {
	t.Helper()
	var all []float32
	for _, text := range b.Runs[run].Values[tag] {
		var v float32
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TensorBoard's own reader finds all that happened in a run.
func TestTensorBoardReadsARun(t *testing.T) {
	packages(t)
	dir := t.TempDir()
	losses, norms, rates := map[string][]float32{}, map[string][]float32{}, map[string][]float32{}
	names, validated := map[fit.Job]string{}, map[string][]float32{}
	result := train(t, spec(), newLog(t, dir), watch(func(e fit.Event) {
		switch e := e.(type) {
		case fit.JobBegan:
			rows := "final"
			if e.Job.Fold > 0 {
				rows = fmt.Sprintf("fold%d", e.Job.Fold)
			}
			network := map[string]string{fit.Rival: "logistic-regression-with-lags", "GRU 4, 16 steps": "gru-4-16-steps"}[e.Recipe.Name()]
			names[e.Job] = fmt.Sprintf("%s/%s/member%d", rows, network, e.Job.Member)
		case fit.Progress:
			run := names[e.Job]
			losses[run] = append(losses[run], e.Report.Losses...)
			norms[run] = append(norms[run], e.Report.Norms...)
			rates[run] = append(rates[run], e.Plan.Rates...)
		case fit.EpochEnded:
			run := names[e.Job]
			validated[run] = append(validated[run], float32(e.Validated.Report.MacroF1))
		}
	}))
	b := read(t, dir)
	if len(names) < 8 || len(b.Runs) != len(names)+2 { // and of the run itself, and its judgement
		t.Errorf("%d runs of %d trainings", len(b.Runs), len(names))
	}
	for _, run := range names {
		steps := b.Runs[run].Steps["update/loss"]
		for i, step := range steps {
			if step != i {
				t.Fatalf("%s: update %d is at step %d", run, i, step)
			}
		}
		for tag, want := range map[string][]float32{
			"update/loss": losses[run], "update/gradient_norm": norms[run], "update/learning_rate": slices.Compact(rates[run]), "validation/macro_f1": validated[run],
		} {
			if got := b.scalars(t, run, tag); len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("%s: %s has %d values, want %d", run, tag, len(got), len(want))
			}
		}
		if times := b.Runs[run].Times["update/loss"]; !slices.IsSorted(times) || !(slices.Max(times) > slices.Min(times)) {
			t.Errorf("%s: the times of updates are not in order", run)
		}
		if speed := b.scalars(t, run, "update/per_second"); len(speed) == 0 || !(slices.Min(speed) > 0) {
			t.Errorf("%s: %v updates a second", run, speed)
		}
		ends := b.Runs[run].Steps["epoch/loss"]
		if len(ends) < 3 || ends[len(ends)-1] != len(steps)-1 {
			t.Errorf("%s: epochs at %v of %d updates", run, ends, len(steps))
		}
	}
	checkFinal(t, &b, result)
	checkHeldBack(t, &b, result)
	checkCurve(t, &b, result.Judged)
	if size := b.Runs["judged"].Values["held_back/answers"]; b.Runs["judged"].Plugins["held_back/answers"] != "images" || len(size) != 1 || !strings.HasPrefix(string(size[0]), "[2000, ") {
		t.Errorf("the picture is %s", size)
	}
}

// checkCurve checks the precision-recall curve at the thresholds at which it is certain what
// floats come to.
func checkCurve(t *testing.T, b *board, j *fit.Judged) {
	t.Helper()
	const tag = "held_back/high"
	var got [6][]float64
	if b.Runs["judged"].Plugins[tag] != "pr_curves" || len(b.Runs["judged"].Values[tag]) != 1 {
		t.Fatalf("there is no curve, but %v", b.Runs["judged"].Plugins)
	}
	if err := json.Unmarshal(b.Runs["judged"].Values[tag][0], &got); err != nil {
		t.Fatal(err)
	}
	labels := data().Train.Labels
	for at, threshold := range map[int]float32{0: 0, 50: 0.25, 100: 0.5, 150: 0.75} {
		var n [4]float64 // true and false positives, true and false negatives
		for i, fold := range j.Fold {
			if fold == 0 {
				continue
			}
			is := 0
			if j.Probability[2*i+1] < threshold {
				is = 2
			}
			if (labels[i] == 1) != (is == 0) {
				is++
			}
			n[is]++
		}
		want := [6]float64{n[0], n[1], n[2], n[3], n[0] / (n[0] + n[1]), n[0] / (n[0] + n[3])}
		for row, v := range want {
			if len(got[row]) != thresholds || !(math.Abs(got[row][at]-v) < 1e-6) {
				t.Errorf("at %v: row %d is %v, want %v", threshold, row, got[row][at], v)
			}
		}
	}
}

// checkFinal checks what there is of the networks that all rows train alone.
func checkFinal(t *testing.T, b *board, result *fit.Result) {
	t.Helper()
	m := result.Members[len(result.Members)-1]
	name := result.Rungs[m.Job.Rung].Name()
	run := fmt.Sprintf("final/%s/member%d", slug(name), m.Job.Member)
	for _, v := range m.State[:len(m.Config.Weights())] {
		all := b.Runs[run].Values["weights/"+v.Name]
		if len(all) == 0 {
			t.Errorf("there is no histogram of %s", v.Name)
			continue
		}
		var buckets [][3]float64
		if err := json.Unmarshal(all[len(all)-1], &buckets); err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, bucket := range buckets {
			total += bucket[2]
		}
		if total != float64(len(v.Value)) || float32(buckets[0][0]) > slices.Min(v.Value) || float32(buckets[len(buckets)-1][1]) < slices.Max(v.Value) {
			t.Errorf("%s: %d values from %v to %v are in buckets %v", v.Name, len(v.Value), slices.Min(v.Value), slices.Max(v.Value), buckets)
		}
	}
	first := fmt.Sprintf("final/%s/member0", slug(name))
	for _, v := range m.Config.Weights() {
		if len(b.Runs[first].Values["gradients/"+v.Name]) == 0 {
			t.Errorf("there is no histogram of the gradients of %s", v.Name)
		}
	}
	for _, op := range []string{"RnnbinWindows", "RnnbinAdam", "MatMul", "While"} {
		if !slices.Contains(b.Runs[first].Ops, op) {
			t.Errorf("the graph has no %s, but %v", op, b.Runs[first].Ops)
		}
	}
}

// checkHeldBack checks the scores of rows that are held back, as such and as metrics beside
// hyperparameters.
func checkHeldBack(t *testing.T, b *board, result *fit.Result) {
	t.Helper()
	if len(b.Groups) != len(result.Rungs) {
		t.Errorf("%d groups of %d networks", len(b.Groups), len(result.Rungs))
	}
	for _, g := range result.Rungs {
		mean := 0.0
		for i, f := range g.Folds {
			got := b.scalars(t, fmt.Sprintf("fold%d/%s/member0", i+1, slug(g.Name())), "held_back/macro_f1")
			if !slices.Equal(got, []float32{float32(f.MacroF1)}) {
				t.Errorf("%s, fold %d: macro F1 %v, want %v", g.Name(), i+1, got, f.MacroF1)
			}
			mean += float64(f.MacroF1) / float64(len(g.Folds))
		}
		at := slices.IndexFunc(b.Groups, func(of struct {
			Name     string
			Hparams  map[string]any
			Metrics  map[string]float64
			Sessions map[string]string
		}) bool {
			return of.Name == g.Name()
		})
		if at < 0 {
			t.Errorf("there is no group %q", g.Name())
			continue
		}
		group := b.Groups[at]
		if !(math.Abs(group.Metrics["held_back/macro_f1"]-mean) < 1e-6) {
			t.Errorf("%s: macro F1 %v, want %v", g.Name(), group.Metrics, mean)
		}
		cell, units := "gru", "4"
		if len(g.Network.Layers) == 0 {
			cell, units = "none", ""
		}
		if h := group.Hparams; h["cell"] != cell || h["units"] != units || h["learning_rate"] != 0.003 || h["bidirectional"] != false || len(h) != len(b.Hparams) {
			t.Errorf("%s: %v", g.Name(), h)
		}
		for session, status := range group.Sessions {
			if status != "STATUS_SUCCESS" {
				t.Errorf("%s: %s", session, status)
			}
		}
	}
	if got := b.scalars(t, "judged", "held_back/macro_f1"); !slices.Equal(got, []float32{float32(result.Judged.Report.MacroF1)}) {
		t.Errorf("macro F1 %v, want %v", got, result.Judged.Report.MacroF1)
	}
}

// The log changes no bit of what is trained.
func TestTheLogChangesNothing(t *testing.T) {
	with, without := train(t, spec(), newLog(t, t.TempDir())), train(t, spec())
	for i, m := range with.Members {
		if !reflect.DeepEqual(m.State, without.Members[i].State) {
			t.Errorf("member %d differs", i)
		}
	}
}

// Of a training that goes on from a step, readers forget what was told of that step and
// those after it.
func TestReadersForgetWhatIsToldAgain(t *testing.T) {
	packages(t)
	dir := t.TempDir()
	l := newLog(t, dir)
	var planned fit.Planned
	var began fit.JobBegan
	s := spec()
	s.Folds, s.Members, s.Rungs = 0, 1, s.Rungs[1:]
	train(t, s, watch(func(e fit.Event) {
		switch e := e.(type) {
		case fit.Planned:
			planned = e
		case fit.JobBegan:
			began = e
		}
	}), l)
	again := newLog(t, dir)
	for _, e := range []fit.Event{
		planned,
		began,
		fit.Progress{Job: began.Job, Steps: 2, First: 4, Plan: graph.Plan{Starts: make([][]int32, 2), Rates: []float32{1, 1}}, Report: graph.Report{Losses: []float32{7, 8}, Norms: []float32{1, 1}}},
		fit.Ended{},
	} {
		if err := again.Observe(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	b := read(t, dir)
	run := "final/gru-4-16-steps/member0"
	if steps, losses := b.Runs[run].Steps["update/loss"], b.scalars(t, run, "update/loss"); !slices.Equal(steps, []int{0, 1, 2, 3, 4, 5}) || losses[4] != 7 {
		t.Errorf("steps %v, losses %v", steps, losses)
	}
}

// An earlier run may have made all updates of an epoch, or of a training, that this one ends.
func TestWhatEndsWithoutAnUpdate(t *testing.T) {
	var planned fit.Planned
	var began fit.JobBegan
	s := spec()
	train(t, s, watch(func(e fit.Event) {
		switch e := e.(type) {
		case fit.Planned:
			planned = e
		case fit.JobBegan:
			if e.Job.Fold > 0 {
				began = e
			}
		}
	}))
	l := newLog(t, t.TempDir())
	l.failed = func(err error) { t.Error(err) }
	if err := l.Observe(t.Context(), planned); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, e := range []fit.Event{
			began, fit.Progress{Job: began.Job, Steps: 2}, fit.EpochEnded{Job: began.Job, Epoch: fit.Epoch{Epoch: 1, Steps: 2}},
			fit.JobEnded{Job: began.Job, Steps: 2}, began, fit.JobEnded{Job: began.Job, Steps: 2},
		} {
			if err := l.Observe(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A run that begins anew takes the place of what there was, and of nothing that is not an
// event file.
func TestARunTakesThePlaceOfAnother(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "fold7", "mlp", "member0")
	if err := os.MkdirAll(old, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(old, "events.out.tfevents.1.x"), filepath.Join(dir, "events.out.tfevents.1.x"), filepath.Join(dir, "notes.txt")} {
		if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := spec()
	s.Folds, s.Members, s.Rungs = 0, 1, s.Rungs[1:]
	train(t, s, newLog(t, dir))
	train(t, s, newLog(t, dir))
	var folders []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path, err = filepath.Rel(dir, path)
			name, _, _ := strings.Cut(path, "events.out")
			folders = append(folders, name)
		}
		return err
	})
	if want := []string{"", "final/gru-4-16-steps/member0/", "notes.txt"}; err != nil || !slices.Equal(folders, want) {
		t.Errorf("files in %q, want %q; %v", folders, want, err)
	}
}

// What cannot be written is reported once, and the run goes on.
func TestWhatCannotBeWrittenEndsTheLogAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var failed []error
	s := spec()
	s.Folds, s.Members = 0, 1
	r := train(t, s, New(func() string { return filepath.Join(file, "tensorboard") }, data().Train, func(err error) { failed = append(failed, err) }))
	if len(failed) != 1 || !strings.Contains(failed[0].Error(), "not a directory") || len(r.Members) != 1 {
		t.Errorf("%d members; %v", len(r.Members), failed)
	}
}

func TestHistogram(t *testing.T) {
	h := histogram([]float32{-1, 0, 0, 2})
	if h.Min != -1 || h.Max != 2 || h.Num != 4 || h.Sum != 1 || h.SumSquares != 5 || len(h.Bucket) != 30 || h.Bucket[0] != 1 || h.Bucket[10] != 2 || h.Bucket[29] != 1 {
		t.Errorf("%v", h)
	}
	if h := histogram([]float32{3, 3}); !slices.Equal(h.Bucket, []float64{2}) || !slices.Equal(h.BucketLimit, []float64{3}) {
		t.Errorf("%v", h)
	}
}

// The checksum of 32 bytes of zeros is one of RFC 3720's examples.
func TestChecksum(t *testing.T) {
	crc := uint32(0x8a9136aa)
	if got, want := masked(make([]byte, 32)), (crc>>15|crc<<17)+0xa282ead8; got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	r := appendRecord(nil, []byte("abc"))
	if len(r) != 8+4+3+4 || binary.LittleEndian.Uint64(r) != 3 || string(r[12:15]) != "abc" {
		t.Errorf("%x", r)
	}
}

// again is a Runner that loses each job in its course once, as a worker that is lost does.
type again struct{ lose context.CancelFunc }

func (r *again) Run(ctx context.Context, jobs []fit.Job, do func(context.Context, int, *graph.Server) error) error {
	for i := range jobs {
		first, cancel := context.WithCancel(ctx)
		r.lose = cancel
		if err := do(first, i, nil); err != nil && first.Err() == nil {
			return err
		}
		if err := do(ctx, i, nil); err != nil {
			return err
		}
	}
	return nil
}

// A job that is done again goes on in its file.
func TestJobDoneAgain(t *testing.T) {
	dir := t.TempDir()
	r := new(again)
	lose := watch(func(e fit.Event) {
		if e, ok := e.(fit.EpochEnded); ok && e.Epoch.Epoch == 2 {
			r.lose()
		}
	})
	if _, err := fit.Fit(t.Context(), data(), spec(), fit.Means{Runner: r}, newLog(t, dir), lose); err != nil {
		t.Fatal(err)
	}
	files := map[string]int{}
	err := filepath.WalkDir(filepath.Join(dir, "final"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[filepath.Dir(path)]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder, n := range files {
		if n != 1 {
			t.Errorf("%s has %d files", folder, n)
		}
	}
	if len(files) != 3 { // of two members, and of what they are compared with
		t.Errorf("%v", files)
	}
}
