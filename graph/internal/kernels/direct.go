package kernels

// #include "recurrence.h"
//
// // Flat arguments: cgo lets Go memory pass as an argument, not inside a struct.
// static int direct_forward(int isa, int activation, int threads, struct rnn_size size, const float *x,
//                           const float *kernel, const float *bias, const float *h0, float *h, float *last) {
//   const struct rnn_forward f = {size, activation, x, kernel, bias, h0, h, last};
//   return rnnbin_run_forward(rnnbin_isas[isa], &f, threads);
// }
//
// static int direct_backward(int isa, int activation, int threads, struct rnn_size size, const float *x,
//                            const float *kernel, const float *h0, const float *h, const float *dh,
//                            const float *dlast, float *dkernel, float *dbias, float *dx, float *dh0) {
//   const struct rnn_backward b = {size, activation, x, kernel, h0, h, dh, dlast, dkernel, dbias, dx, dh0};
//   return rnnbin_run_backward(rnnbin_isas[isa], &b, threads);
// }
import "C"

import "unsafe"

// call runs the C code without TensorFlow, for tests and benchmarks.
type call struct {
	isa                          string
	tanh                         bool
	threads                      int
	steps, batch, inputs, units  int
	x, kernel, bias, h0, h, last []float32
	dh, dlast                    []float32
	dkernel, dbias, dx, dh0      []float32 // dx is nil when not wanted
}

func (c *call) size() C.struct_rnn_size {
	return C.struct_rnn_size{
		steps: C.int64_t(c.steps), batch: C.int64_t(c.batch), inputs: C.int64_t(c.inputs), units: C.int64_t(c.units),
	}
}

func (c *call) activation() C.int {
	if c.tanh {
		return C.RNN_TANH
	}
	return C.RNN_RELU
}

func (c *call) isaIndex() C.int {
	for i := range int(C.rnnbin_isa_count) {
		isa := *(**C.struct_rnn_isa)(unsafe.Add(unsafe.Pointer(&C.rnnbin_isas), uintptr(i)*unsafe.Sizeof(uintptr(0))))
		if C.GoString(isa.name) == c.isa {
			return C.int(i)
		}
	}
	panic("no instruction set " + c.isa)
}

func floats(s []float32) *C.float { return (*C.float)(unsafe.SliceData(s)) }

func (c *call) forward() {
	if C.direct_forward(c.isaIndex(), c.activation(), C.int(c.threads), c.size(), floats(c.x), floats(c.kernel),
		floats(c.bias), floats(c.h0), floats(c.h), floats(c.last)) != 0 {
		panic("no memory")
	}
}

func (c *call) backward() {
	if C.direct_backward(c.isaIndex(), c.activation(), C.int(c.threads), c.size(), floats(c.x), floats(c.kernel),
		floats(c.h0), floats(c.h), floats(c.dh), floats(c.dlast), floats(c.dkernel), floats(c.dbias), floats(c.dx),
		floats(c.dh0)) != 0 {
		panic("no memory")
	}
}
