"""Run exported models with the programs that people have, and compare with what rnnbin answers.

    check.py FOLDER

In FOLDER are models/NAME/1, a SavedModel, 2, the same as ONNX, and 1.json: its classes and threshold and, for
batches of series, what was asked and answered. Everything runs in this one process, which takes long to
start. It ends with an error at the first thing that is not as it should be.
"""
import contextlib
import io
import json
import os
import sys
import tempfile
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import absl.flags
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from tensorflow.python.tools import saved_model_cli

TOLERANCE = 1e-6
TF1 = tf.compat.v1


class Case:
    """A batch of series [B,T,R], and rnnbin's probabilities [B,T,C] and labels [B,T]."""

    def __init__(self, folder, classes, threshold, case):
        shape = case["batch"], case["rows"]
        read = lambda name, kind, *more: np.fromfile(os.path.join(folder, case[name]), kind).reshape(*shape, *more)
        self.shape = shape
        self.series = read("series", np.float32, -1)
        self.probability = read("probability", np.float32, len(classes))
        self.labels = np.array(classes, object)[read("class", np.int16)]
        # What lies on the border of two classes, to rounding, may be either.
        top = np.sort(self.probability, 2)
        margin = np.abs(self.probability[:, :, 1] - threshold) if len(classes) == 2 else top[:, :, -1] - top[:, :, -2]
        self.clear = margin > 1e-5

    def check(self, what, probabilities, labels, rows=slice(None)):
        want, names = self.probability[:, rows], self.labels[:, rows]
        labels = np.array([[v.decode() if isinstance(v, bytes) else v for v in row] for row in labels], object)
        apart = np.abs(probabilities - want).max()
        if probabilities.shape != want.shape or not apart <= TOLERANCE:
            sys.exit("%s, %s: %s apart" % (what, self.shape, apart))
        if not (labels == names)[self.clear[:, rows]].all():
            sys.exit("%s, %s: labels differ" % (what, self.shape))
        return apart


def check_all(what, cases, run):
    worst = max(case.check(what, *run(case.series)) for case in cases)
    print("%.0f s: %s: %.2g apart" % (time.process_time(), what, worst), flush=True)


