package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// trainOptions are the flags of train.
type trainOptions struct {
	settings
	outputOptions
	farm farmOptions
	resumed
	config string
	dryRun bool
	flags  *pflag.FlagSet
}

// outputOptions are flags that do not change what a run computes.
type outputOptions struct {
	out         string
	force       bool
	json        bool
	quiet       bool
	logEvery    int
	plot        string
	predictions string
	tensorboard bool
	resume      string
	checkpoint  fit.Interval
	keep        int
}

// Titles of the flags that do not change what a run computes.
const (
	outputGroup  = "Output"
	workersGroup = "Workers"
)

func (o *trainOptions) addFlags(f *pflag.FlagSet) {
	o.settings, o.flags, o.tensorboard = defaultSettings(), f, true
	addGroup(f, "Data", o.addDataFlags)
	addGroup(f, "Judging", o.addJudgingFlags)
	restrict(f, ownRun)
	addGroup(f, "Network", o.addNetworkFlags)
	addGroup(f, "Training", o.addTrainingFlags)
	addGroup(f, workersGroup, o.farm.addFlags)
	addGroup(f, outputGroup, o.addOutputFlags)
	restrict(f, ownRun, "network", "members", "stride", "time-limit", "plot", "workers", "replicas", "bits", "secret-file", "tls-cert", "tls-key", "tls-ca")
	addGroup(f, "The original's programs", o.addPresetFlags)
	restrict(f, presetRun, "preset", "iterations", "predictions")
	basicFlags(f, "label", "features", "series", "time", "lookahead", "folds", "test-fraction", "network", "seed", "config", "resume", "dry-run", "out", "force")
}

// Kinds of run, for which some flags are.
const (
	ownRun    = "own"
	presetRun = "preset"
)

// restrict keeps flags, all there are if none is named, for a kind of run.
func restrict(f *pflag.FlagSet, kind string, names ...string) {
	f.VisitAll(func(flag *pflag.Flag) {
		if len(names) == 0 || slices.Contains(names, flag.Name) {
			annotate(flag, runKey, kind)
		}
	})
}

// The flags below, but for those of the output, are the table of all settings. One that is added here and to
// the struct that it points into has its key in YAML and JSON, and is named where its value is impossible.

