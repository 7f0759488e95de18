// Command exported runs models that rnnbin has exported as ONNX with onnxruntime_go, and compares
// with what rnnbin answers.
//
//	exported LIBRARY FOLDER NAME
//
// In FOLDER is models/NAME, as for check.py. It ends with an error at the first difference.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	ort "github.com/yalue/onnxruntime_go"
)

type exported struct {
	Classes   []string // two
	Threshold float64
	Cases     []batch
}

type batch struct {
	Batch, Rows                int64
	Series, Probability, Class string // files
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: exported LIBRARY FOLDER NAME")
	}
	folder, name := os.Args[2], os.Args[3]
	ort.SetSharedLibraryPath(os.Args[1])
	check(ort.InitializeEnvironment())
	defer ort.DestroyEnvironment()
	var m exported
	text, err := os.ReadFile(filepath.Join(folder, "models", name, "1.json"))
	check(err)
	check(json.Unmarshal(text, &m))
	model := filepath.Join(folder, "models", name, "2", "model.onnx")
	stream := filepath.Join(folder, "models", name, "2", "stream.onnx")
	names(model, []string{"series"}, []string{"probabilities", "labels"})
	names(stream, []string{"series", "state"}, []string{"probabilities", "labels", "next_state"})
	for _, b := range m.Cases {
		m.whole(b, model, folder)
	}
	m.stream(m.Cases[0], stream, folder)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// names compares the names of what has to be fed and of what there is to fetch.
func names(path string, in, out []string) {
	ins, outs, err := ort.GetInputOutputInfo(path)
	check(err)
	for _, of := range []struct {
		got  []ort.InputOutputInfo
		want []string
	}{{ins, in}, {outs, out}} {
		var all []string
		for _, i := range of.got {
			all = append(all, i.Name)
		}
		if fmt.Sprint(all) != fmt.Sprint(of.want) {
			log.Fatalf("%s: %v, want %v", path, all, of.want)
		}
	}
}

// whole runs series of any batch and length.
func (m *exported) whole(b batch, path, folder string) {
	s, err := ort.NewDynamicAdvancedSession(path, []string{"series"}, []string{"probabilities", "labels"}, nil)
	check(err)
	defer s.Destroy()
	x := read[float32](folder, b.Series)
	in, err := ort.NewTensor(ort.NewShape(b.Batch, b.Rows, int64(len(x))/(b.Batch*b.Rows)), x)
	check(err)
	defer in.Destroy()
	out := make([]ort.Value, 2)
	check(s.Run([]ort.Value{in}, out))
	m.compare(b, out, 0, folder)
}

// stream runs one series row by row.
func (m *exported) stream(b batch, path, folder string) {
	ins, _, err := ort.GetInputOutputInfo(path)
	check(err)
	size := ins[1].Dimensions[1]
	s, err := ort.NewDynamicAdvancedSession(path, []string{"series", "state"}, []string{"probabilities", "labels", "next_state"}, nil)
	check(err)
	defer s.Destroy()
	x := read[float32](folder, b.Series)
	R := int64(len(x)) / b.Rows
	var state ort.Value
	state, err = ort.NewTensor(ort.NewShape(1, size), make([]float64, size))
	check(err)
	for i := range b.Rows {
		row, err := ort.NewTensor(ort.NewShape(1, 1, R), x[i*R:(i+1)*R])
		check(err)
		out := make([]ort.Value, 3)
		check(s.Run([]ort.Value{row, state}, out))
		m.compare(b, out[:2], i, folder)
		row.Destroy()
		state.Destroy()
		state = out[2]
	}
	state.Destroy()
}

// compare compares with the answers to the rows from first on. What lies on the border of the
// classes, to rounding, may be either.
func (m *exported) compare(b batch, out []ort.Value, first int64, folder string) {
	C := len(m.Classes)
	p := out[0].(*ort.Tensor[float32]).GetData()
	labels, err := out[1].(*ort.StringTensor).GetContents()
	check(err)
	want := read[float32](folder, b.Probability)[int(first)*C:]
	class := read[int16](folder, b.Class)[first:]
	for i := range p {
		if d := math.Abs(float64(p[i] - want[i])); !(d <= 1e-6) {
			log.Fatalf("%v, row %d: probability %v, want %v", b, first+int64(i/C), p[i], want[i])
		}
	}
	for i, label := range labels {
		if label != m.Classes[class[i]] && math.Abs(float64(want[i*C+1])-m.Threshold) > 1e-5 {
			log.Fatalf("%v, row %d: label %q, want %q", b, first+int64(i), label, m.Classes[class[i]])
		}
	}
	if n := int(out[1].GetShape().FlattenedSize()); n == 0 || len(p) != n*C || len(labels) != n {
		log.Fatalf("%v: %d probabilities, %d labels", b, len(p), len(labels))
	}
	for _, v := range out {
		check(v.Destroy())
	}
}

// read reads numbers.
func read[T any](folder, file string) []T {
	text, err := os.ReadFile(filepath.Join(folder, file))
	check(err)
	all := make([]T, len(text)/binary.Size(*new(T)))
	_, err = binary.Decode(text, binary.LittleEndian, all)
	check(err)
	return all
}
