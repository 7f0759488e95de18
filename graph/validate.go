package graph

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Limits keep a typing error from asking for more memory than any machine has.
const (
	maxWindow  = 1 << 20
	maxWidth   = 1 << 16
	maxLayers  = 1 << 6
	maxMembers = 1 << 10
	maxLags    = 1 << 10
	maxLag     = 1 << 20
	maxThreads = 1 << 10
)

// Validate returns a *[ConfigError] that names the first setting with an impossible value,
// or without an effect.
func (c Config) Validate() error {
	c = c.WithDefaults()
	return cmp.Or(c.Network.Validate(), c.Training.validate(c.Network), c.Machine.Validate())
}

// Validate returns a *[ConfigError] that names the first setting with an impossible value,
// or without an effect.
func (n Network) Validate() error {
	n = n.WithDefaults()
	return cmp.Or(
		between("Window", n.Window, 1, maxWindow),
		between("Features", n.Features, 1, maxWidth),
		between("Classes", n.Classes, 2, maxWidth),
		oneOf("Loss", Losses(), n.Loss),
		n.validateLags(),
		n.validateLayers(),
		must("Classes", n.Loss != MSE || n.Classes == 2, "2 with the loss "+string(MSE), n.Classes))
}

func (n Network) validateLags() error {
	switch k := len(n.Lags); {
	case k > maxLags:
		return &ConfigError{"Lags", fmt.Sprintf("must hold at most %d distances, not %d", maxLags, k)}
	case k*n.Features > maxWidth:
		return &ConfigError{"Lags", fmt.Sprintf("must give a step at most %d inputs, not %d of each of %d features", maxWidth, k, n.Features)}
	}
	for i, lag := range n.Lags {
		field := fmt.Sprintf("Lags[%d]", i)
		if err := between(field, lag, -maxLag, maxLag); err != nil {
			return err
		}
		if slices.Contains(n.Lags[:i], lag) {
			return &ConfigError{field, fmt.Sprintf("must differ from the others, there are two of %d", lag)}
		}
	}
	return nil
}

func (n Network) validateLayers() error {
	if k := len(n.Layers); k > maxLayers {
		return &ConfigError{"Layers", fmt.Sprintf("must hold at most %d layers, not %d", maxLayers, k)}
	}
	for i, l := range n.Layers {
		if err := l.validate(fmt.Sprintf("Layers[%d].", i)); err != nil {
			return err
		}
	}
	if n.Bidirectional && recurrent(n.Layers) == 0 {
		return &ConfigError{"Bidirectional", "is for recurrent layers, and there is none"}
	}
	return nil
}

// validate is given the path of the layer, with the dot.
func (l Layer) validate(path string) error {
	if err := cmp.Or(oneOf(path+"Cell", Cells(), l.Cell), between(path+"Units", l.Units, 1, maxWidth)); err != nil {
		return err
	}
	if l.activates() {
		return oneOf(path+"Activation", Activations(), l.Activation)
	}
	if l.Activation != "" {
		return &ConfigError{path + "Activation", fmt.Sprintf("is for plain and dense cells, %s has its own functions", l.Cell)}
	}
	return nil
}

// validate checks how n is trained; both have their defaults.
func (t Training) validate(n Network) error {
	return cmp.Or(
		oneOf("Optimizer", Optimizers(), t.Optimizer),
		t.validateEffect(n),
		must("LearningRate", finite(t.LearningRate) && t.LearningRate > 0, "a number above 0", t.LearningRate),
		notNegative("FocalGamma", t.FocalGamma),
		fraction("Beta1", t.Beta1),
		fraction("Beta2", t.Beta2),
		notNegative("Epsilon", t.Epsilon),
		notNegative("WeightDecay", t.WeightDecay),
		fraction("Dropout", t.Dropout),
		notNegative("InputNoise", t.InputNoise),
		notNegative("ClipNorm", t.ClipNorm))
}

// validateEffect finds settings that have no effect on the training of n.
func (t Training) validateEffect(n Network) error {
	adam := fmt.Sprintf("is for the optimizers %s and %s, not %s", Adam, AdamW, t.Optimizer)
	for _, s := range []struct {
		field  string
		value  float32
		used   bool
		reason string
	}{
		{"FocalGamma", t.FocalGamma, n.Loss == Focal, fmt.Sprintf("is for the loss %s, not %s", Focal, n.Loss)},
		{"Beta1", t.Beta1, t.Optimizer.isAdam(), adam},
		{"Beta2", t.Beta2, t.Optimizer.isAdam(), adam},
		{"Epsilon", t.Epsilon, t.Optimizer.isAdam(), adam},
		{"WeightDecay", t.WeightDecay, t.Optimizer == AdamW, fmt.Sprintf("is for the optimizer %s, not %s", AdamW, t.Optimizer)},
		{"Dropout", t.Dropout, len(n.Layers) > 0, "is for the outputs of layers, and there is none"},
	} {
		if s.value != 0 && !s.used {
			return &ConfigError{s.field, s.reason}
		}
	}
	return nil
}

// Validate returns a *[ConfigError] that names the first setting with an impossible value,
// or without an effect.
func (m Machine) Validate() error {
	m = m.WithDefaults()
	err := cmp.Or(
		between("Threads", m.Threads, 1, maxThreads),
		oneOf("Form", Forms(), m.Form),
		oneOf("InstructionSet", append([]string{InstructionSetAuto}, InstructionSets()...), m.InstructionSet))
	if err != nil {
		return err
	}
	if m.Form == FormPortable && m.InstructionSet != InstructionSetAuto {
		return &ConfigError{"InstructionSet", fmt.Sprintf("is for the fused form, not %s", FormPortable)}
	}
	return nil
}

func between(field string, value, low, high int) error {
	return must(field, value >= low && value <= high, fmt.Sprintf("between %d and %d", low, high), value)
}

// must returns an error that says what a setting must be, unless it is.
func must(field string, is bool, want string, value any) error {
	if is {
		return nil
	}
	return &ConfigError{field, fmt.Sprintf("must be %s, not %v", want, value)}
}

// fraction checks a part of a whole that must not be all of it.
func fraction(field string, v float32) error {
	return must(field, v >= 0 && v < 1, "at least 0 and below 1", v)
}

func notNegative(field string, v float32) error {
	return must(field, finite(v) && v >= 0, "a number of at least 0", v)
}

// oneOf checks a setting with few values, and lists them in its error.
func oneOf[T ~string](field string, all []T, value T) error {
	if slices.Contains(all, value) {
		return nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	last := len(names) - 1
	return &ConfigError{field, fmt.Sprintf("must be %s or %s, not %q", strings.Join(names[:last], ", "), names[last], value)}
}

func finite(v float32) bool {
	const exponent = 0xff << 23
	return math.Float32bits(v)&exponent != exponent
}
