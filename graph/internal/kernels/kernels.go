// Package kernels adds TensorFlow ops of our own: a recurrent cell over all steps
// of a sequence, forward and backward, in one op each, and what a training step has
// around the layer, its projection and its loss.
//
// Forward, T steps, B batch rows, F inputs, U units:
//
//	RnnbinRNNForward(x [T,B,F], kernel [F+U,U], bias [U], h0 [B,U]) -> h [T,B,U], last [B,U]
//
// computes h[t] = activation([x[t], h[t-1]] kernel + bias). Backward takes the
// gradient with respect to all states and, besides, to the last one:
//
//	RnnbinRNNBackward(x, kernel, h0, h, dh [T,B,U], dlast [B,U])
//	    -> dkernel [F+U,U], dbias [U], dx [T,B,F], dh0 [B,U]
//
// h0 and dlast may have no row, [0,U]: they are zeros then. All are float32. For
// a given number of threads the results are the same bits on every run. With
// ReLU, products skip states and gradients that are zero: a NaN is not skipped and
// spreads, an infinite weight behind a zero state does not.
//
// Training takes its windows from a series of N rows by a plan of K steps:
//
//	RnnbinWindows(x [N,F], y [N], w [N], starts [K,B], rates [K], at)
//	    -> windows [T,B,F], labels [T*B], share [T*B], rate
//
// cuts the windows of the plan's step at out of the series; row t*B+b of the flat
// outputs is row starts[at,b]+t of the series. Labels y are int32 or float. A row's
// share is its weight w divided by the sum of the weights over all windows, or 0
// where that sum is 0. Rate is rates[at].
//
//	RnnbinAdam(weights, first, second, gradients, beta1_power, beta2_power, rate, loss)
//	    -> next1, next2, norm
//
// moves N weights with their moments, all of them variables, as N ResourceApplyAdam
// do, to the same bits. Next1 and next2 are the powers times their betas. Norm is the
// Euclidean norm of all gradients together; with clip_norm above 0 the gradients are
// scaled as tf.clip_by_global_norm does. If the loss or the norm is not finite, the
// variables keep their values, and next1 and next2 are the powers as they were.
//
//	RnnbinRecord(report, at, loss, norm) -> next
//
// writes loss and norm into row at of the variable report [K,2] and returns the row
// of the next step: at+1, or MaxInt32 if the loss or the norm is not finite.
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
)

// The ops' attributes.
const (
	AttrActivation    = "activation"     // string: "relu" or "tanh"
	AttrThreads       = "threads"        // int, 1 unless given: slices of the batch that run side by side
	AttrISA           = "isa"            // string, "auto" unless given: one of ISAs
	AttrInputGradient = "input_gradient" // bool, Backward only: compute dx; otherwise it is [0,B,F]
	AttrSteps         = "steps"          // int, Windows only: T

	// Adam only, which has AttrISA besides.
	AttrBeta1    = "beta1"     // float
	AttrBeta2    = "beta2"     // float
	AttrEpsilon  = "epsilon"   // float
	AttrClipNorm = "clip_norm" // float, 0 unless given: no clipping
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
