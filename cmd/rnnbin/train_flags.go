package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/config"
	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/train"
	"github.com/rnnbin/rnnbin/graph"
)

// trainOptions are the flags of train.
type trainOptions struct {
	preset      string
	iterations  int
	predictions string

	data           []string
	columns        series.Options
	scale          string
	horizon        int
	validation     float64
	validationData []string
	walkForward    int
	classWeight    string
	threshold      string
	earlyStopping  int

	network    graph.Config // but for Features, which depends on the data
	cell       string
	units      []int
	layers     int
	activation string
	stride     int
	shuffle    bool
	batchSize  int
	epochs     int
	schedule   string
	warmup     int
	decayEvery int
	decay      float32

	config   string
	dryRun   bool
	out      string
	force    bool
	json     bool
	logEvery int
	plot     string

	flags *pflag.FlagSet
}

// defaultTrainOptions are the original's, and for flags that only own data has,
// those of own data.
func defaultTrainOptions() trainOptions {
	return trainOptions{
		preset:     original.Presets[0].Name,
		columns:    series.DefaultOptions(),
		scale:      string(series.Standard),
		validation: 0.2,
		threshold:  "0.5",
		network:    graph.DefaultConfig(),
		cell:       string(graph.Plain),
		units:      []int{100},
		activation: string(graph.ReLU),
		shuffle:    true,
		batchSize:  10,
		epochs:     10,
		schedule:   string(train.Constant),
		decay:      0.1,
		logEvery:   100,
	}
}

// setting is a flag's value.
type setting struct{ flag, value string }

// ownDefaults are the defaults for own data where they are not the original's.
var ownDefaults = []setting{
	{"activation", string(graph.Tanh)},
	{"batch-size", "32"},
	{"clip-norm", "1"},
	{"epochs", "20"},
	{"log-every", "1"},
}

// Flags that only one kind of run has.
var (
	presetOnly = []string{"preset", "iterations", "predictions"}
	ownOnly    = []string{"label", "features", "series", "time", "positive", "missing", "scale", "input-format", "stride", "horizon", "shuffle",
		"validation", "validation-data", "walk-forward", "class-weight", "threshold", "early-stopping", "plot"}
)

// validationWays are flags each of which says what is held back.
var validationWays = []string{"walk-forward", "validation-data", "validation"}

// unsaved are flags that do not change what a run computes. They are not part of
// the configuration that is saved with a model.
var unsaved = []string{"out", "force", "dry-run", "json", "log-every", "plot", "predictions"}

// own reports whether the run is on the user's data.
func (o *trainOptions) own() bool { return len(o.data) > 0 }

func (o *trainOptions) addFlags(f *pflag.FlagSet) {
	*o = defaultTrainOptions()
	o.flags = f
	o.addDataFlags(f)
	o.addNetworkFlags(f)
	o.addTrainingFlags(f)
	o.addPresetFlags(f)
	o.addOutputFlags(f)
	for _, d := range ownDefaults {
		f.Lookup(d.flag).Usage += fmt.Sprintf(" (with --data %s)", d.value)
	}
	f.SortFlags = false
}

