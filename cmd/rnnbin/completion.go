package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/builtin"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// dataEndings are endings of names of files with data.
var dataEndings = []string{"csv", "tsv", "tab", "jsonl", "ndjson", "parquet", "pq", "arrow", "feather", "ipc", "arrows", "hea", "edf", "bdf", "gz", "gzip", "zst", "zstd"}

// Endings of other files.
var (
	eventEndings   = []string{"csv", "tsv", "tab", "jsonl", "ndjson", "json", "atr", "edf", "bdf", "gz", "gzip", "zst", "zstd"}
	pictureEndings = []string{"svg", "png"}
)

// delimiters are offered for --delimiter.
var delimiters = []string{",", ";", "tab", "|", "blanks"}

// addCompletions has the shell offer values for the flags and arguments of all commands.
func addCompletions(root *cobra.Command) {
	for _, cmd := range everyCommand(root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if offer := completionOf(f); offer != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, offer) // it fails for a flag that has one
			}
		})
		switch cmd.Name() {
		case "train", "look":
			cmd.ValidArgsFunction = offerFiles(dataEndings)
		case "predict", "evaluate":
			cmd.ValidArgsFunction = offerModelAndFiles
		case "serve", "compare":
			cmd.ValidArgsFunction = offerFolders
		case "inspect", "export", "report":
			cmd.ValidArgsFunction = offerFirst(offerFolders)
		case "data":
			var all []string
			for _, b := range builtin.List() {
				name, _, _ := strings.Cut(b, " ")
				all = append(all, name)
			}
			cmd.ValidArgsFunction = offerFirst(cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

// completionOf offers the values of a flag, or what its usage calls them.
func completionOf(f *pflag.Flag) cobra.CompletionFunc {
	values := f.Annotations[valuesKey]
	switch kindOfValue(f) {
	case "file":
		return offerFiles(values)
	case "folder":
		return offerFolders
	case "column":
		return offerColumn
	case "columns":
		return offerColumns
	}
	if values == nil {
		return nil
	}
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
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
	o.SkipRows, _ = f.GetInt("skip-rows")
	columns, _ := series.ColumnsOf(cmd.Context(), paths[0], o)
	return slices.DeleteFunc(columns, func(name string) bool { return name == "" || strings.ContainsAny(name, "\t\r\n") })
}