func (s *settings) addDataFlags(f *pflag.FlagSet) {
	d := &s.Data
	addFlag(f, "data", &d.Files, "in place of FILE: train on `file`, a pattern such as 'days/*.csv', or - for standard input; can be\nrepeated. CSV, TSV, JSON lines, Parquet, Arrow, WFDB or EDF, also compressed with gzip or zstd", dataEndings...)
	addFlag(f, "label", &d.Label, "`column` of labels: words or whole numbers, such as 0 and 1, empty where a row has none.\nNA counts as missing unless the labels are words")
	addLabelEvents(f, &d.Events)
	addEventTolerance(f, &d.Tolerance)
	addFlag(f, "classes", &d.Classes, "class names in `order`, separated by commas; with two, the second is the positive class.\nauto: the labels in the data, numbers by value; of words the background first, which is called\nok, normal, none or the like or else is the most frequent, then by the alphabet (default auto)", "auto")
	addFlag(f, "features", &d.Features, "feature `columns`, separated by commas (default every other column of numbers, except\none that looks like a time column)")
	addFlag(f, "exclude", &d.Exclude, "`columns` that are not features, such as a second column of labels; not with --features")
	addFlag(f, "series", &d.Series, seriesUsage)
	addFlag(f, "group", &d.Group, "`column` that names what several series share, such as a patient or a machine: no fold divides a\ngroup (default the parts of a series that --max-gap makes are one)")
	addFlag(f, "time", &d.Time, "`column` of times, which must not go back within a series: numbers, such as epoch seconds, or\ntimestamps, such as 2006-01-02 15:04:05 (default one that rises and is called time, date,\nsample, index or the like, or holds timestamps, seconds since 1970 or the number of the row)")
	addFlag(f, "max-gap", &d.MaxGap, maxGapUsage)
	addFlag(f, "elapsed", &d.Elapsed, "the time since the row before, in seconds or the units of times that are numbers, is a feature, too")
	addFlag(f, "resample", &d.Resample, "make rows of irregular times regular, one every `time`, such as 1s, or 0.5 if times are numbers. Its label is that of\nmost rows; an interval without a row is filled, a gap of more than 10, or --max-gap, begins a new series")
	addFlag(f, "resample-by", &d.ResampleBy, "`method` of --resample: mean (of the rows in the interval), last (of them) or linear (the value at its beginning,\nbetween two rows) (default mean)", names(series.ResampleMethods)...)
	addFlag(f, "positive", &d.Positive, "the label `value` that becomes class 1, or several with commas between; every other becomes\nclass 0")
	addFlag(f, "rows", &d.Rows, "train on rows `FROM:TO` of each series alone, counted from 0 and without TO; either may be empty,\nor negative to count from the end (default all)")
	addFlag(f, "missing", &d.Missing, "`action` for a missing feature: error (stop), forward (repeat the last value), zero,\nmean (of the rows that train) or drop (leave the row out)", names(series.MissingActions)...)
	d.FormatSettings.addFlags(f)
	addFlag(f, "lookahead", &s.Lookahead, "number of later `rows` that a row's label may depend on: all, for data that is labelled once\nit is complete; 0, for rows that are labelled as they arrive; n, for rows that are labelled n\nrows late", fit.All.String(), "0")
	addFlag(f, "horizon", &s.Horizon, "predict a row's label from the rows up to the one `n` before it, which is a forecast; -n is\n--lookahead n")
	addFlag(f, "scale", &s.Scale, "`method` of scaling features, fitted to the training rows: standard (mean 0, deviation 1),\nminmax (0 to 1) or none", names(layout.ScaleKinds)...)
	addFlag(f, "series-scale", &s.SeriesScale, "`when` to add each feature scaled within its own series: auto (where\nfolds hold whole series back, and there are three or more) or none", names(fit.SeriesScales)...)
	addFlag(f, "class-weight", &s.ClassWeight, "`weights` of the classes in the loss: none (each row the same), balanced (each class the same\nin total) or, for example, 1=5,0=1", "none", "balanced")
}

func (s *settings) addJudgingFlags(f *pflag.FlagSet) {
	addFlag(f, "folds", &s.Folds, "number `n` of cross-validation folds; their scores choose the network, which is then trained\non all rows. 0: no judging")
	addFlag(f, "split", &s.Split, "`kind` of fold: series (whole ones, and whole groups of them), blocks (of each series), forward\n(blocks of time, and only the rows before one train) or auto (series where --group is given,\nor there are three and each label occurs in two of them, else blocks)", names(layout.SplitKinds)...)
	addFlag(f, "test-fraction", &s.TestFraction, "hold back this `fraction` of the rows, the last ones of each series or of the time that they have in common,\nas a test that is scored once at the end")
	addFlag(f, "test-data", &s.Data.Test, "held-out test `file`, scored once at the end; can be repeated", dataEndings...)
	addFlag(f, "threshold", &s.Threshold, "`probability` at which the positive class is predicted; auto: best F1 on held-out folds", "auto")
	addFlag(f, "validation-data", &s.Data.Validation, "keep the weights of the epoch that does best on `file`; can be repeated", dataEndings...)
	addFlag(f, "early-stopping", &s.EarlyStopping, "stop after `n` epochs without improvement on --validation-data (default never)")
}

