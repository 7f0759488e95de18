"""The work that every peer does: rnnbin's default training, and its timing.

10 windows of 20 steps, one input, 100 units, relu, two outputs, softmax
cross-entropy, Adam; 800 steps an epoch, each one sample further on.
"""

import time

import numpy as np

SAMPLES, STEPS, BATCH, UNITS = 1000, 20, 10, 100
EPOCH = SAMPLES - STEPS * BATCH  # training steps
EPOCHS = 3  # that are timed, after one that is not

_sine = np.sin(2 * np.pi * 2 * (np.arange(SAMPLES) / SAMPLES))
x = _sine.astype(np.float32)
labels = (_sine > 0).astype(np.int32)


def batch(step):
    """Returns the inputs [B,T,1] and the labels [B,T] of a training step."""
    end = step + STEPS * BATCH
    return x[step:end].reshape(BATCH, STEPS, 1), labels[step + 1:end + 1].reshape(BATCH, STEPS)


def weights(units=UNITS):
    """Returns kernel [1+U,U], bias [U], output kernel [U,2] and output bias [2]."""
    r = np.random.default_rng(0)

    def glorot(rows, columns):
        limit = np.sqrt(6 / (rows + columns))
        return r.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    return glorot(1 + units, units), np.zeros(units, np.float32), glorot(units, 2), np.zeros(2, np.float32)


def measure(name, epoch):
    """Prints a line for each timed epoch: name, microseconds a step, the last loss.

    epoch makes EPOCH training steps and returns the loss of the last one.
    """
    for i in range(1 + EPOCHS):
        begin = time.perf_counter()
        loss = float(epoch())
        if i:
            print(f"{name}\t{(time.perf_counter() - begin) / EPOCH * 1e6:.2f}\t{loss:.5f}", flush=True)
