package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/graph/model"
)

// trainCommand is the command line that makes the run of a dry one: what was typed, with the seed.
func trainCommand(flags *pflag.FlagSet, seed int64) []string {
	args := []string{"rnnbin", "train"}
	if flags.Lookup("param") != nil {
		args[1] = "tune"
	}
	if f := flags.Lookup("data"); f.Changed {
		args = append(args, valuesOf(f)...)
	}
	flags.Visit(func(f *pflag.Flag) {
		if !slices.Contains([]string{"data", "dry-run", "seed"}, f.Name) {
			args = append(args, typed(f)...)
		}
	})
	return append(args, "--seed", strconv.FormatInt(seed, 10))
}

// typed is a flag with its value on a command line.
func typed(f *pflag.Flag) []string {
	name, values := "--"+f.Name, valuesOf(f)
	switch f.Value.Type() {
	case "bool":
		if values[0] == "true" {
			return []string{name}
		}
		return []string{name + "=" + values[0]}
	case "stringSlice":
		return []string{name, listValue(values)}
	case "intSlice":
		return []string{name, strings.Join(values, ",")}
	}
	var args []string
	for _, value := range values {
		args = append(args, name, value)
	}
	return args
}

// printNext prints what can be done with the model in a folder.
func printNext(errOut io.Writer, m *model.Model, dir string) {
	fmt.Fprintf(errOut, "rnnbin: lookahead %s\nrnnbin: what to do next:\n", lookaheadText(m))
	for _, args := range append(nextCommands(m, dir), []string{"report", dir}) {
		fmt.Fprintf(errOut, "  rnnbin %s\n", quoteAll(args))
	}
}

// nextCommands are those that use the model in a folder.
func nextCommands(m *model.Model, dir string) [][]string {
	evaluate := []string{"evaluate", dir, "test.csv"}
	if m.Columns.Label == "" {
		evaluate = append(evaluate, "--label-events", "events.csv")
	}
	next := [][]string{evaluate, {"predict", dir, "new.csv", "--out", "labelled.csv"}}
	if _, finite := m.Wait(); finite && m.Columns.Resample == "" && m.Columns.Layout == "" {
		next = append(next, []string{"predict", dir, "-", "--follow"})
	}
	return next
}
