package rpc

import (
	"context"

	"google.golang.org/grpc"

	"github.com/rnnbin/rnnbin/cmd/internal/rpc/streampb"
)

// What generated stubs would have: TensorFlow Serving's messages come without.
var (
	predictionService = service("tensorflow.serving.PredictionService", "tensorflow/serving/apis/prediction_service.proto",
		unary("Predict", (*server).predict),
		unary("GetModelMetadata", (*server).getModelMetadata))

	modelService = service("tensorflow.serving.ModelService", "tensorflow/serving/apis/model_service.proto",
		unary("GetModelStatus", (*server).getModelStatus))

	inferenceService = service("inference.GRPCInferenceService", "inference.proto",
		unary("ServerLive", (*server).serverLive),
		unary("ServerReady", (*server).serverReady),
		unary("ModelReady", (*server).modelReady),
		unary("ServerMetadata", (*server).serverMetadata),
		unary("ModelMetadata", (*server).modelMetadata),
		unary("ModelInfer", (*server).modelInfer))

	streamService = grpc.ServiceDesc{
		ServiceName: "rnnbin.v1.StreamService",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "Label",
			Handler: func(s any, stream grpc.ServerStream) error {
				return s.(*server).label(&grpc.GenericServerStream[streampb.LabelRequest, streampb.LabelResponse]{ServerStream: stream})
			},
			ServerStreams: true,
			ClientStreams: true,
		}},
		Metadata: "stream.proto",
	}
)

// method is a call of one message each way, in the service of a name.
type method func(service string) grpc.MethodDesc

func service(name, proto string, methods ...method) grpc.ServiceDesc {
	d := grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil), Metadata: proto}
	for _, m := range methods {
		d.Methods = append(d.Methods, m(name))
	}
	return d
}

func unary[Q, A any](name string, call func(*server, context.Context, *Q) (*A, error)) method {
	return func(service string) grpc.MethodDesc {
		full := "/" + service + "/" + name
		handle := func(s any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			q := new(Q)
			if err := decode(q); err != nil {
				return nil, err
			}
			return intercept(ctx, q, &grpc.UnaryServerInfo{Server: s, FullMethod: full}, func(ctx context.Context, q any) (any, error) {
				return call(s.(*server), ctx, q.(*Q))
			})
		}
		return grpc.MethodDesc{MethodName: name, Handler: handle}
	}
}
