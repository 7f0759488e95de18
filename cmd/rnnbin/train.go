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
		Long: `Train a recurrent network to label every step of a time series.

With a FILE, or --data FILE, it trains on your own series: files with a column of
labels, empty for a step without one, and columns of numbers. Each label there is,
a word or a whole number, is a class, up to 100 of them. A few networks, from
logistic regression to a wide recurrent one, are trained on parts of the rows and
label the others, fold by fold. The simplest one whose macro F1 is within one
standard error of the best is taken; how good it is, is told by what it answers
to rows that did not train it. Then all rows train five networks of that kind,
which differ in their seed, and whose mean is the answer. They go into a model
folder, with everything that ` + "`rnnbin predict`" + ` needs. So does what is worth keeping of
a training that ends early, by Ctrl-C or because it diverges.

Beside the network's scores are those of simple rivals on the same rows: logistic
regression, the most frequent label and, where there are several series, the
row's number in its series alone. A network that is no better than these has
learned nothing that needs it.

Standard output has the table of the networks and the scores. The folder is made
when training starts, and one with other files in it is used only with --force,
which leaves those as they are. At every moment it holds the model that was there
before or the whole new one.

Without a file it runs one of the original's programs on a sine: 1000 samples of
two periods, each labelled one step ahead. Batches slide over the series by one
sample. Standard output has a line for every hundredth iteration: iteration,
epoch, and the loss on its batch after the update.

Everything else goes to standard error. The same seed gives the same lines on the
same machine, run after run, however many networks are trained side by side.`,
		Example: `  rnnbin train heart.csv --label beat --out runs/heart
  rnnbin data bursts | rnnbin train -
  rnnbin data activities | rnnbin train - --series series
  rnnbin train 'days/*.csv.gz' --lookahead 20 --class-weight balanced
  rnnbin train heart.csv --label beat --cell lstm --units 64 --bidirectional
  rnnbin train heart.csv --label beat --test-fraction 0.2
  rnnbin train --config runs/heart --seed 2
  rnnbin train --preset question --seed 0
  rnnbin train --seed 0 --json --predictions predictions.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := takeFiles(cmd.Flags(), args); err != nil {
				return err
			}
			if err := o.settle(); err != nil {
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
