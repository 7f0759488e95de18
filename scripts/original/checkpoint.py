"""Restores a checkpoint in the answer's program and saves it anew.

  scripts/original/python scripts/original/checkpoint.py PREFIX NEW

PREFIX holds every variable of the program, Adam's too. Besides the checkpoint NEW,
NEW.npz gets the restored values under the variables' names.
"""

import sys

import numpy as np

import original
from original import tf


def main():
    prefix, new = sys.argv[1:]
    original.build("answer")
    saver = tf.train.Saver()
    with original.session() as sess:
        saver.restore(sess, prefix)
        values = sess.run({v.op.name: v for v in tf.global_variables()})
        np.savez(new + ".npz", **values)
        saver.save(sess, new, write_meta_graph=False)


if __name__ == "__main__":
    main()
