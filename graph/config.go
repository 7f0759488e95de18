package graph

import (
	"cmp"
	"slices"

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
	// Focal is the cross-entropy times (1-p)^FocalGamma, where p is the softmax's
	// probability of the label: it gives less weight to steps that are already right (Lin
	// and others, Focal Loss for Dense Object Detection, 2017, without the weights of
	// classes, for which there is Series.W).
	Focal Loss = "focal"
)

// Losses lists every loss, in the order of help texts.
func Losses() []Loss { return []Loss{OneHotXent, SparseXent, MSE, Focal} }

// Optimizer names how training moves the weights.
type Optimizer string

const (
	// Adam is TensorFlow 1's AdamOptimizer, the original's choice.
	Adam Optimizer = "adam"
	// AdamW is Adam with weight decay, see Training.WeightDecay.
	AdamW Optimizer = "adamw"
	// RMSProp is TensorFlow 1's RMSPropOptimizer with its own settings: decay 0.9,
	// no momentum, epsilon 1e-10.
	RMSProp Optimizer = "rmsprop"
	// SGD is plain gradient descent.
	SGD Optimizer = "sgd"
)

// Optimizers lists every optimizer, in the order of help texts.
func Optimizers() []Optimizer { return []Optimizer{Adam, AdamW, RMSProp, SGD} }

// Cell names what a layer consists of.
type Cell string

const (
	// Plain is TensorFlow 1's BasicRNNCell, the original's choice.
	Plain Cell = "plain"
	// LSTM is TensorFlow 1's BasicLSTMCell.
	LSTM Cell = "lstm"
	// GRU applies its reset gate after the product with the state, as Keras and cuDNN do:
	// TensorFlow 1's CudnnCompatibleGRUCell.
	GRU Cell = "gru"
	// GRUResetBefore applies it before the product: TensorFlow 1's GRUCell. There is no
	// operation of ours for it, so that both forms run it by TensorFlow's.
	GRUResetBefore Cell = "gru-reset-before"
	// Dense is no recurrent cell: an activation of a matrix and a bias, at each step by
	// itself, as TensorFlow 1's tf.layers.dense.
	Dense Cell = "dense"
)

// Cells lists every cell, in the order of help texts.
func Cells() []Cell { return []Cell{Plain, LSTM, GRU, GRUResetBefore, Dense} }

// Activation names the function that a plain cell or a dense layer applies to its sum.
type Activation string

const (
	// ReLU is max(0, a), the original's choice.
	ReLU Activation = "relu"
	// Tanh is the hyperbolic tangent.
	Tanh Activation = "tanh"
)

// Activations lists every activation, in the order of help texts.
func Activations() []Activation { return []Activation{ReLU, Tanh} }

// Form names the operations that run what is slow in TensorFlow: a layer over time, the
// cutting of windows, noise and dropout, and the updates of Adam and AdamW.
type Form string

const (
	// FormAuto is FormFused: this library's operations are for CPUs, and so is the
	// libtensorflow it is built for.
	FormAuto Form = "auto"
	// FormPortable uses TensorFlow's standard operations throughout, step by step. It is
	// the reference that the fused form is tested against.
	FormPortable Form = "portable"
	// FormFused runs all steps of a layer as one operation of this package's own,
	// several times faster.
	FormFused Form = "fused"
)

// Forms lists every form, in the order of help texts.
func Forms() []Form { return []Form{FormAuto, FormPortable, FormFused} }

// InstructionSetAuto stands for the processor's best instruction set, the first of
// [InstructionSets].
const InstructionSetAuto = kernels.ISAAuto

// InstructionSets lists the instruction sets with which this processor can run the fused
// form, the best first.
func InstructionSets() []string { return kernels.ISAs() }

// Network describes a network: all that decides what its weights are and what it computes
// from them.
type Network struct {
	Window   int `json:"steps"`    // steps in a window, T
	Features int `json:"features"` // input columns, F

	// Lags are the rows whose features are a step's inputs, relative to the step's own row:
	// -1 is the row before it. Before the first row of a series and after its last one,
	// these two stand in. Nil means the step's own row alone.
	Lags []int `json:"lags,omitempty"`

	Layers []Layer `json:"layers"` // from the features up; without any, the projection is of the features

	// Bidirectional runs each recurrent layer over time in both directions, each with its
	// own weights, so that an output depends on the steps after its own too. Dense layers
	// have no direction.
	Bidirectional bool `json:"bidirectional"`

	Classes int  `json:"classes"` // labels are 0 to Classes-1, C
	Loss    Loss `json:"loss"`    // empty for OneHotXent; it decides the number of outputs
}

// Layer describes one layer, recurrent or dense.
type Layer struct {
	Cell       Cell       `json:"cell"`
	Units      int        `json:"units"`                // width of the state, or of a dense layer's outputs, U
	Activation Activation `json:"activation,omitempty"` // of plain and dense cells, empty for ReLU; others have their own
}

