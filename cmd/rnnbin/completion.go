package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// dataEndings are endings of names of files with data.
var dataEndings = []string{"csv", "tsv", "tab", "jsonl", "ndjson", "parquet", "pq", "arrow", "feather", "ipc", "arrows", "gz", "gzip", "zst", "zstd"}

// endings are those that files of other flags have.
var endings = map[string][]string{
	"data":            dataEndings,
	"test-data":       dataEndings,
	"validation-data": dataEndings,
	"label-events":    {"csv", "tsv", "tab", "jsonl", "ndjson", "json", "gz", "gzip", "zst", "zstd"},
	"keras":           {"keras", "h5"},
	"config":          {"yaml", "yml"},
	"plot":            {"svg", "png"},
}

// fixedValues lists what flags can be set to, where that is little.
func fixedValues() map[string][]string {
	formats := names(series.Formats)
	var presets []string
	for _, p := range original.Presets {
		presets = append(presets, p.Name)
	}
	return map[string][]string{
		"activation":      names(graph.Activations()),
		"cell":            append(names(graph.Cells()), "none"),
		"class-weight":    {"none", "balanced"},
		"classes":         {"auto"},
		"delimiter":       {",", ";", "tab", "|"},
		"form":            names([]graph.Form{graph.FormAuto, graph.FormFused, graph.FormPortable}),
		"format":          formats,
		"input-format":    formats,
		"instruction-set": append([]string{graph.InstructionSetAuto}, graph.InstructionSets()...),
		"lookahead":       {"all", "0"},
		"loss":            names(graph.Losses()),
		"missing":         names([]series.Missing{series.MissingError, series.MissingForward, series.MissingZero, series.MissingMean, series.MissingDrop}),
		"network":         names([]fit.NetworkKind{fit.NetworkAuto, fit.NetworkLogistic, fit.NetworkRNN}),
		"on-error":        {onErrorStop, onErrorSkip},
		"optimizer":       names(graph.Optimizers()),
		"preset":          presets,
		"scale":           names([]layout.ScaleKind{layout.Standard, layout.MinMax, layout.NoScale}),
		"schedule":        names([]fit.Decay{fit.Constant, fit.Cosine, fit.Staircase}),
		"series-scale":    names([]fit.SeriesScale{fit.SeriesScaleAuto, fit.SeriesScaleNone}),
		"split":           names([]layout.SplitKind{layout.SplitAuto, layout.SplitSeries, layout.SplitBlocks, layout.SplitForward}),
		"threshold":       {"auto"},
	}
}

// addCompletions has the shell offer values for the flags and arguments of all commands.
func addCompletions(root *cobra.Command) {
	fixed := fixedValues()
	for _, cmd := range everyCommand(root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if offer := completionOf(cmd, f, fixed); offer != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, offer) // it fails for a flag that has one
			}
		})
		switch cmd.Name() {
		case "train", "look":
			cmd.ValidArgsFunction = offerFiles(dataEndings)
		case "predict", "evaluate":
			cmd.ValidArgsFunction = offerModelAndFiles
		case "inspect":
			cmd.ValidArgsFunction = offerFirst(offerFolders)
		case "data":
			var all []string
			for _, b := range series.Builtins() {
				name, _, _ := strings.Cut(b, " ")
				all = append(all, name)
			}
			cmd.ValidArgsFunction = offerFirst(cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

// completionOf offers values of a flag, by its name or by what its usage calls them.
func completionOf(cmd *cobra.Command, f *pflag.Flag, fixed map[string][]string) cobra.CompletionFunc {
	if values, ok := fixed[f.Name]; ok && (f.Name != "threshold" || cmd.Name() == "train") {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	switch kind, _ := pflag.UnquoteUsage(f); kind {
	case "file":
		return offerFiles(endings[f.Name])
	case "folder":
		return offerFolders
	case "column":
		return offerColumn
	case "columns":
		return offerColumns
	}
	return nil
}

// offerFirst offers a first argument, and no others.
func offerFirst(offer cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offer(cmd, args, begun)
	}
}

// offerFiles offers files with the given endings, and folders on the way to them; all files
// if there are none.
func offerFiles(endings []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if endings == nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return endings, cobra.ShellCompDirectiveFilterFileExt
	}
}

func offerFolders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func offerModelAndFiles(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 && !cmd.Flags().Changed("model") {
		return offerFolders(cmd, args, begun)
	}
	return offerFiles(dataEndings)(cmd, args, begun)
}

// offerColumn offers the columns of the data that the command line names already.
func offerColumn(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return columnsOnLine(cmd, args), cobra.ShellCompDirectiveNoFileComp
}

// offerColumns offers one more column behind those before the last comma.
func offerColumns(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := begun[:strings.LastIndex(begun, ",")+1]
	chosen := strings.Split(before, ",")
	var offers []cobra.Completion
	for _, name := range columnsOnLine(cmd, args) {
		if !slices.Contains(chosen, name) {
			offers = append(offers, before+name)
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// columnsOnLine are the columns of the first file with data on the command line, none if it
// cannot be read.
func columnsOnLine(cmd *cobra.Command, args []string) []string {
	f := cmd.Flags()
	files, _ := f.GetStringArray("data")
	if f.Lookup("model") != nil && !f.Changed("model") && len(args) > 0 {
		args = args[1:]
	}
	paths, err := series.Expand(append(files, args...))
	if err != nil {
		return nil
	}
	if info, err := os.Stat(paths[0]); err != nil || !info.Mode().IsRegular() { // which can be read more than once
		return nil
	}
	var o series.Options
	o.Delimiter, _ = f.GetString("delimiter")
	o.NoHeader, _ = f.GetBool("no-header")
	columns, _ := series.ColumnsOf(cmd.Context(), paths[0], o)
	return slices.DeleteFunc(columns, func(name string) bool { return name == "" || strings.ContainsAny(name, "\t\r\n") })
}
