"""Sums of exponentials: whatever is made of them neither overflows nor takes one row's factor for another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.generality.support import built, definition, own_registry

X = "x: Real[b, i]"


def lse(*z: Any, axis: int | None = 1) -> Any:
    """The logarithm of the sum of the exponentials of arrays side by side."""
    whole = np.concatenate(z, axis=1)
    peak = whole.max(axis=axis, keepdims=True)
    return (
        np.squeeze(peak, axis) + np.log(np.exp(whole - peak).sum(axis=axis))
        if axis
        else peak.item() + np.log(np.exp(whole - peak).sum())
    )


def softmax(z: Any) -> Any:
    return np.exp(z - lse(z)[:, None])


CASES: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "a multiple": (X, "y[b] = 2 * log(sum(i, exp(x[b, i])))", lambda x: 2 * lse(x)),
    "a temperature": (X + ", t: Positive = 0.5", "y[b] = t * log(sum(i, exp(x[b, i] / t)))", lambda x: lse(2 * x) / 2),
    "a mean": (X, "y[b] = log(mean(i, exp(x[b, i])))", lambda x: lse(x) - np.log(x.shape[1])),
    "1 and a sum": (X, "y[b] = log(1 + sum(i, exp(x[b, i])))", lambda x: lse(x, 0 * x[:, :1])),
    "of 1 and a sum": (
        X,
        "y[b, i] = exp(x[b, i]) / (1 + sum(j, exp(x[b, j])))",
        lambda x: softmax(np.append(x, 0 * x[:, :1], 1))[:, :-1],
    ),
    "weights": (X, "y[b] = log(sum(i, (1 + i) * exp(x[b, i])))", lambda x: lse(x + np.log1p(np.arange(x.shape[1])))),
    "under a sum": (X, "y = sum(b, log(sum(i, exp(x[b, i]))))", lambda x: lse(x).sum()),
    "in a product": (X, "y[b] = x[b, 0] - log(sum(i, exp(x[b, i]))) * x[b, 1]", lambda x: x[:, 0] - lse(x) * x[:, 1]),
    "minus": (X, "y[b] = -log(sum(i, exp(-x[b, i])))", lambda x: -lse(-x)),
    "two sums": (X, "y[b] = log(sum(i, exp(x[b, i])) + sum(i, exp(2 * x[b, i])))", lambda x: lse(x, 2 * x)),
    "a quotient": (X, "y[b] = log(sum(i, exp(x[b, i])) / sum(i, exp(2 * x[b, i])))", lambda x: lse(x) - lse(2 * x)),
    "one exponential": (X, "y[b] = -log(exp(x[b, 0]) / sum(i, exp(x[b, i])))", lambda x: lse(x) - x[:, 0]),
    "differences": (X, "y[b] = log(sum(i, exp(x[b, i] - x[b, 0])))", lambda x: lse(x) - x[:, 0]),
    "two indices": (X, "y = log(sum((b, i), exp(x[b, i])))", lambda x: lse(x, axis=None)),
    "another row's sum": (
        X,
        "c = axis(size(b))\ns[b] = sum(i, exp(x[b, i]))\nz[b, c] = log(s[b] / s[c])\ny[b] = z[b, 0]",
        lambda x: lse(x) - lse(x)[0],
    ),
}  # fmt: skip


#: Those whose slope has no one factor to take out: sums of exponentials in it are computed in a wider format, to 1e4.
WIDER = ("1 and a sum", "of 1 and a sum", "two sums", "a quotient")


@pytest.mark.parametrize("name", CASES)
def test_of_large_exponents(name: str, tmp_path: Path) -> None:
    signature, body, truth = CASES[name]
    with own_registry():
        _, kernel = built(tmp_path, definition(signature, body + "\nreturn y"))
    random = np.random.default_rng(7)
    for scale in (1, 1e3) if name in WIDER else (1, 1e3, 1e5):
        x, t = random.standard_normal((3, 4)) * scale, random.standard_normal((3, 4))
        y, saved = kernel.forward(x)
        np.testing.assert_allclose(y, truth(x), rtol=1e-12, atol=1e-12 * scale)
        cotangent, along = random.standard_normal(np.shape(y)), kernel.jvp((x,), (t,))
        back = kernel.backward(cotangent, saved).x
        np.testing.assert_allclose(np.sum(cotangent * along), np.sum(back * t), rtol=1e-10, atol=1e-12)
        step = 1e-5
        slope = (truth(x + step * t) - truth(x - step * t)) / (2 * step)
        np.testing.assert_allclose(along, slope, rtol=1e-4, atol=1e-4 + 1e-9 * scale)


def test_a_factor_is_that_of_its_own_row(tmp_path: Path) -> None:
    """exp(x[b]) over the sum of row c: the factors that are taken out of the two are not the same."""
    text = "c = axis(size(b))\ns[b] = sum(i, exp(x[b, i]))\ny[b, c, i] = exp(x[b, i]) / s[c]\nreturn y"
    with own_registry():
        _, kernel = built(tmp_path, definition(X, text))
    x = np.array([[20.0, -3, 5], [-15, 2, 14]])
    expected = np.exp(x)[:, None] / np.exp(x).sum(1)[None, :, None]
    np.testing.assert_allclose(kernel.forward(x)[0], expected, rtol=1e-13)
