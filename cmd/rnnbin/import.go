package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/keras"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// importOptions are the flags of import.
type importOptions struct {
	keras      string
	activation string
	out        string
	force      bool
	columns    series.Options
	steps      int
	horizon    int
	threshold  float64
	json       bool

	changed func(flag string) bool // is it on the command line?
}

func (o *importOptions) addFlags(f *pflag.FlagSet) {
	o.changed = f.Changed
	o.columns = series.DefaultOptions()
	c := &o.columns
	o.threshold = 0.5
	addFlag(f, "keras", &o.keras, "read `file`, a .keras or a .weights.h5", "keras", "h5")
	addFlag(f, "out", &o.out, "write the model to `folder`")
	addFlag(f, "force", &o.force, forceUsage)
	addFlag(f, "features", &c.Features, "feature `columns`, separated by commas, in the order of the network's inputs")
	addFlag(f, "label", &c.Label, "`column` of labels, for evaluate")
	addFlag(f, "series", &c.Series, seriesUsage)
	addFlag(f, "time", &c.Time, "`column` of times, which must not go back within a series")
	addFlag(f, "max-gap", &c.MaxGap, maxGapUsage)
	addFlag(f, "steps", &o.steps, "number `n` of steps in a window (default the length of the model's inputs)")
	addFlag(f, "horizon", &o.horizon, "the model predicts the label of `n` rows later, or of -n rows earlier if negative")
	addFlag(f, "classes", &c.Classes, "`names` of the classes, separated by commas, in the order of the network's outputs\n(default 0, 1 and so on)")
	addFlag(f, "threshold", &o.threshold, "of two classes, `probability` at which the second is predicted")
	addFlag(f, "activation", &o.activation, "activation `function` of the SimpleRNN layers in a .weights.h5: tanh or relu (default tanh)", names(graph.Activations())...)
	addFlag(f, "json", &o.json, jsonUsage)
	f.SortFlags = false
}

