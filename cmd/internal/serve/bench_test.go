package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

// BenchmarkPredict is requests of one window from 64 connections: their time each, and how long
// they take at the median and at worst but for one in a hundred.
func BenchmarkPredict(b *testing.B) {
	for name, spec := range map[string]modeltest.Spec{
		"20x1":  {Features: []string{"x"}, Window: 20},
		"180x2": {Window: 180},
	} {
		b.Run(name, func(b *testing.B) {
			url, client := served(b, spec)
			features := max(len(spec.Features), 1)
			if spec.Features == nil {
				features = 2
			}
			body := []byte(`{"instances":[` + nested(modeltest.Rows(1, spec.Window)[:spec.Window*features], features) + `]}`)
			var mu sync.Mutex
			var all []time.Duration
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(p *testing.PB) {
				var own []time.Duration
				for p.Next() {
					begun := time.Now()
					r, err := client.Post(url+":predict", "application/json", bytes.NewReader(body))
					if err != nil {
						b.Error(err)
						return
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != 200 {
						b.Error(r.StatusCode, err)
					}
					r.Body.Close()
					own = append(own, time.Since(begun))
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, own...)
			})
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(all[len(all)*99/100].Seconds()*1000, "ms-p99")
		})
	}
}

// served serves a model to 64 connections.
func served(b *testing.B, spec modeltest.Spec) (url string, client *http.Client) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "1")
	modeltest.Write(b, dir, spec)
	r, err := engine.Open(ctx, engine.DefaultOptions(), engine.Source{Name: "m", Path: dir})
	if err != nil {
		b.Fatal(err)
	}
	s := &site{TB: b, registry: r, serve: New(r, DefaultOptions())}
	b.Cleanup(func() { r.Close(ctx) })
	s.start()
	return s.URL + "/v1/models/m", &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

// BenchmarkStreams is rows of a thousand streams that come at the same time: the time of each.
func BenchmarkStreams(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "1")
	modeltest.Write(b, dir, modeltest.Spec{Window: 64})
	r, err := engine.Open(ctx, engine.DefaultOptions(), engine.Source{Name: "m", Path: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(ctx)
	h, err := r.Acquire("m", engine.Which{})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Release()
	for _, n := range []int{1, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var all sync.WaitGroup
			for i := range n {
				s, err := h.Stream()
				if err != nil {
					b.Fatal(err)
				}
				all.Go(func() {
					defer s.Close()
					for range b.N/n + min(1, max(0, b.N%n-i)) {
						if _, _, err := s.Push(ctx, []float64{1, 2}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// BenchmarkPace is a thousand clients, each with a stream of its own over HTTP, that send a row so many
// times a second, whatever became of the one before: how many rows are answered in a second, and how long
// after a row was due its answer arrives, at the median and at worst but for one in a hundred or a thousand.
func BenchmarkPace(b *testing.B) {
	for _, rate := range []int{10, 30, 100} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) {
			url, _ := served(b, modeltest.Spec{Window: 64})
			const streams = 1000
			var clients []*paced
			for i := range streams {
				clients = append(clients, newPaced(b, url, i))
			}
			rows := max(1, b.N/streams)
			began := time.Now().Add(100 * time.Millisecond)
			var all sync.WaitGroup
			b.ResetTimer()
			for i, c := range clients {
				due := func(row int) time.Time {
					return began.Add((time.Duration(row)*time.Second + time.Duration(i)*time.Second/streams) / time.Duration(rate))
				}
				all.Go(func() { c.send(b, due, rows) })
				all.Go(func() { c.receive(b, due, rows) })
			}
			all.Wait()
			took := time.Since(began)
			var late []time.Duration
			for _, c := range clients {
				late = append(late, c.late...)
			}
			slices.Sort(late)
			b.ReportMetric(float64(len(late))/took.Seconds(), "rows/s")
			for name, q := range map[string]int{"p50": 500, "p99": 990, "p99.9": 999} {
				b.ReportMetric(late[len(late)*q/1000].Seconds()*1000, "ms-"+name)
			}
		})
	}
}

// paced is a client that costs little: its requests are written by hand.
type paced struct {
	conn net.Conn
	in   *bufio.Reader
	row  []byte // a chunk
	late []time.Duration
}

func newPaced(b *testing.B, url string, i int) *paced {
	b.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	line := fmt.Sprintf("[%.3f,%.3f]\n", float64(i)/1000, 1-float64(i)/1000)
	c := &paced{conn: conn, in: bufio.NewReader(conn), row: fmt.Appendf(nil, "%x\r\n%s\r\n", len(line), line)}
	fmt.Fprintf(conn, "POST /%s:stream HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n", path, host)
	r, err := http.ReadResponse(c.in, nil)
	if err != nil || r.StatusCode != 200 {
		b.Fatal(err, r)
	}
	return c
}

func (c *paced) send(b *testing.B, due func(int) time.Time, rows int) {
	for row := range rows {
		time.Sleep(time.Until(due(row)))
		if _, err := c.conn.Write(c.row); err != nil {
			b.Error(err)
			return
		}
	}
}

// receive reads an answer for each row. Each has a chunk of its own, or shares it with others.
func (c *paced) receive(b *testing.B, due func(int) time.Time, rows int) {
	for len(c.late) < rows {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			b.Error(err)
			return
		}
		if line[0] == '{' {
			c.late = append(c.late, time.Since(due(len(c.late))))
		}
	}
}

// BenchmarkParse is the reading of a request of 180 rows of two features.
func BenchmarkParse(b *testing.B) {
	body := []byte(`{"instances":[` + nested(modeltest.Rows(1, 180), 2) + `]}`)
	b.SetBytes(int64(len(body)))
	for range b.N {
		if _, err := parsePredict(body); err != nil {
			b.Fatal(err)
		}
	}
}