func (o *trainOptions) addDataFlags(f *pflag.FlagSet) {
	c := &o.columns
	f.StringArrayVar(&o.data, "data", nil, "train on `file`, a pattern such as 'days/*.csv', or - for standard input; can be repeated.\nCSV, TSV, JSON lines, Parquet, and the first three compressed with gzip or zstd")
	f.StringVar(&c.Label, "label", c.Label, "`column` of labels: 0 or 1, yes or no, empty for a step without one")
	f.StringSliceVar(&c.Features, "features", nil, "feature `columns`, separated by commas (default every other column of numbers, except\none that looks like a time column: called time, sample, index or the like, and rising)")
	f.StringVar(&c.Series, "series", "", "`column` that names the series of a row (default each file is one series)")
	f.StringVar(&c.Time, "time", "", "`column` of times, which must not go back within a series")
	f.StringVar(&c.Positive, "positive", "", "the label `value` that means 1; every other means 0")
	f.StringVar((*string)(&c.Missing), "missing", string(c.Missing), "`what` to do about a missing feature: error (stop), forward (repeat the last value), zero,\nmean (of the training part) or drop (leave the row out)")
	f.StringVar(&o.scale, "scale", o.scale, "`how` to scale features, fitted to the training part: standard (mean 0, deviation 1),\nminmax (0 to 1) or none")
	f.StringVar((*string)(&c.Format), "input-format", "", "`format` of the data: csv, tsv, jsonl or parquet (default by name and content)")
	f.IntVar(&o.horizon, "horizon", 0, "learn the label `n` steps ahead; if negative, that many steps back, so that the network\nhas seen what follows a step before it labels it")
	f.Float64Var(&o.validation, "validation", o.validation, "hold back this `fraction` of each series, its tail, for validation")
	f.StringArrayVar(&o.validationData, "validation-data", nil, "validate on `file` instead; can be repeated")
	f.IntVar(&o.walkForward, "walk-forward", 0, "cut each series into `k`+1 blocks and train k times, each time on one more block,\nvalidating on the next; the last model is kept")
	f.StringVar(&o.classWeight, "class-weight", "", "how much more steps of one label weigh in the loss than those of the other, `w0,w1`; auto:\nas much as makes the total the same for both in the training part")
	f.StringVar(&o.threshold, "threshold", o.threshold, "label a step 1 if its `probability` is at least this; auto: the one with the best F1\nin validation")
	f.IntVar(&o.earlyStopping, "early-stopping", 0, "stop after `n` epochs without improvement in validation (default never)")
}

func (o *trainOptions) addNetworkFlags(f *pflag.FlagSet) {
	c := &o.network
	f.IntVar(&c.Window, "steps", c.Window, "number `n` of steps in a window")
	f.StringVar(&o.cell, "cell", o.cell, "recurrent `cell`: plain, lstm, gru, gru-reset-before (TensorFlow 1's GRUCell, slower), or\nnone, which is logistic regression on each row and those of --lags")
	f.IntSliceVar(&o.units, "units", o.units, "number `n` of units, the width of the recurrent state; n,m for two layers and so on")
	f.IntVar(&o.layers, "layers", 0, "`n` layers of that width (default as many as --units names)")
	f.BoolVar(&c.Bidirectional, "bidirectional", false, "run the layers over time in both directions, so that a label rests on the rows behind\na row too")
	f.StringVar(&o.activation, "activation", o.activation, "activation `function` of plain cells: relu, as in the original, or tanh, which trains\nmore steadily on long windows")
	f.Var((*lagsValue)(&c.Lags), "lags", "a step's inputs are the rows at these `distances` from its own: -2,-1,0 for the two rows\nbefore it and itself, -20:36:4 for every fourth row from 20 before it to 36 behind it. At\nthe ends of a series its first and last row are repeated (default the step's own row)")
	f.Float32Var(&c.Dropout, "dropout", 0, "in training, leave out this `fraction` of each layer's outputs, different ones at each step,\nso that the network cannot rely on single ones; 0.2 to 0.5 are usual where it does far\nbetter in training than in validation")
	f.Float32Var(&c.InputNoise, "input-noise", 0, "in training, add normal noise of this standard `deviation` to the inputs, as scaled, so that\nrows that are nearly the same get the same label")
	f.StringVar((*string)(&c.Loss), "loss", string(c.Loss), "`loss` to minimise: xent (one-hot softmax cross-entropy), sparse (the same, computed\nfrom class numbers), mse (one output, mean squared error) or focal (xent with less weight\non steps that are already right)")
	f.Float32Var(&c.FocalGamma, "focal-gamma", c.FocalGamma, "exponent `gamma` of the focal loss: the larger, the less those steps weigh")
}

