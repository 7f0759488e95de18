package keras

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/graph"
)

// layer is a layer as Keras describes it.
type layer struct {
	class, name string
	path        string // of its weights in the HDF5 file
	settings    settings
	joined      string // name of the Dense layer whose activation this layer is
}

// settings are a layer's arguments by name, as encoding/json decodes them.
type settings map[string]any

// object is how Keras saves a layer or a model.
type object struct {
	Class  string   `json:"class_name"`
	Config settings `json:"config"`
}

// useful are the kinds of layers that become a part of a network.
var useful = []string{"SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed", "Dense", "Normalization"}

// activating are the kinds of layers that can be a Dense layer's activation.
var activating = []string{"Activation", "Softmax", "ReLU"}

// idle are the kinds of layers that do nothing when a model predicts.
var idle = []string{"Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization"}

var wordsEnd = regexp.MustCompile(`([a-z])([A-Z])`)

// storedName is what layers of a class are called in the HDF5 file, such as simple_rnn or
// spatial_dropout1d; the second one of a class and those after it have a number too.
func storedName(class string) string {
	return strings.ToLower(wordsEnd.ReplaceAllString(class, "${1}_$2"))
}

// parseConfig reads the layers from a config.json.
func parseConfig(text []byte) ([]layer, error) {
	var model object
	if err := json.Unmarshal(text, &model); err != nil {
		return nil, fmt.Errorf("config.json is damaged: %w", err)
	}
	list, _ := model.Config["layers"].([]any)
	switch {
	case model.Class != "Sequential" && model.Class != "Functional":
		return nil, fmt.Errorf("the model is %q; only Sequential and a Functional chain of layers are supported", model.Class)
	case len(list) == 0:
		return nil, errors.New("the model has no layers")
	}
	layers, err := storedLayers(list)
	if err != nil {
		return nil, err
	}
	if model.Class == "Functional" {
		return chain(layers, list)
	}
	if layers[0].class != "InputLayer" {
		input := layer{class: "InputLayer", name: "input", settings: settings{"batch_shape": model.Config["build_input_shape"]}}
		layers = slices.Insert(layers, 0, input)
	}
	return layers, nil
}

// storedLayers are the layers in the order in which the HDF5 file counts them.
func storedLayers(list []any) (layers []layer, err error) {
	count := map[string]int{}
	for _, item := range list {
		l, err := layerOf(item)
		if err != nil {
			return nil, err
		}
		stored := storedName(l.class)
		l.path = "layers/" + stored
		if n := count[stored]; n > 0 {
			l.path += "_" + strconv.Itoa(n)
		}
		count[stored]++
		layers = append(layers, l)
	}
	return layers, nil
}

// chain is the layers of a Functional model from its input to its output, each of which
// takes the one before.
func chain(layers []layer, list []any) ([]layer, error) {
	after := map[string]layer{} // by the name of the layer before, "" for none
	for i, l := range layers {
		item, _ := list[i].(map[string]any)
		before := tensors(item["inbound_nodes"])
		switch {
		case len(before) == 0:
			before = []string{""}
		case len(before) > 1:
			return nil, l.errorf("takes more than one input, or is used more than once: only a chain of layers is supported")
		}
		if other, taken := after[before[0]]; taken {
			return nil, l.errorf("takes the same as %q: only a chain of layers is supported", other.name)
		}
		after[before[0]] = l
	}
	var ordered []layer
	for l, ok := after[""]; ok; l, ok = after[l.name] {
		ordered = append(ordered, l)
		if len(ordered) > len(layers) {
			break
		}
	}
	if len(ordered) != len(layers) {
		return nil, errors.New("config.json is damaged: the layers are no chain")
	}
	return ordered, nil
}

// tensors are the names of the layers whose outputs a layer's inbound_nodes mention.
func tensors(v any) (names []string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			names = append(names, tensors(item)...)
		}
	case map[string]any:
		if history, ok := v["keras_history"].([]any); ok && len(history) > 0 {
			return []string{text(history[0])}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			names = append(names, tensors(v[key])...)
		}
	}
	return names
}

// joinActivations gives Dense layers that have no activation that of the layer behind them.
func joinActivations(layers []layer) error {
	before := layer{}
	for i := range layers {
		l := &layers[i]
		if slices.Contains(idle, l.class) {
			continue
		}
		if slices.Contains(activating, l.class) {
			if err := l.join(before); err != nil {
				return err
			}
		}
		before = *l
	}
	return nil
}

// join makes the layer the activation of the one before it.
func (l *layer) join(before layer) error {
	if err := l.check(activationAllowed[l.class]); err != nil {
		return err
	}
	dense := before
	if before.class == "TimeDistributed" {
		var err error
		if dense, err = before.inner("layer"); err != nil {
			return err
		}
	}
	if dense.class != "Dense" || dense.settings["activation"] != "linear" {
		return l.errorf("is only supported behind a Dense layer without an activation of its own")
	}
	activation := l.settings["activation"]
	if l.class != "Activation" {
		activation = strings.ToLower(l.class)
	}
	dense.settings["activation"] = activation
	l.joined = before.name
	return nil
}

// lastOfUse is the place of the last layer that neither is idle nor has been joined.
func lastOfUse(layers []layer) int {
	last := 0
	for i, l := range layers {
		if !slices.Contains(idle, l.class) && l.joined == "" {
			last = i
		}
	}
	return last
}

