"""The program rnnbin starts from, as it was published, under TensorFlow 1.15.

A question came with a program that labels every step of a sine and learns with a
squared error; it asked why cross-entropy would not work instead. An answer came
with three changes. Both are here, and the question's failing attempt with the
least that makes it run:

  question  one output, squared error. Meant as labels 1 and 2, but the second
            assignment also catches the ones the first has just made: every label
            is 2, except the 0 at index 0. Kept, as it is what the program did.
  attempt   sparse softmax cross-entropy. Needs the answer's labels and two
            outputs, and its labels without the last axis and as integers.
  answer    labels 0 and 1, two outputs, softmax cross-entropy of one-hot labels.

Names, numbers, order of the graph's operations and the training loop are the
original's, spelling included: the order decides the initial weights that a graph
seed gives. Added are the graph seed, the number of threads, and Watch, through
which record.py looks on. Left out is an import of matplotlib that nothing used.

  scripts/original/run answer --seed 0
"""

import argparse
import collections
import logging
import signal
import sys

import numpy as np

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its farewell to contrib
import tensorflow as tf  # noqa: E402

VARIANTS = ("question", "attempt", "answer")

n_steps = 20
n_inputs = 1
n_neurons = 100
n_outputs = 1  # of y; the network of attempt and answer has two
learning_rate = 0.001

fs = 1000  # sample rate
f = 2  # the frequency of the signal
n_iterations = 1000
batch_size = 200
n_epouchs = 10
steps_per_epouch = n_iterations - 200

# What a variant's training needs, and the tensors that are worth a look.
Program = collections.namedtuple(
    "Program", "dfX dfX2 X y outputs states loss optimizer gradients training_op init")


class Watch:
    """Looks on while train runs. Reading a tensor in between changes nothing.

    A step counts the updates over all epochs, from 0; feed is that step's batch.
    """

    def before(self, step, feed):
        """Called before the update of this step."""

    def after(self, step, feed):
        """Called after the update of this step."""

    def epouch_done(self, epouch):
        """Called after the last update of an epoch, counted from 0."""


def series(variant):
    """Returns the sine and its labels, float64 [1000] each."""
    x = np.arange(fs)  # the points on the x axis for plotting
    dfX = np.array([np.sin(2*np.pi*f * (i/fs)) for i in x])
    dfX2 = np.array([np.sin(2*np.pi*f * (i/fs)) for i in x])
    if variant == "question":
        dfX2[dfX2 < 0] = 1
        dfX2[dfX2 > 0] = 2
    else:
        dfX2[dfX2 < 0] = 0
        dfX2[dfX2 > 0] = 1
    return dfX, dfX2


def loss_of(variant, outputs, y):
    """Returns the mean loss over all labels of a batch.

    outputs is [B,T,1] for question, else [B,T,2]; y is [B,T,1].
    """
    if variant == "question":
        return tf.reduce_mean(tf.square(outputs - y))
    if variant == "attempt":
        xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.cast(tf.squeeze(y, -1), tf.int32), logits=outputs)
    else:
        xentropy = tf.nn.softmax_cross_entropy_with_logits_v2(
            labels=tf.one_hot(tf.cast(y, tf.int32), 2), logits=outputs)
    return tf.reduce_mean(xentropy)


def build(variant, seed=None):
    """Returns the variant's Program, built in a new default graph."""
    tf.reset_default_graph()
    if seed is not None:
        tf.set_random_seed(seed)
    dfX, dfX2 = series(variant)

    X = tf.placeholder(tf.float32, [None, n_steps, n_inputs])
    y = tf.placeholder(tf.float32, [None, n_steps, n_outputs])

    cell = tf.contrib.rnn.OutputProjectionWrapper(
        tf.contrib.rnn.BasicRNNCell(num_units=n_neurons, activation=tf.nn.relu),
        output_size=1 if variant == "question" else 2)
    outputs, states = tf.nn.dynamic_rnn(cell, X, dtype=tf.float32)

    loss = loss_of(variant, outputs, y)
    optimizer = tf.train.AdamOptimizer(learning_rate=learning_rate)
    gradients = optimizer.compute_gradients(loss)  # these two calls are minimize(loss)
    training_op = optimizer.apply_gradients(gradients)
    init = tf.global_variables_initializer()
    return Program(dfX, dfX2, X, y, outputs, states, loss, optimizer, gradients, training_op, init)


def train(sess, p, epouchs=n_epouchs, watches=(), out=sys.stdout):
    """Trains p and prints the loss of every hundredth batch, after its update."""
    dfX, dfX2 = p.dfX, p.dfX2
    p.init.run()
    for epouch in range(epouchs):
        for iteration in range(n_iterations-200):
            X_batch = dfX[iteration:iteration+batch_size]
            X_batch = X_batch.reshape(-1, n_steps, n_inputs)
            y_batch = dfX2[(iteration+1):(iteration+batch_size+1)]
            y_batch = y_batch.reshape(-1, n_steps, n_outputs)
            feed = {p.X: X_batch, p.y: y_batch}
            step = epouch*steps_per_epouch + iteration
            for watch in watches:
                watch.before(step, feed)
            sess.run(p.training_op, feed_dict=feed)
            for watch in watches:
                watch.after(step, feed)
            if iteration % 100 == 0:
                mse = p.loss.eval(feed_dict=feed)
                print(iteration, "--", epouch, "\tMSE:", mse, file=out)
        for watch in watches:
            watch.epouch_done(epouch)


def predict(sess, p):
    """Returns the outputs on samples [37, 237), float32 [10,20,1 or 2]."""
    X_new1 = p.dfX[37:37+batch_size]
    X_new1 = X_new1.reshape(-1, n_steps, n_inputs)
    return sess.run(p.outputs, feed_dict={p.X: X_new1})


def session(threads=1):
    """Returns a session; threads 0 leaves their number to TensorFlow, as the original did."""
    return tf.Session(config=tf.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads))


def main():
    parser = argparse.ArgumentParser(prog="run", description="Run the original program and print what it prints.")
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--seed", type=int, help="graph seed (default: none, each run differs)")
    parser.add_argument("--epochs", type=int, default=n_epouchs, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1,
                        help="of TensorFlow; 0 lets it choose, as the original did (default 1, as recorded)")
    args = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # run … | head
    sys.stdout.reconfigure(line_buffering=True)

    p = build(args.variant, args.seed)
    with session(args.threads) as sess:
        train(sess, p, args.epochs)
        predict(sess, p)


if __name__ == "__main__":
    main()
