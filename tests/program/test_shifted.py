"""Exponentials are shifted in sums however the sum is spelled; what is left of exp beside a logistic function is none.

Each spelling is run where exp overflows: nothing may be infinite or NaN on the way, forward, backward or in second
order.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from derive.notation import expr as x
from derive.notation.expr import Op, Opt
from derive.program.rewriting.rational import multiplied_in
from tests.generality.support import built, definition, own_registry

SOFTMAX = {
    "an index of its own": "E[b, i] = exp(x[b, i])\np[b, i] = E[b, i] / sum(j, E[b, j])",
    "the same index": "E[b, i] = exp(x[b, i])\np[b, i] = E[b, i] / sum(i, E[b, i])",
    "a named sum": "E[b, i] = exp(x[b, i])\ns[b] = sum(j, E[b, j])\np[b, i] = E[b, i] / s[b]",
    "a mask": "E[b, i] = exp(x[b, i]) if i <= b else 0\np[b, i] = E[b, i] / sum(i, E[b, i])",
    "something added": "E[b, i] = exp(x[b, i] - 3 * (b - i))\np[b, i] = E[b, i] / sum(i, E[b, i])",
}


@pytest.mark.parametrize("spelling", SOFTMAX)
def test_a_sum_of_named_exponentials_is_shifted(spelling: str, tmp_path: Path) -> None:
    text = definition("x: Real[b, i]", f"{SOFTMAX[spelling]}\nreturn p")
    if "sum(j, " in text:
        text = text.replace('    """Odd."""\n', '    """Odd."""\n    j = axis(size(i))\n')
    u = np.array([[90000.0, -90000.0, 3.0], [90005.0, 2.0, 90005.5]])  # exp overflows in every format that there is
    with own_registry():
        _, kernel = built(tmp_path, text)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            p, saved = kernel.forward(u)
            gradients = kernel.backward(np.ones_like(u), saved)
            second = kernel.double_backward(np.ones_like(u), (u,), (np.ones_like(u),))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-15)
    for field in (*gradients, *second):
        assert np.isfinite(np.asarray(field, float)).all()


U, A, B = Opt("u"), Opt("a"), Opt("b")
MINUS = Op("runtime logistic", (x.neg(U),))
PLUS = Op("runtime logistic", (U,))
EXP = Op("exp", (U,))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (x.mul(MINUS, x.add(A, EXP)), x.add(x.mul(A, MINUS), PLUS)),
        (x.mul(B, MINUS, x.add(A, x.mul(B, EXP))), x.mul(B, x.add(x.mul(A, MINUS), x.mul(B, PLUS)))),
        (x.mul(PLUS, x.add(A, EXP)), x.mul(PLUS, x.add(A, EXP))),
    ],
)
def test_an_exponential_beside_the_logistic_function(before: x.Expr, after: x.Expr) -> None:
    assert multiplied_in(before) == after
