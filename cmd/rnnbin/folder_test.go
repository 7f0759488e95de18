package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/model"
)

// cancelOn cancels when a text is written.
type cancelOn struct {
	text   string
	cancel func()
}

func (w cancelOn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.text)) {
		w.cancel()
	}
	return len(p), nil
}

// A fold that ends before any of its epochs has been judged leaves the model of the one
// before it, whose session is closed by then.
func TestTheLastJudgedFoldIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	do := func(out io.Writer, args ...string) error {
		root := newRoot()
		root.SetArgs(args)
		root.SetOut(out)
		root.SetErr(io.Discard)
		return root.ExecuteContext(ctx)
	}
	if err := do(io.Discard, "data", "bursts", "--output", "bursts.csv"); err != nil {
		t.Fatal(err)
	}
	train := []string{"train", "--data", "bursts.csv", "--walk-forward", "3", "--epochs", "2", "--seed", "1", "--json", "--out"}
	err := do(cancelOn{`{"fold":2,`, cancel}, append(train, "m")...)
	if want := regexp.MustCompile(`^fold 3: context canceled; the weights of epoch [12] of fold 2, the best so far, are in m$`); err == nil || !want.MatchString(err.Error()) {
		t.Fatalf("%v, want %v", err, want)
	}
	o, err := model.Open("m")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	p, err := restoredPredictor(o.Checkpoint(0), o.Network)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if text := string(o.Metrics.WalkForward); !strings.Contains(text, `"mean"`) {
		t.Errorf("the folds' summary is %q", text)
	}
}
