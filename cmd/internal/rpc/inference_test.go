package rpc

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/inferencepb"
)

const inferenceMethods = "/inference.GRPCInferenceService/"

type inferInput = pb.ModelInferRequest_InferInputTensor

func inferRequest(in ...*inferInput) *pb.ModelInferRequest {
	return &pb.ModelInferRequest{ModelName: "m", Id: "7", Inputs: in}
}

func typed(x []float32, shape ...int64) *inferInput {
	return &inferInput{Name: "series", Datatype: "FP32", Shape: shape, Contents: &pb.InferTensorContents{Fp32Contents: x}}
}

// textOf reads raw BYTES.
func textOf(data []byte) (all []string) {
	for len(data) > 0 {
		n := binary.LittleEndian.Uint32(data)
		all, data = append(all, string(data[4:4+n])), data[4+n:]
	}
	return all
}

func TestModelInfer(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	x, y := modeltest.Rows(1, 9), modeltest.Rows(2, 9)
	both := slices.Concat(x, y)
	want := s.want(t, x, y)
	a, err := call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", inferRequest(typed(both, 2, 9, 2)))
	check(t, err)
	if a.ModelName != "m" || a.ModelVersion != "1" || a.Id != "7" || len(a.Outputs) != 2 || a.RawOutputContents != nil {
		t.Fatalf("answer %v", a)
	}
	near(t, "typed", a.Outputs[0].Contents.Fp32Contents, want.Probability)
	same(t, "shape", a.Outputs[0].Shape, []int64{2, 9, 2})
	same(t, "labels", texts(a.Outputs[1].Contents.BytesContents), s.names(want))

	wide := make([]byte, 0, 8*len(both))
	for _, v := range both {
		wide = binary.LittleEndian.AppendUint64(wide, math.Float64bits(float64(v)))
	}
	for datatype, data := range map[string][]byte{"FP32": engine.AppendFloats(nil, both), "FP64": wide} {
		q := inferRequest(&inferInput{Name: "series", Datatype: datatype, Shape: []int64{2, 9, 2}})
		q.RawInputContents = [][]byte{data}
		a, err = call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", q)
		check(t, err)
		got, err := engine.Decode("FP32", a.RawOutputContents[0])
		check(t, err)
		near(t, datatype, modeltest.Narrow(got), want.Probability)
		same(t, datatype, textOf(a.RawOutputContents[1]), s.names(want))
		if a.Outputs[1].Datatype != "BYTES" || a.Outputs[1].Contents != nil {
			t.Errorf("%s: output %v", datatype, a.Outputs[1])
		}
	}

	q := inferRequest(typed(both, 2, 9, 2), &inferInput{Name: "lengths", Datatype: "INT64", Shape: []int64{2}, Contents: &pb.InferTensorContents{Int64Contents: []int64{5, 9}}})
	q.Outputs = []*pb.ModelInferRequest_InferRequestedOutputTensor{{Name: "labels"}}
	a, err = call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", q)
	check(t, err)
	short := s.names(s.want(t, x[:10], y))
	if len(a.Outputs) != 1 {
		t.Fatalf("outputs %v", a.Outputs)
	}
	same(t, "labels of lengths", texts(a.Outputs[0].Contents.BytesContents), slices.Concat(short[:5], make([]string, 4), short[5:]))
}

