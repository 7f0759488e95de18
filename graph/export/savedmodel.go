package export

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/label"
	tf "github.com/wamuir/graft/tensorflow"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	variablepb "github.com/wamuir/graft/tensorflow/core/framework/variable_go_proto"
	corepb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"
)

// Names of a SavedModel's signatures. All take series [B,T,R] as they were measured, of 64 bits
// where the model has a shift and else of 32, where NaN is a value that is missing, and give probabilities [B,T,C] and labels [B,T], the names of the
// classes. T is at least 1.
const (
	// ServingDefault takes whole series of the same number of rows.
	ServingDefault = "serving_default"

	// Lengths also takes the number of rows of each series, lengths [B]; the others pad it, and
	// are answered as its last one.
	Lengths = "lengths"
)

// Names of what the signatures take and give.
const (
	SeriesInput         = "series"
	LengthsInput        = "lengths"
	ProbabilitiesOutput = "probabilities"
	LabelsOutput        = "labels"
)

// Files of a SavedModel, below its folder.
const (
	graphFile     = "saved_model.pb"
	classesAsset  = "classes.txt"
	featuresAsset = "features.txt"
)

// SavedModel is a model in the form of a folder that TensorFlow loads.
type SavedModel struct {
	// Files are what the folder holds but for the variables, by their paths in it: the graph
	// and, as assets, the names of the classes and of the features, one a line, in their order.
	Files map[string][]byte

	// Variables is the prefix of the files that [SavedModel.SaveVariables] has to write.
	Variables string

	Signatures []Signature

	e     *exporter
	saver saver
}

// Signature is a way to call a model.
type Signature struct {
	Name    string   `json:"name"`
	Inputs  []Tensor `json:"inputs"`
	Outputs []Tensor `json:"outputs"`
}

