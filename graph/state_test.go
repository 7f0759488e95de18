package graph_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"github.com/rnnbin/rnnbin/graph"
)

// TestStepsAreCounted by the session, over calls, pauses and copies of the state. A caller
// used to give the number, and one that gave none drew the same noise in each call.
func TestStepsAreCounted(t *testing.T) {
	for _, f := range []form{portable, {}} {
		c := smallConfig(graph.OneHotXent, graph.Tanh, f)
		c.InputNoise, c.LearningRate = 0.5, 1e-30 // losses differ by the noise alone
		s := smallSession(t, c)
		vars, err := s.Variables()
		if err != nil {
			t.Fatal(err)
		}
		prefix := filepath.Join(t.TempDir(), "weights")
		losses := steps(t, s, randomPlan(2)).Losses
		if err := s.Save(prefix); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, steps(t, s, randomPlan(1)).Losses...)
		if n := stepOf(t, s); n != 3 {
			t.Errorf("%s: step %d after 3", f, n)
		}
		if err := s.SetVariables(vars); err != nil { // as to the best of some epochs
			t.Fatal(err)
		}
		losses = append(losses, steps(t, s, randomPlan(1)).Losses...)
		for i, loss := range losses {
			for k, other := range losses[:i] {
				if loss == other {
					t.Errorf("%s: steps %d and %d have the same noise", f, k, i)
				}
			}
		}

		again := smallSession(t, c)
		if err := again.Restore(prefix); err != nil {
			t.Fatal(err)
		}
		if got := steps(t, again, randomPlan(1)).Losses; got[0] != losses[2] {
			t.Errorf("%s: loss %v after restoring, without a pause %v", f, got[0], losses[2])
		}
	}
}

// TestCheckpointWithoutSteps, such as the original's, counts from 0.
func TestCheckpointWithoutSteps(t *testing.T) {
	s := smallSession(t, smallConfig(graph.OneHotXent, graph.Tanh, form{}))
	vars, err := s.Variables()
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "weights")
	writeCheckpoint(t, prefix, vars)
	steps(t, s, randomPlan(2))
	if err := s.Restore(prefix); err != nil {
		t.Fatal(err)
	}
	if n := stepOf(t, s); n != 0 {
		t.Errorf("step %d", n)
	}
	writeCheckpoint(t, prefix, append(vars, graph.Variable{Name: "global_step", Value: []float32{3}})) // not of int64
	var checkpoint *graph.CheckpointError
	if err := s.Restore(prefix); !errors.As(err, &checkpoint) || checkpoint.Variable != "global_step" {
		t.Errorf("a number of steps of another type: error %v", err)
	}
	var shape *graph.ShapeError
	if err := s.SetStep(-1); !errors.As(err, &shape) {
		t.Errorf("step -1: error %v", err)
	}
}

// writeCheckpoint has TensorFlow write variables that no network of ours would hold.
func writeCheckpoint(t *testing.T, prefix string, vars []graph.Variable) {
	t.Helper()
	s := op.NewScope()
	var names []string
	var values []tf.Output
	for _, v := range vars {
		shape := make([]int32, len(v.Shape))
		for i, n := range v.Shape {
			shape[i] = int32(n)
		}
		vs := s.SubScope("variable")
		names = append(names, v.Name)
		values = append(values, op.Reshape(vs, op.Const(vs.SubScope("values"), v.Value), op.Const(vs.SubScope("shape"), shape)))
	}
	save := op.SaveV2(s, op.Const(s.SubScope("prefix"), prefix), op.Const(s.SubScope("names"), names),
		op.Const(s.SubScope("whole"), make([]string, len(names))), values)
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Run(nil, nil, []*tf.Operation{save}); err != nil {
		t.Fatal(err)
	}
}

// TestEvaluatingEndsWithItsContext: Loss and Gradients used to take none.
func TestEvaluatingEndsWithItsContext(t *testing.T) {
	s := smallSession(t, smallConfig(graph.OneHotXent, graph.Tanh, form{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Loss(ctx, smallStarts); !errors.Is(err, context.Canceled) {
		t.Errorf("loss: error %v", err)
	}
	if _, err := s.Gradients(ctx, smallStarts); !errors.Is(err, context.Canceled) {
		t.Errorf("gradients: error %v", err)
	}
}

// TestNotFiniteWithoutASlot: the first step of a session is not finite, so that every slot
// of every optimizer has its initial value, and so have the powers. A weight is infinite.
func TestNotFiniteWithoutASlot(t *testing.T) {
	for _, f := range forms() {
		for _, optimizer := range graph.Optimizers() {
			c := smallConfig(graph.MSE, graph.ReLU, f)
			c.Optimizer = optimizer
			s := smallSession(t, c)
			kernel := graph.Variable{Name: variables + "kernel", Shape: []int{13, 1}, Value: make([]float32, 13)}
			kernel.Value[0] = float32(math.Inf(1))
			bias := graph.Variable{Name: variables + "bias", Shape: []int{1}, Value: []float32{3e38}} // whose square is infinite
			if err := s.SetVariables([]graph.Variable{kernel, bias}); err != nil {
				t.Fatal(err)
			}
			before := state(t, s)
			_, err := s.Train(t.Context(), randomPlan(1))
			var diverged *graph.DivergedError
			if !errors.As(err, &diverged) || diverged.Step != 0 {
				t.Errorf("%s, %s: error %v", f, optimizer, err)
			}
			for name, v := range state(t, s) {
				if !sameBits(v, before[name]) {
					t.Errorf("%s, %s: other bits of %s", f, optimizer, name)
				}
			}
		}
	}
}
