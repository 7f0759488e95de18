package kernels

// #include "recurrence.h"
//
// // Flat arguments: cgo lets Go memory pass as an argument, not inside a struct.
// static int direct_forward(int isa, int activation, int threads, struct rnn_size size, const float *x,
//                           const float *kernel, const float *bias, const float *h0, float *h, float *last) {
//   const struct rnn_forward f = {size, activation, x, kernel, bias, h0, h, last};
//   return rnn_run_forward(rnn_isas[isa], &f, threads);
// }
//
// static int direct_backward(int isa, int activation, int threads, struct rnn_size size, const float *x,
//                            const float *kernel, const float *h0, const float *h, const float *dh,
//                            const float *dlast, float *dkernel, float *dbias, float *dx, float *dh0) {
//   const struct rnn_backward b = {size, activation, x, kernel, h0, h, dh, dlast, dkernel, dbias, dx, dh0};
//   return rnn_run_backward(rnn_isas[isa], &b, threads);
// }
//
// static int direct_train(int isa, int activation, int threads, struct rnn_size size, int loss, int64_t outputs,
//                         const float *x, const int32_t *starts, const float *kernel, const float *bias,
//                         const float *projection, const float *projection_bias, const void *labels,
//                         const float *w, double total,
//                         float *mean, float *dkernel, float *dbias, float *dprojection, float *dprojection_bias) {
//   const struct rnn_head head = {loss, outputs, projection, projection_bias, labels, w, total, mean, dprojection,
//                                 dprojection_bias};
//   const struct rnn_train f = {size, activation, x, starts, kernel, bias, head, dkernel, dbias};
//   return rnn_run_train(rnn_isas[isa], &f, threads);
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
	for i := range int(C.rnn_isa_count) {
		isa := *(**C.struct_rnn_isa)(unsafe.Add(unsafe.Pointer(&C.rnn_isas), uintptr(i)*unsafe.Sizeof(uintptr(0))))
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

// head is what training has besides a call.
type head struct {
	outputs                                      int
	projection, bias, labels, w                  []float32
	mean, dkernel, dbias, dprojection, dprojbias []float32
}

// train lays the call's sequences out as a series, one after the other.
func (c *call) train(h *head) {
	x, y, w, starts := h.series(c)
	labels, loss := unsafe.Pointer(unsafe.SliceData(y)), C.HEAD_MSE
	if h.outputs > 1 {
		classes := classesOf(y)
		labels, loss = unsafe.Pointer(unsafe.SliceData(classes)), C.HEAD_XENT
	}
	total := 0.0
	for _, v := range w {
		total += float64(v)
	}
	if C.direct_train(c.isaIndex(), c.activation(), C.int(c.threads), c.size(), C.int(loss), C.int64_t(h.outputs),
		floats(x), (*C.int32_t)(unsafe.SliceData(starts)), floats(c.kernel), floats(c.bias), floats(h.projection),
		floats(h.bias), labels, floats(w), C.double(total), floats(h.mean), floats(h.dkernel), floats(h.dbias), floats(h.dprojection),
		floats(h.dprojbias)) != 0 {
		panic("no memory")
	}
}

// series is the call's sequences [T,B,F] with their labels and weights as rows of
// one series, sequence after sequence, and their first rows.
func (h *head) series(c *call) (x, y, w []float32, starts []int32) {
	for b := range c.batch {
		starts = append(starts, int32(b*c.steps))
		for t := range c.steps {
			row := t*c.batch + b
			x = append(x, c.x[row*c.inputs:(row+1)*c.inputs]...)
			y, w = append(y, h.labels[row]), append(w, h.w[row])
		}
	}
	return x, y, w, starts
}

func classesOf(values []float32) []int32 {
	classes := make([]int32, len(values))
	for i, v := range values {
		classes[i] = int32(v)
	}
	return classes
}
