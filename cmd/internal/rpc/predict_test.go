package rpc

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	serving "github.com/wamuir/graft/tensorflow/serving/apis_go_proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

const (
	predictMethod  = "/tensorflow.serving.PredictionService/Predict"
	metadataMethod = "/tensorflow.serving.PredictionService/GetModelMetadata"
	statusMethod   = "/tensorflow.serving.ModelService/GetModelStatus"
)

func shapeOf(sizes ...int64) *shapepb.TensorShapeProto {
	s := new(shapepb.TensorShapeProto)
	for _, n := range sizes {
		s.Dim = append(s.Dim, &shapepb.TensorShapeProto_Dim{Size: n})
	}
	return s
}

// series32 is a tensor of floats, as most clients send it.
func series32(x []float32, sizes ...int64) *tensorpb.TensorProto {
	return &tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeOf(sizes...), TensorContent: engine.AppendFloats(nil, x)}
}

type inputs = map[string]*tensorpb.TensorProto

func predictRequest(signature string, in inputs) *serving.PredictRequest {
	return &serving.PredictRequest{ModelSpec: &serving.ModelSpec{Name: "m", SignatureName: signature}, Inputs: in}
}

// probabilitiesOf are those of an answer, of the shape that it should have.
func probabilitiesOf(t *testing.T, a *serving.PredictResponse, sizes ...int64) []float32 {
	t.Helper()
	got, err := fromProto(a.Outputs[probabilities])
	check(t, err)
	same(t, "shape of the probabilities", got.shape, sizes)
	return modeltest.Narrow(got.values)
}

func TestPredict(t *testing.T) {
	s := serve(t, modeltest.Spec{Classes: []string{"a", "b", "c"}}, Options{})
	x, y := modeltest.Rows(1, 20), modeltest.Rows(2, 20)
	both := slices.Concat(x, y)
	want := s.want(t, x, y)
	var wide []float64
	for _, v := range both {
		wide = append(wide, float64(v))
	}
	for what, in := range map[string]*tensorpb.TensorProto{
		"bytes":   series32(both, 2, 20, 2),
		"floats":  {Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeOf(2, 20, 2), FloatVal: both},
		"doubles": {Dtype: typespb.DataType_DT_DOUBLE, TensorShape: shapeOf(2, 20, 2), DoubleVal: wide},
	} {
		a, err := call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": in}))
		check(t, err)
		near(t, what, probabilitiesOf(t, a, 2, 20, 3), want.Probability)
		got, err := fromProto(a.Outputs[labels])
		check(t, err)
		same(t, what, texts(got.text), s.names(want))
		same(t, what, got.shape, []int64{2, 20})
		if a.ModelSpec.Name != "m" || a.ModelSpec.GetVersion().GetValue() != 1 || a.ModelSpec.SignatureName != "serving_default" || len(a.Outputs) != 2 {
			t.Errorf("%s: %v, %d outputs", what, a.ModelSpec, len(a.Outputs))
		}
	}

	q := predictRequest("", inputs{"series": series32(x, 1, 20, 2)})
	q.OutputFilter = []string{labels}
	a, err := call[serving.PredictResponse](s, predictMethod, q)
	check(t, err)
	if len(a.Outputs) != 1 || a.Outputs[labels] == nil {
		t.Errorf("filtered outputs: %v", a.Outputs)
	}
}

// One feature needs no dimension of its own.
func TestPredictOneFeature(t *testing.T) {
	s := serve(t, modeltest.Spec{Features: []string{"x"}}, Options{})
	x := modeltest.Rows(1, 10)
	a, err := call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": series32(x, 1, 20)}))
	check(t, err)
	near(t, "one feature", probabilitiesOf(t, a, 1, 20, 2), s.want(t, x).Probability)
}

