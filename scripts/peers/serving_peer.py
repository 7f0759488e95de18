"""Serves an exported model as a Python program would, in one process: FastAPI on uvicorn, or gRPC.

    serving_peer.py tensorflow|onnx|grpc FOLDER PORT
    serving_peer.py request BODY.json FOLDER

The latter writes what TensorFlow Serving's clients send over gRPC for a body, as request.bin.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def with_tensorflow(folder):
    import tensorflow as tf
    model = tf.saved_model.load(folder)
    run = model.signatures["serving_default"]

    def predict(series):
        answers = run(series=tf.constant(series))
        return answers["probabilities"].numpy(), answers["labels"].numpy()

    return predict


def with_onnx(folder):
    import onnxruntime
    session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"))
    return lambda series: session.run(["probabilities", "labels"], {"series": series})


def over_http(predict, port):
    import fastapi
    import pydantic
    import uvicorn

    class Request(pydantic.BaseModel):
        instances: list[list[list[float]]]

    app = fastapi.FastAPI()

    @app.post("/predict")
    def answer(request: Request):  # no coroutine: FastAPI runs it in its threads
        probabilities, labels = predict(np.array(request.instances, np.float32))
        return {"predictions": [{"probabilities": p.tolist(), "labels": [text(v) for v in row]}
                                for p, row in zip(probabilities, labels)]}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def over_grpc(predict, port):
    import concurrent.futures

    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            answer = predict_pb2.PredictResponse()
            for name, value in zip(("probabilities", "labels"), predict(tf.make_ndarray(request.inputs["series"]))):
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return answer

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(64))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    server.add_insecure_port("127.0.0.1:%d" % port)
    server.start()
    server.wait_for_termination()


def write_request(body, folder):
    import json

    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    with open(body) as f:
        request.inputs["series"].CopyFrom(tf.make_tensor_proto(np.array(json.load(f)["instances"], np.float32)))
    with open(os.path.join(folder, "request.bin"), "wb") as f:
        f.write(request.SerializeToString())


def main():
    kind, folder, port = sys.argv[1:]
    if kind == "request":
        return write_request(folder, port)
    predict = {"tensorflow": with_tensorflow, "grpc": with_tensorflow, "onnx": with_onnx}[kind](folder)
    (over_grpc if kind == "grpc" else over_http)(predict, int(port))


def text(label):
    return label.decode() if isinstance(label, bytes) else str(label)


if __name__ == "__main__":
    main()
