package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
)

// Loss names what training minimises.
type Loss string

const (
	// MSE is the mean squared error of one output against the label's value.
	MSE Loss = "mse"
	// SparseXent is the softmax cross-entropy of an output for each class against
	// class indices (SparseSoftmaxCrossEntropyWithLogits).
	SparseXent Loss = "sparse"
	// OneHotXent is the softmax cross-entropy of an output for each class against
	// one-hot labels (OneHot, SoftmaxCrossEntropyWithLogits).
	OneHotXent Loss = "xent"
	// Focal is the cross-entropy times (1-p)^FocalGamma, p the softmax's probability
	// of the label: steps that are right already count less (Lin and others, Focal
	// Loss for Dense Object Detection, 2017, without the weights of classes, which
	// Series.W holds).
	Focal Loss = "focal"
)

// Losses lists every loss, in the order in which help texts name them.
func Losses() []Loss { return []Loss{OneHotXent, SparseXent, MSE, Focal} }

// Optimizer names how training moves the weights.
type Optimizer string

const (
	// Adam is TensorFlow 1's AdamOptimizer, the original's choice.
	Adam Optimizer = "adam"
	// AdamW is Adam with weights that decay, see Config.WeightDecay.
	AdamW Optimizer = "adamw"
	// RMSProp is TensorFlow 1's RMSPropOptimizer with its own settings: decay 0.9,
	// no momentum, epsilon 1e-10.
	RMSProp Optimizer = "rmsprop"
	// SGD is plain gradient descent.
	SGD Optimizer = "sgd"
)

// Optimizers lists every optimizer, in the order in which help texts name them.
func Optimizers() []Optimizer { return []Optimizer{Adam, AdamW, RMSProp, SGD} }

// Cell names what a recurrent layer consists of.
type Cell string

const (
	// Plain is TensorFlow 1's BasicRNNCell, the original's choice.
	Plain Cell = "plain"
	// LSTM is TensorFlow 1's BasicLSTMCell.
	LSTM Cell = "lstm"
	// GRU resets after the product with the state, as Keras and cuDNN do: TensorFlow
	// 1's CudnnCompatibleGRUCell.
	GRU Cell = "gru"
	// GRUResetBefore resets before it: TensorFlow 1's GRUCell. There is no operation of
	// ours for it, so that both forms run it by TensorFlow's.
	GRUResetBefore Cell = "gru-reset-before"
)

// Cells lists every cell, in the order in which help texts name them.
func Cells() []Cell { return []Cell{Plain, LSTM, GRU, GRUResetBefore} }

// Activation names the function a plain cell applies to its sum.
type Activation string

const (
	// ReLU is max(0, a), the original's choice.
	ReLU Activation = "relu"
	// Tanh is the hyperbolic tangent.
	Tanh Activation = "tanh"
)

// Activations lists every activation, in the order in which help texts name them.
func Activations() []Activation { return []Activation{ReLU, Tanh} }

// Form names the operations that a network consists of where TensorFlow's own are
// slow: the layer over time, the cutting of windows, and the updates of Adam and AdamW.
type Form string

const (
	// FormAuto is FormFused: this library's operations are for CPUs, and so is the
	// libtensorflow it is built for.
	FormAuto Form = "auto"
	// FormPortable takes TensorFlow's standard operations throughout, step by step. It
	// is the reference that the fused form is tested against.
	FormPortable Form = "portable"
	// FormFused runs all steps of a layer as one operation of this package's own,
	// several times faster.
	FormFused Form = "fused"
)

// Forms lists every form, in the order in which help texts name them.
func Forms() []Form { return []Form{FormAuto, FormPortable, FormFused} }

// InstructionSetAuto is the best instruction set of the processor, the first of
// [InstructionSets].
const InstructionSetAuto = kernels.ISAAuto

// InstructionSets lists those that this processor can run the fused form on, the
// best first.
func InstructionSets() []string { return kernels.ISAs() }

// Layer describes one recurrent layer.
type Layer struct {
	Cell       Cell
	Units      int        // width of the state, U
	Activation Activation // of plain cells; empty for others, which have their own
}