// Tensor is what a signature takes or gives.
type Tensor struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`  // as NumPy calls it
	Shape []int64 `json:"shape"` // -1 for any size
}

// signature and tensor are those of a graph.
type signature struct {
	name            string
	inputs, outputs []tensor
}

type tensor struct {
	key string
	at  tf.Output
}

// variable is one of a network's, under its name in the graph.
type variable struct {
	name         string
	handle, read tf.Output
	shape        []int64
	flat         []float32
}

// NewSavedModel makes a SavedModel of a model.
func NewSavedModel(m *label.Model, missing Missing) (*SavedModel, error) {
	e, err := newExporter(m, missing)
	if err != nil {
		return nil, err
	}
	signatures := e.signatures()
	saver := e.addSaver()
	assets := map[string][]byte{classesAsset: lines(e.task.Classes), featuresAsset: lines(e.task.Features)}
	def := e.metaGraph(signatures, saver)
	for _, name := range []string{classesAsset, featuresAsset} {
		e.addAsset(def, name)
	}
	if err := e.s.Err(); err != nil {
		return nil, fmt.Errorf("assemble the graph: %w", err)
	}
	if def.GraphDef, err = graphOf(e.g); err != nil {
		return nil, err
	}
	all := &corepb.SavedModel{SavedModelSchemaVersion: 1, MetaGraphs: []*corepb.MetaGraphDef{def}}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write the graph: %w", err)
	}
	s := &SavedModel{Files: map[string][]byte{graphFile: text}, Variables: "variables/variables", e: e, saver: saver}
	for name, text := range assets {
		s.Files["assets/"+name] = text
	}
	for _, of := range signatures {
		s.Signatures = append(s.Signatures, Signature{of.name, described(of.inputs), described(of.outputs)})
	}
	return s, nil
}

func lines(names []string) []byte { return []byte(strings.Join(names, "\n") + "\n") }

func described(list []tensor) []Tensor {
	all := make([]Tensor, len(list))
	for i, t := range list {
		kind := map[tf.DataType]string{tf.Float: "float32", tf.Double: "float64", tf.Int32: "int32", tf.String: "string"}[t.at.DataType()]
		shape, _ := t.at.Shape().ToSlice()
		all[i] = Tensor{t.key, kind, shape}
	}
	return all
}

// addVariables makes those of a network. Python names a variable as its VarHandleOp.
func (e *exporter) addVariables(scope string, m *graph.Member) (map[string]tf.Output, error) {
	values, err := m.Variables()
	if err != nil {
		return nil, err
	}
	handles := map[string]tf.Output{}
	for _, v := range values {
		x := variable{name: scope + "/" + v.Name, flat: v.Value}
		for _, n := range v.Shape {
			x.shape = append(x.shape, int64(n))
		}
		x.handle = e.named(x.name, "VarHandleOp", map[string]any{"dtype": tf.Float, "shape": tf.MakeShape(x.shape...), "shared_name": x.name})
		x.read = e.named(x.name+"/Read/ReadVariableOp", "ReadVariableOp", map[string]any{"dtype": tf.Float}, x.handle)
		handles[v.Name] = x.handle
		e.vars = append(e.vars, x)
	}
	return handles, nil
}

// saver writes and reads the variables.
type saver struct {
	prefix tf.Output
	save   *tf.Operation
	def    *corepb.SaverDef
}

func (e *exporter) addSaver() saver {
	s := e.s.SubScope("save")
	names, reads, types := []string{}, []tf.Output{}, []tf.DataType{}
	for _, v := range e.vars {
		names, reads, types = append(names, v.name), append(reads, v.read), append(types, tf.Float)
	}
	text, err := tf.NewTensor("model")
	e.check("save", err)
	prefix := e.named("save/Const", "Const", map[string]any{"dtype": tf.String, "value": text})
	keys, whole := op.Const(s.SubScope("names"), names), op.Const(s.SubScope("whole"), make([]string, len(names)))
	save := op.SaveV2(s, prefix, keys, whole, reads)
	restored := op.RestoreV2(s, prefix, keys, whole, types)
	if s.Err() != nil {
		return saver{}
	}
	op.Identity(s.SubScope("saved").WithControlDependencies(save), prefix)
	var assigned []*tf.Operation
	for i, v := range e.vars {
		assigned = append(assigned, op.AssignVariableOp(s.SubScope(fmt.Sprintf("assign_%d", i)), v.handle, restored[i]))
	}
	s.WithControlDependencies(assigned...).AddOperation(tf.OpSpec{Type: "NoOp", Name: "restore_all"})
	return saver{prefix, save, &corepb.SaverDef{
		FilenameTensorName: "save/Const:0", SaveTensorName: "save/saved/Identity:0", RestoreOpName: "save/restore_all", Version: corepb.SaverDef_V2,
	}}
}

// SaveVariables writes the files prefix.index and prefix.data-00000-of-00001, in a folder that
// exists. Values that are fed in place of the variables are saved without any that hold them.
func (m *SavedModel) SaveVariables(prefix string) error {
	session, err := tf.NewSession(m.e.g, nil)
	if err != nil {
		return fmt.Errorf("start a session: %w", err)
	}
	defer session.Close()
	path, err := tf.NewTensor(prefix)
	if err != nil {
		return err
	}
	feeds := map[tf.Output]*tf.Tensor{m.saver.prefix: path}
	for _, v := range m.e.vars {
		value, err := tf.NewTensor(v.flat)
		if err == nil {
			err = value.Reshape(v.shape)
		}
		if err != nil {
			return fmt.Errorf("variable %s: %w", v.name, err)
		}
		feeds[v.read] = value
	}
	if _, err := session.Run(feeds, nil, []*tf.Operation{m.saver.save}); err != nil {
		return fmt.Errorf("write the variables: %w", err)
	}
	return nil
}

// metaGraph is what loaders look for, but for the graph. The collections are for Python's
// variables alone: without them the model runs all the same.
func (e *exporter) metaGraph(signatures []signature, saver saver) *corepb.MetaGraphDef {
	variables := &corepb.CollectionDef_BytesList{}
	for i, v := range e.vars {
		text, err := proto.Marshal(&variablepb.VariableDef{
			VariableName:    v.name + ":0",
			InitializerName: fmt.Sprintf("save/assign_%d/AssignVariableOp", i), // must be an operation; restoring is one
			SnapshotName:    v.name + "/Read/ReadVariableOp:0", IsResource: true, Trainable: true,
		})
		e.check("variables", err)
		variables.Value = append(variables.Value, text)
	}
	collection := &corepb.CollectionDef{Kind: &corepb.CollectionDef_BytesList_{BytesList: variables}}
	def := &corepb.MetaGraphDef{
		MetaInfoDef:   &corepb.MetaGraphDef_MetaInfoDef{Tags: []string{"serve"}, TensorflowVersion: tf.Version()},
		SaverDef:      saver.def,
		SignatureDef:  map[string]*corepb.SignatureDef{},
		CollectionDef: map[string]*corepb.CollectionDef{"variables": collection, "trainable_variables": collection},
	}
	if e.s.Err() != nil {
		return def
	}
	for _, of := range signatures {
		//lint:ignore SA1019 TensorFlow Serving before 2.4 and other servers look for it
		def.SignatureDef[of.name] = &corepb.SignatureDef{Inputs: infos(of.inputs), Outputs: infos(of.outputs), MethodName: "tensorflow/serving/predict"}
	}
	return def
}

// addAsset has loaders find a file: its path is what they feed to a constant.
func (e *exporter) addAsset(def *corepb.MetaGraphDef, name string) {
	text, err := tf.NewTensor(name)
	e.check("assets", err)
	constant := "assets/" + strings.TrimSuffix(name, ".txt")
	e.named(constant, "Const", map[string]any{"dtype": tf.String, "value": text})
	info := &corepb.TensorInfo{Encoding: &corepb.TensorInfo_Name{Name: constant + ":0"}, Dtype: typespb.DataType_DT_STRING, TensorShape: new(shapepb.TensorShapeProto)}
	def.AssetFileDef = append(def.AssetFileDef, &corepb.AssetFileDef{TensorInfo: info, Filename: name})
}

func infos(list []tensor) map[string]*corepb.TensorInfo {
	all := map[string]*corepb.TensorInfo{}
	for _, t := range list {
		shape := new(shapepb.TensorShapeProto)
		sizes, _ := t.at.Shape().ToSlice()
		for _, n := range sizes {
			shape.Dim = append(shape.Dim, &shapepb.TensorShapeProto_Dim{Size: n})
		}
		name := &corepb.TensorInfo_Name{Name: fmt.Sprintf("%s:%d", t.at.Op.Name(), t.at.Index)}
		all[t.key] = &corepb.TensorInfo{Encoding: name, Dtype: typespb.DataType(t.at.DataType()), TensorShape: shape}
	}
	return all
}

func graphOf(g *tf.Graph) (*graphpb.GraphDef, error) {
	var text bytes.Buffer
	if _, err := g.WriteTo(&text); err != nil {
		return nil, fmt.Errorf("write the graph: %w", err)
	}
	def := new(graphpb.GraphDef)
	if err := proto.Unmarshal(text.Bytes(), def); err != nil {
		return nil, fmt.Errorf("read back the graph: %w", err)
	}
	return def, nil
}
