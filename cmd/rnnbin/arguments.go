package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// takeFiles makes each argument a value of --data.
func takeFiles(flags *pflag.FlagSet, args []string) error {
	for i, arg := range args {
		if i == 0 && flags.Changed("data") {
			return usagef("data", "and the argument %q both name data: leave one of them out", arg)
		}
		if err := flags.Set("data", arg); err != nil {
			return err
		}
	}
	return nil
}

// takeModelAndFiles makes the first argument the value of --model, and the others those of
// --data.
func takeModelAndFiles(cmd *cobra.Command, args []string) error {
	flags := cmd.Flags()
	if len(args) == 0 {
		return nil
	}
	if flags.Changed("model") {
		return usagef("model", "and the argument %q both name the model: leave one of them out, or name files by --data", args[0])
	}
	if err := checkModelFirst(cmd, args); err != nil {
		return err
	}
	if err := flags.Set("model", args[0]); err != nil {
		return err
	}
	return takeFiles(flags, args[1:])
}

// checkStdin refuses standard input that would have to be read more than once. The lists
// are the files of the flags.
func checkStdin(flags []string, lists ...[]string) error {
	var readers []string
	for i, files := range lists {
		for _, file := range files {
			if file == table.Stdin {
				readers = append(readers, "--"+flags[i])
			}
		}
	}
	if len(readers) < 2 {
		return nil
	}
	return usageError{fmt.Errorf("standard input can be read only once, but - is named by %s", strings.Join(readers, " and "))}
}
