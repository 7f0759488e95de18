"""Asks a server with the clients that TensorFlow Serving and Triton give out.

usage: clients.py ADDRESS HTTP-ADDRESS FIXTURE.json

The fixture has series, as they were measured, and what model m says of them: probabilities
and labels, and the probabilities of the first one as a stream.
"""
import json
import queue
import sys

import grpc
import numpy as np
import tensorflow as tf
import tritonclient.grpc as triton
import tritonclient.http as triton_http
from tensorflow_serving.apis import (get_model_metadata_pb2, get_model_status_pb2, model_service_pb2_grpc, predict_pb2,
                                     prediction_service_pb2_grpc)
from tritonclient.utils import InferenceServerException

address, http, fixture = sys.argv[1:]
with open(fixture) as f:
    fixture = json.load(f)
x = np.array(fixture["series"], np.float32)
probabilities = np.array(fixture["probabilities"])
labels = np.array(fixture["labels"], object)
stream = np.array(fixture["stream"])


def near(got, want):
    assert got.shape == want.shape, f"shape {got.shape}, want {want.shape}"
    assert np.abs(got - want).max() <= 1e-6, np.abs(got - want).max()


def refused(call, code, text):
    try:
        call()
    except grpc.RpcError as e:
        assert e.code().name == code and text in e.details(), e
    except InferenceServerException as e:
        assert e.status() in (f"StatusCode.{code}", code) and text in e.message(), e
    else:
        raise AssertionError(f"answered, want {code} {text}")


channel = grpc.insecure_channel(address)
prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
models = model_service_pb2_grpc.ModelServiceStub(channel)


def predict(name="m", signature="", version=None, **inputs):
    q = predict_pb2.PredictRequest()
    q.model_spec.name, q.model_spec.signature_name = name, signature
    if version:
        q.model_spec.version.value = version
    for key, value in inputs.items():
        q.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    a = prediction.Predict(q, timeout=20)
    return a, {key: tf.make_ndarray(value) for key, value in a.outputs.items()}


def decoded(array):
    return np.vectorize(bytes.decode, otypes=[object])(array)


def tensorflow_serving():
    for kind in np.float32, np.float64:
        a, got = predict(series=x.astype(kind))
        near(got["probabilities"], probabilities)
        assert (decoded(got["labels"]) == labels).all()
        assert a.model_spec.name == "m" and a.model_spec.version.value == 1
    _, got = predict(series=x.tolist())
    near(got["probabilities"], probabilities)
    _, got = predict(signature="lengths", series=x, lengths=np.array([x.shape[1]] * len(x)))
    near(got["probabilities"], probabilities)
    row = []
    for i in range(len(stream)):
        _, got = predict(signature="session", session="s", end=i == len(stream) - 1, series=x[:1, i:i + 1])
        assert got["first"] == i
        row.append(got["probabilities"][0, 0])
    near(np.array(row), stream)

    refused(lambda: predict(name="other", series=x), "NOT_FOUND", "Servable not found for request: Latest(other)")
    refused(lambda: predict(version=7, series=x), "NOT_FOUND", "Servable not found for request: Specific(m, 7)")
    refused(lambda: predict(signature="nope", series=x), "FAILED_PRECONDITION", 'Serving signature key "nope" not found.')
    refused(lambda: predict(x=x), "INVALID_ARGUMENT", "Sent extra: {x}. Missing but required: {series}.")
    refused(lambda: predict(series=x[:, :, :1]), "INVALID_ARGUMENT", "[batch, steps, 2]")
    refused(lambda: predict(series=x + np.inf), "INVALID_ARGUMENT", "is not a finite number")
    refused(lambda: predict(series=np.zeros((1, 600_000, 2), np.float32)), "RESOURCE_EXHAUSTED", "larger than max")

    q = get_model_metadata_pb2.GetModelMetadataRequest()
    refused(lambda: prediction.GetModelMetadata(q), "INVALID_ARGUMENT", "Missing ModelSpec")
    q.model_spec.name = "m"
    q.metadata_field.append("signature_def")
    a = prediction.GetModelMetadata(q)
    all = get_model_metadata_pb2.SignatureDefMap()
    a.metadata["signature_def"].Unpack(all)
    series = all.signature_def["serving_default"].inputs["series"]
    assert series.dtype == tf.float32.as_datatype_enum and [d.size for d in series.tensor_shape.dim] == [-1, -1, 2], series

    q = get_model_status_pb2.GetModelStatusRequest()
    q.model_spec.name = "m"
    status = models.GetModelStatus(q).model_version_status
    assert [(v.version, v.state) for v in status] == [(1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)], status
    q.model_spec.name = "other"
    refused(lambda: models.GetModelStatus(q), "NOT_FOUND", "Could not find any versions of model other")


