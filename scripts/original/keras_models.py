"""Records what Keras predicts with small models, and their gradients.

The files and their keys are described in cmd/internal/keras/testdata/README.md. Run by
scripts/original/keras.
"""

import argparse
import os
import sys
import tempfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers

tf.get_logger().setLevel("ERROR")

KEPT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cmd/internal/keras/testdata"))

STEPS, BATCH, FEATURES = 8, 4, 3
UNITS = 5
LIMIT = 1e-5  # of --check: the largest difference relative to an array's largest value


def softmax():
    return layers.Dense(2, activation="softmax")


def sigmoid():
    return layers.Dense(1, activation="sigmoid")


def sequences(cell, *args, **settings):
    return cell(*args, return_sequences=True, **settings)


# Each network's length, None for any, and its layers.
NETWORKS = {
    "simple_rnn": (STEPS, lambda: [sequences(layers.SimpleRNN, UNITS), softmax()]),
    "lstm": (STEPS, lambda: [sequences(layers.LSTM, UNITS), sigmoid()]),
    "lstm_softmax": (STEPS, lambda: [sequences(layers.LSTM, UNITS, name="memory"), softmax()]),
    "gru": (STEPS, lambda: [sequences(layers.GRU, UNITS), softmax()]),
    "gru_reset_before": (STEPS, lambda: [
        sequences(layers.GRU, UNITS, reset_after=False), layers.TimeDistributed(sigmoid())]),
    "bidirectional_lstm": (STEPS, lambda: [
        layers.Bidirectional(sequences(layers.LSTM, UNITS, dropout=0.1)), softmax()]),
    "bidirectional_gru": (STEPS, lambda: [
        layers.Normalization(), layers.Bidirectional(sequences(layers.GRU, UNITS)), layers.Dropout(0.2),
        layers.Bidirectional(sequences(layers.GRU, 4)), sigmoid()]),
    "stacked": (None, lambda: [
        sequences(layers.SimpleRNN, 6, activation="relu"), layers.GaussianNoise(0.1),
        sequences(layers.LSTM, UNITS, use_bias=False), layers.SpatialDropout1D(0.1),
        sequences(layers.GRU, 4, use_bias=False), layers.TimeDistributed(layers.Dense(2))]),
    "stacked_gru": (STEPS, lambda: [
        sequences(layers.GRU, UNITS), layers.Dropout(0.2), sequences(layers.GRU, 4), softmax()]),
    "functional": (STEPS, lambda: [
        layers.Dense(6, activation="relu", name="first"), sequences(layers.GRU, UNITS, name="middle"),
        layers.Dropout(0.1), layers.Dense(3, name="last"), layers.Activation("softmax")]),
    "bidirectional_dense": (STEPS, lambda: [
        layers.Bidirectional(sequences(layers.LSTM, UNITS)), layers.TimeDistributed(layers.Dense(4)),
        layers.Activation("tanh"), layers.Dense(4), layers.Softmax()]),
}

# Those built with Keras's functional interface.
FUNCTIONAL = ("functional",)

# That saved in the format of before Keras 3, too.
LEGACY = ("lstm_softmax",)

# Those whose weights are kept as a .weights.h5 too, which save_weights writes.
WEIGHTS = ("stacked_gru", "bidirectional_gru", "simple_rnn", "gru_reset_before")

# Those compiled and with an optimizer's variables in the file.
COMPILED = ("lstm",)

# What rnnbin does not read.
UNSUPPORTED = {
    "hard_sigmoid": (STEPS, lambda: [
        sequences(layers.LSTM, UNITS, recurrent_activation="hard_sigmoid", name="lstm_1"), sigmoid()]),
    "convolution": (STEPS, lambda: [
        sequences(layers.GRU, UNITS), layers.Conv1D(4, 3, padding="same", name="smooth"), sigmoid()]),
}


def build(length, make, functional=False):
    """Returns a model, built."""
    keras.backend.clear_session()
    inputs = keras.Input((length, FEATURES))
    if not functional:
        return keras.Sequential([inputs] + make())
    outputs = inputs
    for layer in make():
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def set_weights(model, rng):
    """Draws Glorot uniform matrices and biases within 0.1 of Keras's own, so that none is 0."""
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.adapt(rng.normal(3, 2, (64, 2, FEATURES)).astype(np.float32))
            continue
        values = []
        for old in layer.get_weights():
            if old.ndim == 2 and old.shape[0] > 2:
                limit = np.sqrt(6 / sum(old.shape))
                values.append(rng.uniform(-limit, limit, old.shape).astype(np.float32))
            else:
                values.append((old + rng.uniform(-0.1, 0.1, old.shape)).astype(np.float32))
        layer.set_weights(values)


