package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// A batch of rows of streams waits for others, the longer the more there were in the one before, but neither for more than there can
// be nor, by itself, for long.
func TestRest(t *testing.T) {
	for _, test := range []struct {
		name          string
		wait          time.Duration // --max-wait
		last, streams int
		after, want   time.Duration // when another job comes, and when the batch is run
		jobs          int
	}{
		{"one alone before", 0, 1, 100, time.Microsecond, 0, 1},
		{"some before", 0, 5, 100, 50 * time.Microsecond, 100 * time.Microsecond, 2},
		{"many before", 0, 1000, 100, 900 * time.Microsecond, time.Millisecond, 2},
		{"too late", 0, 5, 100, 150 * time.Microsecond, 100 * time.Microsecond, 1},
		{"no others", 0, 1000, 1, 50 * time.Microsecond, 0, 1},
		{"one other", 0, 1000, 2, 50 * time.Microsecond, 50 * time.Microsecond, 2},
		{"--max-wait", time.Second, 1, 1, time.Second / 2, time.Second, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := DefaultOptions()
			o.MaxWait = test.wait
			l := newLane(&o, func([]*streamJob) {}, func() int { return test.streams })
			l.last = test.last
			put := func() {
				if err := l.put(&streamJob{ctx: ctx, n: 1}); err != nil {
					t.Error(err)
				}
			}
			begun := time.Now()
			put()
			time.AfterFunc(test.after, put)
			jobs := l.gather()
			if took := time.Since(begun); took != test.want || len(jobs) != test.jobs {
				t.Errorf("%s: %d jobs are run after %v, want %d after %v", test.name, len(jobs), took, test.jobs, test.want)
			}
			time.Sleep(time.Second)
		})
	}
}
