package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/graph"
)

const serveVariable = "RNNBIN_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) == "" {
		os.Exit(m.Run())
	}
	address, err := Serve()
	fmt.Println(address, err)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

// server starts one in a process of its own.
func server(t *testing.T) *graph.Server {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=yes")
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
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	address, failed, _ := strings.Cut(strings.TrimSpace(line), " ")
	if failed != "<nil>" {
		t.Fatal(line)
	}
	return &graph.Server{Target: "grpc://" + address, Put: func(data []byte) (string, error) {
		path := filepath.Join(t.TempDir(), "series")
		return path, os.WriteFile(path, data, 0o666)
	}}
}

// configs are networks of all kinds of cell, in both forms.
func configs() []graph.Config {
	c := graph.DefaultConfig()
	c.Features, c.Classes, c.Dropout, c.InputNoise, c.Seed = 3, 3, 0.1, 0.1, 5
	c.Layers = []graph.Layer{{Cell: graph.GRU, Units: 16}, {Cell: graph.Dense, Units: 8}}
	c.Bidirectional, c.Lags, c.Optimizer, c.ClipNorm = true, []int{-2, 0, 1}, graph.AdamW, 1
	portable := c
	portable.Form, portable.Bidirectional = graph.FormPortable, false
	lstm := graph.DefaultConfig()
	lstm.Features, lstm.Layers, lstm.Loss = 3, []graph.Layer{{Cell: graph.LSTM, Units: 8}}, graph.MSE
	return []graph.Config{c, portable, lstm}
}

// rows are n of three features and as many classes.
func rows(n int) graph.Series {
	d := graph.Series{Lengths: []int{n / 3, n - n/3}}
	for i := range n {
		d.Y = append(d.Y, float32(i/7%3))
		for f := range 3 {
			d.X = append(d.X, float32(math.Sin(float64(i*(f+1))/9)))
		}
	}
	return d
}

// plan is one of k updates.
func plan(k int) graph.Plan {
	var p graph.Plan
	for i := range k {
		p.Starts = append(p.Starts, []int32{int32(i % 100), int32(i * 5 % 90), 60})
	}
	return p
}

// result is what a session comes to.
type result struct {
	report graph.Report
	state  []graph.Variable
	step   int64
	answer graph.Prediction
}

func train(t *testing.T, s *graph.Session) (r result) {
	t.Helper()
	var err error
	if err = s.SetSeries(rows(120)); err != nil {
		t.Fatal(err)
	}
	if r.report, err = s.Train(t.Context(), plan(25)); err != nil {
		t.Fatal(err)
	}
	r.see(t, s)
	return r
}

// see takes the state and the answers of s.
func (r *result) see(t *testing.T, s *graph.Session) {
	t.Helper()
	var err error
	if r.state, err = s.Variables(); err != nil {
		t.Fatal(err)
	}
	if r.step, err = s.Step(); err != nil {
		t.Fatal(err)
	}
	if r.answer, err = s.Predict(t.Context(), rows(90).X, 3, nil); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, at *graph.Server, c graph.Config) *graph.Session {
	t.Helper()
	s, err := graph.NewSessionAt(at, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Sessions on a server, several at a time, come to the same bits as those of this process, and
// write and read their checkpoints here.
func TestSessionOnAServer(t *testing.T) {
	at := server(t)
	dir := t.TempDir()
	fed := &graph.Server{Target: at.Target}
	other := open(t, at, configs()[0]) // its variables have the same names
	for i, c := range configs() {
		want := train(t, open(t, nil, c))
		s := open(t, at, c)
		if got := train(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("network %d: a server's session comes to\n%v\nwant\n%v", i, got, want)
		}
		if got := train(t, open(t, fed, c)); !reflect.DeepEqual(got, want) {
			t.Errorf("network %d: with a series that is fed, a server's session comes to\n%v\nwant\n%v", i, got, want)
		}
		prefix := filepath.Join(dir, fmt.Sprint(i))
		if err := s.Save(prefix); err != nil {
			t.Fatal(err)
		}
		for _, of := range []*graph.Session{open(t, nil, c), open(t, at, c)} {
			if err := of.Restore(prefix); err != nil {
				t.Fatal(err)
			}
			got := result{report: want.report}
			if got.see(t, of); !reflect.DeepEqual(got, want) {
				t.Errorf("network %d: restored it is\n%v\nwant\n%v", i, got, want)
			}
		}
	}
	if step, err := other.Step(); step != 0 || err != nil {
		t.Errorf("a session that made no step has made %d, %v", step, err)
	}
}

// A context that ends amid a call on a server is told behind its steps, and later calls are not stopped.
func TestContextEndsOnAServer(t *testing.T) {
	at := server(t)
	s := open(t, at, configs()[1])
	if err := s.SetSeries(rows(120)); err != nil {
		t.Fatal(err)
	}
	const steps = 2000
	for wait, made := 100*time.Millisecond, 0; made == 0; wait *= 2 { // until the call has begun by then
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(wait, cancel)
		r, err := s.Train(ctx, plan(steps))
		if made = len(r.Losses); !errors.Is(err, context.Canceled) || made != 0 && made != steps {
			t.Fatalf("%d updates, %v", made, err)
		}
	}
	if r, err := s.Train(t.Context(), plan(5)); err != nil || len(r.Losses) != 5 {
		t.Errorf("%d updates, %v", len(r.Losses), err)
	}
}

func TestServerError(t *testing.T) {
	at := &graph.Server{Target: "nonsense"}
	var failed *graph.ServerError
	if _, err := graph.NewSessionAt(at, configs()[0]); !errors.As(err, &failed) || failed.Server != at {
		t.Errorf("%v", err)
	}
}

// No other address of this machine leads to a server.
func TestServerOnLoopbackAlone(t *testing.T) {
	at := server(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(at.Target, "grpc://"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, a := range all {
		ip := a.(*net.IPNet).IP
		if ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.IsLinkLocalUnicast() {
			continue
		}
		tried++
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), port), 5*time.Second); err == nil {
			c.Close()
			t.Errorf("the server is reached at %v", ip)
		}
	}
	if tried == 0 {
		t.Skip("this machine has no other address")
	}
}

// Nor does one in a network of its own, which has an address that others reach.
func TestServerInANetwork(t *testing.T) {
	const setUp = `set -e
ip link set lo up
ip link add here type veth peer name there
ip address add 192.0.2.1/24 dev here
ip link set here up
ip link set there up
exec "$0" -test.v -test.run '^TestServerOnLoopbackAlone$'`
	namespace := []string{"--user", "--map-root-user", "--net"}
	if out, err := exec.Command("unshare", append(namespace, "ip", "link", "add", "here", "type", "veth", "peer", "name", "there")...).CombinedOutput(); err != nil {
		t.Skipf("there are no network namespaces here: %v: %s", err, out)
	}
	out, err := exec.Command("unshare", append(namespace, "sh", "-c", setUp, os.Args[0])...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestServerOnLoopbackAlone") {
		t.Errorf("%v: %s", err, out)
	}
}
