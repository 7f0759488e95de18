"""Records what TensorFlow 1.15.5's own cells compute: small networks on one small batch.

The files' names and keys are described in graph/testdata/cells/README.md.

  scripts/original/python scripts/original/cells.py --restore PREFIX NAME OUT.npz

builds the network NAME, restores every variable of it, Adam's too, from the
checkpoint PREFIX, and writes outputs and last states of the same batch to OUT.npz.
"""

import argparse
import collections
import os

import numpy as np

import original
from original import tf

# No size is a multiple of a vector's.
STEPS, BATCH, FEATURES, CLASSES = 7, 5, 3, 3
UNITS, UNITS_2 = 13, 9  # of the first layer, of the second
DENSE = [(UNITS, tf.nn.relu), (UNITS_2, tf.nn.tanh)]  # dense layers
LENGTHS = np.array([7, 3, 1, 5, 6], np.int32)
LEARNING_RATE = 0.01
UPDATES = 10
KEPT_UPDATES = (1, 10)  # the weights are kept after so many


def basic_rnn(units):
    return tf.nn.rnn_cell.BasicRNNCell(units)


def lstm(units):
    return tf.nn.rnn_cell.BasicLSTMCell(units, forget_bias=1.0, state_is_tuple=True)


def gru(units):
    """Returns the GRU that resets after the product with the state."""
    return tf.contrib.cudnn_rnn.CudnnCompatibleGRUCell(units)


def gru_before(units):
    """Returns the GRU that resets before the product with the state."""
    return tf.nn.rnn_cell.GRUCell(units)


# layers are the units of a stack's cells, or of the forward and the backward one; dense
# the layers before them, units and activation.
# seed is of all that is drawn: of 0 to 299 the one whose smallest initial gradient is
# the largest, as Adam's first update magnifies the rounding error of one near 0.
Network = collections.namedtuple("Network", "cell layers bidirectional lengths seed dense", defaults=[[]])

NETWORKS = {
    "basic_rnn": Network(basic_rnn, [UNITS], False, False, 172),
    "lstm": Network(lstm, [UNITS], False, False, 79),
    "gru": Network(gru, [UNITS], False, False, 26),
    "gru_before": Network(gru_before, [UNITS], False, False, 180),
    "stacked_lstm": Network(lstm, [UNITS, UNITS_2], False, False, 126),
    "stacked_gru": Network(gru, [UNITS, UNITS_2], False, False, 47),
    "bidirectional_lstm": Network(lstm, [UNITS, UNITS], True, False, 238),
    "bidirectional_gru": Network(gru, [UNITS, UNITS], True, False, 100),
    "lengths_lstm": Network(lstm, [UNITS], False, True, 71),
    "lengths_bidirectional_lstm": Network(lstm, [UNITS, UNITS], True, True, 235),
    "dense": Network(None, [], False, False, 142, DENSE),
    "dense_gru": Network(gru, [UNITS], False, False, 202, DENSE[1:]),
}

Program = collections.namedtuple("Program", "x y lengths outputs last loss gradients training_op")


def forward(cells, x, lengths):
    """Returns logits [B,T,C] and the last state of a cell, of a stack of cells or of none."""
    if not cells:
        return tf.layers.dense(x, CLASSES, name="projection"), {}
    cell = cells[0] if len(cells) == 1 else tf.nn.rnn_cell.MultiRNNCell(cells)
    cell = tf.contrib.rnn.OutputProjectionWrapper(cell, output_size=CLASSES)
    return tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32)


def both_ways(cells, x, lengths):
    """Returns logits [B,T,C] and the last states of one cell a direction."""
    outputs, last = tf.nn.bidirectional_dynamic_rnn(*cells, x, sequence_length=lengths, dtype=tf.float32)
    return tf.layers.dense(tf.concat(outputs, 2), CLASSES, name="projection"), last


def loss_of(outputs, y, lengths):
    """Returns the mean loss of all steps, of those within lengths [B] where these are given."""
    xentropy = tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.one_hot(y, CLASSES), logits=outputs)
    if lengths is None:
        return tf.reduce_mean(xentropy)
    mask = tf.sequence_mask(lengths, STEPS, dtype=tf.float32)
    return tf.reduce_sum(xentropy * mask) / tf.reduce_sum(mask)


def states(last, parts):
    """Returns the tensors of a last state keyed h, or c and h; parts name the states of several cells."""
    if hasattr(last, "_asdict"):  # LSTMStateTuple
        return last._asdict()
    if isinstance(last, tf.Tensor):
        return {"h": last}
    return {part + "." + name: tensor
            for part, state in zip(parts, last) for name, tensor in states(state, ()).items()}