func (o *trainOptions) addTrainingFlags(f *pflag.FlagSet) {
	c := &o.network
	f.IntVar(&o.stride, "stride", 0, "start a window every `n` rows (default half of --steps)")
	f.BoolVar(&o.shuffle, "shuffle", o.shuffle, "put the windows into batches in random order, a new one each epoch")
	f.IntVar(&o.batchSize, "batch-size", o.batchSize, "number `n` of windows in a batch")
	f.IntVar(&o.epochs, "epochs", o.epochs, "number `n` of epochs")
	f.StringVar((*string)(&c.Optimizer), "optimizer", string(c.Optimizer), "`name` of the optimizer: "+strings.Join(names(graph.Optimizers()), ", "))
	f.Float32Var(&c.LearningRate, "learning-rate", c.LearningRate, "the optimizer's learning `rate`")
	f.Float32Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "adamw's weight `decay`")
	f.StringVar(&o.schedule, "schedule", o.schedule, "`how` the learning rate falls: constant, cosine (to 0 at the end) or step")
	f.IntVar(&o.warmup, "warmup", 0, "let the learning rate rise over the first `n` batches")
	f.IntVar(&o.decayEvery, "decay-every", 0, "with --schedule step: let it fall every `n` epochs (default a third of --epochs)")
	f.Float32Var(&o.decay, "decay", o.decay, "with --schedule step: the `factor` it is multiplied by")
	f.Float32Var(&c.ClipNorm, "clip-norm", c.ClipNorm, "scale gradients down to this `norm` if theirs is larger; 0 for no limit")
	f.Int64Var(&c.Seed, "seed", 0, "seed `n` of the initial weights and of the windows' order (default random, and printed)")
	f.IntVar(&c.Threads, "threads", 0, "`n` threads (default by the size of a step: one for small ones)")
	addFormFlags(f, c)
}

func (o *trainOptions) addPresetFlags(f *pflag.FlagSet) {
	var presets strings.Builder
	for _, p := range original.Presets {
		fmt.Fprintf(&presets, "\n%s: %s", p.Name, p.About)
	}
	f.StringVar(&o.preset, "preset", o.preset, "without --data: `name` of the program to run:"+presets.String())
	f.IntVar(&o.iterations, "iterations", 0, "of a preset: number `n` of batches an epoch, each one sample further on (default as many\nas fit)")
	f.StringVar(&o.predictions, "predictions", "", "of a preset: after training, write the outputs for samples from 37 on to `file` as CSV:\nsample, input, the label one step ahead, outputs, probability of label 1")
}

func (o *trainOptions) addOutputFlags(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "take settings from a YAML `file` whose keys are names of flags; the command line wins.\nA model folder makes its run again")
	f.BoolVar(&o.dryRun, "dry-run", false, "show data, network and windows, and stop before training")
	f.StringVar(&o.out, "out", "", "write the model to `folder` (with --data by default runs/<n>, and runs/latest points to it)")
	f.BoolVar(&o.force, "force", false, forceUsage)
	f.BoolVar(&o.json, "json", false, "print the lines as JSON objects")
	f.IntVar(&o.logEvery, "log-every", o.logEvery, "print a line every `n` iterations; with --data every n epochs")
	f.StringVar(&o.plot, "plot", "", "draw the losses and the F1 of the epochs to `file`, .svg or .png")
}

func names[T ~string](values []T) []string {
	var names []string
	for _, v := range values {
		names = append(names, string(v))
	}
	return names
}

// settle takes the settings from --config and fills in what is left open. What
// it finds wrong is the user's mistake.
func (o *trainOptions) settle(f *pflag.FlagSet) error {
	if o.config != "" {
		if err := o.applyConfig(f); err != nil {
			return usageError{fmt.Errorf("--config %w", err)}
		}
	}
	if err := o.checkKind(f); err != nil {
		return err
	}
	if err := o.fill(f); err != nil {
		return err
	}
	return o.validate()
}

// applyConfig takes the settings from a file or from the model in a folder.
func (o *trainOptions) applyConfig(f *pflag.FlagSet) error {
	var wrong *config.Error
	info, err := os.Stat(o.config)
	if err == nil && info.IsDir() {
		path, settings, err := model.Settings(o.config)
		if err != nil {
			return err
		}
		err = config.Apply(f, path, settings, validationWays)
		if errors.As(err, &wrong) {
			wrong.Line = 0 // within the settings
		}
		return err
	}
	text, err := os.ReadFile(o.config)
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return &config.Error{File: o.config, Err: pathErr.Err}
	}
	if err != nil {
		return err
	}
	return config.Apply(f, o.config, text, validationWays)
}

// checkKind refuses flags that do not belong to the kind of run.
func (o *trainOptions) checkKind(f *pflag.FlagSet) error {
	others, why := ownOnly, "needs --data"
	if o.own() {
		others, why = presetOnly, "is for the built-in series and cannot be used with --data"
	}
	for _, name := range others {
		if f.Changed(name) {
			return usagef(name, "%s", why)
		}
	}
	return nil
}

