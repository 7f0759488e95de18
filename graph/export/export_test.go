package export

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
	tf "github.com/wamuir/graft/tensorflow"
)

// tolerance is how far probabilities may be apart: products are summed up in another order.
const tolerance = 1e-6

const features = 2

func cell(c graph.Cell, units int) []graph.Layer { return []graph.Layer{{Cell: c, Units: units}} }

// setting is a kind of network of two features.
type setting struct {
	network graph.Network
	inputs  inputs.Inputs
	horizon int
	members int
}

// settings are kinds that differ in all that they can.
var settings = map[string]setting{
	"plain":        {network: graph.Network{Window: 20, Layers: []graph.Layer{{Cell: graph.Plain, Units: 12, Activation: graph.Tanh}}}},
	"relu":         {network: graph.Network{Window: 7, Layers: cell(graph.Plain, 12)}},
	"lstm":         {network: graph.Network{Window: 20, Layers: cell(graph.LSTM, 8)}},
	"gru":          {network: graph.Network{Window: 32, Layers: cell(graph.GRU, 16)}, members: 3},
	"gru before":   {network: graph.Network{Window: 20, Layers: cell(graph.GRUResetBefore, 8)}},
	"one step":     {network: graph.Network{Window: 1, Layers: cell(graph.GRU, 8)}},
	"two layers":   {network: graph.Network{Window: 12, Layers: []graph.Layer{{Cell: graph.LSTM, Units: 8}, {Cell: graph.Dense, Units: 9}, {Cell: graph.GRU, Units: 6}}}, members: 2},
	"logistic":     {network: graph.Network{Window: 1, Lags: []int{-20, -4, 0, 3, 36}}},
	"lags":         {network: graph.Network{Window: 9, Lags: []int{-2, 5}, Layers: cell(graph.GRU, 8)}, horizon: 3},
	"mse":          {network: graph.Network{Window: 20, Layers: cell(graph.Plain, 12), Loss: graph.MSE}},
	"both":         {network: graph.Network{Window: 64, Bidirectional: true, Layers: cell(graph.GRU, 8)}, members: 2},
	"both odd":     {network: graph.Network{Window: 7, Bidirectional: true, Lags: []int{-1, 0, 4}, Layers: []graph.Layer{{Cell: graph.LSTM, Units: 6}, {Cell: graph.GRU, Units: 6}}}, horizon: -2},
	"later":        {network: graph.Network{Window: 10, Layers: cell(graph.LSTM, 8)}, horizon: -4},
	"forecast":     {network: graph.Network{Window: 10, Layers: cell(graph.LSTM, 8)}, horizon: 5},
	"whole":        {network: graph.Network{Window: 16, Layers: cell(graph.GRU, 8)}, inputs: inputs.Inputs{SeriesScale: inputs.Whole}},
	"running":      {network: graph.Network{Window: 16, Layers: cell(graph.GRU, 8)}, inputs: inputs.Inputs{SeriesScale: inputs.Running}},
	"rolling":      {network: graph.Network{Window: 1, Layers: cell(graph.Dense, 16)}, inputs: inputs.Inputs{Rolling: []int{8, 32, 128}, Ahead: inputs.Centred}, members: 2},
	"rolling gru":  {network: graph.Network{Window: 64, Bidirectional: true, Layers: cell(graph.GRU, 8)}, inputs: inputs.Inputs{Rolling: []int{8, 32, 128}, Ahead: inputs.Centred}, members: 2},
	"rolling past": {network: graph.Network{Window: 32, Layers: cell(graph.GRU, 8)}, inputs: inputs.Inputs{SeriesScale: inputs.Running, Rolling: []int{2, 30, 100}}, horizon: 2},
	"rolling soon": {network: graph.Network{Window: 8, Lags: []int{-3, 2}, Layers: cell(graph.GRU, 8)}, inputs: inputs.Inputs{SeriesScale: inputs.Whole, Rolling: []int{3, 16}, Ahead: 3}, horizon: 1},
}

// models are mixtures of kinds, each kind with as much of a say as any. They have three classes,
// but for pair and one output.
var models = map[string][]string{
	"cells":        {"plain", "relu", "lstm", "gru before", "one step", "two layers"},
	"around":       {"logistic", "lags", "both", "both odd", "later", "forecast"},
	"scaled":       {"whole", "running", "rolling soon"},
	"usual":        {"rolling", "rolling gru"},
	"as rows come": {"gru", "rolling past", "forecast", "running"},
	"pair":         {"gru", "relu"},
	"one output":   {"mse"},
}

