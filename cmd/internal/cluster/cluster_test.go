package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
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
	w := Worker{Build: build, TLS: config, Log: func(string, ...any) {}, Command: slot}
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

func TestTheSameBitsByWorkers(t *testing.T) {
	for _, slots := range [][]int{{1}, {4}, {1, 1}} {
		var all []string
		for _, n := range slots {
			address, _ := worker(t, n)
			all = append(all, address)
		}
		f, l := farm(t, all...)
		compare(t, run(t, f, nil), want(t))
		f.Close()
		if l.text != "" {
			t.Errorf("workers with %v slots: %s", slots, l.text)
		}
	}
}

// Data goes to a worker once, whichever of its slots asks.
func TestDataGoesOnce(t *testing.T) {
	address, _ := worker(t, 2)
	config, err := Secret(secret)
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("rows "), chunk/2)
	var sent int64
	var folder string
	var again *link
	for range 2 {
		l, err := connect(t.Context(), address, config)
		if err != nil {
			t.Fatal(err)
		}
		defer l.close(nil)
		for range 2 {
			path, err := l.at.Put(data)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
			folder = filepath.Dir(path)
		}
		sent += l.sent.Load()
		again = l
	}
	if sent != int64(len(data)) {
		t.Errorf("%d bytes were sent of %d", sent, len(data))
	}
	if err := os.RemoveAll(folder); err != nil { // as those do who clear away what is old
		t.Fatal(err)
	}
	path, err := again.at.Put(data)
	if got, failed := os.ReadFile(path); err != nil || failed != nil || !bytes.Equal(got, data) {
		t.Errorf("%s: %d bytes, %v, %v", path, len(got), err, failed)
	}
}

// Files that were used longest ago make way for others.
func TestFilesMakeWay(t *testing.T) {
	s := &store{dir: t.TempDir()}
	for _, digest := range []string{"a", "b", "a", "c", "d"} {
		f := s.use(digest, maxFiles/3)
		if err := os.WriteFile(s.path(f), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"a", "c", "d"}) {
		t.Errorf("%v are left", names)
	}
	if s.empty(); len(s.files) > 0 {
		t.Errorf("%d files are left", len(s.files))
	}
}

// What a worker that was killed has left is removed by the next one.
func TestFoldersLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	one, err := newStore()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newStore()
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if _, err := os.Stat(one.dir); err != nil {
		t.Errorf("the folder of a worker that runs is gone: %v", err)
	}
	one.lock.Close() // as if it had been killed
	last, err := newStore()
	if err != nil {
		t.Fatal(err)
	}
	last.close()
	if _, err := os.Stat(one.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}

// A worker whose processor rounds otherwise is left out unless that does not matter.
func TestOtherBits(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("oneDNN can play a lesser processor on amd64 alone")
	}
	address, _ := worker(t, 1, "ONEDNN_MAX_CPU_ISA=SSE41")
	o, _ := options(t, address)
	if _, err := NewFarm(t.Context(), o); err == nil || !strings.Contains(err.Error(), address+": its results differ") {
		t.Errorf("%v", err)
	}
	o.Bits = false
	f, err := NewFarm(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// A worker that is lost amid a run changes nothing.
func TestLostWorkers(t *testing.T) {
	events := 0
	for _, of := range want(t).Told {
		events += len(of)
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		one, _ := worker(t, 1)
		other, p := worker(t, 1)
		f, l := farm(t, one, other)
		at, n := 1+rand.IntN(events*3/4), 0
		compare(t, run(t, f, func() {
			if n++; n == at {
				_ = p.Signal(signal)
			}
		}), want(t))
		f.Close()
		if t.Failed() || !l.has("worker "+other+" is lost") || l.has("worker "+one) {
			t.Errorf("%v at event %d of %d: %s", signal, at, events, l.text)
		}
	}
}

// A job goes on where the process that trains has ended, as others of its worker do.
func TestLostSlot(t *testing.T) {
	address, p := worker(t, 1)
	f, l := farm(t, address)
	n := 0
	compare(t, run(t, f, func() {
		if n++; n == 50 {
			_ = exec.Command("pkill", "-KILL", "-P", fmt.Sprint(p.Pid)).Run()
		}
	}), want(t))
	f.Close()
	if !l.has("is lost") || !l.has("is there again") {
		t.Error(l.text)
	}
}

func TestNoWorkerLeft(t *testing.T) {
	address, p := worker(t, 2)
	o, l := options(t, address)
	o.Absence = time.Second
	f, err := NewFarm(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	o2 := &told{jobs: map[fit.Job][]string{}, each: func() {
		if n++; n == 30 {
			_ = p.Kill()
		}
	}}
	s := fit.DefaultSpec()
	s.Threads = 1
	_, err = fit.Fit(t.Context(), fit.Data{Train: rows(1500)}, s, fit.Means{Runner: f}, o2)
	var lost *LostError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), address) {
		t.Errorf("%v; %s", err, l.text)
	}
}