func newImport() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import --keras FILE --features A,B --out FOLDER",
		Short: "Make a model folder from a network that Keras trained",
		Long: `Make a model folder from a network that Keras 3 trained, for predict, evaluate and
inspect. It answers as Keras does, to rounding. What can be read are Sequential models, and
Functional ones that are a chain, of

  - SimpleRNN (tanh or relu), LSTM and GRU layers with return_sequences, any number of
    them, all in one direction or all in a Bidirectional that concatenates
  - Dense layers (relu or tanh), which may be in a TimeDistributed
  - a last Dense layer: 1 unit with sigmoid, or as many units as classes with softmax or
    linear (logits)
  - behind a Dense layer its activation, in a layer of its own
  - before them a Normalization that was adapted
  - layers that do nothing when predicting, such as Dropout, which are left out

All else is an error that names the layer and the setting.

A .keras file holds the whole model. A .weights.h5 holds arrays only: cells, units and
order are told from their names and shapes, so that recurrent layers must be of one
kind and followed by one Dense layer, and all else is taken to be Keras's default (LSTM and GRU: tanh and sigmoid).

Neither holds the names of columns, nor how features were scaled outside of the model:
bring the data to predict into the form the network was trained on. The answers are
Keras's for sequences of --steps rows; predict cuts longer series into such windows,
which overlap by half.`,
		Example: `  rnnbin import --keras beats.keras --features mlii_mv,v5_mv --out beats
  rnnbin import --keras beats.weights.h5 --steps 180 --features mlii_mv,v5_mv --out beats
  rnnbin predict beats new.csv`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runImport(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runImport(ctx context.Context, o importOptions, out, errOut io.Writer) error {
	if err := o.validate(); err != nil {
		return err
	}
	k, err := keras.Read(o.keras, keras.Options{Activation: graph.Activation(o.activation)})
	switch {
	case errors.Is(err, keras.ErrActivation):
		return flagf("activation", "%v", keras.ErrActivation)
	case err != nil:
		return err
	}
	m, err := o.model(k)
	if err != nil {
		return err
	}
	endingOf(ctx).begin()
	if err := o.write(k, m); err != nil {
		return err
	}
	written, err := model.Inspect(o.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(errOut, "rnnbin: the model is in %s\n", o.out)
	printNext(errOut, m, o.out)
	return o.print(imported{k.Version, k.Layers, written}, out)
}

// validate checks the flags that the file has no say in.
func (o *importOptions) validate() error {
	switch {
	case o.keras == "":
		return usageError{errors.New("--keras is needed: name a .keras or .weights.h5 file")}
	case o.out == "":
		return usageError{errors.New("--out is needed: name a folder")}
	case len(o.columns.Features) == 0:
		return usagef("features", "names no columns: the file does not hold what the network's inputs are called")
	case o.changed("steps") && o.steps < 1:
		return usagef("steps", "must be at least 1, not %d", o.steps)
	case o.activation != "" && !slices.Contains(graph.Activations(), graph.Activation(o.activation)):
		return usagef("activation", "must be relu or tanh, not %q", o.activation)
	case o.horizon < -model.MaxHorizon || o.horizon > model.MaxHorizon:
		return usagef("horizon", "must be between -%d and %d, not %d", model.MaxHorizon, model.MaxHorizon, o.horizon)
	case !(o.threshold >= 0 && o.threshold <= 1):
		return usagef("threshold", "must be between 0 and 1, not %v", o.threshold)
	}
	if err := o.columns.Validate(); err != nil {
		return usageError{err}
	}
	if err := model.Check(o.out, o.force); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// model describes what was read.
func (o *importOptions) model(k *keras.Model) (*model.Model, error) {
	c := k.Network
	if o.steps > 0 {
		c.Window = o.steps
	}
	if c.Window == 0 {
		return nil, flagf("steps", "is needed: %s does not hold how many steps the network was trained on", o.keras)
	}
	if err := c.Validate(); err != nil { // all but Window has been checked
		return nil, withFlag(err)
	}
	features := o.columns.Features
	if len(features) != c.Features {
		return nil, flagf("features", "names %d columns, but the network takes %d", len(features), c.Features)
	}
	classes, err := o.classes(c.Classes)
	if err != nil {
		return nil, err
	}
	lookahead := strconv.Itoa(max(0, -o.horizon))
	if c.Bidirectional {
		lookahead = model.All
	}
	return &model.Model{
		Version:     programVersion(),
		Columns:     columnRoles(o.columns, &series.Data{Features: features}),
		Classes:     classes,
		Lookahead:   lookahead,
		Profile:     model.Profile{Mean: importedMean(k)},
		Threshold:   o.threshold,
		ClassWeight: "none",
		Kinds:       []model.Kind{{Network: c, Horizon: o.horizon, Inputs: inputs.Inputs{SeriesScale: inputs.None, Scale: k.Scale}}},
	}, nil
}

// classes are the names of n classes.
func (o *importOptions) classes(n int) ([]string, error) {
	names := o.columns.Classes
	if len(names) == 0 {
		for class := range n {
			names = append(names, strconv.Itoa(class))
		}
	}
	switch {
	case len(names) != n:
		return nil, flagf("classes", "names %d classes, but the network has %d", len(names), n)
	case n > 2 && o.changed("threshold"):
		return nil, flagf("threshold", "cannot be used with %d classes: the most probable one is predicted", n)
	}
	return names, nil
}

// importedMean is what stands in for missing features: the mean that the model's
// Normalization takes away, if it has one, or 0.
func importedMean(k *keras.Model) []float32 {
	if k.Scale != nil {
		return k.Scale.Offset
	}
	return make([]float32, k.Network.Features)
}

// write makes the folder.
func (o *importOptions) write(k *keras.Model, m *model.Model) error {
	w, err := model.Create(o.out, o.force)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer w.Close()
	err = tflib.Quietly(func() error {
		own := &m.Kinds[0]
		p, err := graph.NewPredictor(own.Network, graph.Machine{})
		if err != nil {
			return err
		}
		defer p.Close()
		network := p.Members()[0]
		if err := network.SetVariables(k.Variables); err != nil {
			return err
		}
		weights, err := w.AddWeights(network.Save)
		own.Weights = []model.Weights{weights}
		return err
	})
	if err != nil {
		return err
	}
	return w.Commit(m)
}

// imported is what import prints.
type imported struct {
	Keras  string        `json:"keras"` // its version
	Layers []keras.Layer `json:"layers"`
	*model.Contents
}

func (o *importOptions) print(i imported, out io.Writer) error {
	if o.json {
		return observe.WriteJSON(out, "import", i)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for k, l := range i.Layers {
		fmt.Fprintf(w, "%s\t%q (%s): %s\n", first(k, "layers"), l.Name, l.Kind, l.Role)
	}
	m := i.Model
	printKinds(w, m)
	fmt.Fprintf(w, "threshold\t%s\n", thresholdText(m))
	fmt.Fprintf(w, "columns\t%s\n", columnsText(m.Columns))
	printFeatures(w, m)
	return w.Flush()
}