// Config describes a network and how it is trained. The zero value is not
// valid: start from [DefaultConfig].
type Config struct {
	Window   int     // steps in a window, T
	Features int     // input columns, F
	Layers   []Layer // from the features up; with none the projection is of the features
	Classes  int     // labels are 0 to Classes-1, C

	// Lags are the rows whose features are a step's inputs, counted from the step's own:
	// -1 is the row before it. Beyond the ends of a series its first and its last row
	// stand in. Nil for the step's own row alone.
	Lags []int

	// Normalize makes a step's inputs (x - offset) / scale, feature by feature. Both are
	// variables of the network, [NormalizationOffset] and [NormalizationScale], which
	// [Member.SetVariables] sets and training leaves as they are.
	Normalize bool

	// Bidirectional has each layer run over time in both directions, with a state of
	// its own for each, so that an output sees what comes after its step too.
	Bidirectional bool

	Loss       Loss
	FocalGamma float32 // the exponent of Focal; 0 makes it the cross-entropy

	Optimizer    Optimizer
	LearningRate float32 // of steps whose Plan has no rates

	// Settings of Adam and AdamW. Epsilon is outside of the bias correction, as in
	// TensorFlow 1.
	Beta1, Beta2 float32
	Epsilon      float32

	// WeightDecay is AdamW's: a step takes from each weight, but for biases, its
	// WeightDecay times the learning rate.
	WeightDecay float32

	// Dropout is the part of each layer's outputs that a training step leaves out, at
	// random; the others are scaled up for it.
	Dropout float32

	// InputNoise is the standard deviation of the normal noise that a training step adds
	// to the inputs, normalised ones where there is Normalize.
	InputNoise float32

	// ClipNorm is the largest global norm of a step's gradients: larger ones are
	// scaled down to it, as by tf.clip_by_global_norm. 0 leaves them as they are.
	ClipNorm float32

	// Seed of the initial weights and of all that is drawn in training. The original's
	// network gets from it the weights that the original has after
	// tf.set_random_seed(Seed).
	Seed int64

	// Threads is how many threads one operation may use. Results are the same
	// bits for the same number.
	Threads int

	Form           Form
	InstructionSet string // of the fused form: InstructionSetAuto or one of InstructionSets
}

// DefaultConfig is the original program's network and optimizer, on one
// thread.
func DefaultConfig() Config {
	return Config{
		Window:         20,
		Features:       1,
		Layers:         []Layer{{Cell: Plain, Units: 100, Activation: ReLU}},
		Classes:        2,
		Loss:           OneHotXent,
		FocalGamma:     2,
		Optimizer:      Adam,
		LearningRate:   0.001,
		Beta1:          0.9,
		Beta2:          0.999,
		Epsilon:        1e-8,
		WeightDecay:    0.01,
		Threads:        1,
		Form:           FormAuto,
		InstructionSet: InstructionSetAuto,
	}
}

// Outputs is the number of values that the network gives at each step, O: one for
// MSE, one for each class otherwise.
func (c Config) Outputs() int {
	if c.Loss == MSE {
		return 1
	}
	return c.Classes
}

// Inputs is the number of values that a step's inputs have, L*F.
func (c Config) Inputs() int { return len(c.lags()) * c.Features }

// lags are Lags, that of the step's own row if there are none.
func (c Config) lags() []int32 {
	if len(c.Lags) == 0 {
		return []int32{0}
	}
	lags := make([]int32, len(c.Lags))
	for i, lag := range c.Lags {
		lags[i] = int32(lag)
	}
	return lags
}

// Context is how many rows before and behind a sequence its steps' inputs are taken
// from.
func (c Config) Context() (before, behind int) {
	for _, lag := range c.Lags {
		before, behind = max(before, -lag), max(behind, lag)
	}
	return before, behind
}

// StateSize is the number of values that the network hands from step to step, S. A
// network of two directions hands on none: each sequence is a whole.
func (c Config) StateSize() int {
	n := 0
	for _, units := range c.network().states() {
		n += units
	}
	return n
}

// directions is the number of them, D.
func (c Config) directions() int {
	if c.Bidirectional {
		return 2
	}
	return 1
}

// Limits keep a typing error from asking for more memory than any machine has.
const (
	maxWindow  = 1 << 20
	maxWidth   = 1 << 16
	maxLayers  = 1 << 6
	maxMembers = 1 << 10
	maxLags    = 1 << 10
	maxLag     = 1 << 20
	maxThreads = 1 << 10
)

