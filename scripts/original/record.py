"""Records the original program's numbers: what each file holds, array by array.

The files' names and keys are described in graph/testdata/original/README.md.
"""

import io
import os

import numpy as np

import original
from original import Watch, steps_per_epouch

# The variants' names in the files are those of their losses.
FILE_NAMES = {"question": "mse", "attempt": "sparse", "answer": "xent"}
RESYNC_VARIANTS = BAND_VARIANTS = ("question", "answer")
SEED = 0  # of all files but the bands
PREFIX = "rnn/output_projection_wrapper/"


def key(variable):
    """Returns a variable's name in the files: rnn/…/basic_rnn_cell/kernel:0 is basic_rnn_cell.kernel."""
    return variable.op.name[len(PREFIX):].replace("/", ".")


def optimizer_state(p):
    """Returns the tensors of Adam's state, keyed m|…, v|…, beta1_power, beta2_power."""
    state = {}
    for short, slot in (("m", "m"), ("v", "v")):
        for _, v in p.gradients:
            state[short + "|" + key(v)] = p.optimizer.get_slot(v, slot)
    state["beta1_power"], state["beta2_power"] = p.optimizer._get_beta_accumulators()
    return state


class Recorder(Watch):
    """A Watch that collects arrays of one program in one session."""

    def __init__(self, sess, p):
        self.sess, self.p, self.arrays = sess, p, {}

    def add(self, prefix, tensors, feed=None):
        """Stores the tensors' values under prefix + their key."""
        for name, value in self.sess.run(tensors, feed_dict=feed).items():
            self.arrays[prefix + name] = value

    def add_weights(self, prefix):
        self.add(prefix, {key(v): v for _, v in self.p.gradients})

    def add_gradients(self, prefix, feed):
        self.add(prefix, {key(v): g for g, v in self.p.gradients}, feed)


class Trajectory(Recorder):
    """The start of a run: weights, outputs and gradients, and every loss of the first epoch."""

    steps = (1, 2, 10, 100)  # the weights are kept after so many
    predictions = (1, 10)    # and the predictions after so many epochs

    def __init__(self, sess, p):
        super().__init__(sess, p)
        self.loss_before, self.loss_after = [], []

    def before(self, step, feed):
        if step == 0:
            self.add_weights("init|")
            self.add_gradients("grad0|", feed)
            self.add("", {"outputs0": self.p.outputs, "states0": self.p.states}, feed)
        if step < steps_per_epouch:
            self.loss_before.append(self.p.loss.eval(feed_dict=feed))

    def after(self, step, feed):
        if step < steps_per_epouch:
            self.loss_after.append(self.p.loss.eval(feed_dict=feed))
        if step + 1 in self.steps:
            self.add_weights("step%d|" % (step + 1))

    def epouch_done(self, epouch):
        if epouch + 1 in self.predictions:
            self.arrays["epoch%d|pred_X_new1" % (epouch + 1)] = original.predict(self.sess, self.p)

    def save(self, path, printed):
        """Writes the file; printed is what the program printed."""
        lines = [line.replace("--", " ").replace("MSE:", " ").split() for line in printed.splitlines()]
        np.savez_compressed(
            path, loss_before=np.array(self.loss_before), loss_after=np.array(self.loss_after),
            # a float32 survives its shortest decimal
            printed=np.array([[int(epouch), int(iteration), np.float32(loss)] for iteration, epouch, loss in lines]),
            **self.arrays)