def open_inference():
    client = triton.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("m") and not client.is_model_ready("other")
    assert client.get_server_metadata().name == "rnnbin"
    assert [(v.name, v.version, v.state) for v in client.get_model_repository_index().models if v.name == "m"] == [("m", "1", "READY")]
    metadata = client.get_model_metadata("m", as_json=True)
    assert metadata["versions"] == ["1"] and metadata["inputs"][0]["shape"] == ["-1", "-1", "2"], metadata

    def infer(rows, name="m", kind="FP32", outputs=None, **options):
        series = triton.InferInput("series", rows.shape, kind)
        series.set_data_from_numpy(rows)
        return client.infer(name, [series], outputs=outputs, **options)

    a = infer(x, request_id="9")
    near(a.as_numpy("probabilities"), probabilities)
    assert (decoded(a.as_numpy("labels")) == labels).all() and a.get_response().id == "9"
    near(infer(x.astype(np.float64), kind="FP64").as_numpy("probabilities"), probabilities)
    only = infer(x, outputs=[triton.InferRequestedOutput("labels")])
    assert only.as_numpy("probabilities") is None and only.as_numpy("labels").shape == labels.shape
    for id in 7, "seven":
        row = [infer(x[:1, i:i + 1], sequence_id=id, sequence_start=i == 0, sequence_end=i == len(stream) - 1).as_numpy("probabilities")[0, 0]
               for i in range(len(stream))]
        near(np.array(row), stream)

    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    row = []
    for i in range(len(stream)):
        series = triton.InferInput("series", (1, 1, 2), "FP32")
        series.set_data_from_numpy(x[:1, i:i + 1])
        client.async_stream_infer("m", [series], sequence_id=9, sequence_start=i == 0, sequence_end=i == len(stream) - 1)
        result, error = answers.get(timeout=20)
        assert error is None, error
        row.append(result.as_numpy("probabilities")[0, 0])
    near(np.array(row), stream)
    client.async_stream_infer("other", [series])
    _, error = answers.get(timeout=20)
    assert "Latest(other)" in error.message(), error
    client.stop_stream()

    refused(lambda: infer(x, name="other"), "NOT_FOUND", "Latest(other)")
    refused(lambda: infer(x[:, :, :1]), "INVALID_ARGUMENT", "[batch, steps, 2]")
    refused(lambda: infer(x.astype(np.float16), kind="FP16"), "INVALID_ARGUMENT", "FP16")
    refused(lambda: infer(x, outputs=[triton.InferRequestedOutput("logits")]), "INVALID_ARGUMENT", 'no output "logits"')


def open_inference_rest():
    client = triton_http.InferenceServerClient(http)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("m") and not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data", "sequence", "sequence(string_id)"]
    assert {"name": "m", "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()
    assert client.get_model_metadata("m", "1")["outputs"][0]["shape"] == [-1, -1, 2]

    def infer(rows, name="m", kind="FP32", binary=True, outputs=None, **options):
        series = triton_http.InferInput("series", rows.shape, kind)
        series.set_data_from_numpy(rows, binary_data=binary)
        return client.infer(name, [series], outputs=outputs, **options)

    for binary in True, False:
        outputs = [triton_http.InferRequestedOutput(name, binary_data=binary) for name in ("labels", "probabilities")]
        for given in None, outputs:
            a = infer(x, binary=binary, outputs=given, request_id="9", request_compression_algorithm="gzip" if binary else "deflate")
            near(a.as_numpy("probabilities"), probabilities)
            got = a.as_numpy("labels")
            assert ((decoded(got) if isinstance(got.flat[0], bytes) else got) == labels).all() and a.get_response()["id"] == "9"
    near(infer(x.astype(np.float64), kind="FP64").as_numpy("probabilities"), probabilities)
    for id in 8, "eight":
        row = [infer(x[:1, i:i + 1], sequence_id=id, sequence_start=i == 0, sequence_end=i == len(stream) - 1).as_numpy("probabilities")[0, 0]
               for i in range(len(stream))]
        near(np.array(row), stream)

    refused(lambda: infer(x, name="other"), "404", "Latest(other)")
    refused(lambda: infer(x, model_version="7"), "404", "Specific(m, 7)")
    refused(lambda: infer(x[:, :, :1]), "400", "[batch,steps,2]")
    refused(lambda: infer(x.astype(np.float16), kind="FP16"), "400", "FP16")
    refused(lambda: infer(x + np.inf), "400", "is not a finite number")
    refused(lambda: infer(x, outputs=[triton_http.InferRequestedOutput("logits")]), "400", "unexpected inference output 'logits'")
    client.close()


tensorflow_serving()
open_inference()
open_inference_rest()
