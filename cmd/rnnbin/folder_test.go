package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
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

// What a run has trained when it is ended is kept, whenever that is.
func TestWhatIsKeptOfARunThatIsEnded(t *testing.T) {
	t.Chdir(t.TempDir())
	rnnbin(t, "data", "two-series", "--out", "two.csv")
	for _, test := range []struct {
		name    string
		args    string
		text    string // that is written when the run is ended
		kept    string // in the error; "" if the run comes to its end
		members int    // that are kept
		partial string
	}{
		{"before any epoch", "--folds 2", "rnnbin: training on 2000 rows",
			"no network was trained for a whole epoch yet", 0, ""},
		{"of folds", "--folds 2", `{"type":"network",`,
			"what was trained so far, GRU 4, 16 steps (2 networks, trained on the rows of folds), is in m", 2, "folds"},
		{"of the members some", "--folds 2", `"member":0,"epoch":3,`,
			"what was trained so far, GRU 4, 16 steps (1 of 3 networks), is in m", 1, "some"},
		{"an unfinished network", "--folds 0 --members 1", `"epoch":2,`,
			"what was trained so far, GRU 4, 16 steps (one network, 2 epochs), is in m", 1, "unfinished"},
		{"after the commit", "--folds 0", `{"type":"result",`, "", 3, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_ = os.RemoveAll("m")
			err := trainUntil(t, test.text, test.args)
			switch {
			case test.kept == "" && err != nil:
				t.Fatal(err)
			case test.kept != "" && (!errors.Is(err, context.Canceled) || !strings.HasSuffix(err.Error(), "; "+test.kept)):
				t.Fatalf("%v, want … %s", err, test.kept)
			}
			checkKept(t, test.members, test.partial)
		})
	}
}

// trainUntil trains on two.csv into the folder m, and ends the run when a text is written.
func trainUntil(t *testing.T, text, args string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	root := newRoot()
	root.SetArgs(append(strings.Fields("train --data two.csv --series series --units 4 --steps 16 --epochs 3 --members 3 --threads 1 "+
		"--seed 1 --json --log-every 1 --out m"), strings.Fields(args)...))
	watched := cancelOn{text, cancel}
	root.SetOut(watched)
	root.SetErr(watched)
	err := root.ExecuteContext(ctx)
	if ctx.Err() == nil {
		t.Fatalf("%q is not written; %v", text, err)
	}
	return err
}

// checkKept checks the model in the folder m, whose networks must answer.
func checkKept(t *testing.T, members int, partial string) {
	t.Helper()
	o, err := model.Open("m")
	if members == 0 {
		if r, failed := model.ReadRun("m"); err == nil || failed != nil || r.State == model.Finished {
			t.Errorf("%v; %+v, %v", err, r, failed)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	n := 0
	for _, k := range o.Kinds {
		n += len(k.Weights)
	}
	if n != members || o.Run.Partial != partial {
		t.Errorf("%d members, partial %q; want %d, %q", n, o.Run.Partial, members, partial)
	}
	m, err := label.Load(o, graph.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}
