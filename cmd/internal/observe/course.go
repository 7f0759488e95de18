package observe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

// course follows a run, and tells how long it will take from how long its trainings have taken.
type course struct {
	now   func() time.Time
	begun time.Time // of the first training
	busy  time.Duration
	folds int
	stage fit.StageName
	rungs map[int]*rung
	steps map[fit.Job]int // of the stage's trainings
	made  map[fit.Job]int // of these
	under []*training     // way, those that began first before others
	ended bool
}

// rung is a network, and how long its updates have taken.
type rung struct {
	fit.Plan
	work  float64 // of an update
	first pace    // in the first call of each training, which prepares the others, too
	later pace
}

// pace is how long updates have taken.
type pace struct {
	steps int
	took  time.Duration
}

func (p *pace) add(steps int, took time.Duration) { p.steps, p.took = p.steps+steps, p.took+took }

// training is one that goes on.
type training struct {
	fit.JobBegan
	last   time.Time // that its updates were told of
	told   bool      // of any
	step   int
	loss   float32
	macro  string  // F1 on the validation data; "" without
	second float64 // updates
}

// observe takes an event in.
func (c *course) observe(e fit.Event) {
	switch e := e.(type) {
	case fit.Planned:
		c.folds, c.rungs = len(e.Folds), map[int]*rung{}
		for _, p := range e.Rungs {
			const overhead = 1e6 // of an update, whatever its work
			c.rungs[p.Rung] = &rung{Plan: p, work: overhead + p.Config.StepWork(p.Batch)}
		}
	case fit.Stage:
		c.stage, c.steps, c.made, c.under = e.Name, e.Steps, map[fit.Job]int{}, nil // those that a time limit has cut off do not go on
	case fit.JobBegan:
		if c.begun.IsZero() {
			c.begun = c.now()
		}
		c.remove(e.Job)
		c.under = append(c.under, &training{JobBegan: e, last: c.now()})
	case fit.Progress:
		c.made[e.Job] = e.First + e.Steps
		c.progress(e)
	case fit.EpochEnded:
		if t := c.of(e.Job); t != nil && e.Validated != nil {
			t.macro = e.Validated.Report.MacroF1.String()
		}
	case fit.JobEnded:
		c.made[e.Job] = c.steps[e.Job]
		c.remove(e.Job)
	case fit.Ended:
		c.ended = true
	}
}

func (c *course) of(j fit.Job) *training {
	if at := slices.IndexFunc(c.under, func(t *training) bool { return t.Job == j }); at >= 0 {
		return c.under[at]
	}
	return nil
}

func (c *course) remove(j fit.Job) {
	c.under = slices.DeleteFunc(c.under, func(t *training) bool { return t.Job == j })
}

// progress takes updates in, unless they were made by an earlier run.
func (c *course) progress(e fit.Progress) {
	t, g := c.of(e.Job), c.rungs[e.Job.Rung]
	if t == nil || g == nil {
		return
	}
	now := c.now()
	took := now.Sub(t.last)
	if len(e.Report.Losses) == 0 { // an earlier run has made them
		t.last, t.step = now, e.First+e.Steps
		return
	}
	t.last, t.step, t.loss = now, e.First+e.Steps, e.Report.Losses[e.Steps-1]
	if took > 0 {
		t.second = float64(e.Steps) / took.Seconds()
	}
	c.busy += took
	if t.told {
		g.later.add(e.Steps, took)
	} else {
		g.first.add(e.Steps, took)
	}
	t.told = true
}

// update is how long one of a rung takes: as those before have, unless these are too few, or else by
// its work, of which others have done some in their time.
func (c *course) update(g *rung) time.Duration {
	const few = 10
	for _, p := range []pace{g.later, g.first} {
		if p.steps >= few || p.steps > 0 && len(c.rungs) == 1 {
			return p.took / time.Duration(p.steps)
		}
	}
	work := 0.0
	for _, other := range c.rungs {
		work += float64(other.first.steps+other.later.steps) * other.work
	}
	return time.Duration(min(float64(time.Hour), float64(c.busy)*g.work/max(1, work)))
}

