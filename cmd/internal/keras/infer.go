package keras

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/hdf5"
	"github.com/rnnbin/rnnbin/graph"
)

// inference finds layers in the groups of a .weights.h5.
type inference struct {
	weights *hdf5.File
	options Options
	simple  bool // there is a SimpleRNN
}

// infer makes layers of the groups, with those settings that shapes tell and Keras's
// defaults for the others.
func infer(weights *hdf5.File, o Options) ([]layer, error) {
	var layers []layer
	for _, path := range weights.Groups() {
		name, ok := strings.CutPrefix(path, "layers/")
		if !ok || strings.Contains(name, "/") {
			continue
		}
		stored, _ := number(name)
		layers = append(layers, layer{class: classOf(stored), name: name, path: path})
	}
	switch {
	case len(layers) > 0:
	case slices.Contains(weights.Groups(), "model_weights"):
		return nil, errors.New("a whole model in Keras's older format (.h5); load it in Keras and save it as a .keras file")
	default:
		return nil, errors.New(`the file has no group "layers", so Keras 3 did not save it; save the model as a .keras file`)
	}
	if err := order(layers); err != nil {
		return nil, err
	}
	in := inference{weights: weights, options: o}
	for i, l := range layers {
		var err error
		if layers[i].settings, err = in.settings(l); err != nil {
			return nil, err
		}
	}
	if o.Activation != "" && !in.simple {
		return nil, ErrActivation
	}
	return layers, nil
}

// number is the end of a group's name, 0 for the first of its class.
func number(name string) (class string, n int) {
	if at := strings.LastIndexByte(name, '_'); at > 0 {
		if n, err := strconv.Atoi(name[at+1:]); err == nil {
			return name[:at], n
		}
	}
	return name, 0
}

// classOf is the class whose layers are stored under a name.
func classOf(stored string) string {
	all := slices.Concat(useful, idle)
	if i := slices.IndexFunc(all, func(class string) bool { return storedName(class) == stored }); i >= 0 {
		return all[i]
	}
	return stored
}

// settings are those of a layer.
func (in *inference) settings(l layer) (settings, error) {
	switch l.class {
	case "SimpleRNN", "LSTM", "GRU":
		return in.recurrent(l, l.path)
	case "Bidirectional":
		class, err := in.direction(l)
		if err != nil {
			return nil, err
		}
		forward, err := in.recurrent(layer{class: class, name: l.name}, l.path+"/forward_layer")
		return settings{"merge_mode": "concat", "layer": saved(class, l.name, forward)}, err
	case "TimeDistributed":
		return settings{"layer": saved("Dense", l.name, in.dense(l.path+"/layer"))}, nil
	case "Dense":
		return in.dense(l.path), nil
	}
	return settings{}, nil
}

// saved is a layer as a config.json has it in another one's settings.
func saved(class, name string, s settings) any {
	config := map[string]any(s)
	if config != nil {
		config["name"] = name
	}
	return map[string]any{"class_name": class, "config": config}
}

// direction is the class of a Bidirectional's layers, by their number of gates.
func (in *inference) direction(l layer) (class string, err error) {
	recurrent := in.shape(l.path + "/forward_layer/cell/vars/1")
	if len(recurrent) == 2 && recurrent[0] > 0 {
		class = map[int]string{1: "SimpleRNN", 3: "GRU", 4: "LSTM"}[recurrent[1]/recurrent[0]]
	}
	if class == "" {
		return "", l.errorf("recurrent weights of the shape %v belong to no cell that is supported", recurrent)
	}
	return class, nil
}

// recurrent finds units and biases by the shapes of the recurrent kernel [U,G*U] and the
// bias, which has two rows in a GRU that resets after the product.
func (in *inference) recurrent(l layer, path string) (settings, error) {
	recurrent, bias := in.shape(path+"/cell/vars/1"), in.shape(path+"/cell/vars/2")
	if len(recurrent) != 2 {
		return nil, l.errorf("the file has no weights %s/cell/vars/1", path)
	}
	s := settings{"units": float64(recurrent[0]), "use_bias": bias != nil, "activation": "tanh"}
	switch l.class {
	case "GRU":
		if bias == nil {
			return nil, l.errorf("without a bias a .weights.h5 does not say whether it resets before or after the product (reset_after); save the model as a .keras file")
		}
		s["reset_after"] = len(bias) == 2
	case "SimpleRNN":
		in.simple = true
		s["activation"] = string(cmp.Or(in.options.Activation, graph.Tanh))
	}
	return s, nil
}

// dense are the settings of a Dense layer: logits are as good as their softmax.
func (in *inference) dense(path string) settings {
	units, activation := 0, "softmax"
	if shape := in.shape(path + "/vars/0"); len(shape) == 2 {
		units = shape[1]
	}
	if units == 1 {
		activation = "sigmoid"
	}
	return settings{"units": float64(units), "use_bias": in.shape(path+"/vars/1") != nil, "activation": activation}
}

// shape is that of an array, nil where there is none.
func (in *inference) shape(path string) []int {
	if d := in.weights.Dataset(path); d != nil {
		return d.Shape
	}
	return nil
}

// order puts layers into the order of a model: Normalization, recurrent layers of one
// class by their numbers, Dense. Others come before them, to be refused, but those that
// do nothing behind them, as it makes no difference where they stand.
func order(layers []layer) error {
	const recurrent, dense = 2, 3
	place := map[string]int{"Normalization": 1, "SimpleRNN": recurrent, "LSTM": recurrent, "GRU": recurrent, "Bidirectional": recurrent, "Dense": dense, "TimeDistributed": dense}
	for _, class := range idle {
		place[class] = dense + 1
	}
	slices.SortStableFunc(layers, func(a, b layer) int {
		_, m := number(a.name)
		_, n := number(b.name)
		return cmp.Or(cmp.Compare(place[a.class], place[b.class]), cmp.Compare(m, n))
	})
	for i, l := range layers[1:] {
		before := layers[i]
		switch {
		case place[before.class] == dense && place[l.class] == dense:
			return l.errorf("a .weights.h5 does not hold the activation of the Dense layer before it; save the model as a .keras file")
		case place[before.class] == recurrent && place[l.class] == recurrent && l.class != before.class:
			return fmt.Errorf("a .weights.h5 does not hold the order of %q and %q; save the model as a .keras file", before.name, l.name)
		}
	}
	return nil
}
