// Package kernels adds TensorFlow ops of our own: a recurrent layer over all steps
// of a sequence, forward and backward, in one op each, and what a training step has
// around the layers, their projection and their loss.
//
// T steps, B batch rows, F inputs, U units, D directions, each with S states and V
// variables, which a cell's kind says; lists have I = D*S states and W = D*V variables,
// the forward direction's first. All are float32 but for the lengths, int32.
//
//	RnnbinRNNForward(x [T,B,F], lengths [B], initial I*[B,U], weights W*[..])
//	    -> h [T,B,D*U], last I*[B,U], saved
//
// runs the cell from each row's initial state to its last one. The second direction
// goes from the last step to the first, writes the columns of h behind the first's, and
// its last state is the one after step 0. Saved is for Backward alone; it is [0] unless
// the layer is trained. Backward takes the gradient with respect to all h and, besides,
// to the last states:
//
//	RnnbinRNNBackward(x, lengths, initial, weights, h, saved, dh [T,B,D*U], dlast I*[B,U])
//	    -> dx [T,B,F], dinitial I*[B,U], dweights W*[..]
//
// Steps of a row from its length on change neither a state nor a gradient, in either
// direction, and x is not looked at there; h is zero. Lengths [0] are all T, and states
// and their gradients of no row, [0,U], are zeros.
//
// The variables are as TensorFlow 1 lays them out, a kernel's rows for x first:
//
//	relu, tanh  kernel [F+U,U], bias [U]; the state is h
//	            h' = relu([x,h] kernel + bias), or tanh
//	lstm        kernel [F+U,4U] and bias [4U] in blocks i, j, f, o; the states are c, h
//	            c' = c sigmoid(f+1) + sigmoid(i) tanh(j), h' = tanh(c') sigmoid(o)
//	gru         gates/kernel [F+U,2U] and bias [2U] in blocks r, u; the candidate's
//	            input projection, kernel [F,U] and bias [U], and hidden projection,
//	            kernel [U,U] and bias [U]; the state is h
//	            n = tanh(x Wx + bx + sigmoid(r) (h Wh + bh))
//	            h' = (1-sigmoid(u)) n + sigmoid(u) h
//
// as BasicRNNCell, BasicLSTMCell and CudnnCompatibleGRUCell are. Sigmoid and tanh have
// a relative error of at most 2e-7. For a given number of threads the results are the
// same bits on every run. With ReLU, products skip states and gradients that are zero:
// a NaN is not skipped and spreads, an infinite weight behind a zero state does not.
//
// Training takes its windows from a series of N rows by a plan of K steps:
//
//	RnnbinWindows(x [N,F], y [N], w [N], windows [K,B,3], rates [K], lags [L], at)
//	    -> inputs [T,B,L*F], labels [T*B], share [T*B], lengths [B], rate
//
// cuts the windows of the plan's step at out of the series. A window is its first row,
// the first row of its series and the row behind that; it ends with its series, and
// lengths [B] are the rows that each has, at most T. Row t*B+b of the flat outputs is
// row windows[at,b,0]+t of the series; its inputs are the features of the rows at the
// distances lags from it, for which the first and the last row of its series stand in
// beyond these. Labels y are int32 or float. A row's share is its weight w divided by
// the number of rows in all windows that have one above 0, or 0 where there are none and
// behind a window's end. Rate is rates[at].
//
//	RnnbinAdam(weights, first, second, gradients, beta1_power, beta2_power, rate, loss)
//	    -> next1, next2, norm
//
// moves N weights with their moments, all of them variables, as N ResourceApplyAdam
// do, to the same bits. Next1 and next2 are the powers times their betas. Norm is the
// Euclidean norm of all gradients together; with clip_norm above 0 the gradients are
// scaled as tf.clip_by_global_norm does. With weight_decay, weights of two dimensions or
// more first lose rate times weight_decay of their size (AdamW). If the loss or the norm is not finite, the
// variables keep their values, and next1 and next2 are the powers as they were.
//
//	RnnbinRecord(report, at, loss, norm) -> next
//
// writes loss and norm into row at of the variable report [K,2] and returns the row
// of the next step: at+1, or MaxInt32 if the loss or the norm is not finite.
//
//	RnnbinNoise(x, seeds [2]) -> y
//	RnnbinDropout(x, seeds [2]) -> y
//
// draw a number for each value of x, int64 seeds decide which: those of TensorFlow's
// StatelessRandomNormal, to rounding, and StatelessRandomUniform. Noise adds deviation times
// the number; Dropout sets a value to 0 if the number is below rate, and otherwise divides
// it by 1 - rate.
//
// TensorFlow's own SoftmaxCrossEntropyWithLogits and SparseSoftmaxCrossEntropyWithLogits
// have a second kernel here, for float logits and int32 labels, which takes a small part
// of the time. A node chooses it by the attributes that [Labelled] gives, and is the same
// operation otherwise: only that the former's inputs must have one shape.
//
// The code is C with the compiler's vector types (GCC 12 or clang), compiled
// once for each instruction set; the processor's is chosen at run time.
package kernels