func (s *settings) addNetworkFlags(f *pflag.FlagSet) {
	r := &s.Recipe
	addFlag(f, "network", &s.Network, "`kind` of network: auto (the best of logistic regression, a multilayer perceptron and recurrent\nnetworks by folds, or the mean of the best two kinds), logistic or rnn. Any network\nor training flag implies rnn, the smallest one with that change", names(fit.NetworkKinds)...)
	addFlag(f, "rolling", &s.Rolling, "networks also get each feature's mean, deviation, minimum, maximum and slope over windows of\nso many `rows` around each row, as far as the lookahead allows; or none (default 8,32,128 for\nthe networks that auto compares and for --cell dense, none for others)", "none")
	addFlag(f, "members", &s.Members, "train `n` networks with different seeds and average their log-odds; of logistic regression,\nwhich comes to the same with each seed, one")
	addFlag(f, "steps", &r.Steps, "number `n` of steps in a window")
	addFlag(f, "cell", &r.Cell, "`cell` of the layers: gru, lstm, plain, gru-reset-before (TensorFlow 1's GRUCell, slower), which\nare recurrent; dense, which sees each row, --rolling windows and --lags alone; or none, which is logistic\nregression on these", append(names(graph.Cells()), string(fit.NoCell))...)
	addFlag(f, "units", &r.Units, "number `n` of units, the width of a layer; n,m for two layers and so on")
	addFlag(f, "layers", &r.Layers, "number `n` of layers of that width (default as many as --units lists)")
	addFlag(f, "bidirectional", &r.Bidirectional, "run recurrent layers over time in both directions, so that a label also depends\non later rows")
	addFlag(f, "activation", &r.Activation, "activation `function` of plain and dense cells: relu, as in the original, or tanh, which trains more\nsteadily on long windows", names(graph.Activations())...)
	addFlag(f, "lags", (*lagsValue)(&r.Lags), "a step's inputs are the rows at these `distances` from its own: -2,-1,0 for the two rows\nbefore it and itself, -20:36:4 for every fourth row from 20 before it to 36 after it. At\nthe ends of a series its first and last row are repeated (default the step's own row)")
	addFlag(f, "dropout", &r.Dropout, "in training, drop this `fraction` of each layer's outputs, drawn anew at each step, so that\nthe network cannot rely on single ones")
	addFlag(f, "input-noise", &r.InputNoise, "in training, add normal noise of this standard `deviation` to the inputs, as scaled, so that\nrows that are nearly the same get the same label")
	addFlag(f, "loss", &r.Loss, "`loss` to minimise: xent (one-hot softmax cross-entropy), sparse (the same, computed from\nclass numbers), mse (one output, mean squared error) or focal (xent with less weight on\nrows that are already right)", names(graph.Losses())...)
	addFlag(f, "focal-gamma", &r.FocalGamma, "focusing parameter `gamma` of the focal loss: larger values reduce the weight of easy rows")
}

func (s *settings) addTrainingFlags(f *pflag.FlagSet) {
	r := &s.Recipe
	addFlag(f, "stride", &r.Stride, "start a window every `n` rows (default at random rows, anew in every epoch)")
	addFlag(f, "batch-size", &r.BatchSize, "number `n` of windows in an update")
	addFlag(f, "epochs", &r.Epochs, "number `n` of epochs; the windows of one have as many rows as the data")
	addFlag(f, "optimizer", &r.Optimizer, "`name` of the optimizer: "+strings.Join(names(graph.Optimizers()), ", "), names(graph.Optimizers())...)
	addFlag(f, "learning-rate", &r.LearningRate, "the optimizer's learning `rate`")
	addFlag(f, "weight-decay", &r.WeightDecay, "adamw's weight `decay`")
	addFlag(f, "schedule", &r.Schedule, "`shape` of the learning rate over time: constant, cosine (to 0 at the end) or step", names(fit.Decays)...)
	addFlag(f, "warmup", &r.Warmup, "let the learning rate rise evenly over the first `n` updates")
	addFlag(f, "decay-every", &r.DecayEvery, "with --schedule step: lower the rate every `n` epochs (default a third of all)")
	addFlag(f, "decay", &r.Decay, "with --schedule step: the `factor` that the rate is multiplied by")
	addFlag(f, "clip-norm", &r.ClipNorm, "scale gradients down to this `norm` if theirs is larger; 0 for no limit")
	addFlag(f, "seed", &s.Seed, "seed `n` of everything random (default a new one each time, which is printed)")
	f.Lookup("seed").DefValue = "0" // not the one that was drawn
	addFlag(f, "threads", &s.Threads, "train `n` networks side by side; 0: as many as there are processors")
	addFlag(f, "replicas", &s.Replicas, "with --workers: have `n` of their slots train each network together, which pays for large layers\nand batches alone: see rnnbin help cluster (default one)")
	f.Lookup("replicas").DefValue = "0"
	addFlag(f, "time-limit", &s.TimeLimit, "end after this `time`, such as 2m, with the best that can be had by then: half of it is for the\ncomparison. What is left out is said (default none)")
	addFormFlags(f, &s.Form, &s.InstructionSet)
}