// Training describes how a network is trained. The zero value is Adam with TensorFlow 1's
// settings.
type Training struct {
	FocalGamma float32 `json:"focal_gamma,omitempty"` // the exponent of Focal, 0 for 2

	Optimizer    Optimizer `json:"optimizer"`     // empty for Adam
	LearningRate float32   `json:"learning_rate"` // of steps whose Plan has no rates, 0 for 0.001

	// Settings of Adam and AdamW, 0 for 0.9, 0.999 and 1e-8. Epsilon is outside of the bias
	// correction, as in TensorFlow 1.
	Beta1   float32 `json:"beta1,omitempty"`
	Beta2   float32 `json:"beta2,omitempty"`
	Epsilon float32 `json:"epsilon,omitempty"`

	// WeightDecay is AdamW's: each update subtracts from each weight, except biases, the
	// weight times WeightDecay times the learning rate.
	WeightDecay float32 `json:"weight_decay,omitempty"`

	// Dropout is the fraction of each layer's outputs that a training step sets to 0, at
	// random; it scales the others up to make up for it.
	Dropout float32 `json:"dropout,omitempty"`

	// InputNoise is the standard deviation of the normal noise that a training step adds
	// to the inputs.
	InputNoise float32 `json:"input_noise,omitempty"`

	// ClipNorm is the largest global norm of a step's gradients: larger ones are
	// scaled down to it, as by tf.clip_by_global_norm. 0 leaves them as they are.
	ClipNorm float32 `json:"clip_norm,omitempty"`

	// Seed seeds the initial weights and all random numbers of training. With the same
	// seed, the original's network starts with the weights that the original has after
	// tf.set_random_seed(Seed).
	Seed int64 `json:"seed"`
}

// Machine describes how a network is computed. The zero value is the fused form on one
// thread. Results of other settings agree to rounding.
type Machine struct {
	// Threads is how many threads one operation may use, 0 for 1. For a given number,
	// results are the same bits on every run.
	Threads int `json:"threads,omitempty"`

	Form           Form   `json:"form,omitempty"`            // empty for FormAuto
	InstructionSet string `json:"instruction_set,omitempty"` // of the fused form: one of InstructionSets, or InstructionSetAuto or empty for the best
}

// Config describes a [Session]. Most settings have a zero value that means the usual; a
// setting that would have no effect, such as WeightDecay without AdamW, is an error.
type Config struct {
	Network
	Training
	Machine
}

// DefaultConfig is the original program's network and its training.
func DefaultConfig() Config {
	return Config{Network: Network{
		Window:   20,
		Features: 1,
		Layers:   []Layer{{Cell: Plain, Units: 100}},
		Classes:  2,
	}}
}

// WithDefaults is c with the values that zeros stand for, and with slices of its own.
// Settings that do not apply stay zero, so that the result is as valid as c.
func (c Config) WithDefaults() Config {
	n := c.Network.WithDefaults()
	return Config{n, c.Training.withDefaults(n.Loss), c.Machine.WithDefaults()}
}

// WithDefaults is n with the values that zeros stand for, and with slices of its own.
func (n Network) WithDefaults() Network {
	n = n.clone()
	n.Loss = cmp.Or(n.Loss, OneHotXent)
	for i, l := range n.Layers {
		if l.activates() {
			n.Layers[i].Activation = cmp.Or(l.Activation, ReLU)
		}
	}
	return n
}

// activates reports whether the activation of l is a matter of choice.
func (l Layer) activates() bool { return l.Cell == Plain || l.Cell == Dense }

// clone shares no slice with n. Layers are not nil, which JSON has as an empty list.
func (n Network) clone() Network {
	n.Lags, n.Layers = slices.Clone(n.Lags), append([]Layer{}, n.Layers...)
	return n
}

func (t Training) withDefaults(l Loss) Training {
	if l == Focal {
		t.FocalGamma = cmp.Or(t.FocalGamma, 2)
	}
	t.Optimizer = cmp.Or(t.Optimizer, Adam)
	t.LearningRate = cmp.Or(t.LearningRate, 0.001)
	if t.Optimizer.isAdam() {
		t.Beta1, t.Beta2, t.Epsilon = cmp.Or(t.Beta1, 0.9), cmp.Or(t.Beta2, 0.999), cmp.Or(t.Epsilon, 1e-8)
	}
	return t
}

// isAdam reports whether Adam's settings apply.
func (o Optimizer) isAdam() bool { return o == Adam || o == AdamW }

// WithDefaults is m with the values that zeros stand for.
func (m Machine) WithDefaults() Machine {
	return Machine{cmp.Or(m.Threads, 1), cmp.Or(m.Form, FormAuto), cmp.Or(m.InstructionSet, InstructionSetAuto)}
}

// Outputs is the number of outputs at each step, O: one for MSE, otherwise one for each
// class.
func (n Network) Outputs() int {
	if n.Loss == MSE {
		return 1
	}
	return n.Classes
}

// Inputs is the number of inputs at each step, L*F.
func (n Network) Inputs() int { return len(n.lags()) * n.Features }

// lags are Lags, or the step's own row if there are none.
func (n Network) lags() []int32 {
	if len(n.Lags) == 0 {
		return []int32{0}
	}
	lags := make([]int32, len(n.Lags))
	for i, lag := range n.Lags {
		lags[i] = int32(lag)
	}
	return lags
}

// Context is the number of rows before and after a sequence that the inputs of its steps
// are taken from.
func (n Network) Context() (before, behind int) {
	for _, lag := range n.Lags {
		before, behind = max(before, -lag), max(behind, lag)
	}
	return before, behind
}

// StateSize is the number of values that the network hands from step to step, S. A
// bidirectional network hands on none: it needs each sequence whole.
func (n Network) StateSize() int {
	size := 0
	for _, units := range (Config{Network: n}).network().states() {
		size += units
	}
	return size
}

// recurrent is the number of layers that run over time.
func recurrent(layers []Layer) int {
	n := 0
	for _, l := range layers {
		if l.Cell != Dense {
			n++
		}
	}
	return n
}

// width is the number of a layer's outputs at each step: D*U, or U if it is dense.
func (n Network) width(l Layer) int {
	if l.Cell == Dense {
		return l.Units
	}
	return n.directions() * l.Units
}

// directions is the number of directions, D.
func (n Network) directions() int {
	if n.Bidirectional {
		return 2
	}
	return 1
}