def build(name):
    """Returns the network's Program, built in a new default graph."""
    tf.reset_default_graph()
    network = NETWORKS[name]
    x = tf.placeholder(tf.float32, [None, STEPS, FEATURES])
    y = tf.placeholder(tf.int32, [None, STEPS])
    lengths = tf.placeholder(tf.int32, [None]) if network.lengths else None

    inputs = x
    for units, activation in network.dense:
        inputs = tf.layers.dense(inputs, units, activation)
    cells = [network.cell(units) for units in network.layers]
    run, parts = (both_ways, ("fw", "bw")) if network.bidirectional else (forward, ("cell_0", "cell_1"))
    outputs, last = run(cells, inputs, lengths)

    loss = loss_of(outputs, y, lengths)
    optimizer = tf.train.AdamOptimizer(LEARNING_RATE)
    gradients = optimizer.compute_gradients(loss)
    training_op = optimizer.apply_gradients(gradients)
    return Program(x, y, lengths, outputs, states(last, parts), loss, gradients, training_op)


def draw_batch(rng):
    """Returns inputs [B,T,F] and labels [B,T]."""
    x = rng.standard_normal((BATCH, STEPS, FEATURES)).astype(np.float32)
    return x, rng.randint(CLASSES, size=(BATCH, STEPS)).astype(np.int32)


def draw_weights(rng, variable):
    """Returns Glorot uniform kernels and biases within 0.1 of where TensorFlow starts them, so that none is 0."""
    shape = variable.shape.as_list()
    if len(shape) == 2:
        centre, limit = 0, np.sqrt(6 / sum(shape))
    else:
        centre, limit = 1 if variable.op.name.endswith("gates/bias") else 0, 0.1
    return rng.uniform(centre - limit, centre + limit, shape).astype(np.float32)


def key(variable):
    """Returns a variable's name in the files, dots for the slashes."""
    return variable.op.name.replace("/", ".")


def prefixed(prefix, values):
    return {prefix + name: value for name, value in values.items()}


def feed_of(p, x, y):
    """Returns the feed of a batch, with the lengths where the network takes them."""
    feed = {p.x: x, p.y: y}
    if p.lengths is not None:
        feed[p.lengths] = LENGTHS
    return feed


def record(name, folder):
    """Trains the network NAME and writes NAME.npz."""
    p = build(name)
    rng = np.random.RandomState(NETWORKS[name].seed)
    x, y = draw_batch(rng)
    feed = feed_of(p, x, y)
    variables = {key(v): v for _, v in p.gradients}

    arrays = {"x": x, "y": y}
    if p.lengths is not None:
        arrays["lengths"] = LENGTHS
    with original.session() as sess:
        tf.global_variables_initializer().run()
        for v in variables.values():
            v.load(draw_weights(rng, v), sess)
        arrays.update(prefixed("init|", sess.run(variables)))
        arrays["outputs0"], arrays["loss0"] = sess.run([p.outputs, p.loss], feed)
        arrays.update(prefixed("last0|", sess.run(p.last, feed)))
        arrays.update(prefixed("grad0|", sess.run({key(v): g for g, v in p.gradients}, feed)))
        losses = []
        for update in range(1, UPDATES + 1):
            losses.append(sess.run(p.loss, feed))
            sess.run(p.training_op, feed)
            if update in KEPT_UPDATES:
                arrays.update(prefixed("step%d|" % update, sess.run(variables)))
    np.savez_compressed(os.path.join(folder, name + ".npz"), loss_before=np.array(losses), **arrays)


def restore(prefix, name, out):
    """Restores the checkpoint PREFIX in the network NAME and writes what it then computes to OUT."""
    p = build(name)
    feed = feed_of(p, *draw_batch(np.random.RandomState(NETWORKS[name].seed)))
    with original.session() as sess:
        tf.train.Saver().restore(sess, prefix)
        outputs, loss, last = sess.run([p.outputs, p.loss, p.last], feed)
    np.savez(out, outputs0=outputs, loss0=loss, **prefixed("last0|", last))


def main():
    parser = argparse.ArgumentParser(description="Restore checkpoints in networks of TensorFlow's own cells.")
    parser.add_argument("--restore", nargs=3, metavar=("PREFIX", "NAME", "OUT.npz"), required=True, action="append",
                        help="as often as there are checkpoints; NAME is one of " + ", ".join(NETWORKS))
    for prefix, name, out in parser.parse_args().restore:
        if name not in NETWORKS:
            parser.error("--restore: no network %s" % name)
        restore(prefix, name, out)


if __name__ == "__main__":
    main()
