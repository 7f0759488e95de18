package main

import "github.com/spf13/pflag"

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
func takeModelAndFiles(flags *pflag.FlagSet, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if flags.Changed("model") {
		return usagef("model", "and the argument %q both name the model: leave one of them out, or name files by --data", args[0])
	}
	if err := flags.Set("model", args[0]); err != nil {
		return err
	}
	return takeFiles(flags, args[1:])
}