func (o *trainOptions) addPresetFlags(f *pflag.FlagSet) {
	var presets, about []string
	for _, p := range original.Presets {
		presets, about = append(presets, p.Name), append(about, fmt.Sprintf("%s (%s)", p.Name, p.About))
	}
	addFlag(f, "preset", &o.Preset, "without data: `name` of the program to run: "+strings.Join(about, "; "), presets...)
	addFlag(f, "iterations", &o.Iterations, "of a preset: number `n` of batches an epoch, each one sample further on (default as many\nas fit)")
	addFlag(f, "predictions", &o.predictions, "of a preset: after training, write the outputs for samples from 37 on to `file` as CSV:\nsample, input, the label one sample ahead, outputs, probability of label 1")
}

func (o *trainOptions) addOutputFlags(f *pflag.FlagSet) {
	addFlag(f, "config", &o.config, "take settings from `file`, YAML with the keys of \"settings\" in a model.json, and paths\nrelative to the folder it is in; the command line wins. A model folder makes its run again", "yaml", "yml")
	addFlag(f, "resume", &o.resume, "go on with the run in `folder`, which was interrupted or killed (default the newest such run in\nruns): its settings and data are known, and it comes to the same as if it had not been. Only\n--epochs may be another, a larger one. A preset also goes on from a checkpoint of the original,\nmodel.ckpt-800")
	f.Lookup("resume").NoOptDefVal = newestRun
	addFlag(f, "checkpoint-every", &o.checkpoint, "save a training's state every `n` updates, or every 30s (default every epoch, but for so many\nthat saving takes a hundredth of the time)")
	o.keep = 2
	addFlag(f, "keep", &o.keep, "keep the last `n` states of a training that has not ended, each with the best of its epochs")
	addFlag(f, "dry-run", &o.dryRun, "show data, folds, networks and the command that makes this run, and stop before training")
	addFlag(f, "out", &o.out, "write the model to `folder`, to which runs/latest then points (with data by default\nruns/<n>)")
	addFlag(f, "force", &o.force, forceUsage)
	addFlag(f, "json", &o.json, "print JSON, an object a line (see rnnbin help model)")
	addFlag(f, "quiet", &o.quiet, quietUsage)
	addFlag(f, "log-every", &o.logEvery, "print a line every `n` epochs of the first network trained on all rows, or of a preset every n\niterations (default 100 iterations; no epochs)")
	addFlag(f, "tensorboard", &o.tensorboard, "write events for TensorBoard into the model's folder: tensorboard --logdir FOLDER shows the losses\nof all networks, their weights and more")
	addFlag(f, "plot", &o.plot, "draw the losses of the epochs to `file`, .svg or .png", pictureEndings...)
}

func names[T ~string](values []T) []string {
	var names []string
	for _, v := range values {
		names = append(names, string(v))
	}
	return names
}

// settle takes the settings from --config and finds what is wrong with them.
func (o *trainOptions) settle() error {
	if o.config == "" {
		return o.check()
	}
	if err := o.load(o.config, o.flags); err != nil {
		return fmt.Errorf("--config %w", err)
	}
	err := o.check()
	if err == nil || o.flags.Changed(strings.TrimPrefix(flagNamedIn(err), "--")) {
		return err
	}
	return fmt.Errorf("--config %s: %v", o.config, err) // no usageError: it is the file's
}

// check finds what is wrong with the settings.
func (o *trainOptions) check() error {
	if err := o.checkKind(); err != nil {
		return err
	}
	if o.keep < 1 {
		return usagef("keep", "must be at least 1, not %d", o.keep)
	}
	if o.logEvery < 1 && o.flags.Changed("log-every") {
		return usagef("log-every", "must be at least 1, not %d", o.logEvery)
	}
	if o.tensorboard && o.flags.Changed("tensorboard") && !o.own() && o.out == "" {
		return usagef("tensorboard", "needs --out, the folder that the events go to")
	}
	if !o.own() {
		return presetOptions{o}.settlePreset()
	}
	return o.settleOwn()
}

