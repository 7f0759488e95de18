// Package observe shows what happens in a run of package fit: to people who wait, as a bar,
// and to scripts, as JSON lines.
package observe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

// Bar draws how far a run has come and how long it will take, on a terminal.
type Bar struct {
	out io.Writer
	bar *progressbar.ProgressBar // nil before the first stage
}

// NewBar returns a bar that nothing is drawn of yet.
func NewBar(out io.Writer) *Bar { return &Bar{out: out} }

// Observe implements fit.Observer.
func (b *Bar) Observe(_ context.Context, e fit.Event) error {
	switch e := e.(type) {
	case fit.Stage:
		b.Clear()
		b.bar = progressbar.NewOptions(max(1, e.Steps),
			progressbar.OptionSetDescription(fmt.Sprintf("%s (%d to train)", e.Name, e.Jobs)),
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	case fit.Progress:
		_ = b.bar.Add(e.Steps) // a picture of progress is no reason to end a run
	}
	return nil
}

// Clear makes room for a line.
func (b *Bar) Clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