// Validate returns a *[ConfigError] that names the first field with an
// impossible value.
func (c Config) Validate() error {
	for _, check := range []func() error{c.validateNetwork, c.validateTraining, c.validateMachine} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) validateNetwork() error {
	err := firstError(
		between("Window", c.Window, 1, maxWindow),
		between("Features", c.Features, 1, maxWidth),
		between("Classes", c.Classes, 2, maxWidth))
	if err != nil {
		return err
	}
	if err := c.validateLags(); err != nil {
		return err
	}
	if n := len(c.Layers); n > maxLayers {
		return &ConfigError{"Layers", fmt.Sprintf("must hold at most %d layers, not %d", maxLayers, n)}
	}
	for _, l := range c.Layers {
		if err := l.validate(); err != nil {
			return err
		}
	}
	if c.Loss == MSE && c.Classes != 2 {
		return &ConfigError{"Classes", fmt.Sprintf("must be 2 with the loss %s, not %d", MSE, c.Classes)}
	}
	return nil
}

func (c Config) validateLags() error {
	switch n := len(c.Lags); {
	case n > maxLags:
		return &ConfigError{"Lags", fmt.Sprintf("must hold at most %d distances, not %d", maxLags, n)}
	case n*c.Features > maxWidth:
		return &ConfigError{"Lags", fmt.Sprintf("must give a step at most %d inputs, not %d of each of %d features", maxWidth, n, c.Features)}
	}
	for i, lag := range c.Lags {
		if err := between("Lags", lag, -maxLag, maxLag); err != nil {
			return err
		}
		if slices.Contains(c.Lags[:i], lag) {
			return &ConfigError{"Lags", fmt.Sprintf("must differ, there are two of %d", lag)}
		}
	}
	return nil
}

func (l Layer) validate() error {
	if err := firstError(oneOf("Cell", Cells(), l.Cell), between("Units", l.Units, 1, maxWidth)); err != nil {
		return err
	}
	if l.Cell == Plain {
		return oneOf("Activation", Activations(), l.Activation)
	}
	if l.Activation != "" {
		return &ConfigError{"Activation", fmt.Sprintf("is for plain cells, %s has its own functions", l.Cell)}
	}
	return nil
}

func (c Config) validateTraining() error {
	err := firstError(
		oneOf("Loss", Losses(), c.Loss),
		oneOf("Optimizer", Optimizers(), c.Optimizer))
	if err != nil {
		return err
	}
	if !finite(c.LearningRate) || c.LearningRate <= 0 {
		return &ConfigError{"LearningRate", fmt.Sprintf("must be a number above 0, not %v", c.LearningRate)}
	}
	if !(c.Beta1 >= 0 && c.Beta1 < 1) {
		return &ConfigError{"Beta1", fmt.Sprintf("must be at least 0 and below 1, not %v", c.Beta1)}
	}
	if !(c.Beta2 >= 0 && c.Beta2 < 1) {
		return &ConfigError{"Beta2", fmt.Sprintf("must be at least 0 and below 1, not %v", c.Beta2)}
	}
	if !finite(c.Epsilon) || c.Epsilon <= 0 {
		return &ConfigError{"Epsilon", fmt.Sprintf("must be a number above 0, not %v", c.Epsilon)}
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		return &ConfigError{"Dropout", fmt.Sprintf("must be at least 0 and below 1, not %v", c.Dropout)}
	}
	if c.Dropout > 0 && len(c.Layers) == 0 {
		return &ConfigError{"Dropout", "is of layers' outputs, and there is no layer"}
	}
	return firstError(
		notNegative("InputNoise", c.InputNoise),
		notNegative("FocalGamma", c.FocalGamma),
		notNegative("WeightDecay", c.WeightDecay),
		notNegative("ClipNorm", c.ClipNorm))
}

func (c Config) validateMachine() error {
	return firstError(
		between("Threads", c.Threads, 1, maxThreads),
		oneOf("Form", Forms(), c.Form),
		oneOf("InstructionSet", append([]string{InstructionSetAuto}, InstructionSets()...), c.InstructionSet))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func between(field string, value, low, high int) error {
	if value < low || value > high {
		return &ConfigError{field, fmt.Sprintf("must be between %d and %d, not %d", low, high, value)}
	}
	return nil
}

func notNegative(field string, value float32) error {
	if !finite(value) || value < 0 {
		return &ConfigError{field, fmt.Sprintf("must be a number of at least 0, not %v", value)}
	}
	return nil
}

// oneOf checks a setting with few values, and says which there are.
func oneOf[T ~string](field string, all []T, value T) error {
	if slices.Contains(all, value) {
		return nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	last := len(names) - 1
	return &ConfigError{field, fmt.Sprintf("must be %s or %s, not %q", strings.Join(names[:last], ", "), names[last], value)}
}

func finite(v float32) bool {
	const exponent = 0xff << 23
	return math.Float32bits(v)&exponent != exponent
}