// #cgo CFLAGS: -O3 -Wall -Wextra -Wno-psabi -fvisibility=hidden
// #cgo LDFLAGS: -ltensorflow -ltensorflow_framework -lpthread -lm
// #include "kernels.h"
import "C"

import (
	"fmt"
	"sync"
)

// The ops' types.
const (
	Windows  = C.RNNBIN_WINDOWS
	Forward  = C.RNNBIN_FORWARD
	Backward = C.RNNBIN_BACKWARD
	Adam     = C.RNNBIN_ADAM
	Record   = C.RNNBIN_RECORD
	Noise    = C.RNNBIN_NOISE
	Dropout  = C.RNNBIN_DROPOUT
)

// TensorFlow's ops that have a kernel here.
const (
	Xent       = C.RNNBIN_XENT
	SparseXent = C.RNNBIN_SPARSE_XENT
)

// Labelled are the attributes of a node of TensorFlow's that is to run the kernel of
// ours, on one of ISAs or "auto".
func Labelled(isa string) map[string]any {
	return map[string]any{"_kernel": C.RNNBIN_LABEL, C.RNNBIN_LABELLED_ISA: isa}
}

// XentRuns is how many times our kernels have run for Xent and SparseXent in this
// process: what a node has chosen does not show otherwise.
func XentRuns() uint64 { return uint64(C.rnnbin_xent_runs()) }

// The ops' attributes.
const (
	AttrCell          = "cell"           // string: one of the cells below
	AttrDirections    = "directions"     // int, 1 unless given: 1 or 2
	AttrThreads       = "threads"        // int, 1 unless given: parts of the batch and directions that run side by side
	AttrISA           = "isa"            // string, "auto" unless given: one of ISAs
	AttrTraining      = "training"       // bool, Forward only: fill saved
	AttrInputGradient = "input_gradient" // bool, Backward only: compute dx; otherwise it is [0,B,F]
	AttrSteps         = "steps"          // int, Windows only: T
	AttrDeviation     = "deviation"      // float, Noise only, which has AttrISA besides
	AttrRate          = "rate"           // float, Dropout only, likewise: below 1

	// Adam only, which has AttrISA besides.
	AttrBeta1       = "beta1"        // float
	AttrBeta2       = "beta2"        // float
	AttrEpsilon     = "epsilon"      // float
	AttrClipNorm    = "clip_norm"    // float, 0 unless given: no clipping
	AttrWeightDecay = "weight_decay" // float, 0 unless given: no decay
)

// The cells.
const (
	CellReLU = "relu"
	CellTanh = "tanh"
	CellLSTM = "lstm"
	CellGRU  = "gru"
)

// ISAAuto asks for the best instruction set of the machine, the first of ISAs.
const ISAAuto = "auto"

var register = sync.OnceValue(func() error {
	var message [512]C.char
	C.rnnbin_register(&message[0], C.int(len(message)))
	if s := C.GoString(&message[0]); s != "" {
		return fmt.Errorf("failed to register the recurrence with TensorFlow: %s", s)
	}
	return nil
})

// Register makes the ops known to TensorFlow in this process. It has to come
// before the first graph that uses them; further calls return what the first did.
func Register() error { return register() }

// ISAs lists the instruction sets this machine can run the kernels with, the
// best first, of "avx512", "avx2", "neon" and "generic". There is always the last.
func ISAs() []string {
	var names []string
	for i := 0; ; i++ {
		name := C.rnnbin_isa(C.int(i))
		if name == nil {
			return names
		}
		names = append(names, C.GoString(name))
	}
}
