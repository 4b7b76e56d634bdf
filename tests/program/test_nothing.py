"""Sums over an empty axis are 0, whatever the kernel took out of them: a mean over nothing, 1 over a norm of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.generality.support import built, definition, own_registry

#: Arguments, equations, the axis that is empty, and the results that are 0 then; what is None has no elements.
CASES = {
    "a mean taken out": (
        "x: Real[b, c], W: Real[o, c]",
        "m[o] = mean(c, W[o, c])\nv[o] = mean(c, (W[o, c] - m[o]) ** 2)\n"
        "y[b, o] = sum(c, x[b, c] * (W[o, c] - m[o]) / sqrt(v[o] + 1e-5))\nreturn y",
        "c",
        ("y",),
    ),
    "no output": (
        "x: Real[b, c, h], W: Real[r, c]",
        "s[b, c] = mean(h, x[b, c, h])\nu[b, r] = relu(sum(c, W[r, c] * s[b, c]))\n"
        "y[b, c, h] = x[b, c, h] * sigmoid(sum(r, W[r, c] * u[b, r]))\nreturn y",
        "h",
        ("W",),
    ),
    "one over a norm": (
        "v: Real[o, i], g: Real[o]",
        "norm[o] = sqrt(sum(i, v[o, i] ** 2))\nW[o, i] = g[o] * v[o, i] / norm[o]\nreturn W",
        "i",
        ("g",),
    ),
}
SIZES = {"b": 2, "c": 3, "o": 4, "h": 5, "r": 6, "i": 7}


@pytest.mark.parametrize("case", CASES)
def test_a_sum_over_nothing_is_0(case: str, tmp_path: Path) -> None:
    signature, equations, axis, zeros = CASES[case]
    sizes = {**SIZES, axis: 0}
    patterns = {
        p.split(":")[0]: p[p.index("[") + 1 : -1].split(", ") for p in signature.replace("], ", "]; ").split("; ")
    }
    with own_registry():
        _, kernel = built(tmp_path, definition(signature, equations))
        arrays = {n: np.random.default_rng(0).standard_normal([sizes[a] for a in axes]) for n, axes in patterns.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y, saved = kernel.forward(*arrays.values())
            gradients = kernel.backward(np.ones_like(y), saved)
    found = {"y": y, **gradients._asdict()}
    for name in zeros:
        assert found[name].size
        np.testing.assert_array_equal(found[name], 0.0)


def test_what_divides_a_number_that_nobody_is_given(tmp_path: Path) -> None:
    """A gradient that is the same along an axis is divided by its length only where there is one."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[b, i]", "y[b] = mean(i, x[b, i])\nreturn y"))
        with np.errstate(all="raise"):
            _, saved = kernel.forward(np.ones((2, 0)))
            assert kernel.backward(np.ones(2), saved).x.shape == (2, 0)


def test_a_mean_over_nothing_is_still_none(tmp_path: Path) -> None:
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[b, c]", "y[b] = mean(c, x[b, c])\nreturn y"))
        assert np.isnan(kernel.forward(np.ones((2, 0)))[0]).all()
