package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/train"
	"github.com/rnnbin/rnnbin/graph"
)

func newTrain() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network, on your own series or the built-in one",
		Long: `Train a recurrent network to label every step of a time series.

With --data it trains on your own series: files with a column of labels, 0 and 1
or empty for a step without one, and columns of numbers. The tail of each series
is held back for validation. Windows of --steps rows are cut from the rest, and
put into batches in random order. Standard output has a line for each epoch. The
weights of the epoch that did best on the validation part (highest F1, then
least loss) go into a model folder, with everything that ` + "`rnnbin predict`" + ` needs.
So they do when training ends early, by Ctrl-C or because it diverges. Without
validation no epoch is known to be good, and then nothing is kept.

The folder is made when training starts, and one with other files in it is used only
with --force, which leaves those as they are. At every moment it holds the model that
was there before or the whole new one.

Without --data it runs one of the original's programs on a sine: 1000 samples of
two periods, each labelled one step ahead. Batches slide over the series by one
sample. Standard output has a line for every hundredth iteration: iteration,
epoch, and the loss on its batch after the update.

Everything else goes to standard error. The same seed gives the same lines on the
same machine, run after run.

` + exitCodes,
		Example: `  rnnbin train --data heart.csv --label beat --out runs/heart
  rnnbin data sine | rnnbin train --data -
  rnnbin train --data 'days/*.csv.gz' --horizon -20 --class-weight auto --early-stopping 5
  rnnbin train --data heart.csv --label beat --walk-forward 5
  rnnbin train --config runs/heart --seed 2
  rnnbin train --preset question --seed 0
  rnnbin train --seed 0 --json --predictions predictions.csv`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.settle(cmd.Flags()); err != nil {
				return err
			}
			return runTrain(cmd.Context(), &o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runTrain(ctx context.Context, o *trainOptions, out, errOut io.Writer) error {
	lines := &firstWriteError{Writer: out}
	do := trainPreset
	if o.own() {
		do = trainOwn
	}
	if err := do(ctx, o, lines, errOut); err != nil {
		return err
	}
	return lines.err
}

// task is what a network is trained on. Whose data it is makes no other
// difference.
type task struct {
	config     graph.Config
	series     graph.Series
	batches    [][]int32         // of an epoch
	shuffle    bool              // the windows, anew for each epoch
	validation *train.Validation // nil: nothing is held back
}

// session starts one that has the task's series.
func (t *task) session() (*graph.Session, error) {
	s, err := newSession(t.config)
	if err != nil {
		return nil, err
	}
	if err := s.SetSeries(t.series); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// run is the training run that o asks for.
func (t *task) run(o *trainOptions, s *graph.Session) train.Run {
	r := train.Run{Session: s, Epochs: o.epochs, Batches: t.batches}
	if t.shuffle {
		r.Shuffle = train.Shuffle(o.network.Seed)
	}
	if schedule := o.rates(len(t.batches)); schedule.Decay != train.Constant || schedule.Warmup > 0 {
		r.Rate = schedule.At
	}
	return r
}