// kindOf starts networks of a kind, with weights of their own.
func kindOf(t *testing.T, of setting, classes int) label.Kind {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	n := of.network
	if of.inputs.SeriesScale == "" {
		of.inputs.SeriesScale = inputs.None
	}
	n.Features, n.Classes = of.inputs.Columns(features), classes
	if len(of.inputs.Rolling) > 0 {
		scale := &inputs.Scale{}
		for range n.Features {
			scale.Center, scale.Spread = append(scale.Center, r.Float32()), append(scale.Spread, 0.3+r.Float32())
			scale.Offset, scale.Divisor = append(scale.Offset, r.Float32()), append(scale.Divisor, 0.5+r.Float32())
		}
		of.inputs.Scale = scale
	} else {
		of.inputs.Scale = &inputs.Scale{Offset: make([]float32, n.Features), Divisor: slices.Repeat([]float32{1.5}, n.Features)}
	}
	p, err := graph.NewEnsemble(n, max(1, of.members), graph.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	for _, m := range p.Members() {
		vars, err := m.Variables()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vars {
			for i := range v.Value {
				v.Value[i] += 0.2 * (r.Float32() - 0.5)
			}
		}
		if err := m.SetVariables(vars); err != nil {
			t.Fatal(err)
		}
	}
	return label.Kind{Networks: p, Inputs: of.inputs, Horizon: of.horizon}
}

// modelOf is a model of kinds by their names.
func modelOf(t *testing.T, names ...string) *label.Model {
	t.Helper()
	task := label.Task{Features: []string{"a", "b"}, Classes: []string{"no", "yes", "maybe"}, Threshold: 0.4, Fill: []float32{0.25, -1}}
	if slices.Contains(names, "mse") || len(names) == 2 && names[1] == "relu" {
		task.Classes = task.Classes[:2]
	}
	var kinds []label.Kind
	for _, name := range names {
		kinds = append(kinds, kindOf(t, settings[name], len(task.Classes)))
	}
	m, err := label.New(task, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rowsFor are n rows that wander, jump and stay, some of them missing.
func rowsFor(r *rand.Rand, n int) []float32 {
	x := make([]float32, n*features)
	var at [features]float64
	for i := range n {
		for k := range at {
			switch r.IntN(10) {
			case 0:
				at[k] = r.NormFloat64() * 3
			case 1, 2, 3: // stays
			default:
				at[k] += r.NormFloat64() * 0.3
			}
			x[i*features+k] = float32(at[k])
			if r.IntN(40) == 0 {
				x[i*features+k] = float32(math.NaN())
			}
		}
	}
	return x
}

// loaded is a SavedModel on the disk, as graft loads it.
type loaded struct {
	t *testing.T
	*tf.SavedModel
}

func write(t *testing.T, m *label.Model, missing Missing) string {
	t.Helper()
	s, err := NewSavedModel(m, missing)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range s.Files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	prefix := filepath.Join(dir, s.Variables)
	if err := os.MkdirAll(filepath.Dir(prefix), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveVariables(prefix); err != nil {
		t.Fatal(err)
	}
	return dir
}

func load(t *testing.T, dir string) loaded {
	t.Helper()
	m, err := tf.LoadSavedModel(dir, []string{"serve"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Session.Close() })
	return loaded{t, m}
}

// run calls a signature, and returns what it gives by its names.
func (l loaded) run(name string, feeds map[string]*tf.Tensor) map[string]*tf.Tensor {
	l.t.Helper()
	of := l.Signatures[name]
	in := map[tf.Output]*tf.Tensor{}
	for key, v := range feeds {
		in[l.output(of.Inputs[key].Name)] = v
	}
	var keys []string
	var fetches []tf.Output
	for key, info := range of.Outputs {
		keys, fetches = append(keys, key), append(fetches, l.output(info.Name))
	}
	got, err := l.Session.Run(in, fetches, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	all := map[string]*tf.Tensor{}
	for i, key := range keys {
		all[key] = got[i]
	}
	return all
}

func (l loaded) output(name string) tf.Output { return l.Graph.Operation(name[:len(name)-2]).Output(0) }

func tensorOf[T any](t *testing.T, v []T, shape ...int64) *tf.Tensor {
	t.Helper()
	x, err := tf.NewTensor(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Reshape(shape); err != nil {
		t.Fatal(err)
	}
	return x
}

// want compares the first n rows of what was given for a series with what the model answers.
func want(t *testing.T, what string, m *label.Model, x []float32, probability [][]float32, labels []string) {
	t.Helper()
	a, err := m.Label(context.Background(), label.Series{Values: x})
	if err != nil {
		t.Fatal(err)
	}
	C := len(m.Task().Classes)
	worst, at := 0.0, 0
	for i := range a.Len() {
		close := false
		for c := range C {
			p := a.Probability[i*C+c]
			if d := math.Abs(float64(p - probability[i][c])); !(d <= worst) {
				worst, at = d, i
			}
			close = close || c != int(a.Class[i]) && a.Score[i]-p < 1e-5 || C == 2 && math.Abs(float64(p)-m.Task().Threshold) < 1e-5
		}
		if name := m.Class(a.Class[i]); labels[i] != name && !close {
			t.Errorf("%s: row %d is labelled %q, want %q", what, i, labels[i], name)
			return
		}
	}
	if !(worst <= tolerance) {
		t.Errorf("%s: row %d is %v, want %v, %.2g apart", what, at, probability[at], a.Probability[at*C:(at+1)*C], worst)
	}
}

func TestSavedModelAnswersAsTheModel(t *testing.T) {
	for name, kinds := range models {
		t.Run(name, func(t *testing.T) {
			m := modelOf(t, kinds...)
			l := load(t, write(t, m, Mean))
			r := rand.New(rand.NewPCG(6, 6))
			for _, shape := range [][2]int{{1, 1}, {3, 2}, {2, 20}, {5, 33}, {2, 501}} {
				checkWhole(l, m, r, shape[0], shape[1])
			}
			checkLengths(l, m, r, 200, 200, 1, 17, 64, 199, 90)
			rows := slices.Contains([]string{"cells", "as rows come", "pair", "one output"}, name)
			if _, there := l.Signatures[Stream]; there != rows {
				t.Fatalf("there is a stream: %v, want %v", there, rows)
			}
			if rows {
				checkStream(l, m, r, 300)
			}
		})
	}
}

// What is taken off the values is taken off in 64 bits.
func TestSavedModelTakesTheShiftOff(t *testing.T) {
	of := modelOf(t, "gru")
	task := of.Task()
	task.Shift = []float64{3e9, 0}
	m, err := label.New(task, of.Kinds()...)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]float64, 0, 40)
	for i := range 20 {
		rows = append(rows, 3e9+float64(i%3), float64(i%5))
	}
	l := load(t, write(t, m, Mean))
	S := l.Signatures[Stream].Inputs["state"].Shape.Size(1)
	for name, feeds := range map[string]map[string]*tf.Tensor{
		ServingDefault: {}, Stream: {"state": tensorOf(t, make([]float64, S), 1, S)},
	} {
		feeds["series"] = tensorOf(t, rows, 1, 20, features)
		got := l.run(name, feeds)
		want(t, name, m, m.Values(rows), got["probabilities"].Value().([][][]float32)[0], got["labels"].Value().([][]string)[0])
	}
}

// checkWhole compares the answers to whole series.
func checkWhole(l loaded, m *label.Model, r *rand.Rand, batch, rows int) {
	l.t.Helper()
	x := rowsFor(r, batch*rows)
	got := l.run(ServingDefault, map[string]*tf.Tensor{"series": tensorOf(l.t, x, int64(batch), int64(rows), features)})
	p, labels := got["probabilities"].Value().([][][]float32), got["labels"].Value().([][]string)
	for b := range batch {
		want(l.t, fmt.Sprintf("series %d of %d x %d", b, batch, rows), m, x[b*rows*features:][:rows*features], p[b], labels[b])
	}
}

// checkLengths compares the answers to padded series.
func checkLengths(l loaded, m *label.Model, r *rand.Rand, rows int, lengths ...int32) {
	l.t.Helper()
	x := rowsFor(r, len(lengths)*rows)
	got := l.run(Lengths, map[string]*tf.Tensor{
		"series":  tensorOf(l.t, x, int64(len(lengths)), int64(rows), features),
		"lengths": tensorOf(l.t, lengths, int64(len(lengths))),
	})
	p, labels := got["probabilities"].Value().([][][]float32), got["labels"].Value().([][]string)
	for b, n := range lengths {
		want(l.t, fmt.Sprintf("%d of %d rows", n, rows), m, x[b*rows*features:][:int(n)*features], p[b], labels[b])
		for i := int(n); i < rows; i++ {
			if labels[b][i] != labels[b][n-1] || !slices.Equal(p[b][i], p[b][n-1]) {
				l.t.Errorf("%d of %d rows: row %d is not answered as the last", n, rows, i)
				break
			}
		}
	}
}

// checkStream compares the answers to rows that come in calls of any number of rows, with the
// state handed on, however far the series of a batch are apart.
func checkStream(l loaded, m *label.Model, r *rand.Rand, rows int) {
	l.t.Helper()
	const batch = 3
	S := l.Signatures[Stream].Inputs["state"].Shape.Size(1)
	var x [batch][]float32
	var p [batch][][]float32
	var labels [batch][]string
	var states [batch][]float64
	for b := range batch {
		x[b], states[b] = rowsFor(r, rows+50), make([]float64, S)
	}
	for len(p[0]) < rows {
		n := []int{1, 1, 2, 50}[r.IntN(4)]
		var of []int // the series that go on
		var part []float32
		var state []float64
		for b := range batch {
			if at := len(p[b]); at < rows && (b == 0 || r.IntN(4) > 0) {
				of, part, state = append(of, b), append(part, x[b][at*features:(at+n)*features]...), append(state, states[b]...)
			}
		}
		got := l.run(Stream, map[string]*tf.Tensor{
			"series": tensorOf(l.t, part, int64(len(of)), int64(n), features),
			"state":  tensorOf(l.t, state, int64(len(of)), S),
		})
		probabilities, names, next := got["probabilities"].Value().([][][]float32), got["labels"].Value().([][]string), got["next_state"].Value().([][]float64)
		for i, b := range of {
			p[b], labels[b], states[b] = append(p[b], probabilities[i]...), append(labels[b], names[i]...), next[i]
		}
	}
	for b := range batch {
		want(l.t, fmt.Sprintf("stream %d", b), m, x[b][:len(p[b])*features], p[b], labels[b])
	}
}

// Values far from 0 lose nothing but what 32 bits lack.
func TestValuesFarFromZero(t *testing.T) {
	m := modelOf(t, "whole", "running", "rolling past")
	l := load(t, write(t, m, Mean))
	r := rand.New(rand.NewPCG(9, 9))
	const rows = 3000
	x := rowsFor(r, rows)
	for i := range x {
		x[i] = 1e6 + 0.1*x[i]
	}
	got := l.run(ServingDefault, map[string]*tf.Tensor{"series": tensorOf(t, x, 1, rows, features)})
	want(t, "series", m, x, got["probabilities"].Value().([][][]float32)[0], got["labels"].Value().([][]string)[0])
}

// What is missing is filled in each way that the program reads files in, also between the calls
// of a stream.
func TestMissingValuesAreFilled(t *testing.T) {
	const rows = 150
	m := modelOf(t, "rolling past")
	nan := float32(math.NaN())
	x := rowsFor(rand.New(rand.NewPCG(8, 8)), 2*rows)
	for _, i := range []int{0, 1, 2, 5, 6, 7, 8, 2*rows + 1, 2*rows + 3} { // the first rows of both series, too
		x[i] = nan
	}
	for missing, standIn := range map[Missing]func(last, mean float32) float32{
		Mean:    func(_, mean float32) float32 { return mean },
		Zero:    func(_, _ float32) float32 { return 0 },
		Forward: func(last, _ float32) float32 { return last },
	} {
		t.Run(string(missing), func(t *testing.T) {
			l := load(t, write(t, m, missing))
			var filled []float32
			for b := range 2 {
				last := slices.Clone(m.Task().Fill)
				for i, v := range x[b*rows*features : (b+1)*rows*features] {
					if k := i % features; v != v {
						filled = append(filled, standIn(last[k], m.Task().Fill[k]))
					} else {
						filled, last[k] = append(filled, v), v
					}
				}
			}
			got := l.run(ServingDefault, map[string]*tf.Tensor{"series": tensorOf(t, x, 2, rows, features)})
			p, labels := got["probabilities"].Value().([][][]float32), got["labels"].Value().([][]string)
			for b := range 2 {
				want(t, "series", m, filled[b*rows*features:][:rows*features], p[b], labels[b])
			}
			S := l.Signatures[Stream].Inputs["state"].Shape.Size(1)
			state := tensorOf(t, make([]float64, S), 1, S)
			for i := range rows {
				got := l.run(Stream, map[string]*tf.Tensor{"series": tensorOf(t, x[i*features:][:features], 1, 1, features), "state": state})
				p[0][i], labels[0][i] = got["probabilities"].Value().([][][]float32)[0][0], got["labels"].Value().([][]string)[0][0]
				state = got["next_state"]
			}
			want(t, "stream", m, filled[:rows*features], p[0], labels[0])
		})
	}
}

// Every operation that the graphs have has a counterpart in ONNX. What the files answer is the
// program's test, which has a runtime for them.
func TestEveryModelIsONNX(t *testing.T) {
	for name, kinds := range models {
		o, err := NewONNX(modelOf(t, kinds...), Forward)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, stream := o.Files["stream.onnx"]; len(o.Files["model.onnx"]) == 0 || stream != (len(o.Signatures) == 2) {
			t.Errorf("%s: %d files, signatures %v", name, len(o.Files), o.Signatures)
		}
	}
}
