package series

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// time is the time of the current row, 0 without a time column.
func (r *Reader) time() (float64, error) {
	if r.roles.time < 0 {
		return 0, nil
	}
	v := r.input.when(r.roles.time, r.roles.parts)
	r.when = bytes.TrimSpace(v.text)
	r.clock.after = r.state.time
	t, err := r.clock.time(&v)
	if isRounded(t) {
		if r.when = v.appendText(nil); t == r.state.time && r.alike == 0 && !bytes.Equal(r.when, r.state.timeText) {
			r.alike = r.line()
		}
	}
	if err == nil && t < r.state.time && r.gap.Value == 0 {
		err = fmt.Errorf("time goes back in series %q: from %s to %s (a column that tells series apart belongs to Options.Series; Options.Exclude leaves out one that is no time; Options.MaxGap begins a new series there)",
			r.state.name, r.timeText(r.state.time, r.state.timeText), r.timeText(t, r.when))
	}
	return t, err
}

// timeText is t as the file has it, text if it is that, else a timestamp or a number in full,
// as seconds since 1970 are not told apart otherwise.
func (r *Reader) timeText(t float64, text []byte) string {
	switch {
	case len(text) > 0:
		return string(text)
	case r.clock.dates:
		return time.Unix(int64(t), 0).UTC().Format(time.DateOnly)
	}
	return TimeText(t, r.clock.stamps)
}

// passTime takes note of the time of a row that is accepted.
func (r *Reader) passTime(t float64) {
	if r.roles.time < 0 {
		return
	}
	r.holes.add(t-r.state.time, r.line())
	r.state.time = t
	r.state.timeText = append(r.state.timeText[:0], r.when...)
}

// gapWarnings report the gaps in time, and steps that are usual here and not elsewhere.
func (r *Reader) gapWarnings() (all []table.Warning) {
	w, h := table.Warning{File: r.Name(), Column: r.options.Time}, r.holes.settled()
	usual := lengthText(h.usual, r.clock.stamps)
	if step := r.options.TimeStep; step > 0 && h.usual > 0 && !h.uneven && !like(h.usual, step) && r.options.Resample == "" && !r.options.Elapsed {
		w.Text = fmt.Sprintf("rows are usually %s apart, and those of the model, or of files before, %s: a network sees rows, not times (Options.Resample, with which it is trained, makes them alike)", usual, lengthText(step, r.clock.stamps))
		all = append(all, w)
	}
	if r.gap.Value > 0 {
		if r.gaps+r.backs == 0 {
			return all
		}
		w.Text = fmt.Sprintf("a new series begins at each gap of more than %s (%d in all)", r.options.MaxGap, r.gaps)
		if r.backs > 0 {
			w.Text += fmt.Sprintf(" and where time goes back (%d)", r.backs)
		}
		return append(all, w)
	}
	if h.count == 0 {
		return all
	}
	w.Line, w.Text = h.line, fmt.Sprintf("time jumps by more than %d times its usual step of %s (%d in all); with Options.MaxGap a new series begins there", holeSteps, usual, h.count)
	return append(all, w)
}

// like reports whether a step in time is about the usual one.
func like(step, usual float64) bool { return step >= 0.8*usual && step <= 1.25*usual }

// lengthText is a length of time: a duration where times are timestamps, else a number.
func lengthText(t float64, stamps bool) string {
	if stamps {
		return (time.Duration(math.Round(t*1e6)) * time.Microsecond).String()
	}
	if t != math.Trunc(t) { // what rounding has left in a difference is of no interest
		t, _ = strconv.ParseFloat(strconv.FormatFloat(t, 'g', 6, 64), 64)
	}
	return strconv.FormatFloat(t, 'g', -1, 64)
}

const (
	holeSteps = 10   // of the usual length make a hole
	holeLeast = 10   // steps tell what is usual
	holeMost  = 1000 // of them are kept to do so
)

// holes counts where time jumps within a series, as it does where rows are missing.
type holes struct {
	usual  float64 // median of the first steps that are longer than 0; 0 before it is known
	count  int
	line   int    // of the first row behind a hole
	uneven bool   // the first steps differ from each other
	steps  []step // to be judged
}

// step is the time from a row to the next, which is in the given line.
type step struct {
	length float64
	line   int
}

func (h *holes) add(length float64, line int) {
	switch {
	case !(length > 0) || math.IsInf(length, 0): // the same time, or the first row of a series
	case h.usual > 0:
		h.judge(length, line)
	default:
		h.steps = append(h.steps, step{length, line})
		if len(h.steps) == holeMost {
			*h = h.settled()
		}
	}
}

func (h *holes) judge(length float64, line int) {
	if length <= holeSteps*h.usual {
		return
	}
	h.count++
	if h.count == 1 {
		h.line = line
	}
}

// settled is h when the steps so far have told what is usual, if they are enough.
func (h holes) settled() holes {
	if h.usual > 0 || len(h.steps) < holeLeast {
		return h
	}
	sorted := slices.SortedFunc(slices.Values(h.steps), func(a, b step) int { return cmp.Compare(a.length, b.length) })
	h.usual = sorted[len(sorted)/2].length
	differ := 0
	for _, s := range h.steps {
		h.judge(s.length, s.line)
		if !like(s.length, h.usual) {
			differ++
		}
	}
	h.uneven = 4*differ > len(h.steps)
	h.steps = nil
	return h
}