// layerOf reads a layer, which may be within another one's settings.
func layerOf(item any) (layer, error) {
	o, _ := item.(map[string]any)
	class, _ := o["class_name"].(string)
	config, _ := o["config"].(map[string]any)
	if class == "" || config == nil {
		return layer{}, errors.New("config.json is damaged: there is a layer without a class or settings")
	}
	name, _ := config["name"].(string)
	l := layer{class: class, name: name, settings: config}
	if own, ok := o["registered_name"].(string); ok { // null for Keras's own classes
		return l, l.errorf("classes that are not Keras's own (%s) are not supported", own)
	}
	return l, nil
}

// inner is the layer in the setting of that name.
func (l layer) inner(setting string) (layer, error) {
	in, err := layerOf(l.settings[setting])
	if err != nil {
		return layer{}, l.errorf("%s: %w", setting, err)
	}
	in.path = l.path + "/" + setting
	return in, nil
}

// directions are a Bidirectional's two layers. Where its settings have one only, the
// other is the same but for its direction.
func (l layer) directions() (forward, backward layer, err error) {
	if err := l.check(bidirectionalAllowed); err != nil {
		return layer{}, layer{}, err
	}
	if forward, err = l.inner("layer"); err != nil {
		return layer{}, layer{}, err
	}
	backward = forward
	backward.settings = maps.Clone(forward.settings)
	backward.settings["go_backwards"] = true
	if l.settings["backward_layer"] != nil {
		if backward, err = l.inner("backward_layer"); err != nil {
			return layer{}, layer{}, err
		}
	}
	forward.path, backward.path = l.path+"/forward_layer", l.path+"/backward_layer"
	return forward, backward, nil
}

func (l layer) errorf(format string, args ...any) error {
	return fmt.Errorf("layer %q (%s): %w", l.name, l.class, fmt.Errorf(format, args...))
}

// allowed are the values of settings that this program does the same with. Of others
// see harmless.
type allowed map[string][]any

var (
	recurrentAllowed = allowed{
		"return_sequences":     {true},
		"return_state":         {false},
		"go_backwards":         {false},
		"stateful":             {false},
		"activation":           {"tanh"},
		"recurrent_activation": {"sigmoid"},
	}
	bidirectionalAllowed = allowed{"merge_mode": {"concat"}}
	answersAllowed       = allowed{"activation": {"softmax", "linear", "sigmoid"}}
	hiddenAllowed        = allowed{"activation": {string(graph.ReLU), string(graph.Tanh)}}
	activationAllowed    = map[string]allowed{
		"Activation": {"activation": {"softmax", "sigmoid", string(graph.ReLU), string(graph.Tanh)}},
		"Softmax":    {"axis": {-1.0, 2.0}},
		"ReLU":       {"negative_slope": {0.0}, "threshold": {0.0}},
	}
	normalizationAllowed = allowed{"axis": {-1.0, 2.0}}
)

// readSettings are settings that are read where they matter, or that make no difference
// when a model predicts.
var readSettings = []string{
	"name", "trainable", "dtype", "batch_shape", "batch_input_shape", "seed",
	"units", "use_bias", "reset_after", "unit_forget_bias",
	"dropout", "recurrent_dropout", "unroll", "implementation", "zero_output_for_mask",
	"layer", "backward_layer", "mean", "variance",
}

// harmless reports whether a setting makes no difference when a model predicts, or is
// read elsewhere.
func harmless(name string, value any) bool {
	for _, suffix := range []string{"_initializer", "_regularizer", "_constraint"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return value == nil || value == false || slices.Contains(readSettings, name)
}

// check finds the first setting, by name, that this program does not do.
func (l layer) check(a allowed) error {
	if kind := dtype(l.settings["dtype"]); kind != nil && kind != "float32" {
		return l.unsupported("dtype", kind, "float32")
	}
	var names []string
	for name := range l.settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := single(l.settings[name])
		values, ok := a[name]
		switch {
		case ok && !slices.ContainsFunc(values, func(v any) bool { return equal(v, value) }):
			return l.unsupported(name, value, values...)
		case !ok && !harmless(name, value):
			return l.errorf("%s %s is not supported", name, text(value))
		}
	}
	return nil
}

func (l layer) unsupported(setting string, value any, only ...any) error {
	var texts []string
	for _, v := range only {
		texts = append(texts, text(v))
	}
	return l.errorf("%s %s is not supported, only %s", setting, text(value), strings.Join(texts, " or "))
}

// text is a setting's value as it may be typed.
func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	t, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(t)
}

// equal compares two settings, of which the first is no list and no object.
func equal(a, b any) bool {
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// single is the value of a list that has but one.
func single(value any) any {
	if list, ok := value.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return value
}

// dtype is the type's name, which may be in an object: a policy.
func dtype(value any) any {
	policy, ok := value.(map[string]any)
	if !ok {
		return value
	}
	config, _ := policy["config"].(map[string]any)
	return config["name"]
}

// flag is a setting that is true or false, and true where it is missing.
func (s settings) flag(name string) bool { return s[name] != false }

// number is a setting that is a whole number of at least 1.
func (l layer) number(name string) (int, error) {
	v, ok := l.settings[name].(float64)
	if n := int(v); ok && v >= 1 && v == float64(n) {
		return n, nil
	}
	return 0, l.errorf("%s %s is no number of at least 1", name, text(l.settings[name]))
}