func TestPredictOfLengths(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	x, y := modeltest.Rows(1, 20), modeltest.Rows(2, 20)
	lengths := &tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT32, TensorShape: shapeOf(2), IntVal: []int32{13, 20}}
	a, err := call[serving.PredictResponse](s, predictMethod, predictRequest("lengths", inputs{"series": series32(slices.Concat(x, y), 2, 20, 2), "lengths": lengths}))
	check(t, err)
	want := s.want(t, x[:26], y)
	got := probabilitiesOf(t, a, 2, 20, 2)
	near(t, "the shorter one", got[:26], want.Probability[:26])
	same(t, "behind it", got[26:40], make([]float32, 14))
	near(t, "the longer one", got[40:], want.Probability[26:])
	text, err := fromProto(a.Outputs[labels])
	check(t, err)
	same(t, "labels", texts(text.text), slices.Concat(s.names(want)[:13], make([]string, 7), s.names(want)[13:]))
}

// Codes and texts are those of TensorFlow Serving.
func TestPredictErrors(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	x := series32(modeltest.Rows(1, 20), 1, 20, 2)
	with := func(change func(*serving.PredictRequest)) *serving.PredictRequest {
		q := predictRequest("", inputs{"series": x})
		change(q)
		return q
	}
	series := func(p *tensorpb.TensorProto) *serving.PredictRequest { return predictRequest("", inputs{"series": p}) }
	lengths := func(n ...int32) *serving.PredictRequest {
		return predictRequest("lengths", inputs{"series": x, "lengths": {Dtype: typespb.DataType_DT_INT32, TensorShape: shapeOf(int64(len(n))), IntVal: n}})
	}
	infinite := modeltest.Rows(1, 20)
	infinite[2*7] = float32(math.Inf(1))
	for _, test := range []struct {
		q    *serving.PredictRequest
		code codes.Code
		text string
	}{
		{new(serving.PredictRequest), codes.InvalidArgument, "Missing ModelSpec"},
		{with(func(q *serving.PredictRequest) { q.ModelSpec.Name = "other" }), codes.NotFound, "Servable not found for request: Latest(other)"},
		{with(func(q *serving.PredictRequest) {
			q.ModelSpec.VersionChoice = &serving.ModelSpec_Version{Version: wrapperspb.Int64(9)}
		}), codes.NotFound, "Servable not found for request: Specific(m, 9)"},
		{with(func(q *serving.PredictRequest) {
			q.ModelSpec.VersionChoice = &serving.ModelSpec_VersionLabel{VersionLabel: "canary"}
		}), codes.InvalidArgument, "Unrecognized servable version label: canary"},
		{with(func(q *serving.PredictRequest) { q.ModelSpec.SignatureName = "nope" }), codes.FailedPrecondition, `Serving signature key "nope" not found.`},
		{predictRequest("", nil), codes.InvalidArgument, "input size does not match signature: 0!=1 len({}) != len({series}). Sent extra: {}. Missing but required: {series}."},
		{predictRequest("", inputs{"x": x, "series": x}), codes.InvalidArgument, "Sent extra: {x}. Missing but required: {}."},
		{with(func(q *serving.PredictRequest) { q.OutputFilter = []string{"logits"} }), codes.InvalidArgument, "output tensor alias not found in signature: logits Outputs expected to be in the set {labels,probabilities}."},
		{with(func(q *serving.PredictRequest) { q.OutputFilter = []string{"labels", "labels"} }), codes.InvalidArgument, "duplicate output tensor alias: labels"},
		{series(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_HALF}), codes.InvalidArgument, "tensor parsing error: series: DT_HALF is none of"},
		{series(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorContent: []byte("12345")}), codes.InvalidArgument, "5 bytes are no numbers of 4"},
		{series(series32(modeltest.Rows(1, 30), 1, 20, 3)), codes.InvalidArgument, `must be numbers of shape [batch, steps, 2], the features of model m being ["x" "y"], not of shape [1 20 3]`},
		{series(series32(modeltest.Rows(1, 20), 20, 2)), codes.InvalidArgument, "not of shape [20 2]"},
		{series(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_STRING, TensorShape: shapeOf(1, 1, 2), StringVal: [][]byte{nil, nil}}), codes.InvalidArgument, "must be numbers"},
		{series(series32(modeltest.Rows(1, 19), 1, 20, 2)), codes.InvalidArgument, `input "series" has 38 values, which its shape [1 20 2] does not fit`},
		{series(series32(modeltest.Rows(1, 1), 1, 1<<31, 2)), codes.InvalidArgument, "does not fit"},
		{series(series32(modeltest.Rows(1, 1), 1<<62, 1<<62, 2)), codes.InvalidArgument, "does not fit"},
		{series(series32(modeltest.Rows(1, 1), -1, 20, 2)), codes.InvalidArgument, "impossible shape"},
		{series(series32(nil, 1<<40, 0, 2)), codes.InvalidArgument, "has series without steps"},
		{series(series32(infinite, 2, 10, 2)), codes.InvalidArgument, `series 0, row 7, feature "x": +Inf is not a finite number`},
		{lengths(), codes.InvalidArgument, `input "lengths" must be whole numbers of shape [1]`},
		{lengths(21), codes.InvalidArgument, `21 is no number of steps from 0 to 20`},
		{lengths(-1), codes.InvalidArgument, `-1 is no number of steps from 0 to 20`},
	} {
		_, err := call[serving.PredictResponse](s, predictMethod, test.q)
		wantError(t, err, test.code, test.text)
	}
	if a, err := call[serving.PredictResponse](s, predictMethod, series(series32(nil, 0, 20, 2))); err != nil || len(probabilitiesOf(t, a, 0, 20, 2)) != 0 {
		t.Errorf("no series: %v, %v", a, err)
	}
}

