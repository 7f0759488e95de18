package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// otherNames are what other programs call flags.
var otherNames = map[string]string{
	"batch": "batch-size", "cutoff": "threshold", "cv": "folds", "directory": "out-dir", "ensemble": "members", "file": "data",
	"hidden": "units", "hidden-size": "units", "id": "series", "input": "data", "inputs": "features", "jobs": "threads", "k-folds": "folds",
	"l2": "weight-decay", "lr": "learning-rate", "lr-schedule": "schedule", "max-epochs": "epochs", "model": "network", "neurons": "units",
	"num-layers": "layers", "output": "out", "output-dir": "out-dir", "overwrite": "force", "patience": "early-stopping", "random-state": "seed",
	"rnn": "cell", "seq-len": "steps", "sequence-length": "steps", "silent": "quiet", "target": "label", "test": "test-data",
	"test-size": "test-fraction", "timestamp": "time", "timesteps": "steps", "validation": "validation-data", "verbose": "log-every",
	"window": "steps", "workers": "threads", "y": "label",
}

// unknownFlag is the error for a flag that a command does not have.
func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	if near := similarFlag(cmd.Flags(), err.GetSpecifiedName()); near != "" && err.GetSpecifiedShortnames() == "" {
		return usageError{fmt.Errorf("%w; did you mean --%s?", err, near)}
	}
	return usageError{err}
}

// similarFlag is what may have been meant by the name of a flag, "" if nothing is like it.
func similarFlag(flags *pflag.FlagSet, typed string) string {
	typed = strings.ToLower(strings.ReplaceAll(typed, "_", "-"))
	if other := otherNames[typed]; flags.Lookup(other) != nil {
		return other
	}
	var all, begun []string
	flags.VisitAll(func(f *pflag.Flag) {
		all = append(all, f.Name)
		if strings.HasPrefix(f.Name, typed) {
			begun = append(begun, f.Name)
		}
	})
	if near := table.Closest(all, typed); near != "" || len(begun) != 1 {
		return near
	}
	return begun[0]
}

// checkModelFirst refuses a file in the place of the model.
func checkModelFirst(cmd *cobra.Command, args []string) error {
	if info, err := os.Stat(args[0]); err != nil || info.IsDir() {
		return nil // which the model says more about
	}
	model := "MODEL"
	if i := slices.IndexFunc(args, isModel); i > 0 {
		model, args = args[i], slices.Delete(slices.Clone(args), i, i+1)
	}
	line := append(strings.Fields(cmd.CommandPath()), append([]string{model}, args...)...)
	return hinted{usageError{fmt.Errorf("the first argument is the model's folder, and %s is a file", args[0])}, quoteAll(line)}
}

// isModel reports whether a path is that of a model folder.
func isModel(path string) bool {
	_, err := os.Stat(filepath.Join(path, "model.json"))
	return err == nil
}
