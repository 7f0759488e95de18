package rpc

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	corepb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	serving "github.com/wamuir/graft/tensorflow/serving/apis_go_proto"
	tslpb "github.com/wamuir/graft/tensorflow/tsl/protobuf/for_core_protos_go_proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/graph/export"
)

// Texts and codes of errors are TensorFlow Serving's, where it has them.

func (s *server) predict(ctx context.Context, q *serving.PredictRequest) (*serving.PredictResponse, error) {
	info, err := s.infoOf(ctx, q.ModelSpec)
	if err != nil {
		return nil, err
	}
	name := cmp.Or(q.ModelSpec.SignatureName, export.ServingDefault)
	sig, known := signatures[name]
	if !known || name == sessionInput && info.Wait == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "Serving signature key %q not found.", name)
	}
	inputs, err := inputsOf(q, sig.inputs)
	if err != nil {
		return nil, err
	}
	wanted, err := filter(q.OutputFilter, sig.outputs)
	if err != nil {
		return nil, err
	}
	asked := query{name: q.ModelSpec.Name, which: which(q.ModelSpec), inputs: inputs}
	if name == sessionInput {
		if err := asked.ofSession(); err != nil {
			return nil, err
		}
	}
	got, err := s.answer(ctx, asked)
	if err != nil {
		return nil, err
	}
	a := &serving.PredictResponse{ModelSpec: specOf(got.info, name), Outputs: map[string]*tensorpb.TensorProto{}}
	for _, output := range wanted {
		a.Outputs[output] = toProto(got.outputs[output])
	}
	return a, nil
}

// ofSession takes a session's name and end from the inputs.
func (q *query) ofSession() error {
	name, end := q.inputs[sessionInput], q.inputs[endInput]
	if len(name.text) != 1 || len(name.text[0]) == 0 {
		return status.Errorf(codes.InvalidArgument, "input %q must be one string", sessionInput)
	}
	if len(end.values) != 1 {
		return status.Errorf(codes.InvalidArgument, "input %q must be one truth value", endInput)
	}
	q.session, q.end = string(name.text[0]), end.values[0] != 0
	delete(q.inputs, sessionInput)
	delete(q.inputs, endInput)
	return nil
}

// infoOf is what is known of the version that a request names.
func (s *server) infoOf(ctx context.Context, spec *serving.ModelSpec) (*engine.Info, error) {
	if spec == nil {
		return nil, status.Error(codes.InvalidArgument, "Missing ModelSpec")
	}
	h, err := s.acquire(ctx, spec.Name, which(spec))
	if err != nil {
		return nil, err
	}
	defer h.Release()
	return h.Info(), nil
}

func which(spec *serving.ModelSpec) engine.Which {
	return engine.Which{Version: spec.GetVersion().GetValue(), Label: spec.GetVersionLabel()}
}

func specOf(info *engine.Info, signature string) *serving.ModelSpec {
	return &serving.ModelSpec{
		Name:          info.Name,
		VersionChoice: &serving.ModelSpec_Version{Version: wrapperspb.Int64(info.Version)},
		SignatureName: signature,
	}
}

// signature is what a request may have and get: the names of tensors, sorted.
type signature struct{ inputs, outputs []string }

// signatures are those that an exported model has, and that of sessions.
var signatures = map[string]signature{
	export.ServingDefault: {[]string{seriesInput}, []string{labels, probabilities}},
	export.Lengths:        {[]string{lengthsInput, seriesInput}, []string{labels, probabilities}},
	sessionInput:          {[]string{endInput, seriesInput, sessionInput}, []string{firstRow, labels, probabilities}},
}

// signatureDefs are the signatures of a model. One without streams has no sessions.
func signatureDefs(info *engine.Info) map[string]*corepb.SignatureDef {
	all := map[string]*corepb.TensorInfo{}
	add := func(name string, t typespb.DataType, shape ...int) {
		s := new(shapepb.TensorShapeProto)
		for _, size := range shape {
			s.Dim = append(s.Dim, &shapepb.TensorShapeProto_Dim{Size: int64(size)})
		}
		all[name] = &corepb.TensorInfo{Encoding: &corepb.TensorInfo_Name{Name: name + ":0"}, Dtype: t, TensorShape: s}
	}
	add(seriesInput, typespb.DataType_DT_FLOAT, -1, -1, len(info.Features))
	add(lengthsInput, typespb.DataType_DT_INT32, -1)
	add(sessionInput, typespb.DataType_DT_STRING)
	add(endInput, typespb.DataType_DT_BOOL)
	add(probabilities, typespb.DataType_DT_FLOAT, -1, -1, len(info.Classes))
	add(labels, typespb.DataType_DT_STRING, -1, -1)
	add(firstRow, typespb.DataType_DT_INT64)
	of := func(names []string) map[string]*corepb.TensorInfo {
		some := map[string]*corepb.TensorInfo{}
		for _, name := range names {
			some[name] = all[name]
		}
		return some
	}
	defs := map[string]*corepb.SignatureDef{}
	for name, sig := range signatures {
		if name != sessionInput || info.Wait != nil {
			//lint:ignore SA1019 older clients read MethodName
			defs[name] = &corepb.SignatureDef{MethodName: "tensorflow/serving/predict", Inputs: of(sig.inputs), Outputs: of(sig.outputs)}
		}
	}
	return defs
}

