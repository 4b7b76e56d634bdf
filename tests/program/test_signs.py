"""The slope of a size is a sign: one word, not cases that every sum is parted by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.notation.define import load_project
from derive.notation.text import show
from reference import softsign
from reference.runtime.elementary import sign
from tests.generality.support import built, definition, own_registry

NORM = """
m[b] = mean(i, abs(x[b, i]) ** p)
y[b, i] = gamma[i] * x[b, i] / (m[b] + 1) ** (1 / p)
return y
"""


@pytest.mark.parametrize(
    ("name", "of", "body"),
    [
        ("softsign", "dx", "dy[...] / (abs(x[...]) + 1)**2"),  # not x sign(x), nor over two denominators
        ("reduce_l1", "dx", "dy[...] * sign(x[..., i])"),
        ("l1_loss", "dt", "-dloss[...] * sign(y[...] - t[...])"),
    ],
)
def test_the_gradient_is_as_a_textbook_has_it(name: str, of: str, body: str) -> None:
    found = [show(e.body) for layer in load_project()[name] for e in derive(layer).backward if e.target == of]
    assert body in found


def test_the_slope_of_a_power_at_0(tmp_path: Path) -> None:
    """In the second order ``|x|**p`` has ``p (p - 1) |x|**(p - 2)``: at p = 1 and x = 0 that was 0 times infinity."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[b, i], gamma: Real[i], p: Positive = 3.0", NORM))
        x, gamma = np.array([[0.0, 1.0, -2.0]]), np.array([1.0, 2.0, 3.0])
        for p in (1.0, 2.0, 3.0):
            y, saved = kernel.forward(x, gamma, p=p)
            second = kernel.double_backward(np.ones_like(y), (x, gamma), (np.ones_like(x), gamma), p=p)
            assert all(np.isfinite(v).all() for v in (*kernel.backward(np.ones_like(y), saved), *second))


def test_the_sign_of_nan_is_0_as_the_definition_says() -> None:
    x, one = np.array([np.nan, 0.0, -0.0, -2.0, np.inf]), np.ones(5)
    found = softsign.double_backward(one, (x,), (one,)).x
    assert np.array_equal(np.isnan(found), np.isnan(x))
    for dtype in (np.float16, np.float32, np.float64):
        signs = sign(x.astype(dtype))
        assert signs.dtype == dtype
        assert signs.tolist() == [0, 0, 0, -1, 1]
    assert [sign(v) for v in x.tolist()] == [0, 0, 0, -1, 1]  # of numbers that are Python's own, as a sum over a list
    assert sign(x.astype(object)).tolist() == [0, 0, 0, -1, 1]