// remaining is how long the trainings that are to come take one after the other. Until the
// networks are chosen it counts with the kind that takes longest.
func (c *course) remaining() time.Duration {
	total, longest := time.Duration(0), time.Duration(0)
	counted, fold := map[int]bool{}, 0
	for j, steps := range c.steps {
		fold = max(fold, j.Fold) // networks are compared a few folds at a time
		if g := c.rungs[j.Rung]; g != nil {
			total += time.Duration(max(0, steps-c.made[j])) * c.update(g)
			counted[j.Rung] = true
		}
	}
	for i, g := range c.rungs {
		one, n := time.Duration(g.Epochs*g.Steps)*c.update(g), 0
		switch {
		case c.stage == fit.Compare:
			if counted[i] {
				total += time.Duration(c.folds-fold) * one
			}
			if !g.Baseline {
				n = c.folds*(g.Members-1) + g.Members
				longest = max(longest, time.Duration(n)*one)
			}
		case c.stage == fit.JudgeIt && counted[i]:
			total += time.Duration(g.Members) * one
		}
	}
	return total + longest
}

// estimate is the part of the run that has been done, and how long the rest takes; known is false
// before there is anything to tell it from.
func (c *course) estimate() (done float64, left time.Duration, known bool) {
	wall := c.now().Sub(c.begun)
	if c.busy <= 0 || wall <= 0 {
		return 0, 0, false
	}
	left = time.Duration(float64(c.remaining()) * float64(wall) / float64(c.busy)) // as many side by side as before
	return float64(wall) / float64(wall+left), left, true
}

// rows says which ones it trains on.
func (t *training) rows() string {
	if t.Job.Fold > 0 {
		return fmt.Sprintf("fold %d", t.Job.Fold)
	}
	return "all rows"
}

// epochs is how far a training is.
func (c *course) epochs(t *training) (epoch, of int) {
	steps := max(1, t.Steps)
	return (t.step + steps - 1) / steps, (c.steps[t.Job] + steps - 1) / steps
}

// bar is a line of fewer than so many columns: what has the least to tell is left out where there is no room.
func (c *course) bar(columns int) string {
	done, left, known := c.estimate()
	const cells = 8
	n := min(cells, int(done*cells))
	text := fmt.Sprintf("[%s%s] %2.0f%%", strings.Repeat("#", n), strings.Repeat(".", cells-n), 100*done)
	if known {
		text += fmt.Sprintf(" %v left", left.Round(time.Second))
	}
	if len(c.under) == 0 || len(text) > columns {
		return text[:min(len(text), columns-1)]
	}
	t := c.under[0]
	epoch, of := c.epochs(t)
	rest := []string{fmt.Sprintf(" epoch %d/%d", epoch, of), "", "", ""}
	if t.told {
		rest[1], rest[3] = fmt.Sprintf(" loss %.3g", t.loss), fmt.Sprintf(" %s/s", t.rate())
	}
	if t.macro != "" {
		rest[2] = " F1 " + t.macro
	}
	text += " " + t.rows()
	tail := ""
	for _, r := range rest {
		if len(text)+len(tail)+len(r) >= columns {
			break
		}
		tail += r
	}
	name := []rune(" " + t.Recipe.Name())
	if room := columns - 1 - len(text) - len(tail); len(name) > room {
		name = name[:max(0, room)]
	}
	return text + strings.TrimRight(string(name), " ,") + tail
}

// line says the same in words.
func (c *course) line() string {
	done, left, known := c.estimate()
	if !known || len(c.under) == 0 {
		return ""
	}
	t := c.under[0]
	epoch, of := c.epochs(t)
	text := fmt.Sprintf("%.0f %% done, about %v left: %s, epoch %d of %d", 100*done, left.Round(time.Second), t.rows()+", "+t.Recipe.Name(), epoch, of)
	if !t.told {
		return text
	}
	text += fmt.Sprintf(", loss %.3g", t.loss)
	if t.macro != "" {
		text += ", macro F1 " + t.macro
	}
	return fmt.Sprintf("%s, %s updates a second", text, t.rate())
}

// rate is how many updates a second takes, as text.
func (t *training) rate() string {
	if t.second < 10 {
		return fmt.Sprintf("%.1f", t.second)
	}
	return fmt.Sprintf("%.0f", t.second)
}
