"""A network for scripts/bench cells in Keras on TensorFlow, each of them a tf.function:
its layers forward and backward, and a training step."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import work  # noqa: E402

CELLS = {"relu": keras.layers.SimpleRNN, "tanh": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def layer(n):
    own = {"activation": n.cell} if n.cell in ("relu", "tanh") else {}
    rnn = CELLS[n.cell](n.units, return_sequences=True, **own)
    return keras.layers.Bidirectional(rnn) if n.directions == 2 else rnn


def main():
    n = work.network()
    tf.config.threading.set_intra_op_parallelism_threads(n.threads)
    tf.config.threading.set_inter_op_parallelism_threads(n.threads)
    x, labels, dy = (tf.constant(np.swapaxes(v, 0, 1)) for v in work.values(n))
    rnn = keras.Sequential([keras.layers.Input((n.steps, n.features)), *(layer(n) for _ in range(n.layers))])
    model = keras.Sequential([rnn, keras.layers.Dense(work.CLASSES)])
    model.build((None, n.steps, n.features))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(model.trainable_variables)

    @tf.function
    def layers():
        with tf.GradientTape() as tape:
            states = rnn(x, training=True)
        return tape.gradient(states, rnn.trainable_variables, output_gradients=dy)

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            value = loss(labels, model(x, training=True))
        grads = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
        return value

    work.clock("layers", layers, n)
    work.clock("train", train, n)


if __name__ == "__main__":
    main()
