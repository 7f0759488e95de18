package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/release"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/export"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// exportOptions are the flags of export.
type exportOptions struct {
	model  string
	out    string
	format string
	json   bool
}

// Formats of exports.
const (
	savedModel = "savedmodel"
	onnx       = "onnx"
)

func (o *exportOptions) addFlags(f *pflag.FlagSet) {
	addFlag(f, "out", &o.out, "base `folder`: the model becomes its next version, 1, 2 and so on")
	o.format = savedModel
	addFlag(f, "format", &o.format, "`format`: savedmodel or onnx", savedModel, onnx)
	addFlag(f, "json", &o.json, jsonUsage)
	f.SortFlags = false
}

func newExport() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export MODEL --out BASE",
		Short: "Write a model as a SavedModel or ONNX, for Python, TensorFlow Serving and others",
		Long: `Write a model as a SavedModel of TensorFlow's own operations, which programs load that
know nothing of rnnbin: Python's TensorFlow, TensorFlow Serving and Triton, Go, Java and
C++, and converters such as tf2onnx. It becomes the next version in a base folder, as
servers watch it: BASE/1, BASE/2 and so on, each whole from the moment it appears.
Nothing is replaced.

What is exported is the model, not only its networks: scaling, rolling windows, lags,
horizon, windows that overlap, all networks and their mean, and the threshold are inside.
It takes rows as they were measured and answers as predict does, to rounding.

  serving_default   series, float32 [batch, rows, features], one or more rows of each
                    series: gives probabilities, float32 [batch, rows, classes], and
                    labels, string [batch, rows]
  lengths           also takes lengths, int32 [batch]: series of different lengths side
                    by side. Rows past the end of one are answered as its last row
  stream            the next rows, one or more, and state, float64 [batch, size]: also
                    gives next_state, which belongs to the rows after these. A series
                    begins with zeros. Only for models whose labels rest on no later row:
                    train with --lookahead 0

The order of features and classes is in assets/features.txt and assets/classes.txt. NaN is
a value that is missing; what stands in for it is what --missing was in training (error
and drop: the mean). What the model does not see is where a series begins: give each as
a series of its own. A value that is infinite or far too large gives NaN.

With --format onnx a version holds model.onnx, which ONNX Runtime and others run: series
and, if they are given, lengths; and stream.onnx where there is a stream. The order of
features and classes is in their metadata.`,
		Example: `  rnnbin export runs/latest --out served/beats
  tensorflow_model_server --rest_api_port=8501 --model_name=beats --model_base_path=$PWD/served/beats
  python3 -c 'import tensorflow as tf
  m = tf.saved_model.load("served/beats/1")
  print(m.signatures["serving_default"](series=tf.zeros([1, 100, 2]))["labels"])'`,
		Args: oneArg("MODEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.model = args[0]
			return runExport(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// exported is what export prints.
type exported struct {
	Folder     string             `json:"folder"`
	Format     string             `json:"format"`
	Features   []string           `json:"features"`
	Classes    []string           `json:"classes"`
	Missing    export.Missing     `json:"missing"`
	Signatures []export.Signature `json:"signatures"`
	Files      []model.File       `json:"files"`
}

func runExport(ctx context.Context, o exportOptions, out, errOut io.Writer) error {
	if err := o.validate(); err != nil {
		return err
	}
	f, err := model.Open(o.model)
	if err != nil {
		return err
	}
	defer f.Close()
	e := exported{Format: o.format, Features: f.Columns.Features, Classes: f.Classes, Missing: missingOf(f.Columns)}
	endingOf(ctx).begin()
	err = tflib.Quietly(func() error { return o.write(f, &e) })
	if err != nil {
		return err
	}
	if e.Files, err = filesIn(e.Folder); err != nil {
		return err
	}
	if o.json {
		return observe.WriteJSON(out, "export", e)
	}
	if err := e.print(out, f.Model); err != nil {
		return err
	}
	e.printLoading(errOut)
	return nil
}

func (o *exportOptions) validate() error {
	if !slices.Contains([]string{savedModel, onnx}, o.format) {
		return usagef("format", "must be savedmodel or onnx, not %q", o.format)
	}
	if o.out == "" {
		return usageError{errors.New("--out is needed: name a base folder")}
	}
	info, err := os.Stat(o.out)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("--out: %s is not a folder", o.out)
	}
	if _, err := model.Inspect(o.out); err == nil {
		return fmt.Errorf("--out: %s is a model folder of rnnbin's; name one for exports, such as served/%s", o.out, filepath.Base(o.out))
	}
	return nil
}

// missingOf is what stands in for missing values. Where they are errors or leave out the row
// when files are read, it is what the model itself puts there.
func missingOf(c model.Columns) export.Missing {
	switch series.Missing(c.Missing) {
	case series.MissingZero:
		return export.Zero
	case series.MissingForward:
		return export.Forward
	}
	return export.Mean
}

// write adds the version.
func (o *exportOptions) write(f *model.Opened, e *exported) error {
	m, err := label.Load(f, graph.Machine{})
	if err != nil {
		return err
	}
	defer m.Close()
	fill, err := e.assemble(m)
	if err != nil {
		return fmt.Errorf("export the model: %w", err)
	}
	if e.Folder, err = release.Add(o.out, fill); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// assemble makes the model in the format, and returns what fills a folder with it.
func (e *exported) assemble(m *label.Model) (fill func(dir string) error, err error) {
	if e.Format == onnx {
		o, err := export.NewONNX(m, e.Missing)
		if err != nil {
			return nil, err
		}
		e.Signatures = o.Signatures
		return func(dir string) error { return writeFiles(dir, o.Files) }, nil
	}
	s, err := export.NewSavedModel(m, e.Missing)
	if err != nil {
		return nil, err
	}
	e.Signatures = s.Signatures
	return func(dir string) error {
		prefix := filepath.Join(dir, filepath.FromSlash(s.Variables))
		if err := cmp.Or(writeFiles(dir, s.Files), os.MkdirAll(filepath.Dir(prefix), 0o777)); err != nil {
			return err
		}
		return s.SaveVariables(prefix)
	}, nil
}

func writeFiles(dir string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// filesIn lists the files below a folder, in order.
func filesIn(dir string) ([]model.File, error) {
	var files []model.File
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files = append(files, model.File{Name: filepath.ToSlash(name), Size: info.Size()})
		return err
	})
	return files, err
}

func (e *exported) print(out io.Writer, m *model.Model) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "folder\t%s\n", e.Folder)
	for i, s := range e.Signatures {
		fmt.Fprintf(w, "%s\t%s: %s -> %s\n", first(i, "signatures"), s.Name, tensorsText(s.Inputs), tensorsText(s.Outputs))
	}
	if !e.streams() {
		fmt.Fprintf(w, "\tno %s: %s\n", export.Stream, laterText(m))
	}
	fmt.Fprintf(w, "features\t%s\n", table.List(e.Features))
	fmt.Fprintf(w, "classes\t%s\n", table.List(e.Classes))
	fmt.Fprintf(w, "missing\tNaN becomes %s\n", map[export.Missing]string{
		export.Mean: "the feature's mean over the training rows", export.Zero: "0", export.Forward: "the feature's last value in the series",
	}[e.Missing])
	for i, f := range e.Files {
		fmt.Fprintf(w, "%s\t%s, %d bytes\n", first(i, "files"), f.Name, f.Size)
	}
	return w.Flush()
}

