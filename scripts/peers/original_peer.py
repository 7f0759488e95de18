"""The original program under TensorFlow 1.15.5, an epoch at a time.

Run by scripts/original/python, that is, CPython 3.7.
"""

import os
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "original"))
import original  # noqa: E402

p = original.build("answer", seed=0)
with original.session() as sess, open(os.devnull, "w") as out:
    for epoch in range(4):
        begin = time.perf_counter()
        original.train(sess, p, epouchs=1, out=out)
        step = (time.perf_counter() - begin) / original.steps_per_epouch
        if epoch:
            print("original, TensorFlow 1.15.5\t%.2f" % (step * 1e6), flush=True)
