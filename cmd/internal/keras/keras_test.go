package keras

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"

	"github.com/rnnbin/rnnbin/cmd/internal/hdf5"
	"github.com/rnnbin/rnnbin/graph"
)

// The batch that testdata/README.md describes.
const batch, steps, features = 4, 8, 3

// networks are Keras's models, and what they are in our terms.
var networks = map[string]struct {
	layers        []graph.Layer
	bidirectional bool
	window        int
	classes       int
}{
	"simple_rnn":         {[]graph.Layer{{Cell: graph.Plain, Units: 5, Activation: graph.Tanh}}, false, steps, 2},
	"lstm":               {[]graph.Layer{{Cell: graph.LSTM, Units: 5}}, false, steps, 2},
	"lstm_softmax":       {[]graph.Layer{{Cell: graph.LSTM, Units: 5}}, false, steps, 2},
	"gru":                {[]graph.Layer{{Cell: graph.GRU, Units: 5}}, false, steps, 2},
	"gru_reset_before":   {[]graph.Layer{{Cell: graph.GRUResetBefore, Units: 5}}, false, steps, 2},
	"bidirectional_lstm": {[]graph.Layer{{Cell: graph.LSTM, Units: 5}}, true, steps, 2},
	"bidirectional_gru":  {[]graph.Layer{{Cell: graph.GRU, Units: 5}, {Cell: graph.GRU, Units: 4}}, true, steps, 2},
	"stacked": {[]graph.Layer{
		{Cell: graph.Plain, Units: 6, Activation: graph.ReLU}, {Cell: graph.LSTM, Units: 5}, {Cell: graph.GRU, Units: 4}}, false, 0, 2},
	"stacked_gru": {[]graph.Layer{{Cell: graph.GRU, Units: 5}, {Cell: graph.GRU, Units: 4}}, false, steps, 2},
	"functional":  {[]graph.Layer{{Cell: graph.Dense, Units: 6, Activation: graph.ReLU}, {Cell: graph.GRU, Units: 5}}, false, steps, 3},
	"bidirectional_dense": {[]graph.Layer{
		{Cell: graph.LSTM, Units: 5}, {Cell: graph.Dense, Units: 4, Activation: graph.Tanh}}, true, steps, 4},
}

var forms = []graph.Form{graph.FormPortable, graph.FormFused}

// recorded are the arrays of an .npz that Keras computed.
type recorded struct {
	t    *testing.T
	file *npz.Reader
}