func TestModelInferErrors(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	good := typed(modeltest.Rows(1, 9), 1, 9, 2)
	with := func(change func(*pb.ModelInferRequest)) *pb.ModelInferRequest {
		q := inferRequest(good)
		change(q)
		return q
	}
	parameter := func(name string, p *pb.InferParameter) *pb.ModelInferRequest {
		return with(func(q *pb.ModelInferRequest) { q.Parameters = map[string]*pb.InferParameter{name: p} })
	}
	for _, test := range []struct {
		q    *pb.ModelInferRequest
		code codes.Code
		text string
	}{
		{with(func(q *pb.ModelInferRequest) { q.ModelName = "n" }), codes.NotFound, "Servable not found for request: Latest(n)"},
		{with(func(q *pb.ModelInferRequest) { q.ModelVersion = "5" }), codes.NotFound, "Specific(m, 5)"},
		{with(func(q *pb.ModelInferRequest) { q.ModelVersion = "new" }), codes.InvalidArgument, `Failed to convert version: new to numeric.`},
		{inferRequest(), codes.InvalidArgument, `input "series" is missing`},
		{inferRequest(good, good), codes.InvalidArgument, `input "series" is there twice`},
		{inferRequest(&inferInput{Name: "x"}), codes.InvalidArgument, `model m has no input "x"`},
		{inferRequest(&inferInput{Name: "series", Datatype: "FP16"}), codes.InvalidArgument, `input "series": datatype "FP16" is none of`},
		{inferRequest(typed(modeltest.Rows(1, 9), 1, 8, 2)), codes.InvalidArgument, "which its shape [1 8 2] does not fit"},
		{inferRequest(typed(modeltest.Rows(1, 9), 1, 6, 3)), codes.InvalidArgument, "must be numbers of shape [batch, steps, 2]"},
		{with(func(q *pb.ModelInferRequest) { q.RawInputContents = [][]byte{nil, nil} }), codes.InvalidArgument, "there are 2 raw_input_contents for 1 inputs"},
		{with(func(q *pb.ModelInferRequest) { q.RawInputContents = [][]byte{nil} }), codes.InvalidArgument, "has contents besides raw_input_contents"},
		{with(func(q *pb.ModelInferRequest) {
			q.Outputs = []*pb.ModelInferRequest_InferRequestedOutputTensor{{Name: "logits"}}
		}), codes.InvalidArgument, `has no output "logits"`},
		{parameter("sequence_start", &pb.InferParameter{ParameterChoice: &pb.InferParameter_BoolParam{BoolParam: true}}), codes.InvalidArgument, "need a sequence_id"},
		{parameter("sequence_id", &pb.InferParameter{ParameterChoice: &pb.InferParameter_DoubleParam{DoubleParam: 1}}), codes.InvalidArgument, "neither a string nor a whole number"},
	} {
		_, err := call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", test.q)
		wantError(t, err, test.code, test.text)
	}
}

// Requests of one sequence_id are a stream, as for Triton's models that keep state.
func TestModelInferOfSequences(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	x := modeltest.Rows(1, 6)
	want, err := s.model.Stream().Push(x)
	check(t, err)
	ask := func(at int, id *pb.InferParameter, start, end bool) []float32 {
		t.Helper()
		q := inferRequest(typed(x[2*at:2*at+2], 1, 1, 2))
		q.Parameters = map[string]*pb.InferParameter{"sequence_id": id}
		for name, is := range map[string]bool{"sequence_start": start, "sequence_end": end} {
			q.Parameters[name] = &pb.InferParameter{ParameterChoice: &pb.InferParameter_BoolParam{BoolParam: is}}
		}
		a, err := call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", q)
		check(t, err)
		if first := a.Parameters[firstRow].GetInt64Param(); first != int64(at) {
			t.Errorf("the answer is to row %d, want %d", first, at)
		}
		return a.Outputs[0].Contents.Fp32Contents
	}
	number := &pb.InferParameter{ParameterChoice: &pb.InferParameter_Int64Param{Int64Param: 42}}
	text := &pb.InferParameter{ParameterChoice: &pb.InferParameter_StringParam{StringParam: "b"}}
	for round := range 2 {
		for at := range 6 {
			for _, id := range []*pb.InferParameter{number, text} {
				near(t, id.String(), ask(at, id, at == 0, at == 5 && round == 0), want.Probability[2*at:2*at+2])
			}
		}
		if _, sessions := s.registry.Streams(); sessions != 2*round {
			t.Errorf("%d sessions after round %d", sessions, round)
		}
	}
	near(t, "begun anew", ask(0, number, true, false), want.Probability[:2])
}

