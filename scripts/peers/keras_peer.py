"""The training step in Keras on TensorFlow: train_on_batch, fit, and a tf.function.

  keras_peer.py           the work of work.py
  keras_peer.py --train   the same by fit, ten epochs and nothing printed
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import work  # noqa: E402


def new_model():
    model = keras.Sequential([
        keras.layers.Input((work.STEPS, 1)),
        keras.layers.SimpleRNN(work.UNITS, activation="relu", recurrent_initializer="glorot_uniform", return_sequences=True),
        keras.layers.Dense(2),
    ])
    model.compile(optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-8),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def whole_epoch():
    """Returns an epoch's batches one after the other, as fit takes them."""
    batches = [work.batch(i) for i in range(work.EPOCH)]
    return tuple(np.concatenate(parts) for parts in zip(*batches))


def on_batches(model):
    for i in range(work.EPOCH):
        loss = model.train_on_batch(*work.batch(i))
    return loss


def by_fit(model, x, labels, epochs=1):
    history = model.fit(x, labels, batch_size=work.BATCH, epochs=epochs, shuffle=False, verbose=0)
    return history.history["loss"][-1]


def by_function(model):
    @tf.function
    def step(x, labels):
        with tf.GradientTape() as tape:
            loss = model.loss(labels, model(x, training=True))
        grads = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(grads, model.trainable_variables))
        return loss

    def epoch():
        for i in range(work.EPOCH):
            loss = step(*map(tf.constant, work.batch(i)))
        return loss

    return epoch


def main():
    if sys.argv[1:] == ["--train"]:
        by_fit(new_model(), *whole_epoch(), epochs=10)
        return
    data = whole_epoch()
    model = new_model()
    work.measure("Keras, fit", lambda: by_fit(model, *data))
    model = new_model()
    work.measure("Keras, train_on_batch", lambda: on_batches(model))
    work.measure("TensorFlow, tf.function", by_function(new_model()))


if __name__ == "__main__":
    main()
