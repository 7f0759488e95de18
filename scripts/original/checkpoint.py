"""Restores a checkpoint in the answer's program, saves it anew and trains on.

  scripts/original/python scripts/original/checkpoint.py PREFIX NEW

PREFIX holds every variable of the program, Adam's too. Besides the checkpoint NEW,
NEW.npz gets the restored values under the variables' names, and as losses those of the next
60 updates' batches, each before its update.
"""

import sys

import numpy as np

import original
from original import tf


def main():
    prefix, new = sys.argv[1:]
    p = original.build("answer")
    saver = tf.train.Saver()
    with original.session() as sess:
        saver.restore(sess, prefix)
        values = sess.run({v.op.name: v for v in tf.global_variables()})
        saver.save(sess, new, write_meta_graph=False)
        np.savez(new + ".npz", losses=[update(sess, p, i) for i in range(60)], **values)


def update(sess, p, iteration):
    """Makes the update of an iteration, and returns the loss on its batch before it."""
    batch = slice(iteration, iteration + original.batch_size), slice(iteration + 1, iteration + 1 + original.batch_size)
    feed = {p.X: p.dfX[batch[0]].reshape(-1, original.n_steps, 1), p.y: p.dfX2[batch[1]].reshape(-1, original.n_steps, 1)}
    loss = p.loss.eval(feed_dict=feed)
    sess.run(p.training_op, feed_dict=feed)
    return loss


if __name__ == "__main__":
    main()