class Resync(Recorder):
    """The whole state around a few steps, to take the same step from."""

    steps = (0, 99, 400, 7999)

    def before(self, step, feed):
        if step not in self.steps:
            return
        t = "t%d|" % step
        self.add_weights(t + "before|")
        self.add_gradients(t + "grad|", feed)
        self.add(t, optimizer_state(self.p))
        self.add(t, {"loss_before": self.p.loss, "outputs_before": self.p.outputs}, feed)
        self.arrays[t + "X"], self.arrays[t + "y"] = feed[self.p.X], feed[self.p.y]

    def after(self, step, feed):
        if step not in self.steps:
            return
        t = "t%d|" % step
        self.add_weights(t + "after|")
        self.add(t + "after_", {k: v for k, v in optimizer_state(self.p).items() if "|" in k})
        self.add(t, {"loss_after": self.p.loss, "outputs_after": self.p.outputs}, feed)

    def save(self, path):
        np.savez_compressed(path, **self.arrays)


class Checkpoint(Watch):
    """Saves the state after the first epoch, and collects what the program would print of each update after it."""

    def __init__(self, sess, p, folder):
        self.sess, self.p, self.path, self.lines = sess, p, os.path.join(folder, "model.ckpt"), []
        self.saver = original.tf.train.Saver()

    def after(self, step, feed):
        if step + 1 == steps_per_epouch:
            self.saver.save(self.sess, self.path, global_step=step + 1, write_meta_graph=False, write_state=False)
        if 0 <= step - steps_per_epouch < 100:
            self.lines.append("%d -- 1 \tMSE: %s\n" % (step - steps_per_epouch, self.p.loss.eval(feed_dict=feed)))


class FirstLoss(Recorder):
    """The loss before the first update."""

    def before(self, step, feed):
        if step == 0:
            self.add("", {"loss": self.p.loss}, feed)


def record_run(variant, folder, parts):
    """Runs ten epochs and writes those of the parts trajectory, resync and printed that the variant has."""
    name = "%s_s%d" % (FILE_NAMES[variant], SEED)
    p = original.build(variant, SEED)
    printed = io.StringIO()
    with original.session() as sess:
        trajectory, resync = Trajectory(sess, p), Resync(sess, p)
        watches = []
        if "trajectory" in parts:
            watches.append(trajectory)
        if "resync" in parts and variant in RESYNC_VARIANTS:
            watches.append(resync)
        if not watches and "printed" not in parts:
            return
        original.train(sess, p, watches=watches, out=printed)
    if trajectory in watches:
        trajectory.save(os.path.join(folder, "trajectory_%s.npz" % name), printed.getvalue())
    if resync in watches:
        resync.save(os.path.join(folder, "resync_%s.npz" % name))
    if "printed" in parts:
        with open(os.path.join(folder, "printed_%s.log" % name), "w") as log:
            log.write(printed.getvalue())


def record_checkpoint(folder):
    """Writes the answer's checkpoint after 800 updates, and the losses of the 100 after them."""
    p = original.build("answer", SEED)
    with original.session() as sess:
        checkpoint = Checkpoint(sess, p, folder)
        original.train(sess, p, epouchs=2, watches=[checkpoint], out=io.StringIO())
    with open(os.path.join(folder, "resumed_xent_s%d.log" % SEED), "w") as log:
        log.writelines(checkpoint.lines)


def band_row(variant, seed):
    """Returns the losses that one epoch prints, and the one before its first update, as decimals."""
    p = original.build(variant, seed)
    printed = io.StringIO()
    with original.session() as sess:
        first = FirstLoss(sess, p)
        original.train(sess, p, epouchs=1, watches=[first], out=printed)
    losses = [line.split()[-1] for line in printed.getvalue().splitlines()]
    return ["%.9g" % np.float32(loss) for loss in losses + [first.arrays["loss"]]]


def record_band(variant, folder, seeds):
    """Writes the printed losses of the seeds, a range, as CSV."""
    iterations = range(0, steps_per_epouch, 100)
    columns = ["seed"] + ["it%d" % i for i in iterations] + ["initial_loss_before_step1"]
    with open(os.path.join(folder, "band_%s_%dseeds.csv" % (FILE_NAMES[variant], len(seeds))), "w") as csv:
        csv.write(",".join(columns) + "\n")
        for seed in seeds:
            csv.write(",".join([str(seed)] + band_row(variant, seed)) + "\n")
