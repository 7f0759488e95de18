package serve

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
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
