package cluster

import (
	"errors"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"
)

// teams is a farm whose jobs are done by several slots each.
func teams(t *testing.T, replicas int, workers ...string) (*Farm, *logged) {
	t.Helper()
	o, l := options(t, workers...)
	o.Replicas = replicas
	f, err := NewFarm(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, l
}

// near compares the losses of networks that were trained on several workers each with those of others.
func near(t *testing.T, got, want outcome) {
	t.Helper()
	if len(got.History) != len(want.History) || len(want.History) == 0 {
		t.Fatalf("%d networks, want %d", len(got.History), len(want.History))
	}
	worst := 0.0
	for i, epochs := range want.History {
		for k, e := range epochs {
			worst = max(worst, math.Abs(got.History[i][k].Epoch.Loss-e.Epoch.Loss))
		}
	}
	if !(worst <= 1e-5) { // some hundreds of updates
		t.Errorf("losses of epochs differ by %v", worst)
	}
}

// Networks are trained by teams of slots, of one worker or of two, and one that loses a worker
// changes nothing.
func TestTeams(t *testing.T) {
	one, _ := worker(t, 1)
	other, p := worker(t, 2)
	f, l := teams(t, 2, one, other)
	first := run(t, f, nil)
	near(t, first, want(t))
	n := 0
	again := run(t, f, func() {
		if n++; n == 20 {
			_ = p.Signal(syscall.SIGSTOP)
			time.AfterFunc(2*patience, func() { _ = p.Signal(syscall.SIGCONT) })
		}
	})
	compare(t, again, first)
	if !l.has("worker " + other + " is lost") {
		t.Error(l.text)
	}
}

func TestTooFewForATeam(t *testing.T) {
	address, _ := worker(t, 1)
	o, _ := options(t, address)
	o.Replicas = 2
	_, err := NewFarm(t.Context(), o)
	if lost := (*LostError)(nil); !errors.As(err, &lost) || !strings.HasPrefix(err.Error(), "2 slots are to train a network together, and there are 1") {
		t.Error(err)
	}
}