// checkKind refuses flags that do not belong to the kind of run.
func (o *trainOptions) checkKind() error {
	other, why := ownRun, "needs data of your own: name a file"
	if o.own() {
		other, why = presetRun, "is for the built-in series and cannot be used with --data"
	}
	var err error
	o.flags.Visit(func(f *pflag.Flag) {
		if err == nil && slices.Contains(f.Annotations[runKey], other) {
			err = usagef(f.Name, "%s", why)
		}
	})
	return err
}

// settleOwn checks what a run on own data takes.
func (o *trainOptions) settleOwn() error {
	if o.from != "" {
		return usagef("resume", "%s: is a checkpoint, from which only the original's programs go on", o.from)
	}
	if err := o.checkHorizon(o.flags.Changed("lookahead")); err != nil {
		return err
	}
	if o.TestFraction > 0 && len(o.Data.Test) > 0 {
		return usagef("test-fraction", "cannot be used with --test-data")
	}
	if o.EarlyStopping > 0 && len(o.Data.Validation) == 0 {
		return usagef("early-stopping", "needs --validation-data: rows that judge the result are not to choose its epochs")
	}
	if err := o.Data.settleEvents(o.flags.Changed); err != nil {
		return err
	}
	if o.Data.ResampleBy != "" && o.Data.Resample == "" {
		return usagef("resample-by", "has no effect without --resample")
	}
	if err := o.Data.options().Validate(); err != nil {
		return usageError{err}
	}
	if err := checkStdin([]string{"data", "validation-data", "test-data", "label-events"}, o.Data.Files, o.Data.Validation, o.Data.Test, []string{o.Data.Events}); err != nil {
		return err
	}
	if err := cmp.Or(checkPlot(o.plot), o.farm.check(o.flags.Changed, o.Replicas)); err != nil {
		return err
	}
	if len(o.Search.Params) > 0 {
		if err := (drawing{&o.settings}).draw(); err != nil {
			return err
		}
	}
	spec := o.spec()
	if err := spec.Validate(); err != nil {
		return asUsage(err)
	}
	recipes, err := spec.Recipes()
	if err != nil {
		return asUsage(err)
	}
	return o.checkIdle(&recipes[0])
}

// checkIdle refuses settings that do nothing in the recipe r, which has them.
func (s *settings) checkIdle(r *fit.Recipe) error {
	set := &s.Recipe
	for _, idle := range []struct {
		flag  string
		is    bool
		needs string
	}{
		{"decay", set.Decay != nil && r.Schedule.Decay != fit.Staircase, "--schedule step"},
		{"decay-every", set.DecayEvery != nil && r.Schedule.Decay != fit.Staircase, "--schedule step"},
	} {
		if idle.is {
			return usagef(idle.flag, "has no effect without %s", idle.needs)
		}
	}
	return nil
}

// spec is what fit takes for the settings: a horizon below 0 is a lookahead, one above 0
// leaves none.
func (s *settings) spec() fit.Spec {
	spec := s.Spec
	switch {
	case spec.Horizon < 0:
		spec.Lookahead, spec.Horizon = fit.Lookahead(-spec.Horizon), 0
	case spec.Horizon > 0:
		spec.Lookahead = 0
	}
	return spec
}

// checkHorizon checks what spec does not keep; a lookahead may be set beside the horizon.
func (s *settings) checkHorizon(withLookahead bool) error {
	switch {
	case s.Horizon != 0 && withLookahead && (s.Horizon < 0 || s.Lookahead != 0):
		return usagef("horizon", "%d cannot be used with --lookahead %v", s.Horizon, s.Lookahead)
	case s.Horizon < -fit.MaxHorizon:
		return usagef("horizon", "must be between -%d and %d, not %d", fit.MaxHorizon, fit.MaxHorizon, s.Horizon)
	}
	return nil
}
