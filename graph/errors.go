package graph

import "fmt"

// ConfigError says that a setting of a [Config] is impossible.
type ConfigError struct {
	Field  string // the field's name
	Flag   string // the program's flag for it, empty when it has none
	Reason string
}

func (e *ConfigError) Error() string {
	if e.Flag == "" {
		return fmt.Sprintf("%s %s", e.Field, e.Reason)
	}
	return fmt.Sprintf("%s (%s) %s", e.Flag, e.Field, e.Reason)
}

// ShapeError says that an array has not the size that its place needs.
type ShapeError struct {
	Name string // what the array is
	Want string
	Got  string
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("%s: want %s, got %s", e.Name, e.Want, e.Got)
}

// LabelError says that a label is not one that the loss can take.
type LabelError struct {
	Row   int // zero-based row of the series
	Value float32
}

func (e *LabelError) Error() string {
	return fmt.Sprintf("label of row %d is %v: cross-entropy takes 0 or 1", e.Row, e.Value)
}

// WeightError says that a row's weight in the loss is below 0 or not finite.
type WeightError struct {
	Row   int // zero-based row of the series
	Value float32
}

func (e *WeightError) Error() string {
	return fmt.Sprintf("weight of row %d is %v: must be a finite number of at least 0", e.Row, e.Value)
}

// DivergedError says that training reached a loss or a gradient that is not a
// number. The weights are of no use any more.
type DivergedError struct {
	Step int // zero-based step within the call
	Loss float32
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("training diverged at step %d: loss %v", e.Step, e.Loss)
}

// NonFiniteError says that a network answers with something that is not a finite
// number. Its weights or its input are not finite themselves, or its state has
// grown without bound: with [ReLU] it may, over many more steps than it was
// trained on.
type NonFiniteError struct {
	Sequence int // zero-based, of the batch
	Step     int // zero-based, of the call
	Value    float32
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("the output of sequence %d at step %d is %v", e.Sequence, e.Step, e.Value)
}

// CheckpointError says that a checkpoint has not what is to be restored from it.
type CheckpointError struct {
	Prefix   string
	Variable string // empty when there is no checkpoint
	Reason   string
	Err      error // TensorFlow's, nil when it has read the variable
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

// VersionError says that the libtensorflow that was loaded is not the one whose
// operations this package was built for.
type VersionError struct {
	Got string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("libtensorflow %s is loaded, %s.x is needed", e.Got, LibraryVersion)
}