// A session goes on where its last request ended, and is answered as a stream is.
func TestPredictInSession(t *testing.T) {
	s := serve(t, modeltest.Spec{Horizon: -2}, Options{})
	x := modeltest.Rows(3, 10)
	stream := s.model.Stream()
	want, err := stream.Push(x)
	check(t, err)
	rest, err := stream.Flush()
	check(t, err)
	want.Probability = append(want.Probability, rest.Probability...)

	text := func(v string) *tensorpb.TensorProto {
		return &tensorpb.TensorProto{Dtype: typespb.DataType_DT_STRING, TensorShape: shapeOf(), StringVal: [][]byte{[]byte(v)}}
	}
	is := func(v bool) *tensorpb.TensorProto {
		return &tensorpb.TensorProto{Dtype: typespb.DataType_DT_BOOL, TensorShape: shapeOf(), BoolVal: []bool{v}}
	}
	for range 2 { // once more, as the session has ended
		var got []float32
		for at := 0; at < 10; at += 2 {
			a, err := call[serving.PredictResponse](s, predictMethod, predictRequest("session", inputs{
				"series": series32(x[2*at:2*at+4], 1, 2, 2), "session": text("one"), "end": is(at == 8),
			}))
			check(t, err)
			if first := a.Outputs[firstRow].Int64Val; len(first) != 1 || first[0] != int64(len(got)/2) {
				t.Errorf("row %d: the first answer is to row %v, want %d", at, first, len(got)/2)
			}
			p, err := fromProto(a.Outputs[probabilities])
			check(t, err)
			got = append(got, modeltest.Narrow(p.values)...)
		}
		near(t, "in a session", got, want.Probability)
	}
	for text, in := range map[string]inputs{
		`input "session" must be one string`:   {"series": series32(x, 1, 10, 2), "session": text(""), "end": is(false)},
		`input "end" must be one truth value`:  {"series": series32(x, 1, 10, 2), "session": text("a"), "end": text("no")},
		"a session has one series, not 2":      {"series": series32(x, 2, 5, 2), "session": text("a"), "end": is(false)},
		"must be numbers of shape [batch, ste": {"series": series32(x, 1, 5, 4), "session": text("a"), "end": is(false)},
	} {
		_, err := call[serving.PredictResponse](s, predictMethod, predictRequest("session", in))
		wantError(t, err, codes.InvalidArgument, text)
	}
}

