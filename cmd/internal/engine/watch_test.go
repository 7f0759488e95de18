package engine

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late atomic.Int32
		w := NewWatch(time.Minute, func() { late.Add(1) })
		defer w.Stop()
		for range 5 { // each in time
			time.Sleep(40 * time.Second)
			w.Begin()
			time.Sleep(50 * time.Second)
			w.Begin()
			time.Sleep(50 * time.Second)
			w.End()
		}
		time.Sleep(time.Hour)
		if late.Load() != 0 {
			t.Error("late in time")
		}
		w.Begin()
		time.Sleep(time.Minute - 1)
		if late.Load() != 0 {
			t.Error("late too early")
		}
		time.Sleep(time.Hour)
		if n := late.Load(); n != 1 {
			t.Errorf("late %d times after a minute", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch(time.Minute, func() { t.Error("late after its end") })
		w.Begin()
		w.Stop()
		time.Sleep(time.Hour)
	})
}
