package eventlog

import (
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/graph"
)

// The estimate is never less than what is written, nor much more.
func TestBytes(t *testing.T) {
	s, dir := spec(), t.TempDir()
	s.Rungs[1].Epochs = 100
	about := 0.0
	train(t, s, newLog(t, dir), watch(func(e fit.Event) {
		if p, ok := e.(fit.Planned); ok {
			about = Bytes(p)
		}
	}))
	written := 0.0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			var info fs.FileInfo
			if info, err = e.Info(); err == nil {
				written += float64(info.Size())
			}
		}
		return err
	})
	if err != nil || !(about >= written && about < 4*written) {
		t.Errorf("%.0f bytes are written, of %.0f; %v", written, about, err)
	}
}

// Histograms get rarer, and no more than is told beforehand.
func TestHistogramsGetRarer(t *testing.T) {
	l, j := &Log{now: time.Now}, &job{}
	j.begun = time.Now().Add(-time.Hour)
	var err error
	if j.Session, err = graph.NewSession(graph.DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	defer j.Session.Close()
	j.slow = 2 * time.Hour // no gradients
	const epochs = 2000
	n, last := 0, 0
	for epoch := 1; epoch <= epochs; epoch++ {
		if len(l.histograms(t.Context(), j, epoch, false)) > 0 {
			n, last = n+1, epoch
		}
	}
	if most := int(histogramsIn(epochs)); n > most || n < most/2 || last < epochs*9/10 {
		t.Errorf("%d of %d at most, the last in epoch %d", n, most, last)
	}
}
