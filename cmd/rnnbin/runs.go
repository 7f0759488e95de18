package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/model"
)

// runLine is a run, as `rnnbin runs` shows it.
type runLine struct {
	Folder    string            `json:"folder"`
	Begun     time.Time         `json:"begun"`
	State     model.RunState    `json:"state"`
	Resumable bool              `json:"resumable"`
	Reason    string            `json:"reason,omitempty"` // of its state
	Data      []string          `json:"data,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"` // that are not the same in all runs
	Networks  []string          `json:"networks,omitempty"` // that were chosen
	Score     metrics.Number    `json:"macro_f1"`           // by folds, else of the test rows
	Partial   string            `json:"partial,omitempty"`  // what was kept of a run that ended early
}

// runOrders are the columns that runs can be sorted by.
var runOrders = map[string]func(a, b runLine) int{
	"begun": func(a, b runLine) int { return b.Begun.Compare(a.Begun) },
	"data":  func(a, b runLine) int { return slices.Compare(a.Data, b.Data) },
	"score": func(a, b runLine) int { return cmp.Compare(b.Score, a.Score) },
	"state": func(a, b runLine) int { return cmp.Compare(a.State, b.State) },
}

func newRuns() *cobra.Command {
	asJSON, sort := false, "begun"
	cmd := &cobra.Command{
		Use:   "runs [DIR]",
		Short: "List the runs in a folder",
		Long: `List the runs in a folder, runs if none is named: when each began, whether it is running,
has finished, or was stopped or killed, which train --resume goes on with; its data, the
network that was chosen and its macro F1, the mean of its folds or else that of the test
rows, and the settings in which the runs differ.`,
		Example: `  rnnbin runs
  rnnbin runs experiments --sort score`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("rnnbin runs takes one folder, got %d", len(args))}
			}
			root := runs
			if len(args) == 1 {
				root = args[0]
			}
			order, known := runOrders[sort]
			if !known {
				return usagef("sort", "must be one of %s, not %q", strings.Join(slices.Sorted(maps.Keys(runOrders)), ", "), sort)
			}
			all, err := runLines(root, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			slices.SortStableFunc(all, order)
			return printRuns(cmd.OutOrStdout(), all, asJSON)
		},
	}
	addFlag(cmd.Flags(), "sort", &sort, "sort by this `column`: begun (the newest first), score (the best first), data or state", slices.Sorted(maps.Keys(runOrders))...)
	addFlag(cmd.Flags(), "json", &asJSON, jsonUsage)
	return cmd
}

// runLines are those of the folders in root. What cannot be read is named.
func runLines(root string, errOut io.Writer) ([]runLine, error) {
	entries, err := os.ReadDir(root)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("%s: %w", root, path.Err)
	}
	var all []runLine
	var settings []map[string]string
	for _, e := range entries {
		if !e.IsDir() {
			continue // such as the link to the latest
		}
		l, of, err := newRunLine(filepath.Join(root, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			fmt.Fprintf(errOut, "rnnbin: warning: %v\n", err)
		}
		all, settings = append(all, l), append(settings, of)
	}
	for i := range all {
		all[i].Settings = differing(settings[i], settings)
	}
	return all, nil
}

// newRunLine reads the run in a folder, and its settings. An error beside a line is what is wrong
// with the model.
func newRunLine(dir string) (l runLine, settings map[string]string, err error) {
	r, err := model.ReadRun(dir)
	m, failed := model.Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && failed == nil: // of no run, such as an import
		r = &model.RunRecord{Begun: m.Created, State: model.Finished, Settings: m.Settings}
	case err != nil:
		return l, nil, err
	}
	l = runLine{Folder: dir, Begun: r.Begun, State: r.State, Resumable: r.State.Resumable(), Reason: r.Reason, Score: metrics.Number(math.NaN())}
	for _, d := range r.Data {
		l.Data = append(l.Data, d.Files...)
	}
	settings = flatten(r.Settings)
	if failed != nil {
		if errors.Is(failed, fs.ErrNotExist) {
			failed = nil
		}
		return l, settings, failed
	}
	if r.State != model.Finished && m.Run.Partial == "" { // that of an older run
		return l, settings, nil
	}
	l.Partial = m.Run.Partial
	told, err := reportsOf(dir, m)
	if err != nil {
		return l, settings, err
	}
	l.Networks = networkNames(m, told)
	switch {
	case told.Judged != nil:
		l.Score = told.Judged.Mean.MacroF1
	case told.Test != nil:
		l.Score = told.Test.MacroF1
	}
	return l, settings, nil
}

// networkNames are those of a model's networks, the best first: of such as were compared by that.
func networkNames(m *model.Model, told *reports) (names []string) {
	for _, g := range told.Rungs {
		if g.Chosen {
			names = append(names, g.Name)
		}
	}
	if names == nil {
		for _, k := range m.Kinds {
			of := fit.Recipe{Network: graph.Config{Network: k.Network}, Rolling: k.Inputs.Rolling}
			names = append(names, of.Name())
		}
	}
	return names
}

// flatten lists settings by their keys, but for the seed and what a line has anyway.
func flatten(settings json.RawMessage) map[string]string {
	var tree map[string]any
	_ = json.Unmarshal(settings, &tree) // of none there is nothing to tell
	all := map[string]string{}
	for key, value := range tree {
		inner, nested := value.(map[string]any)
		if !nested {
			inner = map[string]any{key: value}
		}
		for key, value := range inner {
			if text, err := json.Marshal(value); err == nil && key != "seed" && key != "files" {
				all[key] = strings.Trim(string(text), `"`)
			}
		}
	}
	return all
}

// differing are those of the settings that are not the same in all that have some, as an import has not.
func differing(of map[string]string, all []map[string]string) map[string]string {
	differ := map[string]string{}
	for key, value := range of {
		if slices.ContainsFunc(all, func(s map[string]string) bool { return len(s) > 0 && s[key] != value }) {
			differ[key] = value
		}
	}
	return differ
}

func printRuns(out io.Writer, all []runLine, asJSON bool) error {
	if asJSON {
		for _, l := range all {
			if err := observe.WriteJSON(out, "run", l); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "folder\tbegun\tstate\tdata\tnetwork\tmacro F1\tsettings")
	for _, l := range all {
		state := string(l.State)
		if l.Resumable {
			state += " (resumable)"
		}
		var settings []string
		for _, key := range slices.Sorted(maps.Keys(l.Settings)) {
			settings = append(settings, key+"="+l.Settings[key])
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Folder, l.Begun.Local().Format("2006-01-02 15:04"), state,
			cmp.Or(strings.Join(l.Data, " "), "-"), cmp.Or(strings.Join(l.Networks, " and "), "-"), l.Score, strings.Join(settings, " "))
	}
	return w.Flush()
}
