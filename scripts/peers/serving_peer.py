"""Serves an exported model as a Python program would: FastAPI on uvicorn, one process.

    serving_peer.py tensorflow|onnx FOLDER PORT
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import fastapi
import numpy as np
import pydantic
import uvicorn


class Request(pydantic.BaseModel):
    instances: list[list[list[float]]]


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


def main():
    kind, folder, port = sys.argv[1:]
    predict = {"tensorflow": with_tensorflow, "onnx": with_onnx}[kind](folder)
    app = fastapi.FastAPI()

    @app.post("/predict")
    def answer(request: Request):  # no coroutine: FastAPI runs it in its threads
        probabilities, labels = predict(np.array(request.instances, np.float32))
        return {"predictions": [{"probabilities": p.tolist(), "labels": [text(v) for v in row]}
                                for p, row in zip(probabilities, labels)]}

    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


def text(label):
    return label.decode() if isinstance(label, bytes) else str(label)


if __name__ == "__main__":
    main()