// fill sets flags that were left open and whose defaults depend on others.
func (o *trainOptions) fill(f *pflag.FlagSet) error {
	defaults := ownDefaults
	if !o.own() {
		p, err := original.Find(o.preset)
		if err != nil {
			return usageError{fmt.Errorf("--preset: %w", err)}
		}
		defaults = []setting{{"loss", string(p.Loss)}}
	}
	for _, d := range defaults {
		if flag := f.Lookup(d.flag); !flag.Changed {
			if err := flag.Value.Set(d.value); err != nil {
				return err
			}
		}
	}
	layers, err := o.layersOf(f)
	if err != nil {
		return err
	}
	o.network.Layers = layers
	if !f.Changed("seed") {
		o.network.Seed = rand.Int64N(math.MaxInt32)
	}
	if o.network.Threads == 0 {
		o.network.Threads = o.network.SuggestThreads(o.batchSize, runtime.GOMAXPROCS(0))
	}
	if o.stride == 0 {
		o.stride = max(1, o.network.Window/2)
	}
	if o.decayEvery == 0 {
		o.decayEvery = max(1, o.epochs/3)
	}
	return nil
}

// noCell is the value of --cell for a network without a layer.
const noCell = "none"

// layersOf are the layers that the flags describe.
func (o *trainOptions) layersOf(f *pflag.FlagSet) ([]graph.Layer, error) {
	if graph.Cell(o.cell) != graph.Plain && f.Changed("activation") {
		return nil, usagef("activation", "is for --cell plain, not %s", o.cell)
	}
	if o.cell == noCell {
		for _, name := range []string{"units", "layers", "bidirectional"} {
			if f.Changed(name) {
				return nil, usagef(name, "cannot be used with --cell none, which has no layer")
			}
		}
		return nil, nil
	}
	units := o.units
	switch {
	case len(units) == 0:
		return nil, usagef("units", "names no number")
	case o.layers < 0:
		return nil, usagef("layers", "must be at least 1, not %d", o.layers)
	case o.layers > 0 && len(units) == 1:
		units = slices.Repeat(units, o.layers)
	case o.layers > 0 && len(units) != o.layers:
		return nil, usagef("layers", "is %d, but --units names %d", o.layers, len(units))
	}
	var layers []graph.Layer
	for _, n := range units {
		l := graph.Layer{Cell: graph.Cell(o.cell), Units: n}
		if l.Cell == graph.Plain {
			l.Activation = graph.Activation(o.activation)
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// networkFor is the network's configuration for data of so many features.
func (o *trainOptions) networkFor(features int) graph.Config {
	c := o.network
	c.Features = features
	return c
}

// rates is the learning rate of each step, an epoch having so many.
func (o *trainOptions) rates(epochSteps int) train.Schedule {
	return train.Schedule{
		Decay:  train.Decay(o.schedule),
		Rate:   o.network.LearningRate,
		Warmup: o.warmup,
		Steps:  o.epochs * epochSteps,
		Every:  o.decayEvery * epochSteps,
		Factor: o.decay,
	}
}

// fixedThreshold is the threshold, 0.5 as long as it is to be found.
func (o *trainOptions) fixedThreshold() (threshold float64, auto bool, err error) {
	if o.threshold == "auto" {
		return 0.5, true, nil
	}
	threshold, err = strconv.ParseFloat(o.threshold, 64)
	if err != nil || !(threshold >= 0 && threshold <= 1) {
		return 0, false, usagef("threshold", "must be auto or from 0 to 1, not %q", o.threshold)
	}
	return threshold, false, nil
}

// effective is the configuration that makes the run again.
func (o *trainOptions) effective() ([]byte, error) {
	left := slices.Concat(unsaved, ownOnly)
	if o.own() {
		left = slices.Concat(unsaved, presetOnly)
	}
	if o.walkForward > 0 || len(o.validationData) > 0 {
		left = append(left, "validation")
	}
	if graph.Cell(o.cell) != graph.Plain {
		left = append(left, "activation")
	}
	if o.cell == noCell {
		left = append(left, "units", "layers", "bidirectional")
	}
	return config.Format(o.flags, func(f *pflag.Flag) bool { return !slices.Contains(left, f.Name) })
}

// validate checks what the engine's own checks cannot see.
func (o *trainOptions) validate() error {
	if err := asUsage(o.networkFor(1).Validate()); err != nil {
		return err
	}
	for _, n := range []struct {
		flag       string
		value, min int
	}{
		{"epochs", o.epochs, 1},
		{"batch-size", o.batchSize, 1},
		{"log-every", o.logEvery, 1},
		{"iterations", o.iterations, 0},
		{"warmup", o.warmup, 0},
		{"decay-every", o.decayEvery, 1},
		{"early-stopping", o.earlyStopping, 0},
		{"walk-forward", o.walkForward, 0},
		{"stride", o.stride, 1},
	} {
		if n.value < n.min {
			return usagef(n.flag, "must be at least %d, not %d", max(n.min, 1), n.value)
		}
	}
	if err := train.Decay(o.schedule).Validate(); err != nil {
		return usagef("schedule", "%w", err)
	}
	if !(o.decay > 0 && o.decay <= 1) {
		return usagef("decay", "must be above 0 and at most 1, not %v", o.decay)
	}
	if o.own() {
		return o.validateOwn()
	}
	return o.validatePreset()
}

// validateOwn checks what only own data has.
func (o *trainOptions) validateOwn() error {
	for _, err := range []error{
		o.columns.Validate(),
		series.ScaleKind(o.scale).Validate(),
		second(series.ParseClassWeight(o.classWeight, nil, nil)),
	} {
		if err != nil {
			return usageError{err}
		}
	}
	if _, _, err := o.fixedThreshold(); err != nil {
		return err
	}
	if o.stride > o.network.Window {
		return usagef("stride", "must be at most --steps, %d, not %d: rows would be left out", o.network.Window, o.stride)
	}
	if err := checkPlot(o.plot); err != nil {
		return err
	}
	if o.horizon < -model.MaxHorizon || o.horizon > model.MaxHorizon {
		return usagef("horizon", "must be between -%d and %d, not %d", model.MaxHorizon, model.MaxHorizon, o.horizon)
	}
	return o.validateValidation()
}

// validateValidation checks what rows are held back, and what needs them.
func (o *trainOptions) validateValidation() error {
	if !(o.validation >= 0 && o.validation < 1) {
		return usagef("validation", "must be at least 0 and below 1, not %v", o.validation)
	}
	used := slices.DeleteFunc(slices.Clone(validationWays), func(name string) bool { return !o.flags.Changed(name) || name == "walk-forward" && o.walkForward == 0 })
	if len(used) > 1 {
		return usagef(used[0], "cannot be used with --%s", used[1])
	}
	if o.validation > 0 || len(o.validationData) > 0 || o.walkForward > 0 {
		return nil
	}
	const needs = "needs rows to validate on, and --validation is 0"
	if o.threshold == "auto" {
		return usagef("threshold", needs)
	}
	if o.earlyStopping > 0 {
		return usagef("early-stopping", needs)
	}
	return nil
}

// second is the error of a pair.
func second[T any](_ T, err error) error { return err }

// validatePreset checks what does not fit into the original's series.
func (o *trainOptions) validatePreset() error {
	p, err := original.Find(o.preset)
	if err != nil {
		return err
	}
	if most := slices.Max(p.Series().Y); o.network.Loss != graph.MSE && most > 1 {
		return usagef("loss", "%s cannot be used with --preset %s, whose labels go up to %v; %s can", o.network.Loss, p.Name, most, graph.MSE)
	}
	samples := o.samples()
	fit := original.Iterations(samples)
	if o.batchSize >= original.Samples || fit < 1 {
		return usagef("batch-size", "%d with --steps %d needs %d samples for a batch, the series has %d and one more for its labels",
			o.batchSize, o.network.Window, samples, original.Samples-1)
	}
	if o.iterations > fit {
		return usagef("iterations", "must be at most %d, as batches of %d samples fit into the series of %d, not %d",
			fit, samples, original.Samples, o.iterations)
	}
	if o.predictions != "" && original.PredictFrom+samples > original.Samples-1 {
		return usagef("predictions", "needs %d samples from %d on, the series has %d", samples, original.PredictFrom, original.Samples)
	}
	return nil
}

// samples is the length of a preset's batch.
func (o *trainOptions) samples() int { return o.batchSize * o.network.Window }

func (o *trainOptions) iterationsOrAll() int {
	if o.iterations == 0 {
		return original.Iterations(o.samples())
	}
	return o.iterations
}
