package rpc

import (
	"context"

	"google.golang.org/grpc"
)

// What generated stubs would have: TensorFlow Serving's messages come without.
var (
	predictionService = service("tensorflow.serving.PredictionService", "tensorflow/serving/apis/prediction_service.proto",
		unary("Predict", (*server).predict),
		unary("GetModelMetadata", (*server).getModelMetadata))

	modelService = service("tensorflow.serving.ModelService", "tensorflow/serving/apis/model_service.proto",
		unary("GetModelStatus", (*server).getModelStatus))

	inferenceService = with(service("inference.GRPCInferenceService", "inference.proto",
		unary("ServerLive", (*server).serverLive),
		unary("ServerReady", (*server).serverReady),
		unary("ModelReady", (*server).modelReady),
		unary("ServerMetadata", (*server).serverMetadata),
		unary("ModelMetadata", (*server).modelMetadata),
		unary("ModelInfer", (*server).modelInfer),
		unary("RepositoryIndex", (*server).repositoryIndex)),
		"ModelStreamInfer", (*server).modelStreamInfer)

	streamService = with(service("rnnbin.v1.StreamService", "stream.proto"), "Label", (*server).label)
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

// with is a service that has a stream of messages each way, too.
func with[Q, A any](d grpc.ServiceDesc, name string, call func(*server, grpc.BidiStreamingServer[Q, A]) error) grpc.ServiceDesc {
	d.Streams = []grpc.StreamDesc{{
		StreamName: name,
		Handler: func(s any, stream grpc.ServerStream) error {
			return call(s.(*server), &grpc.GenericServerStream[Q, A]{ServerStream: stream})
		},
		ServerStreams: true,
		ClientStreams: true,
	}}
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