// inputsOf are the tensors of a request, which must be those of its signature.
func inputsOf(q *serving.PredictRequest, wanted []string) (map[string]*tensor, error) {
	sent := keys(q.Inputs)
	if !slices.Equal(sent, wanted) {
		return nil, status.Errorf(codes.InvalidArgument,
			"input size does not match signature: %d!=%d len({%s}) != len({%s}). Sent extra: {%s}. Missing but required: {%s}.",
			len(sent), len(wanted), strings.Join(sent, ","), strings.Join(wanted, ","), without(sent, wanted), without(wanted, sent))
	}
	inputs := map[string]*tensor{}
	for name, p := range q.Inputs {
		t, err := fromProto(p)
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "tensor parsing error: %s: %v", name, err)
		}
		inputs[name] = t
	}
	return inputs, nil
}

// filter are the names of the outputs that are wanted: all, if none is named.
func filter(names, all []string) ([]string, error) {
	if len(names) == 0 {
		return all, nil
	}
	for i, name := range names {
		switch {
		case !slices.Contains(all, name):
			return nil, status.Errorf(codes.InvalidArgument, "output tensor alias not found in signature: %s Outputs expected to be in the set {%s}.",
				name, strings.Join(all, ","))
		case slices.Contains(names[:i], name):
			return nil, status.Errorf(codes.InvalidArgument, "duplicate output tensor alias: %s", name)
		}
	}
	return names, nil
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// without are the names of a that b lacks.
func without(a, b []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) }), ",")
}

// fromProto reads a tensor of numbers, as bytes or as a list.
func fromProto(p *tensorpb.TensorProto) (*tensor, error) {
	t := new(tensor)
	for _, d := range p.GetTensorShape().GetDim() {
		t.shape = append(t.shape, d.Size)
	}
	var err error
	switch data := p.GetTensorContent(); p.GetDtype() {
	case typespb.DataType_DT_FLOAT:
		t.values, err = either("FP32", data, convert(p.FloatVal))
	case typespb.DataType_DT_DOUBLE:
		t.values, err = either("FP64", data, p.DoubleVal)
	case typespb.DataType_DT_INT32:
		t.values, err = either("INT32", data, convert(p.IntVal))
	case typespb.DataType_DT_INT64:
		t.values, err = either("INT64", data, convert(p.Int64Val))
	case typespb.DataType_DT_BOOL:
		t.values = truths(p.BoolVal)
		for _, is := range data {
			t.values = append(t.values, float64(min(is, 1)))
		}
	case typespb.DataType_DT_STRING:
		t.text = append([][]byte{}, p.StringVal...) // not nil
	default:
		err = fmt.Errorf("%v is none of DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64, DT_BOOL and DT_STRING", p.GetDtype())
	}
	return t, err
}

// either are the numbers in data, or the listed ones if that is empty.
func either(datatype string, data []byte, listed []float64) ([]float64, error) {
	if len(data) == 0 {
		return listed, nil
	}
	return engine.Decode(datatype, data)
}

func toProto(t *tensor) *tensorpb.TensorProto {
	p := &tensorpb.TensorProto{TensorShape: new(shapepb.TensorShapeProto)}
	for _, size := range t.shape {
		p.TensorShape.Dim = append(p.TensorShape.Dim, &shapepb.TensorShapeProto_Dim{Size: size})
	}
	switch {
	case t.number != nil:
		p.Dtype, p.Int64Val = typespb.DataType_DT_INT64, []int64{*t.number}
	case t.text != nil:
		p.Dtype, p.StringVal = typespb.DataType_DT_STRING, t.text
	default:
		p.Dtype, p.TensorContent = typespb.DataType_DT_FLOAT, rawContents(t)
	}
	return p
}

func (s *server) getModelMetadata(ctx context.Context, q *serving.GetModelMetadataRequest) (*serving.GetModelMetadataResponse, error) {
	const field = "signature_def"
	if q.ModelSpec == nil {
		return nil, status.Error(codes.InvalidArgument, "Missing ModelSpec")
	}
	if len(q.MetadataField) == 0 {
		return nil, status.Error(codes.InvalidArgument, "GetModelMetadataRequest must specify at least one metadata_field")
	}
	for _, name := range q.MetadataField {
		if name != field {
			return nil, status.Errorf(codes.InvalidArgument, "Metadata field %s is not supported", name)
		}
	}
	info, err := s.infoOf(ctx, q.ModelSpec)
	if err != nil {
		return nil, err
	}
	packed, err := anypb.New(&serving.SignatureDefMap{SignatureDef: signatureDefs(info)})
	if err != nil {
		return nil, err
	}
	return &serving.GetModelMetadataResponse{ModelSpec: specOf(info, ""), Metadata: map[string]*anypb.Any{field: packed}}, nil
}

func (s *server) getModelStatus(ctx context.Context, q *serving.GetModelStatusRequest) (*serving.GetModelStatusResponse, error) {
	if q.ModelSpec == nil {
		return nil, status.Error(codes.InvalidArgument, "Missing ModelSpec")
	}
	w := which(q.ModelSpec)
	about(ctx, q.ModelSpec.Name, 0)
	all, err := s.registry.Status(q.ModelSpec.Name, w)
	if err != nil {
		return nil, err
	}
	a := new(serving.GetModelStatusResponse)
	for _, v := range all {
		of := &serving.ModelVersionStatus{
			Version: v.Version,
			State:   serving.ModelVersionStatus_State(serving.ModelVersionStatus_State_value[string(v.State)]),
			Status:  new(serving.StatusProto),
		}
		if v.Err != nil {
			of.Status.ErrorCode, of.Status.ErrorMessage = tslpb.Code(codeOf[engine.KindOf(v.Err)]), v.Err.Error()
		}
		a.ModelVersionStatus = append(a.ModelVersionStatus, of)
	}
	return a, nil
}