// What cannot be answered adds no rows to a sequence.
func TestRefusedModelInferOfSequences(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	q := inferRequest(typed(modeltest.Rows(1, 2), 1, 2, 2))
	q.Parameters = map[string]*pb.InferParameter{"sequence_id": {ParameterChoice: &pb.InferParameter_Int64Param{Int64Param: 1}}}
	for range 2 {
		q.Outputs = []*pb.ModelInferRequest_InferRequestedOutputTensor{{Name: "logits"}}
		_, err := call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", q)
		wantError(t, err, codes.InvalidArgument, `has no output "logits"`)
	}
	q.Outputs = nil
	a, err := call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", q)
	check(t, err)
	if first := a.Parameters[firstRow].GetInt64Param(); first != 0 {
		t.Errorf("the answer is to row %d", first)
	}
}

// A stream of requests is answered one by one, those that are refused with an error of their own.
func TestModelStreamInfer(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	x := modeltest.Rows(1, 6)
	want, err := s.model.Stream().Push(x)
	check(t, err)
	stream, err := s.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, inferenceMethods+"ModelStreamInfer")
	check(t, err)
	ask := func(q *pb.ModelInferRequest) *pb.ModelStreamInferResponse {
		t.Helper()
		check(t, stream.SendMsg(q))
		a := new(pb.ModelStreamInferResponse)
		check(t, stream.RecvMsg(a))
		return a
	}
	for at := range 6 {
		q := inferRequest(typed(x[2*at:2*at+2], 1, 1, 2))
		q.Parameters = map[string]*pb.InferParameter{"sequence_id": {ParameterChoice: &pb.InferParameter_StringParam{StringParam: "a"}}}
		q.Id = fmt.Sprint(at)
		a := ask(q)
		near(t, q.Id, a.InferResponse.Outputs[0].Contents.Fp32Contents, want.Probability[2*at:2*at+2])
		if a.ErrorMessage != "" || a.InferResponse.Id != q.Id {
			t.Error(a)
		}
		q.ModelName = "n"
		if a := ask(q); a.ErrorMessage != "Servable not found for request: Latest(n)" || a.InferResponse.Id != q.Id || len(a.InferResponse.Outputs) > 0 {
			t.Error(a)
		}
	}
	check(t, stream.CloseSend())
	if err := stream.RecvMsg(new(pb.ModelStreamInferResponse)); err != io.EOF {
		t.Error(err)
	}
}

func TestInferenceServer(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{Version: "v1.2"})
	live, err := call[pb.ServerLiveResponse](s, inferenceMethods+"ServerLive", new(pb.ServerLiveRequest))
	check(t, err)
	ready, err := call[pb.ServerReadyResponse](s, inferenceMethods+"ServerReady", new(pb.ServerReadyRequest))
	check(t, err)
	if !live.Live || !ready.Ready {
		t.Error("not live and ready")
	}
	for name, want := range map[string]bool{"m": true, "n": false} {
		a, err := call[pb.ModelReadyResponse](s, inferenceMethods+"ModelReady", &pb.ModelReadyRequest{Name: name})
		check(t, err)
		if a.Ready != want {
			t.Errorf("model %s: ready %v", name, a.Ready)
		}
	}
	server, err := call[pb.ServerMetadataResponse](s, inferenceMethods+"ServerMetadata", new(pb.ServerMetadataRequest))
	check(t, err)
	if server.Name != "rnnbin" || server.Version != "v1.2" {
		t.Errorf("server %v", server)
	}
	m, err := call[pb.ModelMetadataResponse](s, inferenceMethods+"ModelMetadata", &pb.ModelMetadataRequest{Name: "m"})
	check(t, err)
	same(t, "versions", m.Versions, []string{"1"})
	same(t, "series", m.Inputs[0].Shape, []int64{-1, -1, 2})
	same(t, "probabilities", m.Outputs[0].Shape, []int64{-1, -1, 2})
	_, err = call[pb.ModelMetadataResponse](s, inferenceMethods+"ModelMetadata", &pb.ModelMetadataRequest{Name: "n"})
	wantError(t, err, codes.NotFound, "Latest(n)")
}
