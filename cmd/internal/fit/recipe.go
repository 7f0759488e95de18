package fit

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Recipe is a network and the way to train it.
type Recipe struct {
	Network  graph.Config // but for what depends on the data, the seed and the machine
	Batch    int          // windows in a training step
	Epochs   int          // as many as it takes to make Updates, if these have bounds
	Updates  [2]int       // training steps: at least, and at most; 0: no bound
	Stride   int          // rows from a window to the next; 0: windows begin at random rows
	Schedule Schedule     // but for Rate and Steps
	Every    int          // epochs between two falls of the rate, of Staircase
	Rolling  Windows      // whose statistics are inputs beside the features
	Within   bool         // features are also scaled within their series, where [Spec.SeriesScale] has it
	Baseline bool         // to compare with, not to choose
	Trial    string       `json:"-"` // the settings that were drawn for it, its name; "": none were

	// Of the original's programs alone.
	Windows  layout.Sampler `json:"-"` // in place of Stride, where they are given; nil: they are not
	First    int            // the number of the first epoch
	LogEvery int            // iterations between two that are Iterated; 0: none
}

// Windows are rows of windows, see [inputs.Inputs]. Nil leaves the choice to the recipes.
type Windows []int

// DefaultWindows are those of the networks that are compared.
var DefaultWindows = Windows{8, 32, 128}

// String is the text that UnmarshalText reads.
func (w Windows) String() string {
	if w == nil {
		return ""
	}
	if len(w) == 0 {
		return "none"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(w)), " ", ","), "[]")
}