func TestRefusedWorkers(t *testing.T) {
	address, _ := worker(t, 1)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for _, test := range []struct {
		name, address string
		change        func(*Options)
		want          string
	}{
		{"another secret", address, func(o *Options) { o.TLS, _ = Secret(secret + "!") }, "the secret is not the same"},
		{"HTTP", plain.Listener.Addr().String(), nil, "no rnnbin worker"},
		{"HTTPS", secure.Listener.Addr().String(), nil, "the secret is not the same"},
		{"another version", address, func(o *Options) { o.Build.Program, o.Build.Library = "2", "3" }, "rnnbin test, not 2; libtensorflow"},
		{"nobody", nobody.Addr().String(), nil, "connection refused"},
	} {
		o, _ := options(t, test.address)
		o.Arrival = time.Second
		if test.change != nil {
			test.change(&o)
		}
		_, err := NewFarm(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), test.address) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// Neither plain connections nor many idle ones keep a worker from its work.
func TestIdleConnections(t *testing.T) {
	address, _ := worker(t, 1)
	for i := range 4 * maxWaiting {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i == 0 {
			fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n")
			if text, _ := io.ReadAll(c); strings.Contains(string(text), "HTTP") {
				t.Errorf("a plain request is answered %q", text)
			}
		}
	}
	farm(t, address)
}

func TestSecretThatCanBeGuessed(t *testing.T) {
	if _, err := Secret("password"); err == nil {
		t.Error("a short secret will do")
	}
}

// place of a farm without connections, whose workers are up.
func fakeFarm(slots int) *Farm {
	f := &Farm{free: make(chan *link), places: []*place{{up: slots}}, o: Options{Log: func(string, ...any) {}, Absence: time.Minute}}
	for i := range slots {
		l := &link{address: fmt.Sprint(i), back: make(chan struct{})}
		l.lost, l.lose = context.WithCancelCause(context.Background())
		go func() {
			for l.lost.Err() == nil {
				f.free <- l
				<-l.back
			}
		}()
	}
	return f
}

// A job that takes longer than others is done twice, and what ends first counts.
func TestSlowJobIsDoneTwice(t *testing.T) {
	f := fakeFarm(2)
	var mu sync.Mutex
	begun := map[int]int{}
	err := f.Run(t.Context(), make([]fit.Job, 3), func(ctx context.Context, i int, _ *graph.Server) error {
		mu.Lock()
		begun[i]++
		first := begun[i] == 1
		mu.Unlock()
		if i == 1 && first {
			<-ctx.Done()
		}
		return nil
	})
	if err != nil || !reflect.DeepEqual(begun, map[int]int{0: 1, 1: 2, 2: 1}) {
		t.Errorf("%v, %v", begun, err)
	}
}

func TestRunEndsWithAnError(t *testing.T) {
	failed := errors.New("it failed")
	err := fakeFarm(2).Run(t.Context(), make([]fit.Job, 9), func(ctx context.Context, i int, _ *graph.Server) error {
		if i == 3 {
			return failed
		}
		return ctx.Err()
	})
	if err != failed {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = fakeFarm(2).Run(ctx, make([]fit.Job, 9), func(ctx context.Context, i int, _ *graph.Server) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestParseTFConfig(t *testing.T) {
	const all = `"cluster": {"chief": ["c:1"], "worker": ["a:2", "b:3"]}, "task": `
	for text, want := range map[string]Task{
		`{` + all + `{"type": "chief", "index": 0}}`:                                             {Chief: true, Workers: []string{"a:2", "b:3"}},
		`{` + all + `{"type": "worker", "index": 1}}`:                                            {Listen: ":3"},
		`{` + all + `{"type": "evaluator", "index": 0}}`:                                         {},
		`{"cluster": {"worker": ["a:2", "b:3"]}, "task": {"type": "worker", "index": 0}}`:        {Chief: true, Workers: []string{"b:3"}},
		`{"cluster": {"worker": ["a:2", "b:3"]}, "task": {"type": "worker", "index": 1}}`:        {Listen: ":3"},
		`{"cluster": {"chief": ["c:1"], "ps": []}, "task": {"type": "chief"}, "environment": 1}`: {Chief: true},
	} {
		if got, err := ParseTFConfig(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "[]", `{` + all + `{"type": "worker", "index": 2}}`, `{` + all + `{"type": "ps", "index": 0}}`, `{` + all + `{"type": "worker", "index": -1}}`, `{}`,
		`{"cluster": {"chief": ["c:1"], "ps": ["d:1"]}, "task": {"type": "chief", "index": 0}}`,
		`{"cluster": {"chief": ["c:1"], "worker": ["d"]}, "task": {"type": "worker", "index": 0}}`,
	} {
		if got, err := ParseTFConfig(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
