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
	// SparseXent is the softmax cross-entropy of two outputs against class
	// indices (SparseSoftmaxCrossEntropyWithLogits).
	SparseXent Loss = "sparse"
	// OneHotXent is the softmax cross-entropy of two outputs against one-hot
	// labels (OneHot, SoftmaxCrossEntropyWithLogits).
	OneHotXent Loss = "xent"
	// Focal is the cross-entropy of two outputs times (1-p)^FocalGamma, p the
	// softmax's probability of the label: steps that are right already count less
	// (Lin and others, Focal Loss for Dense Object Detection, 2017, without the
	// weights of classes, which Series.W holds).
	Focal Loss = "focal"
)

// Losses lists every loss, in the order in which help texts name them.
var Losses = []Loss{OneHotXent, SparseXent, MSE, Focal}

// Outputs is the number of values the projection gives at each step: one for
// MSE, one for each class otherwise.
func (l Loss) Outputs() int {
	if l == MSE {
		return 1
	}
	return 2
}

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
var Optimizers = []Optimizer{Adam, AdamW, RMSProp, SGD}

// Activation names the function a plain cell applies to its sum.
type Activation string

const (
	// ReLU is max(0, a), the original's choice.
	ReLU Activation = "relu"
	// Tanh is the hyperbolic tangent.
	Tanh Activation = "tanh"
)

// Activations lists every activation, in the order in which help texts name them.
var Activations = []Activation{ReLU, Tanh}

// Kernel names the form in which a recurrence runs.
type Kernel string

const (
	// KernelAuto is KernelFused: this library's operations are for CPUs, and so
	// is the libtensorflow it is built for.
	KernelAuto Kernel = "auto"
	// KernelPortable assembles the recurrence from TensorFlow's standard
	// operations, step by step. It is the reference that the fused form is tested
	// against.
	KernelPortable Kernel = "portable"
	// KernelFused runs all steps as one operation of our own, on the best
	// instruction set of the processor. The name of a set, one of
	// [InstructionSets], is a Kernel too: the fused form on that set.
	KernelFused Kernel = "fused"
)

// InstructionSets lists those that this processor can run the fused form on, the
// best first.
func InstructionSets() []string { return kernels.ISAs() }

// Config describes a network and how it is trained. The zero value is not
// valid: start from [DefaultConfig].
type Config struct {
	Steps    int // steps in a window, T
	Features int // input columns, F
	Units    int // width of the recurrent state, U

	Activation Activation // of the recurrent cells
	Loss       Loss
	FocalGamma float32 // the exponent of Focal; 0 makes it the cross-entropy

	Optimizer    Optimizer
	LearningRate float32 // of steps whose Plan has no rates

	// Settings of Adam and AdamW. Epsilon is outside of the bias correction, as in
	// TensorFlow 1.
	Beta1, Beta2 float32
	Epsilon      float32

	// WeightDecay is AdamW's: a step takes from each weight, biases too, its
	// WeightDecay times the learning rate, as Keras's AdamW does.
	WeightDecay float32

	// ClipNorm is the largest global norm of a step's gradients: larger ones are
	// scaled down to it, as by tf.clip_by_global_norm. 0 leaves them as they are.
	ClipNorm float32

	// Seed of the initial weights. The original's network gets from it the
	// weights that the original has after tf.set_random_seed(Seed).
	Seed int64

	// Threads is how many threads one operation may use. Results are the same
	// bits for the same number.
	Threads int

	Kernel Kernel // the form of the recurrence
}

// DefaultConfig is the original program's network and optimizer, on one
// thread.
func DefaultConfig() Config {
	return Config{
		Steps:        20,
		Features:     1,
		Units:        100,
		Activation:   ReLU,
		Loss:         OneHotXent,
		FocalGamma:   2,
		Optimizer:    Adam,
		LearningRate: 0.001,
		Beta1:        0.9,
		Beta2:        0.999,
		Epsilon:      1e-8,
		WeightDecay:  0.01,
		Threads:      1,
		Kernel:       KernelAuto,
	}
}

// Limits keep a typing error from asking for more memory than any machine has.
const (
	maxSteps   = 1 << 20
	maxWidth   = 1 << 16
	maxThreads = 1 << 10
)

// Validate returns a *[ConfigError] that names the first field with an
// impossible value, and the program's flag for it.
func (c Config) Validate() error {
	counts := []struct {
		field, flag string
		value, max  int
	}{
		{"Steps", "--steps", c.Steps, maxSteps},
		{"Features", "--features", c.Features, maxWidth},
		{"Units", "--units", c.Units, maxWidth},
		{"Threads", "--threads", c.Threads, maxThreads},
	}
	for _, n := range counts {
		if n.value < 1 || n.value > n.max {
			return &ConfigError{n.field, n.flag, fmt.Sprintf("must be between 1 and %d, not %d", n.max, n.value)}
		}
	}
	if !slices.Contains(Activations, c.Activation) {
		return &ConfigError{"Activation", "--activation", oneOf(Activations, c.Activation)}
	}
	if !slices.Contains(Losses, c.Loss) {
		return &ConfigError{"Loss", "--loss", oneOf(Losses, c.Loss)}
	}
	if !c.Kernel.valid() {
		return &ConfigError{"Kernel", "--kernel", fmt.Sprintf("must be auto, portable, fused or one of this machine's instruction sets, %s, not %q",
			strings.Join(kernels.ISAs(), ", "), c.Kernel)}
	}
	if !slices.Contains(Optimizers, c.Optimizer) {
		return &ConfigError{"Optimizer", "--optimizer", oneOf(Optimizers, c.Optimizer)}
	}
	if !finite(c.LearningRate) || c.LearningRate <= 0 {
		return &ConfigError{"LearningRate", "--learning-rate", fmt.Sprintf("must be a number above 0, not %v", c.LearningRate)}
	}
	if !(c.Beta1 >= 0 && c.Beta1 < 1) || !(c.Beta2 >= 0 && c.Beta2 < 1) {
		return &ConfigError{"Beta1, Beta2", "", fmt.Sprintf("must be at least 0 and below 1, not %v and %v", c.Beta1, c.Beta2)}
	}
	if !finite(c.Epsilon) || c.Epsilon <= 0 {
		return &ConfigError{"Epsilon", "", fmt.Sprintf("must be a number above 0, not %v", c.Epsilon)}
	}
	for _, n := range []struct {
		field, flag string
		value       float32
	}{
		{"FocalGamma", "--focal-gamma", c.FocalGamma},
		{"WeightDecay", "--weight-decay", c.WeightDecay},
		{"ClipNorm", "--clip-norm", c.ClipNorm},
	} {
		if !finite(n.value) || n.value < 0 {
			return &ConfigError{n.field, n.flag, fmt.Sprintf("must be a number of at least 0, not %v", n.value)}
		}
	}
	return nil
}

// oneOf says what a setting with few values must be.
func oneOf[T ~string](all []T, not T) string {
	last := len(all) - 1
	text := string(all[0])
	for _, v := range all[1:last] {
		text += ", " + string(v)
	}
	return fmt.Sprintf("must be %s or %s, not %q", text, all[last], not)
}

func (k Kernel) valid() bool {
	return k == KernelAuto || k == KernelPortable || k == KernelFused || slices.Contains(kernels.ISAs(), string(k))
}

// isa is the instruction set of a fused form.
func (k Kernel) isa() string {
	if k == KernelAuto || k == KernelFused {
		return kernels.ISAAuto
	}
	return string(k)
}

func finite(v float32) bool {
	return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
}
