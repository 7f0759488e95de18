package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

const (
	partVariable = "RNNBIN_TEST_PART" // what a process of this test is
	dataVariable = "RNNBIN_TEST_DATA" // folder of a worker
	secret       = "a secret for tests alone"
)

// build is the same in all processes of a test.
var build = Build{Program: "test", Sets: graph.InstructionSets()}

func TestMain(m *testing.M) {
	tflib.Loaded()
	switch part, slots, _ := strings.Cut(os.Getenv(partVariable), " "); part {
	case "":
		patience = 3 * time.Second
		os.Exit(m.Run())
	case "slot":
		exitOn(Slot(os.Stdin, os.Stdout))
	case "worker":
		exitOn(work(slots))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// slot is the process of one.
func slot() *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), partVariable+"=slot")
	return cmd
}

// work is a worker until standard input ends.
func work(slots string) error {
	config, err := Secret(secret)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	w := Worker{Build: build, TLS: config, Data: os.Getenv(dataVariable), Log: func(string, ...any) {}, Command: slot}
	if _, err := fmt.Sscan(slots, &w.Slots); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel() }()
	return w.Serve(ctx, l)
}

// worker starts one in a process of its own.
func worker(t *testing.T, slots int, env ...string) (address string, p *os.Process) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=worker %d", partVariable, slots), "TMPDIR="+t.TempDir())
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Process.Signal(syscall.SIGCONT); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process
}

// logged are the lines of a farm.
type logged struct {
	mu   sync.Mutex
	text string
}

func (l *logged) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += fmt.Sprintf(format, args...) + "\n"
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text, text)
}

// options are those of a farm of workers.
func options(t *testing.T, workers ...string) (Options, *logged) {
	t.Helper()
	config, err := Secret(secret)
	if err != nil {
		t.Fatal(err)
	}
	l := new(logged)
	o := DefaultOptions()
	o.Workers, o.TLS, o.Build, o.Log = workers, config, build, l.add
	return o, l
}

func farm(t *testing.T, workers ...string) (*Farm, *logged) {
	t.Helper()
	o, l := options(t, workers...)
	f, err := NewFarm(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, l
}

// rows are noise around 0 or 1, and which of the two it is as the label.
func rows(n int) *series.Data {
	r := rand.New(rand.NewPCG(1, 2))
	d := &series.Data{Features: []string{"x"}, Label: "label", Classes: []string{"0", "1"}, Series: []series.Range{{Name: "a", End: n}}}
	label := int16(0)
	for range n {
		if r.IntN(15) == 0 {
			label = 1 - label
		}
		d.X = append(d.X, float32(float64(label)+0.4*r.NormFloat64()))
		d.Labels = append(d.Labels, label)
	}
	return d
}

// told is what a run tells, job by job, without what is other each time.
type told struct {
	mu   sync.Mutex
	jobs map[fit.Job][]string
	each func() // after every event
}

func (o *told) Observe(_ context.Context, e fit.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	add := func(j fit.Job, what any) { o.jobs[j] = append(o.jobs[j], fmt.Sprintf("%T %+v", e, what)) }
	switch e := e.(type) {
	case fit.Progress:
		add(e.Job, e)
	case fit.EpochEnded:
		add(e.Job, e)
	case fit.JobEnded:
		e.Seconds = 0
		add(e.Job, e)
	}
	if o.each != nil {
		o.each()
	}
	return nil
}

// outcome is what a run comes to, without what is other each time.
type outcome struct {
	Weights []graph.Variable
	History [][]fit.EpochEnded
	Reports []string
	Told    map[fit.Job][]string
}

func run(t *testing.T, r fit.Runner, each func()) outcome {
	t.Helper()
	s := fit.DefaultSpec()
	epochs, units, window, rate := 8, []int{8}, 16, float32(0.03)
	s.Recipe = fit.Override{Epochs: &epochs, Units: units, Steps: &window, LearningRate: &rate}
	s.Folds, s.Members, s.Seed, s.Threads = 2, 2, 1, 1
	o := &told{jobs: map[fit.Job][]string{}, each: each}
	result, err := fit.Fit(t.Context(), fit.Data{Train: rows(1500), Test: rows(300)}, s, fit.Means{Runner: r}, o)
	if err != nil {
		t.Fatal(err)
	}
	out := outcome{Told: o.jobs}
	for _, m := range result.Members {
		out.Weights, out.History = append(out.Weights, m.State...), append(out.History, m.History)
	}
	for _, g := range result.Rungs {
		out.Reports = append(out.Reports, text(t, g.Report), text(t, g.Spread))
	}
	out.Reports = append(out.Reports, text(t, result.Judged), text(t, result.Test))
	return out
}

func text(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// local is what a run in this process comes to.
var local = struct {
	sync.Once
	outcome
}{}

func want(t *testing.T) outcome {
	t.Helper()
	local.Do(func() { local.outcome = run(t, nil, nil) })
	return local.outcome
}

func compare(t *testing.T, got, want outcome) {
	t.Helper()
	if len(want.Weights) == 0 || !reflect.DeepEqual(got.Weights, want.Weights) || !reflect.DeepEqual(got.History, want.History) {
		t.Error("the networks differ from those of a local run")
	}
	if !slices.Equal(got.Reports, want.Reports) {
		t.Errorf("reports are\n%v\nwant\n%v", got.Reports, want.Reports)
	}
	if len(got.Told) != len(want.Told) {
		t.Errorf("%d jobs, want %d", len(got.Told), len(want.Told))
	}
	for j, events := range want.Told {
		if !slices.Equal(got.Told[j], events) {
			t.Errorf("of job %v is told\n%s\nwant\n%s", j, strings.Join(got.Told[j], "\n"), strings.Join(events, "\n"))
		}
	}
}
