"""The training step in JAX: compiled, called from Python or in a scan over an epoch,
with the recurrence as a loop or unrolled.

  jax_peer.py                        the work of work.py
  jax_peer.py --train                the same, ten epochs and nothing printed
  jax_peer.py --shape STEPS UNITS BATCH [--seconds S]
                                     a network of another shape: build_ms, step_us
"""

import argparse
import functools
import time

import jax
import jax.numpy as jnp
import optax

import work


def new_state(units=work.UNITS):
    params = tuple(map(jnp.asarray, work.weights(units)))
    return params, optax.adam(0).init(params)


def loss_of(params, x, labels, unroll):
    kernel, bias, output, output_bias = params
    inputs = jnp.swapaxes(x @ kernel[:1] + bias, 0, 1)  # [T,B,U]

    def cell(h, a):
        h = jax.nn.relu(a + h @ kernel[1:])
        return h, h

    _, states = jax.lax.scan(cell, jnp.zeros((x.shape[0], bias.shape[0])), inputs, unroll=unroll)
    logits = states @ output + output_bias
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels.T).mean()


def step(state, x, labels, unroll, rate=1e-3):
    params, slots = state
    loss, grads = jax.value_and_grad(loss_of)(params, x, labels, unroll)
    updates, slots = optax.adam(rate).update(grads, slots)
    return (optax.apply_updates(params, updates), slots), loss


def cut(series, starts, steps):
    """Returns the windows [B,T] of a series that begin at starts [B]."""
    return jax.vmap(lambda at: jax.lax.dynamic_slice(series, (at,), (steps,)))(starts)


class Epochs:
    """Epochs of work.py's training. Each method makes one and returns its last loss."""

    def __init__(self, unroll):
        self.state = new_state()
        self.compiled = jax.jit(functools.partial(step, unroll=unroll))
        self.scanned = jax.jit(functools.partial(self._scan, unroll=unroll))

    def by_step(self):
        for i in range(work.EPOCH):
            self.state, loss = self.compiled(self.state, *work.batch(i))
            if i % 100 == 0:
                loss.block_until_ready()
        return loss.block_until_ready()

    def in_scan(self):
        self.state, loss = self.scanned(self.state)
        return loss.block_until_ready()

    @staticmethod
    def _scan(state, unroll):
        x, labels = jnp.asarray(work.x), jnp.asarray(work.labels)
        size = work.BATCH * work.STEPS

        def body(state, i):
            xs = jax.lax.dynamic_slice(x, (i,), (size,)).reshape(work.BATCH, work.STEPS, 1)
            ls = jax.lax.dynamic_slice(labels, (i + 1,), (size,)).reshape(work.BATCH, work.STEPS)
            return step(state, xs, ls, unroll)

        state, losses = jax.lax.scan(body, state, jnp.arange(work.EPOCH))
        return state, losses[-1]


def compare():
    for unroll in (1, work.STEPS):
        form = "unrolled" if unroll > 1 else "loop"
        work.measure(f"JAX, jit a step, {form}", Epochs(unroll).by_step)
        work.measure(f"JAX, jit an epoch, {form}", Epochs(unroll).in_scan)


def train():
    epochs = Epochs(1)
    for _ in range(10):
        epochs.in_scan()


def shape(steps, units, batch, seconds):
    """Prints the time to compile and the time of a step, ten steps in a scan."""
    calls = 10
    x, labels = jnp.asarray(work.x), jnp.asarray(work.labels)
    x, labels = (jnp.tile(a, -(-(steps + batch + calls) // work.SAMPLES)) for a in (x, labels))
    starts = jnp.arange(calls)[:, None] + jnp.arange(batch)

    def body(state, at):
        return step(state, cut(x, at, steps)[..., None], cut(labels, at + 1, steps), min(steps, 10), rate=1e-9)

    state = new_state(units)
    begin = time.perf_counter()
    run = jax.jit(lambda state: jax.lax.scan(body, state, starts)).lower(state).compile()
    built = time.perf_counter() - begin
    times = []
    while sum(times) < seconds or len(times) < 2:
        begin = time.perf_counter()
        state, loss = run(state)
        loss.block_until_ready()
        times.append((time.perf_counter() - begin) / calls)
    print(f"build_ms\t{built * 1e3:.1f}\nstep_us\t{sum(times[1:]) / len(times[1:]) * 1e6:.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--shape", type=int, nargs=3)
    parser.add_argument("--seconds", type=float, default=1)
    args = parser.parse_args()
    if args.shape:
        shape(*args.shape, args.seconds)
    elif args.train:
        train()
    else:
        compare()


if __name__ == "__main__":
    main()
