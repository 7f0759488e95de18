package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

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
		// a silent one may be overtaken, or the run be over, before it counts as lost
		told := l.has("worker "+other+" is lost") || signal == syscall.SIGSTOP && l.text == ""
		if t.Failed() || !told || l.has("worker "+one) {
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
	for signal, why := range map[syscall.Signal]string{syscall.SIGKILL: "", syscall.SIGSTOP: "no answer for"} {
		address, p := worker(t, 2)
		o, l := options(t, address)
		o.Absence = time.Second
		f, err := NewFarm(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		each := &told{jobs: map[fit.Job][]string{}, each: func() {
			if n++; n == 30 {
				_ = p.Signal(signal)
			}
		}}
		s := fit.DefaultSpec()
		s.Threads = 1
		_, err = fit.Fit(t.Context(), fit.Data{Train: rows(1500)}, s, fit.Means{Runner: f}, each)
		f.Close()
		var lost *LostError
		if !errors.As(err, &lost) || !strings.Contains(err.Error(), address) || !l.has("worker "+address+" is lost") || !l.has(why) {
			t.Errorf("%v: %v; %s", signal, err, l.text)
		}
	}
}
