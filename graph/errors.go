package graph

import (
	"errors"
	"fmt"
)

// ErrUnknownState is returned by methods that read the state of a network, or train it,
// after TensorFlow has failed while it changed that state: it may have changed some
// variables and not others. Restore, or SetVariables with all of them, makes the state
// known again.
var ErrUnknownState = errors.New("the network's state is unknown after an error in TensorFlow: restore it, or set all of its variables")

// ConfigError is returned for a [Config] with a setting that is impossible, or that would
// have no effect.
type ConfigError struct {
	Field  string // the setting's path, such as "Window", "Lags[3]" or "Layers[1].Units"
	Reason string
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s %s", e.Field, e.Reason) }

// ShapeError is returned for an array of the wrong size.
type ShapeError struct {
	Name string // of the array
	Want string
	Got  string
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("%s: want %s, got %s", e.Name, e.Want, e.Got)
}

// ValueError is returned for a value that cannot be used: a feature, or a label or weight of
// a [Series].
type ValueError struct {
	Name   string // of the array, such as "Series.X"
	Row    int    // zero-based
	Column int    // zero-based; -1 if the array has no columns
	Value  float32
	Want   string
}

func (e *ValueError) Error() string {
	at := fmt.Sprint(e.Row)
	if e.Column >= 0 {
		at = fmt.Sprintf("%d,%d", e.Row, e.Column)
	}
	return fmt.Sprintf("%s[%s] is %v: must be %s", e.Name, at, e.Value, e.Want)
}

// DivergedError is returned when training reaches a loss or a gradient that is not
// finite. The state is the one that led there.
type DivergedError struct {
	Step int64   // zero-based, see Session.Step
	Loss float32 // before the update, which was not made
	Norm float32 // of the gradient
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("training diverged at step %d: loss %v, gradient norm %v", e.Step, e.Loss, e.Norm)
}

// NonFiniteError is returned when an output of a network is not a finite number. Its
// weights or its input are not finite themselves, or its state has grown without bound:
// with [ReLU] it may, over many more steps than it was trained on.
type NonFiniteError struct {
	Sequence int // zero-based, of the batch
	Step     int // zero-based, of the call
	Value    float32
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("the output of sequence %d at step %d is %v", e.Sequence, e.Step, e.Value)
}

// CheckpointError is returned for a checkpoint that a network cannot be restored from.
type CheckpointError struct {
	Prefix   string
	Variable string // empty if there is no checkpoint
	Reason   string
	Err      error // TensorFlow's; nil for a wrong shape
}

func (e *CheckpointError) Error() string {
	what := "checkpoint " + e.Prefix
	if e.Variable != "" {
		what += ": " + e.Variable
	}
	if e.Err == nil {
		return what + " " + e.Reason
	}
	return fmt.Sprintf("%s %s: %v", what, e.Reason, e.Err)
}

func (e *CheckpointError) Unwrap() error { return e.Err }

// VersionError is returned when the loaded libtensorflow is of another minor version than
// the one that this package is built for.
type VersionError struct {
	Got string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("libtensorflow %s is loaded, %s.x is needed", e.Got, LibraryVersion)
}
