"""Products of axes on the left: what a caller gets and a part is given; the inverse arithmetic is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import derive
from derive.calculus.derivation import derive as derivation
from derive.evidence.verify import LEGS, applies, leg
from derive.notation.define import load_project, read_source
from derive.notation.errors import DefinitionError
from derive.notation.layer import Layer
from tests.generality.support import own_registry
from tests.notation.reading import HEAD, defined

DEFINITIONS = """
@layer()
def rows(x: Real[b, h, w], s: Real[w]):
    y[b, h * w] = x[b, h, w] ** 2 * s[w]
    return y


@layer()
def rows_by_arithmetic(x: Real[b, h, w], s: Real[w]):
    j = axis(size(h) * size(w))
    y[b, j] = x[b, j // size(w), j % size(w)] ** 2 * s[j % size(w)]
    return y


@layer()
def shuffled(x: Real[b, c * r * s, h, w], up: Count[r] = 2):
    s = axis(up)
    y[b, c, h * r, w * s] = x[b, c, r, s, h, w]
    return y


@layer()
def both(x: Real[..., h, w], s: Real[w]):
    u[..., h, w] = x[..., h, w] * s[w]
    y[..., w * h] = u[..., h, w] ** 2
    z[...] = sum((h, w), y[..., w, h])
    return u, y, z


@layer()
def listed(x: Real[l][h, w]):
    y[l, w * h] = x[l, h, w] ** 2
    return y


@layer()
def states(x: Real[t, b, n], w: Real[n]):
    h[-1, b, n] = 0
    h[t, b, n] = tanh(x[t, b, n] + w[n] * h[t - 1, b, n])
    y[b, t * n] = h[t, b, n]
    return y


@layer()
def flat(x: Real[b, h, w]):
    y[b, h * w] = x[b, h, w]
    return y


@layer()
def classified(x: Real[b, h, w], W: Real[n, h * w], v: Real[n]):
    a[b, h, w] = sin(x[b, h, w])
    f = flat(a)
    y = linear(f, W, v)
    return y
"""
SHAPES: dict[str, Any] = {
    "rows": ((2, 3, 4), (4,)),
    "shuffled": ((2, 12, 3, 5),),
    "both": ((5, 2, 3), (3,)),
    "listed": ([(2, 3), (4, 2)],),
    "states": ((4, 2, 3), (3,)),
    "classified": ((2, 3, 4), (5, 12), (5,)),
}


def told(name: str, *a: Any) -> Any:
    """The same in NumPy."""
    match name:
        case "rows":
            return (a[0] ** 2 * a[1]).reshape(len(a[0]), -1)
        case "shuffled":
            (x,) = a
            b, c, h, w = x.shape
            return x.reshape(b, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(b, c // 4, 2 * h, 2 * w)
        case "both":
            u = a[0] * a[1]
            return u, (u**2).swapaxes(-1, -2).reshape(len(u), -1), (u**2).sum((-1, -2))
        case "listed":
            return [(x.T**2).ravel() for x in a[0]]
        case "states":
            h = np.zeros(a[0].shape[1:])
            every = [h := np.tanh(x + a[1] * h) for x in a[0]]
            return np.stack(every, 1).reshape(a[0].shape[1], -1)
    return np.sin(a[0]).reshape(len(a[0]), -1) @ a[1].T + a[2]


@pytest.fixture(scope="module")
def known() -> Iterator[dict[str, Layer]]:
    load_project()
    with own_registry():
        yield {n: v[0] for n, v in read_source(HEAD + DEFINITIONS, "mine.py").items()}


def drawn(name: str, rng: np.random.Generator) -> list[Any]:
    return [[rng.normal(size=s) for s in v] if isinstance(v, list) else rng.normal(size=v) for v in SHAPES[name]]


def flattened(values: Any) -> list[Any]:
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_gradients(name: str, known: dict[str, Layer]) -> None:
    kernel, rng = derive.kernel(known[name]), np.random.default_rng(3)
    a, along = drawn(name, rng), drawn(name, rng)
    y, saved = kernel.forward(*a)
    got, wanted = (flattened(v if isinstance(v, tuple) else [v]) for v in (y, told(name, *a)))
    assert [v.shape for v in got] == [v.shape for v in wanted]
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-13, atol=1e-14)
    u = [rng.normal(size=v.shape) for v in got]
    gradients = kernel.backward(tuple(u) if isinstance(y, tuple) else u if isinstance(y, list) else u[0], saved)
    pulled = sum((g * d).sum() for g, d in zip(flattened(gradients), flattened(along), strict=True))

    def value(h: float) -> float:
        moved = [[p + h * q for p, q in zip(v, d)] if isinstance(v, list) else v + h * d for v, d in zip(a, along)]  # noqa: B905
        there = told(name, *moved)
        return sum(
            (w * v).sum() for w, v in zip(u, flattened(there if isinstance(there, tuple) else [there]), strict=True)
        )

    h = 1e-4
    slope = (8 * (value(h) - value(-h)) - value(2 * h) + value(-2 * h)) / (12 * h)
    np.testing.assert_allclose(pulled, slope, rtol=1e-9)


def test_the_inverse_arithmetic_says_the_same(known: dict[str, Layer]) -> None:
    one, other = (derive.kernel(known[n]) for n in ("rows", "rows_by_arithmetic"))
    x, s, dy = (np.random.default_rng(1).normal(size=n) for n in ((2, 3, 4), 4, (2, 12)))
    (y, saved), (z, kept) = one.forward(x, s), other.forward(x, s)
    np.testing.assert_array_equal(y, z)
    for g, w in zip(one.backward(dy, saved), other.backward(dy, kept), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-14)


@pytest.mark.parametrize("name", ["both", "listed", "classified"])
@pytest.mark.parametrize("one", [n for n in LEGS if n not in ("generic", "mutants", "enclosure")])
def test_legs(name: str, one: str, known: dict[str, Layer]) -> None:
    kernel = derive.kernel(known[name])
    if applies(one, known[name], kernel):
        found = leg(one, derivation(known[name]), kernel)
        assert found.passed, found.detail


REFUSED = {
    "y[b, h * h] = x[b, h, w]": "an index stands twice on the left",
    "y[b, h * 2] = x[b, h, w]": "the indices on the left are names",
    "y[b, h * w] = x[b, h, w]\nz[b] = sum(j, y[b, j])": r"y has 3 axes but 2 indices\n.*its axes are y\[b, h, w\]",
    "y[-1, h * w] = 0\ny[b, h * w] = x[b, h, w] + y[b - 1, h, w]": "axes of the recurrence y are put together.*below",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_product(text: str) -> None:
    with pytest.raises(DefinitionError, match=f"(?s){REFUSED[text]}"):
        defined("x: Real[b, h, w]", f"{text}\nreturn y")
