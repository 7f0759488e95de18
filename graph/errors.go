package graph

import "fmt"

// ConfigError is returned for a [Config] with a setting that is impossible.
type ConfigError struct {
	Field  string // its name, in Config or in one of its Layers
	Reason string
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s %s", e.Field, e.Reason) }

// ShapeError is returned for an array that has not the size that its place needs.
type ShapeError struct {
	Name string // what the array is
	Want string
	Got  string
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("%s: want %s, got %s", e.Name, e.Want, e.Got)
}

// InputError is returned for a feature that is not a finite number.
type InputError struct {
	Row, Feature int // zero-based, of the series
	Value        float32
}

func (e *InputError) Error() string {
	return fmt.Sprintf("feature %d of row %d is %v: must be a finite number", e.Feature, e.Row, e.Value)
}

// LabelError is returned for a label that the loss cannot take.
type LabelError struct {
	Row     int // zero-based, of the series
	Value   float32
	Classes int // labels are 0 to Classes-1; 0 for any number
}

func (e *LabelError) Error() string {
	want := "a finite number"
	if e.Classes > 0 {
		want = fmt.Sprintf("a whole number from 0 to %d", e.Classes-1)
	}
	return fmt.Sprintf("label of row %d is %v: must be %s", e.Row, e.Value, want)
}

// WeightError is returned for a row's weight in the loss that is below 0 or not finite.
type WeightError struct {
	Row   int // zero-based, of the series
	Value float32
}

func (e *WeightError) Error() string {
	return fmt.Sprintf("weight of row %d is %v: must be a finite number of at least 0", e.Row, e.Value)
}

// VariableError is returned for an offset or scale that is not finite, or a scale that
// is 0 or so small that the processor takes it for 0.
type VariableError struct {
	Name  string
	Index int // zero-based, of the feature
	Value float32
	Want  string
}

func (e *VariableError) Error() string {
	return fmt.Sprintf("%s[%d] is %v: must be %s", e.Name, e.Index, e.Value, e.Want)
}

// DivergedError is returned when training reaches a loss or a gradient that is not
// finite. The weights are those that led there.
type DivergedError struct {
	Step int64   // zero-based, of the run: Plan.First and the step's number in the plan
	Loss float32 // before the update that was not made
	Norm float32 // of its gradient
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("training diverged at step %d: loss %v, gradient norm %v", e.Step, e.Loss, e.Norm)
}

// NonFiniteError is returned when a network answers with something that is not a
// finite number. Its weights or its input are not finite themselves, or its state has
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

// CheckpointError is returned for a checkpoint that has not what is to be restored.
type CheckpointError struct {
	Prefix   string
	Variable string // empty when there is no checkpoint
	Reason   string
	Err      error // TensorFlow's, or a *VariableError; nil for a shape
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

// VersionError is returned when the libtensorflow that was loaded is not the one whose
// operations this package was built for.
type VersionError struct {
	Got string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("libtensorflow %s is loaded, %s.x is needed", e.Got, LibraryVersion)
}
