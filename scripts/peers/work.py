"""The work that peers do, and its timing.

For scripts/bench peers rnnbin's default training: 10 windows of 20 steps, one input, 100 units,
relu, two outputs, softmax cross-entropy, Adam; 800 steps an epoch, each one sample
further on. For scripts/bench cells a network of any shape, and random values.
"""

import argparse
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


CLASSES = 2


def network():
    """Returns the network that the command line asks for, as cells.py calls a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cell", choices=["relu", "tanh", "gru", "lstm"], required=True)
    for name in ("layers", "directions", "features", "units", "steps", "batch", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--file", help="weights, inputs and probabilities of rnnbin's (npz)")
    return parser.parse_args()


def values(n):
    """Returns random inputs x [T,B,F], labels [T,B] and a gradient with respect to the layers' outputs [T,B,D*U]."""
    r = np.random.default_rng(0)

    def normal(width):
        return r.normal(size=(n.steps, n.batch, width)).astype(np.float32)

    return normal(n.features), r.integers(0, CLASSES, (n.steps, n.batch), np.int32), normal(n.directions * n.units)


def clock(name, call, n):
    """Prints how many microseconds call takes on average, for n.seconds after a few calls that are not timed."""
    for _ in range(3):
        call()
    begin, calls = time.perf_counter(), 0
    while (spent := time.perf_counter() - begin) < n.seconds:
        call()
        calls += 1
    print(f"{name}\t{spent / calls * 1e6:.2f}", flush=True)