// streams reports whether there is a signature for rows as they arrive.
func (e *exported) streams() bool {
	return slices.ContainsFunc(e.Signatures, func(s export.Signature) bool { return strings.HasPrefix(s.Name, export.Stream) })
}

// laterText says why rows cannot be answered as they arrive.
func laterText(m *model.Model) string {
	if rows, finite := m.Wait(); finite && rows > 0 {
		return fmt.Sprintf("labels depend on the next %s (train --lookahead 0 makes one)", count(rows, "row"))
	}
	return "labels depend on later rows (train --lookahead 0 makes one)"
}

func tensorsText(list []export.Tensor) string {
	var all []string
	for _, t := range list {
		shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(t.Shape), "[]"), "-1", "?")
		all = append(all, fmt.Sprintf("%s %s [%s]", t.Name, t.Type, strings.ReplaceAll(shape, " ", ", ")))
	}
	return strings.Join(all, ", ")
}

// printLoading shows how to use what was written.
func (e *exported) printLoading(errOut io.Writer) {
	base := filepath.Dir(e.Folder)
	if whole, err := filepath.Abs(base); err == nil {
		base = whole
	}
	fmt.Fprintln(errOut, "rnnbin: what to do next:")
	if e.Format == onnx {
		fmt.Fprintf(errOut, "  python3: onnxruntime.InferenceSession(%q).run(None, {\"series\": rows})\n", e.Folder+"/model.onnx")
		return
	}
	fmt.Fprintf(errOut, "  tensorflow_model_server --rest_api_port=8501 --model_name=%s --model_base_path=%s\n", quoteAll([]string{filepath.Base(base)}), quoteAll([]string{base}))
	fmt.Fprintf(errOut, "  saved_model_cli show --dir %s --all\n", quoteAll([]string{e.Folder}))
	fmt.Fprintf(errOut, "  python3: tf.saved_model.load(%q).signatures[%q](series=rows)\n", e.Folder, export.ServingDefault)
}