func openRecorded(t *testing.T, name string) recorded {
	t.Helper()
	file, err := npz.Open(filepath.Join("testdata", name+".npz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return recorded{t, file}
}

func (r recorded) floats(name string) []float32 {
	r.t.Helper()
	var v []float32
	if err := r.file.Read(name+".npy", &v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

func readModel(t *testing.T, file string) *Model {
	t.Helper()
	m, err := Read(filepath.Join("testdata", file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// within compares values relative to the largest one.
func within(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance*largest) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// probabilities are what Keras predicts: the second class's, or each class's, or two logits.
func probabilities(predicted []float32) []float32 {
	classes := len(predicted) / (batch * steps)
	sum := float32(0)
	for _, p := range predicted[:classes] {
		sum += p
	}
	switch {
	case classes == 1:
		var p []float32
		for _, v := range predicted {
			p = append(p, 1-v, v)
		}
		return p
	case math.Abs(float64(sum)-1) < 1e-6:
		return predicted
	}
	var p []float32
	for z := range slices.Chunk(predicted, 2) {
		one := 1 / (1 + math.Exp(float64(z[0])-float64(z[1])))
		p = append(p, float32(1-one), float32(one))
	}
	return p
}

func TestPredictionsAreKeras(t *testing.T) {
	files := []string{"stacked_gru.weights.h5", "bidirectional_gru.weights.h5", "simple_rnn.weights.h5", "gru_reset_before.weights.h5"}
	for name := range networks {
		files = append(files, name+".keras")
	}
	for _, file := range files {
		for _, form := range forms {
			t.Run(file+"/"+string(form), func(t *testing.T) {
				name, _, _ := strings.Cut(file, ".")
				r, m := openRecorded(t, name), readModel(t, file)
				c := m.Network
				c.Window = steps
				p, err := graph.NewPredictor(c, graph.Machine{Form: form})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				if err := p.Members()[0].SetVariables(m.Variables); err != nil {
					t.Fatal(err)
				}
				x := r.floats("x")
				if m.Scale != nil {
					m.Scale.Apply(x)
				}
				got, err := p.Predict(t.Context(), x, batch, nil)
				if err != nil {
					t.Fatal(err)
				}
				within(t, "probabilities", got.Probability, probabilities(r.floats("predictions")), 1e-6)
			})
		}
	}
}

func TestNetworksAreRead(t *testing.T) {
	for name, want := range networks {
		m := readModel(t, name+".keras")
		c := m.Network
		if !slices.Equal(c.Layers, want.layers) || c.Bidirectional != want.bidirectional || c.Window != want.window || c.Features != features || c.Classes != want.classes {
			t.Errorf("%s: %+v", name, c)
		}
		if m.Version == "" {
			t.Errorf("%s: no version", name)
		}
	}
	m := readModel(t, "bidirectional_gru.keras")
	roles := []string{"scales the features", "gru, 5 units in each direction", "none when predicting", "gru, 4 units in each direction", "projection, sigmoid"}
	for i, l := range m.Layers {
		if i >= len(roles) || l.Role != roles[i] || l.Name == "" || l.Kind == "" {
			t.Errorf("layer %d: %+v", i, l)
		}
	}
	if s := m.Scale; s == nil || s.Center != nil || len(s.Offset) != features || len(s.Divisor) != features {
		t.Errorf("scale %+v", s)
	}
}

// TestGradientsAreKeras compares the gradients of the mean cross-entropy. Our variables
// are made of Keras's by moving values about, but for what fix undoes, and so are the
// gradients.
func TestGradientsAreKeras(t *testing.T) {
	for _, name := range []string{"simple_rnn", "lstm_softmax", "gru", "bidirectional_lstm", "stacked_gru", "functional", "bidirectional_dense"} {
		for _, form := range forms {
			t.Run(name+"/"+string(form), func(t *testing.T) {
				compareGradients(t, openRecorded(t, name), readModel(t, name+".keras"), form)
			})
		}
	}
}

func compareGradients(t *testing.T, r recorded, m *Model, form graph.Form) {
	c := m.Network
	s, err := graph.NewSession(graph.Config{Network: c, Machine: graph.Machine{Form: form}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var labels []int32
	if err := r.file.Read("y.npy", &labels); err != nil {
		t.Fatal(err)
	}
	d := graph.Series{X: r.floats("x")}
	for _, y := range labels {
		d.Y = append(d.Y, float32(y))
	}
	if err := errors.Join(s.SetVariables(m.Variables), s.SetSeries(d)); err != nil {
		t.Fatal(err)
	}
	starts := []int32{0, steps, 2 * steps, 3 * steps}
	loss, err := s.Loss(t.Context(), starts)
	if err != nil {
		t.Fatal(err)
	}
	var wantLoss float32
	if err := r.file.Read("loss.npy", &wantLoss); err != nil {
		t.Fatal(err)
	}
	within(t, "loss", []float32{loss}, []float32{wantLoss}, 1e-6)
	got, err := s.Gradients(t.Context(), starts)
	if err != nil {
		t.Fatal(err)
	}
	want := r.gradients(c)
	if len(got) != len(want) {
		t.Fatalf("%d gradients, want %d", len(got), len(want))
	}
	for i, g := range got {
		within(t, g.Name, g.Value, want[i], 1e-5)
	}
}

// gradients are Keras's, in the layout of our variables.
func (r recorded) gradients(c graph.Network) [][]float32 {
	next := 0
	array := func(rows int) array {
		name := "grad|" + string([]byte{byte('0' + next/10), byte('0' + next%10)})
		next++
		values := r.floats(name)
		return array{rows, len(values) / rows, values}
	}
	var all [][]float32
	inputs := c.Features
	directions := 1
	if c.Bidirectional {
		directions = 2
	}
	for _, l := range c.Layers {
		if l.Cell == graph.Dense {
			all = append(all, array(inputs).values, array(1).values)
			inputs = l.Units
			continue
		}
		for range directions {
			biases := 1
			if l.Cell == graph.GRU {
				biases = 2
			}
			k := cell{l, array(inputs), array(l.Units), array(biases)}
			all = append(all, fix(l, k.variables())...)
		}
		inputs = directions * l.Units
	}
	return append(all, array(inputs).values, array(1).values)
}

// fix undoes what is not moving of values: the 1 less of an LSTM, and the sum of a GRU's
// two biases, of which each has the sum's gradient.
func fix(l graph.Layer, v [][]float32) [][]float32 {
	switch l.Cell {
	case graph.LSTM:
		for i := 2 * l.Units; i < 3*l.Units; i++ {
			v[1][i]++
		}
	case graph.GRU:
		for i := range v[1] {
			v[1][i] /= 2
		}
	}
	return v
}

func TestActivationOfWeights(t *testing.T) {
	read := func(file string) error {
		m, err := Read(filepath.Join("testdata", file), Options{Activation: graph.ReLU})
		if err == nil && m.Network.Layers[0].Activation != graph.ReLU {
			t.Errorf("%s: %+v", file, m.Network.Layers)
		}
		return err
	}
	if err := read("simple_rnn.weights.h5"); err != nil {
		t.Error(err)
	}
	for _, file := range []string{"simple_rnn.keras", "stacked_gru.weights.h5"} {
		if err := read(file); !errors.Is(err, ErrActivation) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// contents are an archive's config.json and weights.
func contents(t testing.TB, file string) (config, weights []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*[]byte{"config.json": &config, "model.weights.h5": &weights} {
		if *to, err = member(archive, name); err != nil {
			t.Fatal(err)
		}
	}
	return config, weights
}

// readParts reads a model from the two parts of an archive.
func readParts(config, weights []byte) (*Model, error) {
	layers, err := parseConfig(config)
	if err != nil {
		return nil, err
	}
	file, err := hdf5.Read(weights)
	if err != nil {
		return nil, err
	}
	return build(layers, file)
}

// edit changes a config.json, of which layer 0 is the inputs.
func edit(t *testing.T, config []byte, change func(model map[string]any, layers []any)) []byte {
	t.Helper()
	var model map[string]any
	if err := json.Unmarshal(config, &model); err != nil {
		t.Fatal(err)
	}
	change(model, model["config"].(map[string]any)["layers"].([]any))
	changed, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestWhatIsNotSupportedIsNamed(t *testing.T) {
	set := func(layer int, setting string, value any) func(map[string]any, []any) {
		return func(_ map[string]any, layers []any) {
			layers[layer].(map[string]any)["config"].(map[string]any)[setting] = value
		}
	}
	inner := func(layer int, in, setting string, value any) func(map[string]any, []any) {
		return func(_ map[string]any, layers []any) {
			outer := layers[layer].(map[string]any)["config"].(map[string]any)
			outer[in].(map[string]any)["config"].(map[string]any)[setting] = value
		}
	}
	for _, c := range []struct {
		file   string
		change func(model map[string]any, layers []any)
		want   string
	}{
		{"lstm", set(1, "recurrent_activation", "hard_sigmoid"), `layer "lstm" (LSTM): recurrent_activation hard_sigmoid is not supported, only sigmoid`},
		{"lstm", set(1, "activation", map[string]any{"class_name": "function"}), `layer "lstm" (LSTM): activation {"class_name":"function"} is not supported, only tanh`},
		{"lstm", set(1, "return_sequences", false), `return_sequences false is not supported, only true`},
		{"lstm", set(1, "go_backwards", true), `go_backwards true is not supported, only false`},
		{"lstm", set(1, "stateful", true), `stateful true`},
		{"lstm", set(1, "time_major", true), `time_major true is not supported`},
		{"lstm", set(1, "peephole", 0.5), `peephole 0.5 is not supported`},
		{"lstm", set(1, "units", 7.0), `do not fit 7 units`},
		{"lstm", set(1, "units", "many"), `units many is no number`},
		{"lstm", set(1, "dtype", map[string]any{"config": map[string]any{"name": "mixed_float16"}}), `dtype mixed_float16 is not supported, only float32`},
		{"lstm", set(0, "batch_shape", []any{nil, 3.0}), `inputs of shape [null,3] are not supported`},
		{"lstm", set(0, "batch_shape", []any{nil, 8.0, 2.0}), `takes 3 values a step, but the layer before gives 2`},
		{"lstm", set(2, "units", 3.0), `layer "dense" (Dense): the bias has 1 x 1 values, not 1 x 3`},
		{"functional", set(5, "activation", "gelu"), `layer "activation" (Activation): activation gelu is not supported, only`},
		{"functional", set(4, "activation", "softmax"), `layer "activation" (Activation): is only supported behind a Dense layer without an activation of its own`},
		{"functional", set(1, "activation", "sigmoid"), `layer "first" (Dense): activation sigmoid is not supported, only relu or tanh`},
		{"functional", func(_ map[string]any, l []any) {
			l[2].(map[string]any)["inbound_nodes"] = l[1].(map[string]any)["inbound_nodes"]
		}, `layer "middle" (GRU): takes the same as "first": only a chain of layers is supported`},
		{"functional", func(_ map[string]any, l []any) {
			node := l[2].(map[string]any)["inbound_nodes"].([]any)
			l[3].(map[string]any)["inbound_nodes"] = append(node, l[3].(map[string]any)["inbound_nodes"].([]any)...)
		}, `layer "dropout" (Dropout): takes more than one input`},
		{"functional", func(_ map[string]any, l []any) { delete(l[1].(map[string]any), "inbound_nodes") }, `takes the same as`},
		{"bidirectional_dense", set(5, "axis", 1.0), `layer "softmax" (Softmax): axis 1 is not supported, only -1 or 2`},
		{"lstm", set(2, "activation", "linear"), `activation linear with units 1 is not supported, only sigmoid`},
		{"lstm", set(2, "activation", "relu"), `activation relu is not supported, only softmax or linear or sigmoid`},
		{"gru", set(2, "activation", "sigmoid"), `activation sigmoid with units 2 is not supported, only softmax or linear`},
		{"gru", set(1, "reset_after", false), `the bias has 2 x 15 values, not 1 x 15`},
		{"simple_rnn", set(1, "activation", "gelu"), `activation gelu is not supported, only tanh or relu`},
		{"bidirectional_lstm", set(1, "merge_mode", "sum"), `(Bidirectional): merge_mode sum is not supported, only concat`},
		{"bidirectional_lstm", inner(1, "layer", "go_backwards", true), `layer "forward_lstm" (LSTM): go_backwards true`},
		{"bidirectional_lstm", inner(1, "backward_layer", "units", 6.0), `layer "backward_lstm" (LSTM)`},
		{"bidirectional_gru", set(1, "invert", true), `layer "normalization" (Normalization): invert true is not supported`},
		{"bidirectional_gru", set(1, "axis", nil), `axis null is not supported`},
		{"bidirectional_gru", set(1, "mean", []any{1.0, 2.0, 3.0}), `mean and variance as arguments`},
		{"gru_reset_before", func(_ map[string]any, l []any) {
			l[2].(map[string]any)["config"].(map[string]any)["layer"].(map[string]any)["class_name"] = "Conv1D"
		}, `(TimeDistributed): layer Conv1D is not supported, only Dense`},
		{"gru", func(m map[string]any, _ []any) { m["class_name"] = "Mine" }, `the model is "Mine"; only Sequential and a Functional chain of layers are supported`},
		{"gru", func(m map[string]any, _ []any) { m["class_name"] = "Functional" }, `layer "gru" (GRU): takes the same as "input_layer": only a chain of layers is supported`},
		{"gru", func(m map[string]any, l []any) { m["config"].(map[string]any)["layers"] = l[:2] }, `layer "gru" (GRU): this layer is the last, but a Dense layer`},
		{"gru", func(m map[string]any, l []any) { m["config"].(map[string]any)["layers"] = append(l, l[1]) }, `layer "gru" (GRU): this layer is the last, but a Dense layer`},
		{"gru", func(m map[string]any, l []any) { m["config"].(map[string]any)["layers"] = slices.Insert(l, 2, l[1]) }, `has no weights layers/gru_1/cell/vars/0: has the model been built?`},
		{"gru", func(_ map[string]any, l []any) { l[1].(map[string]any)["registered_name"] = "mine>GRU" }, `layer "gru" (GRU): classes that are not Keras's own (mine>GRU) are not supported`},
		{"gru", func(m map[string]any, l []any) { m["config"].(map[string]any)["layers"] = []any{"x"} }, `config.json is damaged: there is a layer without a class`},
	} {
		config, weights := contents(t, c.file+".keras")
		if _, err := readParts(config, weights); err != nil {
			t.Fatal(err)
		}
		if _, err := readParts(edit(t, config, c.change), weights); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.file, err, c.want)
		}
	}
}

// What makes no difference when a model predicts is no reason to refuse it.
func TestHarmlessSettings(t *testing.T) {
	config, weights := contents(t, "lstm.keras")
	config = edit(t, config, func(_ map[string]any, layers []any) {
		s := layers[1].(map[string]any)["config"].(map[string]any)
		s["dropout"], s["unroll"], s["kernel_regularizer"], s["time_major"], s["later"] = 0.5, true, map[string]any{"l2": 1}, false, nil
	})
	if _, err := readParts(config, weights); err != nil {
		t.Error(err)
	}
}

// Without an InputLayer the model's own setting has the shape.
func TestInputShape(t *testing.T) {
	config, weights := contents(t, "lstm.keras")
	config = edit(t, config, func(model map[string]any, layers []any) {
		model["config"].(map[string]any)["layers"] = layers[1:]
	})
	m, err := readParts(config, weights)
	if err != nil || m.Network.Window != steps {
		t.Errorf("%+v, %v", m, err)
	}
}

// Without a backward layer of its own a Bidirectional has the same in both directions.
func TestBackwardLayerIsTheSame(t *testing.T) {
	config, weights := contents(t, "bidirectional_lstm.keras")
	config = edit(t, config, func(_ map[string]any, layers []any) {
		delete(layers[1].(map[string]any)["config"].(map[string]any), "backward_layer")
	})
	m, err := readParts(config, weights)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range readModel(t, "bidirectional_lstm.keras").Variables {
		within(t, want.Name, m.Variables[i].Value, want.Value, 0)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	whole, err := os.ReadFile("testdata/gru.keras")
	if err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile("testdata/kinds.h5")
	if err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string][]byte{
		"neither a .keras file":  []byte("model"),
		"the archive is damaged": whole[:len(whole)/2],
		`has no group "layers"`:  weights,
		"cut short":              weights[:1000],
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path, Options{})
		var e *Error
		if !errors.As(err, &e) || e.Path != path || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for file, want := range map[string]string{
		"nosuch.keras":       "no such file",
		"hard_sigmoid.keras": `layer "lstm_1" (LSTM): recurrent_activation hard_sigmoid is not supported, only sigmoid`,
		"convolution.keras":  `layer "smooth" (Conv1D): layers of this kind are not supported`,
		"latest.h5":          "superblock",
		"lstm_softmax.h5":    "a whole model in Keras's older format (.h5); load it in Keras and save it as a .keras file",
	} {
		if _, err := Read(filepath.Join("testdata", file), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

// Layers of two classes have no order in a .weights.h5, and other groups are no layers
// that are supported.
func TestWeightsAlone(t *testing.T) {
	for file, want := range map[string]string{
		"stacked.keras":     "does not hold the order",
		"functional.keras":  "a .weights.h5 does not hold the activation of the Dense layer before it",
		"convolution.keras": `layer "conv1d" (conv1d): layers of this kind are not supported`,
	} {
		_, weights := contents(t, file)
		if _, err := parse(weights, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

// FuzzConfig has any config.json beside true weights: it is refused, or makes a network
// with all of its weights.
func FuzzConfig(f *testing.F) {
	_, stored := contents(f, "stacked.keras")
	weights, err := hdf5.Read(stored)
	if err != nil {
		f.Fatal(err)
	}
	for name := range networks {
		config, _ := contents(f, name+".keras")
		f.Add(config)
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		layers, err := parseConfig(config)
		if err != nil {
			return
		}
		m, err := build(layers, weights)
		if err != nil {
			return
		}
		for _, v := range m.Variables {
			if len(v.Value) != v.Size() {
				t.Errorf("%s has %d values, not %d", v.Name, len(v.Value), v.Size())
			}
		}
	})
}
