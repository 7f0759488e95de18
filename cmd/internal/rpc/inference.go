package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/grpc"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/inferencepb"
)

func (s *server) serverLive(context.Context, *pb.ServerLiveRequest) (*pb.ServerLiveResponse, error) {
	return &pb.ServerLiveResponse{Live: true}, nil
}

func (s *server) serverReady(context.Context, *pb.ServerReadyRequest) (*pb.ServerReadyResponse, error) {
	return &pb.ServerReadyResponse{Ready: s.registry.Ready()}, nil
}

func (s *server) modelReady(ctx context.Context, q *pb.ModelReadyRequest) (*pb.ModelReadyResponse, error) {
	h, err := s.named(ctx, q.Name, q.Version)
	if err != nil {
		if engine.KindOf(err) == engine.NotFound {
			err = nil
		}
		return new(pb.ModelReadyResponse), err
	}
	defer h.Release()
	return &pb.ModelReadyResponse{Ready: true}, nil
}

func (s *server) serverMetadata(context.Context, *pb.ServerMetadataRequest) (*pb.ServerMetadataResponse, error) {
	return &pb.ServerMetadataResponse{Name: "rnnbin", Version: s.options.Version, Extensions: []string{"sequence", "sequence(string_id)"}}, nil
}

func (s *server) modelMetadata(ctx context.Context, q *pb.ModelMetadataRequest) (*pb.ModelMetadataResponse, error) {
	h, err := s.named(ctx, q.Name, q.Version)
	if err != nil {
		return nil, err
	}
	defer h.Release()
	versions, err := s.registry.Available(q.Name)
	if err != nil {
		return nil, err
	}
	return &pb.ModelMetadataResponse{
		Name:     q.Name,
		Versions: versions,
		Platform: "rnnbin",
		Inputs:   []*pb.ModelMetadataResponse_TensorMetadata{{Name: seriesInput, Datatype: "FP32", Shape: []int64{-1, -1, int64(len(h.Info().Features))}}},
		Outputs: []*pb.ModelMetadataResponse_TensorMetadata{
			{Name: probabilities, Datatype: "FP32", Shape: []int64{-1, -1, int64(len(h.Info().Classes))}},
			{Name: labels, Datatype: "BYTES", Shape: []int64{-1, -1}},
		},
	}, nil
}

func (s *server) repositoryIndex(_ context.Context, q *pb.RepositoryIndexRequest) (*pb.RepositoryIndexResponse, error) {
	a := new(pb.RepositoryIndexResponse)
	for _, e := range s.registry.Index(q.Ready) {
		a.Models = append(a.Models, &pb.RepositoryIndexResponse_ModelIndex{Name: e.Name, Version: e.Version, State: e.State, Reason: e.Reason})
	}
	return a, nil
}

// named is a version of a model, the newest if the version is "".
func (s *server) named(ctx context.Context, name, version string) (*engine.Handle, error) {
	w, err := engine.ParseVersion(version)
	if err != nil {
		return nil, err
	}
	return s.acquire(ctx, name, w)
}

func (s *server) modelInfer(ctx context.Context, q *pb.ModelInferRequest) (*pb.ModelInferResponse, error) {
	w, err := engine.ParseVersion(q.ModelVersion)
	if err != nil {
		return nil, err
	}
	asked := query{name: q.ModelName, which: w}
	if err := asked.ofSequence(q.Parameters); err != nil {
		return nil, err
	}
	raw := len(q.RawInputContents) > 0
	if asked.inputs, err = tensorsOf(q); err != nil {
		return nil, err
	}
	wanted := []string{probabilities, labels}
	if len(q.Outputs) > 0 {
		wanted = nil
	}
	for _, output := range q.Outputs {
		if output.Name != probabilities && output.Name != labels { // before a sequence has got its rows
			return nil, engine.Errorf(engine.Invalid, "model %s has no output %q, but %q and %q", q.ModelName, output.Name, probabilities, labels)
		}
		wanted = append(wanted, output.Name)
	}
	got, err := s.answer(ctx, asked)
	if err != nil {
		return nil, err
	}
	a := &pb.ModelInferResponse{ModelName: q.ModelName, ModelVersion: strconv.FormatInt(got.info.Version, 10), Id: q.Id}
	if first, ok := got.outputs[firstRow]; ok {
		a.Parameters = map[string]*pb.InferParameter{firstRow: {ParameterChoice: &pb.InferParameter_Int64Param{Int64Param: *first.number}}}
	}
	for _, name := range wanted {
		addOutput(a, name, got.outputs[name], raw)
	}
	return a, nil
}

