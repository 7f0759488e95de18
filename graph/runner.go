package graph

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/rnnbin/rnnbin/graph/internal/denormal"
	tf "github.com/wamuir/graft/tensorflow"
)

// runner is a graph and TensorFlow's session of it.
type runner struct {
	graph  *tf.Graph
	tf     *tf.Session
	at     *Server // nil: this process
	lost   atomic.Bool
	closed sync.Once
}

// open starts the session.
func (r *runner) open(cfg Config) error {
	options, err := sessionOptions(cfg, r.at)
	if err != nil {
		return err
	}
	if r.at != nil {
		err = connect(r.at.Target)
	}
	if err == nil {
		r.tf, err = tf.NewSession(r.graph, options)
	}
	if err != nil {
		return fmt.Errorf("start the session: %w", r.failed(err))
	}
	return nil
}

func (r *runner) close() error {
	var err error
	r.closed.Do(func() {
		if !r.lost.Load() { // else it would wait for a server that may never answer
			err = r.tf.Close()
		}
	})
	return err
}

// feed is the value of a placeholder for one call: a tensor, a scalar, or a slice with a shape.
type feed struct {
	at    tf.Output
	flat  any
	shape []int64
}

// fetch runs what is needed for float32 outputs and returns their values flat,
// in row-major order.
func (r *runner) fetch(feeds []feed, outputs ...tf.Output) ([][]float32, error) {
	got, err := r.run(feeds, outputs, nil)
	if err != nil {
		return nil, err
	}
	values := make([][]float32, len(got))
	for i, t := range got {
		if values[i], err = flat(t); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// flat is a float32 tensor's values in row-major order.
func flat(t *tf.Tensor) ([]float32, error) {
	v := make([]float32, elements(t.Shape()))
	return v, fill(v, t)
}

// fill copies a float32 tensor's values.
func fill(v []float32, t *tf.Tensor) error {
	to := bytes.NewBuffer(memory(v)[:0]) // which writes there as long as there is room
	_, err := t.WriteContentsTo(to)
	runtime.KeepAlive(t)
	if err == nil && to.Len() != 4*len(v) {
		err = io.ErrShortWrite
	}
	return err
}

// memory is that of values.
func memory(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// read copies a tensor's value. The tensor has to outlive the copying: its finalizer frees
// the memory, and graft does not refer to it any more while it copies.
func read[T any](t *tf.Tensor) T {
	v := t.Value().(T)
	runtime.KeepAlive(t)
	return v
}

func (r *runner) run(feeds []feed, fetches []tf.Output, targets []*tf.Operation) ([]*tf.Tensor, error) {
	tensors := map[tf.Output]*tf.Tensor{}
	for _, f := range feeds {
		t, whole := f.flat.(*tf.Tensor)
		if whole {
			tensors[f.at] = t
			continue
		}
		t, err := f.tensor()
		if err != nil {
			return nil, err
		}
		tensors[f.at] = t
	}
	return r.runHere(tensors, fetches, targets)
}

// tensor is the value as the library takes it.
func (f feed) tensor() (*tf.Tensor, error) {
	if values, ok := f.flat.([]float32); ok && f.shape != nil { // often, and many
		return tf.ReadTensor(tf.Float, f.shape, bytes.NewReader(memory(values)))
	}
	t, err := tf.NewTensor(f.flat)
	if err == nil && len(f.shape) > 1 {
		err = t.Reshape(f.shape)
	}
	return t, err
}

// runHere runs in the caller's thread, as sessionOptions asks, set up as
// TensorFlow's own threads are.
func (r *runner) runHere(feeds map[tf.Output]*tf.Tensor, fetches []tf.Output, targets []*tf.Operation) (got []*tf.Tensor, err error) {
	denormal.Flush(func() { got, err = r.tf.Run(feeds, fetches, targets) })
	if err != nil {
		err = r.failed(err)
	}
	return got, err
}

// failed is the first clause of an error of the library: what follows are places in the graph.
func (r *runner) failed(err error) error {
	err = errors.New(firstClause(err.Error()))
	if r.at != nil {
		r.lost.Store(true)
		return &ServerError{r.at, err}
	}
	return err
}

// firstClause is what a message of the library says before it tells where: of
//
//	OOM when allocating tensor with shape[9,9] and type float on /job:localhost/…
//		 [[{{node add}}]]
//	Hint: …
//
// all before " on /job:". A server's begins with a line of its own, "From /job:…:".
func firstClause(message string) string {
	if _, rest, ok := strings.Cut(message, ":\n"); ok && strings.HasPrefix(message, "From /job:") {
		message = rest
	}
	for _, end := range []string{"\n", " on /job:", " [[{{node"} {
		message, _, _ = strings.Cut(message, end)
	}
	return strings.TrimSpace(message)
}
