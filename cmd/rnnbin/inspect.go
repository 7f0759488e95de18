package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

func newInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Show what a model folder holds",
		Long: `Show what a model folder holds: the network, the columns it was trained on, how
they are scaled, the threshold, how training went, and the files:

  model.json        everything but the weights, which it names, with the settings of
                    the training run, for train --config, and its last evaluation
  weights-….index   the weights, a checkpoint of TensorFlow; their names have the
  weights-….data…   beginning of the SHA-256 of their content
  history-….jsonl   an object for each epoch

Other files in the folder are not shown.

` + exitCodes,
		Example: `  rnnbin inspect runs/latest
  rnnbin inspect runs/3 --json`,
		Args: oneArg("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := model.Inspect(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(c)
			}
			return printContents(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// printContents prints a line for each thing.
func printContents(out io.Writer, c *model.Contents) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	m := c.Model
	n := m.Network
	for _, line := range [][2]string{
		{"folder", c.Folder},
		{"made", fmt.Sprintf("%s by rnnbin %s", m.Created.Format(time.RFC3339), cmp.Or(m.Version, "(unknown)"))},
		{"network", fmt.Sprintf("features %d, units %s, steps %d%s, parameters %d", n.Features, unitsText(n), n.Window, extrasText(n), c.Parameters)},
		{"loss", string(n.Loss)},
		{"horizon", horizonText(m.Horizon)},
		{"threshold", fmt.Sprintf("%.4g", m.Threshold)},
		{"class weights", fmt.Sprintf("%.4g, %.4g", m.ClassWeight[0], m.ClassWeight[1])},
		{"columns", columnsText(m.Columns)},
		{"missing", string(m.Columns.Missing)},
		{"training", trainingText(m.Training)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	printScaler(w, m)
	if r := m.Metrics; r != nil {
		fmt.Fprintf(w, "metrics\tF1 %v, precision %v, recall %v, accuracy %v, ROC AUC %v, of %d steps at threshold %.4g\n",
			r.F1, r.Precision, r.Recall, r.Accuracy, r.ROCAUC, r.Steps, float64(r.Threshold))
	}
	for i, f := range c.Files {
		title := ""
		if i == 0 {
			title = "files"
		}
		fmt.Fprintf(w, "%s\t%s, %d bytes\n", title, f.Name, f.Size)
	}
	return w.Flush()
}

// unitsText describes the layers, from the features up.
func unitsText(c graph.Config) string {
	var each []string
	for _, l := range c.Layers {
		each = append(each, fmt.Sprintf("%d (%s)", l.Units, kindOf(l)))
	}
	switch {
	case len(each) == 0:
		return "none"
	case c.Bidirectional:
		return strings.Join(each, ", ") + " in each direction"
	}
	return strings.Join(each, ", ")
}

func horizonText(h int) string {
	switch {
	case h > 0:
		return fmt.Sprintf("%d: the label that many steps ahead", h)
	case h < 0:
		return fmt.Sprintf("%d: the label that many steps back", h)
	}
	return "0: the label of the same step"
}

func columnsText(c model.Columns) string {
	text := fmt.Sprintf("label %q", c.Label)
	for _, role := range [][2]string{{"positive", c.Positive}, {"series", c.Series}, {"time", c.Time}} {
		if role[1] != "" {
			text += fmt.Sprintf(", %s %q", role[0], role[1])
		}
	}
	return text
}

func trainingText(t model.Training) string {
	if t.Steps == 0 {
		return "elsewhere"
	}
	text := fmt.Sprintf("%s, %s, %s of %s, %.3g s",
		count(t.Epochs, "epoch"), count(t.Steps, "step"), count(t.Windows, "window"), count(t.Rows, "row"), t.Seconds)
	if t.Best > 0 {
		text += fmt.Sprintf(", the best epoch being %d", t.Best)
	}
	if len(t.Data) > 0 {
		text += ", from " + strings.Join(t.Data, ", ")
	}
	return text
}

// printScaler prints a line for each feature.
func printScaler(w io.Writer, m *model.Model) {
	s := m.Scaler
	for k, name := range s.Columns {
		title := ""
		if k == 0 {
			title = "features"
		}
		text := fmt.Sprintf("%q", name)
		if s.Kind != series.NoScale {
			text += fmt.Sprintf(", scaled as (x - %.5g) / %.5g (%s)", s.Offset[k], s.Scale[k], s.Kind)
		}
		fmt.Fprintf(w, "%s\t%s\n", title, text)
	}
}
