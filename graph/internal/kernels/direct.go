package kernels

// #include "recurrence.h"
//
// static const struct rnn_isa *direct_isa(int i) { return i < rnnbin_isa_count ? rnnbin_isas[i] : NULL; }
import "C"

import (
	"runtime"
	"unsafe"
)

// call runs the C code without TensorFlow, for tests and benchmarks. Lists are grouped by direction.
type call struct {
	isa, cell                   string
	directions, threads         int
	steps, batch, inputs, units int
	lengths                     []int32 // nil: all steps
	x, h, saved                 []float32
	initial, weights, last      [][]float32
	dh, dx                      []float32 // dx is nil when not wanted
	dlast, dinitial, dweights   [][]float32
}

var kinds = map[string]C.enum_rnn_kind{
	CellReLU: C.RNN_RELU, CellTanh: C.RNN_TANH, CellLSTM: C.RNN_LSTM, CellGRU: C.RNN_GRU,
}

func (c *call) size() C.struct_rnn_size {
	return C.struct_rnn_size{
		steps: C.int64_t(c.steps), batch: C.int64_t(c.batch), inputs: C.int64_t(c.inputs), units: C.int64_t(c.units),
	}
}

// savedFloats is how many floats a direction saves.
func (c *call) savedFloats() int {
	size := c.size()
	return int(C.rnn_saved(kinds[c.cell], &size))
}

func (c *call) isaOf() *C.struct_rnn_isa {
	for i := C.int(0); ; i++ {
		isa := C.direct_isa(i)
		if isa == nil {
			panic("no instruction set " + c.isa)
		}
		if C.GoString(isa.name) == c.isa {
			return isa
		}
	}
}

// run calls f with the layers, whose arrays stay where they are meanwhile.
func (c *call) run(f func(isa *C.struct_rnn_isa, layers *C.struct_rnn_layer, directions, threads C.int) C.int) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	at := func(s []float32, from int) *C.float {
		if len(s) == 0 {
			return nil
		}
		pinner.Pin(unsafe.SliceData(s))
		return (*C.float)(unsafe.SliceData(s[from:]))
	}
	list := func(to []*C.float, from [][]float32, direction int) {
		n := len(from) / c.directions
		for i, s := range from[direction*n:][:n] {
			to[i] = at(s, 0)
		}
	}
	layers := make([]C.struct_rnn_layer, c.directions)
	for d := range layers {
		l := &layers[d]
		*l = C.struct_rnn_layer{
			kind: kinds[c.cell], size: c.size(), reverse: C.int(d), h_stride: C.int64_t(c.directions * c.units),
			x: at(c.x, 0), h: at(c.h, d*c.units), dh: at(c.dh, d*c.units), saved: at(c.saved, d*c.savedFloats()), dx: at(c.dx, 0),
		}
		if len(c.lengths) > 0 {
			pinner.Pin(unsafe.SliceData(c.lengths))
			l.lengths = (*C.int32_t)(unsafe.SliceData(c.lengths))
		}
		list(l.initial[:], c.initial, d)
		list(l.weights[:], c.weights, d)
		list(l.last[:], c.last, d)
		list(l.dlast[:], c.dlast, d)
		list(l.dinitial[:], c.dinitial, d)
		list(l.dweights[:], c.dweights, d)
	}
	if f(c.isaOf(), unsafe.SliceData(layers), C.int(c.directions), C.int(c.threads)) != 0 {
		panic("no memory")
	}
}

func (c *call) forward() {
	c.run(func(isa *C.struct_rnn_isa, layers *C.struct_rnn_layer, directions, threads C.int) C.int {
		return C.rnnbin_run_forward(isa, layers, directions, threads)
	})
}

func (c *call) backward() {
	c.run(func(isa *C.struct_rnn_isa, layers *C.struct_rnn_layer, directions, threads C.int) C.int {
		return C.rnnbin_run_backward(isa, layers, directions, threads)
	})
}
