package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rnnbin",
		Short: "Label every step of a time series with a recurrent network",
		Long: `rnnbin trains a recurrent network that gives every step of a time series a
yes/no label. It builds the network as a TensorFlow graph and runs it in
libtensorflow; there is no Python.

` + exitCodes,
		Example: `  rnnbin train heart.csv --label beat      train on a file of your own
  rnnbin evaluate runs/latest test.csv     see how good the model is
  rnnbin predict runs/latest new.csv       label new rows
  rnnbin train --seed 0                    repeat the original on its sine
  rnnbin check                             see whether libtensorflow works`,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.AddCommand(newTrain(), newPredict(), newEvaluate(), newInspect(), newImport(), newData(), newCheck(), newVersion())
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	return root
}

// flagError words the error of a flag's value as those are that are found later.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return usageError{err}
	}
	flag := invalid.GetFlag()
	var number *strconv.NumError
	if errors.As(err, &number) {
		return usagef(flag.Name, "must be a number, not %q", invalid.GetValue())
	}
	return usagef(flag.Name, "%w", invalid.Unwrap())
}

// oneArg wants one argument, which what describes.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return usageError{fmt.Errorf("%s takes one argument, %s, got %d", cmd.CommandPath(), what, len(args))}
	}
}

// noArgs refuses arguments, naming the first.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasParent() {
		return usageError{fmt.Errorf("unknown command %q, see `rnnbin --help`", args[0])}
	}
	return usageError{fmt.Errorf("%s takes no argument, got %q", cmd.CommandPath(), args[0])}
}