// modelStreamInfer answers each message as modelInfer does. One that is refused ends nothing.
func (s *server) modelStreamInfer(to grpc.BidiStreamingServer[pb.ModelInferRequest, pb.ModelStreamInferResponse]) error {
	return each(s, to, func(q *pb.ModelInferRequest, ended error) (done bool, err error) {
		switch {
		case errors.Is(ended, io.EOF):
			return true, nil
		case ended != nil:
			return false, ended
		}
		a := new(pb.ModelStreamInferResponse)
		if a.InferResponse, err = s.modelInfer(to.Context(), q); err != nil {
			a.ErrorMessage, a.InferResponse = err.Error(), &pb.ModelInferResponse{Id: q.Id}
		}
		return false, to.Send(a)
	})
}

// ofSequence reads the parameters with which Triton's clients mark requests that belong together.
func (q *query) ofSequence(parameters map[string]*pb.InferParameter) error {
	switch id := parameters["sequence_id"].GetParameterChoice().(type) {
	case nil:
	case *pb.InferParameter_StringParam:
		q.session = id.StringParam
	case *pb.InferParameter_Int64Param:
		q.session = number(id.Int64Param)
	case *pb.InferParameter_Uint64Param:
		q.session = number(id.Uint64Param)
	default:
		return engine.Errorf(engine.Invalid, "parameter sequence_id is neither a string nor a whole number")
	}
	q.begin, q.end = parameters["sequence_start"].GetBoolParam(), parameters["sequence_end"].GetBoolParam()
	if q.session == "" && (q.begin || q.end) {
		return engine.Errorf(engine.Invalid, "sequence_start and sequence_end need a sequence_id other than 0 and \"\"")
	}
	return nil
}

// number is the session of a number, none of 0.
func number[N int64 | uint64](id N) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprint(id)
}

// tensorsOf are the inputs of a request.
func tensorsOf(q *pb.ModelInferRequest) (map[string]*tensor, error) {
	raw := q.RawInputContents
	if raw != nil && len(raw) != len(q.Inputs) {
		return nil, engine.Errorf(engine.Invalid, "there are %d raw_input_contents for %d inputs", len(raw), len(q.Inputs))
	}
	inputs := map[string]*tensor{}
	for i, in := range q.Inputs {
		if in.Name != seriesInput && in.Name != lengthsInput {
			return nil, engine.Errorf(engine.Invalid, "model %s has no input %q, but %q and, where steps of a series do not count, %q", q.ModelName, in.Name, seriesInput, lengthsInput)
		}
		if _, twice := inputs[in.Name]; twice {
			return nil, engine.Errorf(engine.Invalid, "input %q is there twice", in.Name)
		}
		if raw != nil && in.Contents != nil {
			return nil, engine.Errorf(engine.Invalid, "input %q has contents besides raw_input_contents", in.Name)
		}
		t := &tensor{shape: in.Shape}
		var err error
		if raw != nil {
			t.values, err = engine.Decode(in.Datatype, raw[i])
		} else {
			t.values, err = typedValues(in.Datatype, in.Contents)
		}
		if err != nil {
			return nil, engine.Errorf(engine.Invalid, "input %q: %w", in.Name, err)
		}
		inputs[in.Name] = t
	}
	return inputs, nil
}

func typedValues(datatype string, c *pb.InferTensorContents) ([]float64, error) {
	switch datatype {
	case "FP32":
		return convert(c.GetFp32Contents()), nil
	case "FP64":
		return c.GetFp64Contents(), nil
	case "INT32":
		return convert(c.GetIntContents()), nil
	case "INT64":
		return convert(c.GetInt64Contents()), nil
	}
	return engine.Decode(datatype, nil) // of which there are none, or an error
}

// addOutput adds an output in the form that the inputs had.
func addOutput(a *pb.ModelInferResponse, name string, t *tensor, raw bool) {
	out := &pb.ModelInferResponse_InferOutputTensor{Name: name, Datatype: "FP32", Shape: t.shape}
	if t.text != nil {
		out.Datatype = "BYTES"
	}
	a.Outputs = append(a.Outputs, out)
	switch {
	case raw:
		a.RawOutputContents = append(a.RawOutputContents, rawContents(t))
	case t.text != nil:
		out.Contents = &pb.InferTensorContents{BytesContents: t.text}
	default:
		out.Contents = &pb.InferTensorContents{Fp32Contents: t.answer}
	}
}

// rawContents are a tensor's bytes.
func rawContents(t *tensor) []byte {
	data := engine.AppendFloats(make([]byte, 0, 4*len(t.answer)), t.answer)
	for _, text := range t.text {
		data = engine.AppendText(data, text)
	}
	return data
}