// MarshalText implements encoding.TextMarshaler.
func (w Windows) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Windows) UnmarshalText(text []byte) error {
	all := Windows{}
	switch string(text) {
	case "":
		*w = nil
		return nil
	case "none":
		*w = all
		return nil
	}
	for part := range strings.SplitSeq(string(text), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("must be none or numbers of rows such as 8,32,128, not %q", text)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	*w = slices.Compact(all)
	return nil
}

// The recipes, from the simplest on. Their settings were chosen by cross-validation, see
// scripts/README.md.

// logistic is logistic regression on each row.
func logistic(l Lookahead) Recipe {
	r := recipe(1)
	r.Network.Layers = nil
	if n := l.rows(); n > 0 { // the row is that many before the one that the network is at
		r.Network.Lags = []int{-n}
	}
	r.Network.LearningRate, r.Network.WeightDecay = 0.01, 0.01
	r.Batch, r.Updates = 512, [2]int{1000, 1500}
	return r
}

// lagged is logistic regression on each row and on rows around it.
func lagged(l Lookahead) Recipe {
	const far = 32
	from, to := -far, far
	if l.Finite() {
		from, to = -far-l.rows(), 0
	}
	step := max(4, (to-from)/far)
	r := logistic(l)
	r.Network.Lags = nil
	for lag := to; lag >= from; lag -= step {
		r.Network.Lags = append(r.Network.Lags, lag)
	}
	slices.Reverse(r.Network.Lags)
	return r
}

// dense is a network without memory: it sees a row, and windows around it.
func dense() Recipe {
	r := recipe(1)
	r.Network.Layers = []graph.Layer{{Cell: graph.Dense, Units: 64}}
	r.Network.Dropout, r.Network.WeightDecay = 0.2, 1
	r.Batch, r.Updates = 128, [2]int{600, 1500}
	return r
}

// gru has one layer of GRU cells, and sees at least half of its steps.
func gru(units, steps int, l Lookahead, bidirectional bool) Recipe {
	r := recipe(max(steps, 32+2*l.rows()))
	r.Network.Layers = []graph.Layer{{Cell: graph.GRU, Units: units}}
	r.Network.Bidirectional = bidirectional
	r.Updates = [2]int{600, 2000}
	return r
}

// small is the simplest that is recurrent.
func small(l Lookahead) Recipe { return gru(16, 32, l, false) }

// windowed is recurrent, for rolling windows, which see what the lookahead allows.
func windowed(l Lookahead) Recipe { return gru(16, 64, 0, !l.Finite()) }

// rows is a limited lookahead, within what lags may be; else 0.
func (l Lookahead) rows() int { return max(0, min(int(l), 1<<16)) }

// recipe is what all have in common.
func recipe(steps int) Recipe {
	c := graph.DefaultConfig()
	c.Window = steps
	c.Optimizer = graph.AdamW
	c.LearningRate, c.WeightDecay = 0.003, 0.3
	c.InputNoise, c.ClipNorm = 0.1, 1
	return Recipe{
		Network:  c,
		Batch:    8,
		Epochs:   40,
		Updates:  [2]int{1000, 5000},
		Schedule: Schedule{Decay: Cosine, Factor: 0.1},
		First:    1,
		Within:   true,
	}
}

// ladder is all recipes, from the simplest on: baselines, networks on rolling windows, each
// with features that are scaled over all series alone and within each too, and one on the
// features alone, which is the best at finding what is rare.
func ladder(l Lookahead, w Windows) []Recipe {
	recurrent := gru(16, 64, l, true)
	if l.Finite() {
		recurrent = small(l)
	}
	all := []Recipe{logistic(l), lagged(l)}
	if len(w) == 0 {
		return append(all, small(l), recurrent)
	}
	all[0].Baseline, all[1].Baseline = true, true
	rolled := []Recipe{logistic(0), dense(), windowed(l)}
	rolled[0].Batch = rolled[1].Batch
	for _, r := range rolled {
		r.Rolling = w
		for _, r.Within = range []bool{false, true} {
			all = append(all, r)
		}
	}
	return append(all, recurrent)
}

// Recipes lists those that s compares, from the simplest on.
func (s *Spec) Recipes() ([]Recipe, error) {
	one := small(s.Lookahead)
	switch {
	case s.Rungs != nil:
		return s.Rungs, nil
	case s.Network == NetworkLogistic && len(s.Rolling) == 0:
		one = lagged(s.Lookahead)
	case s.Network == NetworkLogistic:
		one = logistic(0)
	case s.Network == NetworkAuto && s.Recipe.empty():
		w := s.Rolling
		if w == nil {
			w = DefaultWindows
		}
		return ladder(s.Lookahead, w), nil
	case s.Recipe.Cell != nil && *s.Recipe.Cell == graph.Dense:
		one = dense()
		one.Rolling = DefaultWindows
	case s.Trial:
		one = windowed(s.Lookahead)
		one.Rolling = DefaultWindows
	case len(s.Rolling) > 0: // which see what the lookahead allows
		one = small(0)
	}
	if s.Rolling != nil {
		one.Rolling = s.Rolling
	}
	err := s.Recipe.Apply(&one)
	if err == nil && s.Network == NetworkLogistic && !one.isLogistic() {
		err = wrong("Network", "logistic has no layers: it cannot be used with a cell, units, layers or an activation")
	}
	return []Recipe{one}, err
}

// Override is what is to be other than in a recipe. What is nil stays as it is.
type Override struct {
	Steps         *int              `json:"steps,omitempty"`
	Cell          *graph.Cell       `json:"cell,omitempty"` // NoCell: no layer
	Units         []int             `json:"units,omitempty"`
	Layers        *int              `json:"layers,omitempty"`
	Activation    *graph.Activation `json:"activation,omitempty"`
	Bidirectional *bool             `json:"bidirectional,omitempty"`
	Lags          []int             `json:"lags,omitempty"`
	Dropout       *float32          `json:"dropout,omitempty"`
	InputNoise    *float32          `json:"input_noise,omitempty"`
	Loss          *graph.Loss       `json:"loss,omitempty"`
	FocalGamma    *float32          `json:"focal_gamma,omitempty"`
	Stride        *int              `json:"stride,omitempty"`
	BatchSize     *int              `json:"batch_size,omitempty"`
	Epochs        *int              `json:"epochs,omitempty"`
	Optimizer     *graph.Optimizer  `json:"optimizer,omitempty"`
	LearningRate  *float32          `json:"learning_rate,omitempty"`
	WeightDecay   *float32          `json:"weight_decay,omitempty"`
	Schedule      *Decay            `json:"schedule,omitempty"`
	Warmup        *int              `json:"warmup,omitempty"`
	DecayEvery    *int              `json:"decay_every,omitempty"`
	Decay         *float32          `json:"decay,omitempty"`
	ClipNorm      *float32          `json:"clip_norm,omitempty"`
}

// NoCell is the cell of a network without a layer.
const NoCell graph.Cell = "none"

// empty reports whether a recipe stays as it is.
func (o *Override) empty() bool { return reflect.ValueOf(*o).IsZero() }

// Apply changes r.
func (o *Override) Apply(r *Recipe) error {
	if err := o.applyLayers(r); err != nil {
		return err
	}
	c := &r.Network
	set(&c.Window, o.Steps)
	if o.Lags != nil {
		c.Lags = o.Lags
	}
	set(&c.Dropout, o.Dropout)
	set(&c.InputNoise, o.InputNoise)
	if err := errors.Join(o.applyLoss(c), o.applyOptimizer(c)); err != nil {
		return err
	}
	set(&r.Stride, o.Stride)
	set(&r.Batch, o.BatchSize)
	if o.Epochs != nil {
		r.Epochs, r.Updates = *o.Epochs, [2]int{}
	}
	set(&r.Schedule.Decay, o.Schedule)
	set(&r.Schedule.Warmup, o.Warmup)
	set(&r.Schedule.Factor, o.Decay)
	set(&r.Every, o.DecayEvery)
	set(&c.ClipNorm, o.ClipNorm)
	return nil
}

// applyLoss changes the loss of c, and clears what another one had.
func (o *Override) applyLoss(c *graph.Config) error {
	set(&c.Loss, o.Loss)
	if c.Loss != graph.Focal {
		c.FocalGamma = 0
	}
	set(&c.FocalGamma, o.FocalGamma)
	return notZero("FocalGamma", o.FocalGamma)
}

// applyOptimizer changes the optimizer of c, and clears what another one had. AdamW has
// some weight decay unless it is set to none.
func (o *Override) applyOptimizer(c *graph.Config) error {
	set(&c.Optimizer, o.Optimizer)
	switch {
	case c.Optimizer != graph.AdamW:
		c.WeightDecay = 0
	case c.WeightDecay == 0:
		c.WeightDecay = 0.01
	}
	set(&c.WeightDecay, o.WeightDecay)
	set(&c.LearningRate, o.LearningRate)
	return notZero("LearningRate", o.LearningRate)
}

// notZero checks a setting of a graph.Config in which 0 stands for a default.
func notZero(field string, value *float32) error {
	if value != nil && *value == 0 {
		return wrong(field, "must be a number above 0, not 0")
	}
	return nil
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// applyLayers changes the layers of r.
func (o *Override) applyLayers(r *Recipe) error {
	c := &r.Network
	set(&c.Bidirectional, o.Bidirectional)
	if o.Cell == nil && o.Units == nil && o.Layers == nil && o.Activation == nil {
		return nil
	}
	layer := graph.Layer{Cell: graph.GRU, Units: 16}
	if len(c.Layers) > 0 {
		layer = c.Layers[0]
	}
	was := layer.Cell
	if set(&layer.Cell, o.Cell); layer.Cell == NoCell {
		if o.Units != nil || o.Layers != nil || o.Bidirectional != nil {
			return wrong("Cell", "none has no layers: it cannot be used with units, layers or two directions")
		}
		c.Layers, c.Bidirectional, c.Dropout = nil, false, 0
		return nil
	}
	if layer.Cell != was {
		layer.Activation = ""
		if layer.Cell == graph.Plain {
			layer.Activation = graph.Tanh
		}
	}
	set(&layer.Activation, o.Activation)
	units := o.Units
	if units == nil {
		units = []int{layer.Units}
	}
	switch {
	case o.Layers == nil:
	case *o.Layers < 1:
		return wrong("Layers", "must be at least 1, not %d", *o.Layers)
	case len(units) == 1:
		units = slices.Repeat(units, *o.Layers)
	case len(units) != *o.Layers:
		return wrong("Layers", "is %d, but units are given for %d", *o.Layers, len(units))
	}
	c.Layers = nil
	for _, n := range units {
		layer.Units = n
		c.Layers = append(c.Layers, layer)
	}
	return nil
}

// validate checks a recipe of s.
func (r *Recipe) validate(s *Spec) error {
	c := r.config(s, 1, 2)
	if err := c.Validate(); err != nil {
		return err
	}
	_, behind := c.Context()
	if err := r.inputs(s, inputs.None).Validate(1); err != nil {
		return wrong("Rolling", "%v", err)
	}
	switch {
	case s.Lookahead.Finite() && c.Bidirectional:
		return wrong("Bidirectional", "needs a lookahead of all")
	case s.Lookahead.Finite() && behind > 0:
		return wrong("Lags", "must be at most 0 with a limited lookahead, not %d", behind)
	case r.Batch < 1:
		return wrong("BatchSize", "must be at least 1, not %d", r.Batch)
	case r.Epochs < 1:
		return wrong("Epochs", "must be at least 1, not %d", r.Epochs)
	case r.Stride < 0 || r.Stride > c.Window:
		return wrong("Stride", "must be between 1 and the steps of a window, %d, not %d: rows would be left out", c.Window, r.Stride)
	case r.Schedule.Warmup < 0:
		return wrong("Warmup", "must be at least 0, not %d", r.Schedule.Warmup)
	case r.Every < 0:
		return wrong("DecayEvery", "must be at least 1, not %d", r.Every)
	case !(r.Schedule.Factor > 0 && r.Schedule.Factor <= 1):
		return wrong("Decay", "must be above 0 and at most 1, not %v", r.Schedule.Factor)
	}
	return oneOf("Schedule", r.Schedule.Decay, Decays)
}

// config is the network's configuration for data of so many features and classes.
func (r *Recipe) config(s *Spec, features, classes int) graph.Config {
	c := r.Network
	c.Features, c.Classes = features, classes
	if r.Windows != nil && c.Loss == graph.MSE { // one output, however many labels an original's program has
		c.Classes = 2
	}
	c.Seed, c.Form, c.InstructionSet = s.Seed, s.Form, s.InstructionSet
	return c.WithDefaults()
}

// epochs is how many epochs of so many training steps the recipe takes.
func (r *Recipe) epochs(steps int) int {
	updates := max(r.Epochs*steps, r.Updates[0])
	if most := r.Updates[1]; most > 0 {
		updates = min(updates, most)
	}
	return max(1, (updates+steps/2)/steps)
}

// Rates is the learning rate over so many epochs.
func (r *Recipe) Rates(epochs, steps int) Schedule {
	s := r.Schedule
	s.Rate, s.Steps = r.Network.WithDefaults().LearningRate, epochs*steps
	every := r.Every
	if every == 0 {
		every = max(1, epochs/3)
	}
	s.Every = every * steps
	return s
}

// inputs are what the network gets of a row, but for its scale: within is how features are scaled
// within their series, if the recipe has that.
func (r *Recipe) inputs(s *Spec, within inputs.Within) inputs.Inputs {
	in := inputs.Inputs{SeriesScale: inputs.None, Rolling: r.Rolling}
	if r.Within {
		in.SeriesScale = within
	}
	if len(r.Rolling) > 0 {
		if in.Ahead = inputs.Centred; s.Lookahead.Finite() {
			in.Ahead = s.Lookahead.rows()
		}
	}
	return in
}

// horizon is how many rows ahead of a row the label lies that the network gives there. Windows
// may take in what the lookahead allows; other networks have to be that many rows further on.
func (r *Recipe) horizon(s *Spec) int {
	if len(r.Rolling) > 0 {
		return s.Horizon
	}
	return s.target()
}

// reach is how far from a row the rows are that its answer rests on, at most: rows nearer
// than that to one held back do not train.
func (r *Recipe) reach(s *Spec) int {
	before, behind := r.Network.Context()
	rolledBefore, rolledBehind := r.inputs(s, inputs.None).Context()
	far := max(before+rolledBefore, behind+rolledBehind)
	if r.Network.Window > 1 {
		far += r.Network.Window
	}
	return far
}

// isLogistic reports whether the network is logistic regression.
func (r *Recipe) isLogistic() bool { return len(r.Network.Layers) == 0 }

// members is how many networks of the recipe answer together: one of logistic regression, whose
// loss has a single minimum.
func (r *Recipe) members(s *Spec) int {
	if r.isLogistic() {
		return 1
	}
	return s.Members
}

// isRival reports whether the network is logistic regression with lags, with which others
// are compared.
func (r *Recipe) isRival() bool { return r.isLogistic() && len(r.Network.Lags) > 1 }

// Name describes the network in a few words.
func (r *Recipe) Name() string {
	name := cmp.Or(r.Trial, r.kind())
	if len(r.Rolling) > 0 && r.Within {
		name += ", scaled within series"
	}
	return name
}

// kind names the network, however its inputs are scaled.
func (r *Recipe) kind() string {
	name := r.shape()
	if len(r.Rolling) > 0 {
		name += ", rolling"
	}
	return name
}

// shape describes the layers.
func (r *Recipe) shape() string {
	c := r.Network
	switch {
	case r.isRival():
		return Rival
	case r.isLogistic():
		return "logistic regression"
	}
	var units []string
	for _, l := range c.Layers {
		units = append(units, fmt.Sprint(l.Units))
	}
	cell := strings.ToUpper(string(c.Layers[0].Cell))
	switch c.Layers[0].Cell {
	case graph.Plain:
		cell = string(c.Layers[0].Activation)
	case graph.GRUResetBefore:
		cell = "GRU (reset before)"
	case graph.Dense:
		cell = "MLP"
	}
	name := cell + " " + strings.Join(units, "+")
	if c.Bidirectional {
		name += ", two directions"
	}
	if c.Window > 1 {
		name += fmt.Sprintf(", %d steps", c.Window)
	}
	return name
}
