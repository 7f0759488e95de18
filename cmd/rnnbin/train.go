package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func newTrain() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train [FILE...]",
		Short: "Train a network, on your own series or the built-in one",
		Long: `Train networks to classify every row of a time series.

With a FILE it trains on your own series: columns of numbers and one of labels
(` + "`rnnbin help data`" + `). A few networks, from logistic regression to recurrent
ones, are trained on parts of the rows and label the others. The best two kinds are
chosen, or the best alone if it is clearly better than their mean, and the scores on rows
that these were not trained on are reported, beside those of simple baselines
(` + "`rnnbin help metrics`" + `). Then three networks of each kind that was chosen, whose
log-odds are averaged, are trained on all rows and go into a model folder
(` + "`rnnbin help model`" + `). So does what is worth keeping of a training that ends early,
by Ctrl-C or because it diverges.

Without a file it runs one of the original's programs on a sine: 1000 samples of
two periods, each labelled one sample ahead. Standard output has a line for every
hundredth iteration: iteration, epoch, and the loss on its batch after the update.

Standard output has the tables and lines of results, standard error all else. The same
seed gives the same lines on the same machine, however many networks are trained side
by side; with --json, those of type "job" come as the networks are done.`,
		Example: `  rnnbin train heart.csv --label qrs --out runs/heart
  rnnbin data bursts | rnnbin train -
  rnnbin data activities | rnnbin train - --series series
  rnnbin train 'days/*.csv.gz' --lookahead 20 --class-weight balanced
  rnnbin train heart.csv --label qrs --cell lstm --units 64 --bidirectional
  rnnbin train heart.csv --label qrs --test-fraction 0.2
  rnnbin train --config runs/heart --seed 2
  rnnbin train --resume
  rnnbin train --preset question --seed 0
  rnnbin train --seed 0 --json --predictions predictions.csv`,
		RunE: o.run,
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// run is a command that trains.
func (o *trainOptions) run(cmd *cobra.Command, args []string) error {
	var err error
	if o.resume != "" {
		err = resumption{o}.takeRun(args)
	} else {
		err = takeFiles(cmd.Flags(), args)
	}
	if err != nil {
		return err
	}
	if err := o.settle(); err != nil {
		return err
	}
	errOut := unlessQuiet(o.quiet, cmd.ErrOrStderr())
	if o.own() && !o.dryRun {
		if done, err := o.farm.task(cmd.Context(), errOut); done || err != nil {
			return err
		}
	}
	return runTrain(cmd.Context(), o, cmd.OutOrStdout(), errOut)
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
