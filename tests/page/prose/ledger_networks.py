"""What the ledger's statements about networks speak of, from kernels, differences and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

import reference
from tests.page.prose.page import Names
from tests.page.prose.values import difference, same

WIDTHS = {0: 2, 1: 4, 2: 3, 3: 5}
BATCH = 7


def column(values: Any) -> Any:
    return np.asarray(values, dtype=float)[:, None]


def tanh_slope(z: Any) -> Any:
    """By the kernel."""
    return reference.tanh.backward(np.ones_like(z), reference.tanh.forward(z)[1]).x


def forward(W: Mapping[int, Any], b: Mapping[int, Any], x: Any) -> Any:
    """The network kernel's output for one example, a column."""
    layers = sorted(W)
    weights, biases = [W[n] for n in layers], [b[n][:, 0] for n in layers]
    return reference.mlp.forward(x.T, weights, biases, activation="tanh", output="tanh")


def network(rng: np.random.Generator) -> Names:
    W = {n: rng.normal(size=(WIDTHS[n], WIDTHS[n - 1])) for n in (1, 2, 3)}
    b = {n: rng.normal(size=(WIDTHS[n], 1)) for n in (1, 2, 3)}
    x, dy = rng.normal(size=(WIDTHS[0], 1)), rng.normal(size=(WIDTHS[3], 1))
    y, saved = forward(W, b, x)
    z = {n: column(v[0]) for n, v in zip(W, saved[0], strict=True)}
    h = {0: x, **{n: column(kept[0][0]) for n, kept in zip((1, 2), saved[1][1:], strict=True)}, 3: y.T}
    grads = reference.mlp.backward(dy.T, saved)

    def loss(**changed: Any) -> Callable[[Any], float]:
        """The loss with one layer's parameter replaced: `loss(W=2)` is a function of W of layer 2."""
        ((kind, n),) = changed.items()

        def of(value: Any) -> float:
            new = {"W": W, "b": b, kind: {**(W if kind == "W" else b), n: value}}
            return float(np.sum(dy.T * forward(new["W"], new["b"], x)[0]))

        return of

    delta = {n: difference(loss(b=n), b[n]) for n in W}  # b is added to z, so this is by z
    square, vector = rng.normal(size=(4, 4)), rng.normal(size=(4, 1))
    skip, before, offset = rng.normal(size=(4, 1)), rng.normal(size=(4, 1)), rng.normal(size=(4, 1))
    block, kept = reference.residual.forward(before.T, skip.T, square, offset[:, 0], activation="tanh")
    through = reference.residual.backward(dy[:4].T, kept)
    return {
        "W": W, "b": b, "h": h, "z": z, "d": WIDTHS, "L": 3, "B": BATCH, r"\sigma": reference.tanh.value,
        r"\sigma'": tanh_slope, r"\delta": delta,
        r"\overline{z}": {n: column(g) for n, g in zip(W, grads.b, strict=True)},
        r"\partial L / \partial h": {3: difference(lambda v: np.sum(dy * v), h[3])},
        "by W": {n: difference(loss(W=n), W[n]) for n in W}, "by b": {n: difference(loss(b=n), b[n]) for n in W},
        "one layer": {"W": square, "h": vector, "b": offset}, "block": {"W": square, "b": offset},
        "many kept": len(forward(W, b, np.repeat(x, BATCH, axis=1))[1][0][0]),
        "sum of one layer": column(reference.linear.forward(vector.T, square, offset[:, 0])[0][0]),
        "skip": {0: skip, 1: before, 2: block.T},
        "skip gradient": same(through.skip, dy[:4].T),
        "activation": np.tanh, "by h": same(jacobian(W, b, x).T @ dy, difference(loss(b=3), b[3])),
        "z again": {n: W[n] @ h[n - 1] + b[n] for n in W}, "h again": {n: np.tanh(z[n]) for n in W}, "saved": saved,
        "sizes before": {n: W[n].shape[1] for n in W}, "sizes": {n: W[n].shape[0] for n in W},
        "products": sum(o * i for i, o in pairwise(WIDTHS.values())),
        "numbers kept": sum(v.size for v in z.values()), "weights": sum(v.size for v in W.values()), **counts(),
    }  # fmt: skip


def jacobian(W: Mapping[int, Any], b: Mapping[int, Any], x: Any) -> Any:
    """The derivatives of the network's outputs by the last layer's b."""
    return np.stack([
        difference(lambda v, n=n: forward(W, {**b, 3: v}, x)[0][0, n], b[3])[:, 0] for n in range(WIDTHS[3])
    ])  # fmt: skip


class Counting:
    """A number that counts the multiplications made with its kind."""

    made = 0

    def __mul__(self, other: Any) -> Counting:
        Counting.made += 1
        return self

    def __add__(self, other: Any) -> Counting:
        return self

    __rmul__, __radd__ = __mul__, __add__


def counts() -> dict[str, int]:
    """The multiplications of linear layers' kernels and of a slope's product, forward and backward, counted."""
    Counting.made = 0
    many = np.frompyfunc(lambda _: Counting(), 1, 1)
    saved = []
    for i, o in pairwise(WIDTHS.values()):
        saved.append((many(np.zeros((BATCH, i))), many(np.zeros((o, i))), many(np.zeros((BATCH, o)))))
    for x, W, _ in saved:
        x @ W.T
    ahead, Counting.made = Counting.made, 0
    for x, W, dz in saved:
        dz = dz * dz  # by the slope of the activation
        dz @ W, dz.T @ x
    return {"forward count": ahead, "backward count": Counting.made}