func TestModelMetadata(t *testing.T) {
	s := serve(t, modeltest.Spec{Classes: []string{"a", "b", "c"}}, Options{})
	spec := &serving.ModelSpec{Name: "m"}
	a, err := call[serving.GetModelMetadataResponse](s, metadataMethod, &serving.GetModelMetadataRequest{ModelSpec: spec, MetadataField: []string{"signature_def"}})
	check(t, err)
	all := new(serving.SignatureDefMap)
	check(t, a.Metadata["signature_def"].UnmarshalTo(all))
	same(t, "signatures", keys(all.SignatureDef), []string{"lengths", "serving_default", "session"})
	sig := all.SignatureDef["serving_default"]
	if in := sig.Inputs["series"]; in.Dtype != typespb.DataType_DT_FLOAT || in.TensorShape.Dim[2].Size != 2 {
		t.Errorf("series is %v", in)
	}
	if out := sig.Outputs["probabilities"]; out.TensorShape.Dim[2].Size != 3 || out.TensorShape.Dim[0].Size != -1 {
		t.Errorf("probabilities are %v", out)
	}
	if a.ModelSpec.GetVersion().GetValue() != 1 {
		t.Errorf("of %v", a.ModelSpec)
	}
	for text, q := range map[string]*serving.GetModelMetadataRequest{
		"Missing ModelSpec": {MetadataField: []string{"signature_def"}},
		"GetModelMetadataRequest must specify at least one metadata_field": {ModelSpec: spec},
		"Metadata field assets is not supported":                           {ModelSpec: spec, MetadataField: []string{"assets"}},
	} {
		_, err := call[serving.GetModelMetadataResponse](s, metadataMethod, q)
		wantError(t, err, codes.InvalidArgument, text)
	}
}

// A version that cannot be read is reported, and the other ones are served.
func TestModelStatus(t *testing.T) {
	base := t.TempDir()
	modeltest.Write(t, filepath.Join(base, "1"), modeltest.Spec{})
	s := serveAt(t, base, engine.DefaultOptions(), Options{})
	modeltest.Write(t, filepath.Join(base, "2"), modeltest.Spec{Shift: 1})
	weights, err := filepath.Glob(filepath.Join(base, "2", "*.data-*"))
	check(t, err)
	check(t, os.WriteFile(weights[0], []byte("x"), 0o666))
	if s.registry.Reload(ctx) == nil {
		t.Fatal("damaged weights are read")
	}
	a, err := call[serving.GetModelStatusResponse](s, statusMethod, &serving.GetModelStatusRequest{ModelSpec: &serving.ModelSpec{Name: "m"}})
	check(t, err)
	v := a.ModelVersionStatus
	if len(v) != 2 || v[0].Version != 2 || v[0].State != serving.ModelVersionStatus_END || v[0].Status.ErrorMessage == "" || v[0].Status.ErrorCode == 0 ||
		v[1].Version != 1 || v[1].State != serving.ModelVersionStatus_AVAILABLE || v[1].Status.ErrorCode != 0 {
		t.Errorf("versions %v", v)
	}
	_, err = call[serving.GetModelStatusResponse](s, statusMethod, &serving.GetModelStatusRequest{ModelSpec: &serving.ModelSpec{Name: "n"}})
	wantError(t, err, codes.NotFound, "Could not find any versions of model n")
	_, err = call[serving.GetModelStatusResponse](s, statusMethod, new(serving.GetModelStatusRequest))
	wantError(t, err, codes.InvalidArgument, "Missing ModelSpec")
}