def check_stream(what, case, run, size):
    """The series of a case in pieces, with the state handed on."""
    state, worst, rows = np.zeros((case.shape[0], size)), 0, case.shape[1]
    edges = [0, 1, 2, rows // 3, rows - 1, rows]
    for begin, end in zip(edges, edges[1:]):
        p, labels, state = run(case.series[:, begin:end], state)
        worst = max(worst, case.check(what, p, labels, slice(begin, end)))
    print("%.0f s: %s: %.2g apart" % (time.process_time(), what, worst), flush=True)


def tensorflow2(name, folder, cases, largest):
    m = tf.saved_model.load(folder)
    if len(m.variables) == 0 or any("member_" not in v.name for v in m.variables):
        sys.exit("%s: variables %s" % (name, [v.name for v in m.variables]))

    def run(series):
        got = m.signatures["serving_default"](series=tf.constant(series))
        return got["probabilities"].numpy(), got["labels"].numpy()

    check_all(name + ", tf.saved_model.load", cases + [largest], run)
    case = cases[-1]
    lengths = np.full(case.shape[0], case.shape[1], np.int32)
    got = m.signatures["lengths"](series=tf.constant(case.series), lengths=tf.constant(lengths))
    case.check(name + ", lengths", got["probabilities"].numpy(), got["labels"].numpy())
    if "stream" in m.signatures:
        of = m.signatures["stream"]

        def step(series, state):
            got = of(series=tf.constant(series), state=tf.constant(state))
            return got["probabilities"].numpy(), got["labels"].numpy(), got["next_state"].numpy()

        check_stream(name + ", tf.saved_model.load, stream", case, step, of.structured_input_signature[1]["state"].shape[1])


def tensorflow1(name, folder, cases):
    with tf.Graph().as_default(), TF1.Session() as session:
        meta = TF1.saved_model.load(session, ["serve"], folder)
        of = meta.signature_def["serving_default"]
        if of.method_name != TF1.saved_model.signature_constants.PREDICT_METHOD_NAME:
            sys.exit("%s: method %s" % (name, of.method_name))
        if len(TF1.trainable_variables()) == 0:
            sys.exit("%s: no variables" % name)
        if [a.filename for a in meta.asset_file_def] != ["classes.txt", "features.txt"]:
            sys.exit("%s: assets %s" % (name, meta.asset_file_def))

        def run(series):
            return session.run([of.outputs[key].name for key in ("probabilities", "labels")], {of.inputs["series"].name: series})

        check_all(name + ", tf.compat.v1.saved_model.load", cases, run)


def command_line(name, folder, case):
    def call(command, *args):
        absl.flags.FLAGS(["saved_model_cli", "--dir", folder, *args])
        command()

    out = io.StringIO()
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(out):
        call(saved_model_cli.show, "--all")
        np.save(os.path.join(scratch, "x.npy"), case.series)
        call(saved_model_cli.run, "--tag_set", "serve", "--signature_def", "serving_default",
             "--inputs", "series=%s/x.npy" % scratch, "--outdir", scratch)
        p, labels = (np.load("%s/%s.npy" % (scratch, key), allow_pickle=True) for key in ("probabilities", "labels"))
    if "signature_def['lengths']" not in out.getvalue():
        sys.exit("saved_model_cli show does not list lengths:\n" + out.getvalue())
    print("%s, saved_model_cli: %.2g apart" % (name, case.check("saved_model_cli", p, labels)), flush=True)


def onnx_session(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    onnxruntime.set_default_logger_severity(3)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def converted(name, folder, signature, cases):
    import tf2onnx.convert

    path, args = os.path.join(folder, os.pardir, signature + ".onnx"), sys.argv
    sys.argv = ["tf2onnx", "--saved-model", folder, "--signature_def", signature, "--tag", "serve", "--opset", "18", "--output", path]
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            tf2onnx.convert.main()
    finally:
        sys.argv = args
    what = "%s, tf2onnx, %s" % (name, signature)
    if signature == "stream":
        onnx_stream(what, path, cases[-1])
    else:
        onnx_whole(what, path, cases)


def onnx_whole(what, path, cases):
    s = onnx_session(path)
    check_all(what, cases, lambda series: s.run(["probabilities", "labels"], {"series": series}))
    return s


def onnx_stream(what, path, case):
    s = onnx_session(path)
    size = next(i.shape[1] for i in s.get_inputs() if i.name == "state")
    check_stream(what, case, lambda series, state: s.run(["probabilities", "labels", "next_state"], {"series": series, "state": state}), size)


def direct(name, folder, cases, largest):
    """What rnnbin itself writes as ONNX."""
    what = name + ", export --format onnx"
    s = onnx_whole(what, os.path.join(folder, "model.onnx"), cases + [largest])
    case = cases[-1]
    lengths = np.full(case.shape[0], case.shape[1], np.int32)
    case.check(what + ", lengths", *s.run(["probabilities", "labels"], {"series": case.series, "lengths": lengths}))
    # Two series side by side, the second padded.
    rows = case.shape[1] // 3
    short = cases[0]
    padded = np.zeros((2, rows, case.series.shape[2]), np.float32)
    padded[0], padded[1, : short.shape[1]] = case.series[0, :rows], short.series[0]
    p, labels = s.run(["probabilities", "labels"], {"series": padded, "lengths": np.array([rows, short.shape[1]], np.int32)})
    short.check(what + ", padded", p[1:, : short.shape[1]], labels[1:, : short.shape[1]])
    path = os.path.join(folder, "stream.onnx")
    if os.path.exists(path):
        onnx_stream(what + ", stream", path, case)


def main():
    top = os.path.join(sys.argv[1], "models")
    for name in sorted(os.listdir(top)):
        folder = os.path.join(top, name, "1")
        with open(folder + ".json") as f:
            about = json.load(f)
        cases = [Case(sys.argv[1], about["classes"], about["threshold"], case) for case in about["cases"]]
        cases, largest = cases[:-1], cases[-1]
        tensorflow2(name, folder, cases, largest)
        tensorflow1(name, folder, cases)
        command_line(name, folder, cases[0])
        direct(name, os.path.join(top, name, "2"), cases, largest)
        for signature in about["convert"]:
            converted(name, folder, signature, cases)


main()