def gradients(model, x, y):
    """Returns the loss, the mean cross-entropy of all labels, and its gradients in the order of its variables."""
    last = model.layers[-1]
    logits = getattr(getattr(last, "layer", last), "activation", None) is keras.activations.linear
    with tf.GradientTape() as tape:
        answers = model(x)
        if answers.shape[-1] == 1:
            losses = keras.losses.binary_crossentropy(y[..., None], answers)
        else:
            losses = keras.losses.sparse_categorical_crossentropy(y, answers, from_logits=logits)
        loss = tf.reduce_mean(losses)
    variables = model.trainable_variables
    return loss.numpy(), {"grad|%02d" % i: g.numpy() for i, g in enumerate(tape.gradient(loss, variables))}


def record(name, folder):
    """Writes NAME.keras, NAME.npz and for some NAME.weights.h5."""
    length, make = NETWORKS[name]
    model = build(length, make, name in FUNCTIONAL)
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    set_weights(model, rng)
    x = rng.standard_normal((BATCH, STEPS, FEATURES)).astype(np.float32)
    y = rng.randint(max(2, model.output_shape[-1]), size=(BATCH, STEPS)).astype(np.int32)
    if name in COMPILED:
        model.compile("adam", "binary_crossentropy")
        model.train_on_batch(x, y[..., None].astype(np.float32))
    loss, grads = gradients(model, x, y)
    np.savez_compressed(os.path.join(folder, name + ".npz"), x=x, y=y, loss=loss,
                        predictions=model.predict(x, verbose=0), **grads)
    model.save(os.path.join(folder, name + ".keras"))
    if name in WEIGHTS:
        model.save_weights(os.path.join(folder, name + ".weights.h5"))
    if name in LEGACY:
        model.save(os.path.join(folder, name + ".h5"))


def record_arrays(folder):
    """Writes kinds.h5, arrays of several types and layouts, and latest.h5, a file in HDF5's newest way."""
    values = np.arange(6).reshape(2, 3) / 4
    with h5py.File(os.path.join(folder, "kinds.h5"), "w") as f:
        f["float64"], f["float32"] = values, values.astype(np.float32)
        f["scalar"], f["empty"] = np.float32(0.5), np.zeros((0, 3), np.float32)
        f["float16"], f["int64"] = values.astype(np.float16), np.arange(3)
        f["big_endian"] = values.astype(">f4")
        f.create_dataset("chunked", data=values, chunks=(1, 3))
        f.create_dataset("compressed", data=values, compression="gzip")
        f.create_dataset("unwritten", (2, 3), "f4")
        f["float32"].attrs["note"] = "attributes are skipped"
        f["link"] = h5py.SoftLink("/float32")
        for i in range(40):  # more than one node of a B-tree holds
            f["many/%d" % i] = np.float32(i)
    with h5py.File(os.path.join(folder, "latest.h5"), "w", libver="latest") as f:
        f["float32"] = values.astype(np.float32)


def regenerate(folder):
    record_arrays(folder)
    for name in NETWORKS:
        print("keras: " + name, file=sys.stderr)
        record(name, folder)
    for name, (length, make) in UNSUPPORTED.items():
        build(length, make).save(os.path.join(folder, name + ".keras"))


def compare(folder):
    """Compares the arrays in folder with the kept ones; returns an exit code."""
    code = 0
    for name in NETWORKS:
        with np.load(os.path.join(folder, name + ".npz")) as new, np.load(os.path.join(KEPT, name + ".npz")) as kept:
            if sorted(new) != sorted(kept):
                print("%s: other arrays: %s, kept %s" % (name, sorted(new), sorted(kept)))
                code = 1
                continue
            worst = max(float(np.max(np.abs(new[k] - kept[k])) / max(np.max(np.abs(kept[k])), 1e-30)) for k in kept)
        print("%-20s %.1e" % (name, worst))
        if not worst <= LIMIT:
            code = 1
    return code


def main():
    parser = argparse.ArgumentParser(prog="keras", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", metavar="DIR", default="runs/keras", help="write there (default %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="keep nothing, compare with the kept files; exit 1 if they differ by more than rounding")
    args = parser.parse_args()
    if args.check:
        with tempfile.TemporaryDirectory() as folder:
            regenerate(folder)
            return compare(folder)
    os.makedirs(args.out, exist_ok=True)
    regenerate(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
