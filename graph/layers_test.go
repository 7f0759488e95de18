package graph

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Layers runs the layers of a network alone, for benchmarks: forward, and back from a
// gradient with respect to their outputs to one with respect to each of their weights.
type Layers struct {
	*Predictor
	feeds map[tf.Output]*tf.Tensor
	grads []*tf.Operation
}

// NewLayers takes x [T,B,F] and dy [T,B,D*U].
func NewLayers(cfg Config, x, dy []float32) (*Layers, error) {
	l := &Layers{feeds: map[tf.Output]*tf.Tensor{}}
	p, err := start(nil, cfg, 1, func(c Config) []variable { return c.network().weights() }, nil, func(p *Predictor, s *op.Scope, h handles) error {
		s, cfg := s.SubScope("layers"), p.cfg
		in, err := l.feed(s.SubScope("x"), x, cfg.Window, cfg.Features)
		if err != nil {
			return err
		}
		dout, err := l.feed(s.SubScope("dy"), dy, cfg.Window, cfg.width(cfg.Layers[len(cfg.Layers)-1]))
		if err != nil {
			return err
		}
		l.backward(s, cfg.network(), h, in, dout)
		return nil
	})
	l.Predictor = p
	return l, err
}

// feed is values as [steps,B,width].
func (l *Layers) feed(s *op.Scope, values []float32, steps, width int) (tf.Output, error) {
	t, err := tf.NewTensor(values)
	if err != nil {
		return tf.Output{}, err
	}
	shape := []int64{int64(steps), int64(len(values) / steps / width), int64(width)}
	if err := t.Reshape(shape); err != nil {
		return tf.Output{}, err
	}
	at := op.Placeholder(s, tf.Float, op.PlaceholderShape(tf.MakeShape(shape...)))
	l.feeds[at] = t
	return at, nil
}

// backward adds all stages but the last, the projection.
func (l *Layers) backward(s *op.Scope, n network, h handles, x, dy tf.Output) {
	var backs []backward
	p := &pass{training: true}
	for _, st := range n[:len(n)-1] {
		ss := s.SubScope("forward")
		var back backward
		x, back = st.forward(ss, x, h.readAll(ss, st.weights()), p)
		backs = append(backs, back)
	}
	for _, back := range slices.Backward(backs) {
		var dw []tf.Output
		dy, dw = back(s.SubScope("backward"), dy)
		for _, d := range dw {
			l.grads = append(l.grads, d.Op)
		}
	}
}

// Run runs them once.
func (l *Layers) Run() error {
	_, err := l.in.runHere(l.feeds, nil, l.grads)
	return err
}
