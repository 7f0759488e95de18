"""A network for scripts/bench cells in ONNX Runtime, with rnnbin's weights. It stops
where its probabilities are not rnnbin's; then it prints a row's microseconds.

Sequences are given and probabilities come time-major, as the operators have them.
"""

import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import work

OPERATORS = {"relu": "RNN", "tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
TOLERANCE = 1e-5


def parts(file, scope):
    """Returns the arrays of a scope, kernels as matrices: {name: array}."""
    found = {key.removeprefix(scope): value for key, value in file.items() if key.startswith(scope)}
    for key in found:
        if key.endswith("kernel"):
            found[key] = found[key].reshape(-1, found[key.removesuffix("kernel") + "bias"].size)
    return found


def blocks(kernel, order):
    """Returns blocks of columns in another order, as the rows that ONNX has."""
    columns = np.split(kernel, len(order), -1)
    return np.concatenate([columns[i] for i in order], -1).T


def direction(cell, file, scope, features):
    """Returns W, R and B of one direction."""
    if cell == "gru":  # z, r, h; ours has r and z in one kernel, and h's two products apart
        w = parts(file, scope + "cudnn_compatible_gru_cell.")
        gates, bias, units = w["gates.kernel"], w["gates.bias"], w["gates.bias"].size // 2
        x = w["candidate.input_projection.kernel"], w["candidate.input_projection.bias"]
        h = w["candidate.hidden_projection.kernel"], w["candidate.hidden_projection.bias"]
        zr = blocks(gates, (1, 0))
        return (np.concatenate([zr[:, :features], x[0].T]), np.concatenate([zr[:, features:], h[0].T]),
                np.concatenate([blocks(bias, (1, 0)), x[1], np.zeros(2 * units, np.float32), h[1]]))
    if cell == "lstm":  # i, o, f, c; ours i, c, f, o, and 1 more in f
        w = parts(file, scope + "basic_lstm_cell.")
        kernel, bias = (blocks(w[k], (0, 3, 2, 1)) for k in ("kernel", "bias"))
        bias[bias.size // 2:][:bias.size // 4] += 1
    else:
        w = parts(file, scope + "basic_rnn_cell.")
        kernel, bias = w["kernel"].T, w["bias"]
    return kernel[:, :features], kernel[:, features:], np.concatenate([bias, np.zeros_like(bias)])


def model(n, file):
    """Returns the network: one layer, a projection, softmax."""
    wrapper = "rnn.output_projection_wrapper."
    scopes, output = ([wrapper], wrapper) if n.directions == 1 else (
        ["bidirectional_rnn.fw.", "bidirectional_rnn.bw."], "projection.")
    w, r, b = map(np.stack, zip(*(direction(n.cell, file, s, n.features) for s in scopes)))
    kernel, bias = file[output + "kernel"].reshape(-1, work.CLASSES), file[output + "bias"]
    own = {"gru": {"linear_before_reset": 1}, "relu": {"activations": ["Relu"] * n.directions}}.get(n.cell, {})
    nodes = [
        helper.make_node(OPERATORS[n.cell], ["x", "w", "r", "b"], ["y"], hidden_size=n.units,
                         direction="bidirectional" if n.directions == 2 else "forward", **own),
        helper.make_node("Transpose", ["y"], ["turned"], perm=[0, 2, 1, 3]),  # [T,D,B,U]
        helper.make_node("Reshape", ["turned", "shape"], ["states"]),
        helper.make_node("MatMul", ["states", "kernel"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probability"], axis=-1),
    ]
    constants = {"w": w, "r": r, "b": b, "kernel": kernel, "bias": bias,
                 "shape": np.array([0, 0, n.directions * n.units], np.int64)}
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, None, n.features])],
        [helper.make_tensor_value_info("probability", onnx.TensorProto.FLOAT, [None, None, work.CLASSES])],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()])
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(built)
    return built.SerializeToString()


def main():
    n = work.network()
    file = dict(np.load(n.file))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n.threads, 1
    session = onnxruntime.InferenceSession(model(n, file), options, providers=["CPUExecutionProvider"])

    def predict(x):
        return session.run(["probability"], {"x": x})[0]

    def time_major(key, width):
        return np.ascontiguousarray(file[key].reshape(n.batch, n.steps, width).swapaxes(0, 1))

    x = time_major("x", n.features)
    off = np.abs(predict(x) - time_major("probability", work.CLASSES)).max()
    if not off <= TOLERANCE:
        sys.exit(f"probabilities differ from rnnbin's by {off:.2g}")
    work.clock("predict", lambda: predict(x), n)


if __name__ == "__main__":
    main()
