package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newRoot() *cobra.Command {
	var versions bool
	root := &cobra.Command{
		Use:   "rnnbin",
		Short: "Classify every row of a time series with a recurrent network",
		Long: `rnnbin trains a recurrent network that classifies every row of a time series, and
labels new series with it. It builds the network as a TensorFlow graph and runs it in
libtensorflow; there is no Python.`,
		Example: `  rnnbin train heart.csv --label qrs         train on a file of your own
  rnnbin evaluate runs/latest minute5.csv    see how good the model is
  rnnbin predict runs/latest minute5.csv     label new rows
  rnnbin train --seed 0                      repeat the original on its sine
  rnnbin check                               see whether libtensorflow works`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if versions {
				return printVersions(cmd.OutOrStdout())
			}
			return cmd.Help()
		},
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
	}
	addFlag(root.Flags(), "version", &versions, "print the versions of rnnbin, libtensorflow and Go")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newTrain(), newTune(), newPredict(), newEvaluate(), newCompare(), newServe(), newInspect(), newRuns(), newReport(), newLook(), newImport(), newExport(), newData(), newCheck(), newVersion(), newWorker(), newSlot())
	root.AddCommand(newMan())
	root.SetHelpCommand(newHelp())
	root.SetUsageFunc(writeUsage)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		help(cmd, args)
		fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n", exitCodes)
	})
	return root
}

// complete adds what cobra would add later, and has it behave as the rest does. The
// completion command writes where root does by now.
func complete(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	addCompletions(root)
	for _, cmd := range everyCommand(root) {
		if cmd.HasSubCommands() && !cmd.Runnable() {
			cmd.Args, cmd.RunE = noArgs, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		cmd.InitDefaultHelpFlag()
		cmd.SuggestionsMinimumDistance = 2
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal == "true" {
				f.Value = switchValue{f.Value}
			}
		})
	}
}

// switchValue is the value of a flag that needs none, without the method by which pflag
// knows that and would list it as --flag[=true|false].
type switchValue struct{ pflag.Value }

// everyCommand lists cmd and all below it.
func everyCommand(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		all = append(all, everyCommand(c)...)
	}
	return all
}

// unknownCommand is the error for a name that is no command of cmd's.
func unknownCommand(cmd *cobra.Command, name string) error {
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return usageError{fmt.Errorf("unknown command %q; did you mean %q?", name, near[0])}
	}
	return usageError{fmt.Errorf("unknown command %q, see `%s --help`", name, cmd.CommandPath())}
}

// flagError words the error of a flag's value as those are that are found later. A flag
// behind a mistyped command is not to blame.
func flagError(cmd *cobra.Command, err error) error {
	if !cmd.HasParent() && cmd.Flags().NArg() > 0 {
		return unknownCommand(cmd, cmd.Flags().Arg(0))
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return unknownFlag(cmd, unknown)
	}
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return usageError{err}
	}
	flag := invalid.GetFlag()
	var number *strconv.NumError
	value := invalid.GetValue()
	if err = invalid.Unwrap(); errors.As(err, &number) {
		return usagef(flag.Name, "must be a number, not %q", value)
	} else if !strings.Contains(err.Error(), strconv.Quote(value)) {
		return usagef(flag.Name, "%w, not %q", err, value)
	}
	return usagef(flag.Name, "%w", err)
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
	if cmd.HasSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	return usageError{fmt.Errorf("%s takes no argument, got %q", cmd.CommandPath(), args[0])}
}
