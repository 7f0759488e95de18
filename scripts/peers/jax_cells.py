"""A network for scripts/bench cells in JAX, compiled: its layers forward and backward,
and a training step with optax's Adam. One thread is one core, see cells.py."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import work

GATES = {"relu": 1, "tanh": 1, "gru": 3, "lstm": 4}


def plain(f):
    def step(state, a, w):
        h = f(a + state[0] @ w)
        return (h,), h

    return step


def gru(state, a, w):
    """Resets after the product with the state, whose bias is left out."""
    h, (ar, az, an), (br, bz, bn) = state[0], jnp.split(a, 3, -1), jnp.split(state[0] @ w, 3, -1)
    z = jax.nn.sigmoid(az + bz)
    h = z * h + (1 - z) * jnp.tanh(an + jax.nn.sigmoid(ar + br) * bn)
    return (h,), h


def lstm(state, a, w):
    c, h = state
    i, f, g, o = jnp.split(a + h @ w, 4, -1)
    c = c * jax.nn.sigmoid(f) + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jnp.tanh(c) * jax.nn.sigmoid(o)
    return (c, h), h


CELLS = {"relu": plain(jax.nn.relu), "tanh": plain(jnp.tanh), "gru": gru, "lstm": lstm}


def weights(n):
    """Returns for each layer, for each direction, what multiplies x and h, and a bias."""
    r = np.random.default_rng(0)
    width = GATES[n.cell] * n.units

    def matrix(rows, columns=width):
        return jnp.asarray(r.normal(scale=0.1, size=(rows, columns)), jnp.float32)

    inputs = [n.features] + [n.directions * n.units] * (n.layers - 1)
    layers = [[(matrix(i), matrix(n.units), jnp.zeros(width)) for _ in range(n.directions)] for i in inputs]
    return layers, (matrix(n.directions * n.units, work.CLASSES), jnp.zeros(work.CLASSES))


def main():
    n = work.network()
    x, labels, dy = map(jnp.asarray, work.values(n))
    layers, output = weights(n)
    unroll = 2 if GATES[n.cell] == 1 else 1  # the fastest of 1, 2, 4 and 10
    zeros = (jnp.zeros((n.batch, n.units)),) * (2 if n.cell == "lstm" else 1)

    def run(x, wx, wh, bias, reverse):
        return jax.lax.scan(lambda s, a: CELLS[n.cell](s, a, wh), zeros, x @ wx + bias, reverse=reverse, unroll=unroll)[1]

    def forward(layers, x):
        for sides in layers:
            x = jnp.concatenate([run(x, *w, reverse=d == 1) for d, w in enumerate(sides)], -1)
        return x

    def loss(params):
        layers, (w, bias) = params
        return optax.softmax_cross_entropy_with_integer_labels(forward(layers, x) @ w + bias, labels).mean()

    adam = optax.adam(1e-4)

    @jax.jit
    def step(params, slots):
        updates, slots = adam.update(jax.grad(loss)(params), slots)
        return optax.apply_updates(params, updates), slots

    backward = jax.jit(lambda layers: jax.vjp(lambda w: forward(w, x), layers)[1](dy))
    work.clock("layers", lambda: jax.block_until_ready(backward(layers)), n)
    params = layers, output
    state = [params, adam.init(params)]

    def train():
        state[:] = jax.block_until_ready(step(*state))

    work.clock("train", train, n)


if __name__ == "__main__":
    main()
