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


#: A sum whose largest exponentials a condition or a weight leaves out, at some rows.
LEFT_OUT = {
    "the other index": "sum(j, exp(x[j]) if j != i else 0)",
    "those before": "sum(j, exp(x[j]) if j <= i else 0)",
    "those that began later": "sum(j, exp(x[j]) if t[j] >= t[i] else 0)",
    "a weight": "sum(j, w[i, j] * exp(x[j]))",
    "both indices": "sum(j, exp(x[j] - 2 * x[i]) if j <= i else 0)",
}


@pytest.mark.parametrize("sum_", LEFT_OUT)
def test_what_a_condition_leaves_out_is_not_the_largest(sum_: str, tmp_path: Path) -> None:
    """In every function: the exponentials that are left would be 0, or what is left out infinite."""
    text = definition("x: Real[i], t: Integer[i], w: Integer[i, j]", f"y = sum(i, log({LEFT_OUT[sum_]}))\nreturn y")
    text = text.replace('    """Odd."""\n', '    """Odd."""\n    j = axis(size(i))\n')
    x, t, w = np.array([1.0, 2.0, 3.0, 90000.0]), np.array([4, 3, 2, 1]), np.tril(np.ones((4, 4), int))
    ones = np.ones(4)
    with own_registry():
        _, kernel = built(tmp_path, text)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y, saved = kernel.forward(x, t, w)
            (gradient,) = kernel.backward(np.float64(1), saved)
            tangent = kernel.jvp((x, t, w), (x,))
            second = kernel.double_backward(np.float64(1), (x, t, w), (ones,))
    assert np.isfinite(y)
    np.testing.assert_allclose(
        gradient.sum(), -4.0 if "2 * x" in LEFT_OUT[sum_] else 4.0, rtol=1e-12
    )  # it moves with x
    np.testing.assert_allclose(gradient @ x, tangent, rtol=1e-12)
    np.testing.assert_allclose(second[1], 0, atol=1e-9)  # along what all move by alike, the gradient is the same


#: What a sum of exponentials has beside it: 1, a number, and nothing where a mask leaves all of them out.
BESIDE = {
    "one more": "E[b, i] = exp(x[b, i])\ny[b, i] = E[b, i] / (1 + sum(i, E[b, i]))",
    "what is left": "s[b] = sum(i, exp(x[b, i]))\ny[b] = 1 / (3 + s[b]) ** 2 + 2 / (3 + s[b])",
    "a logarithm": "s[b] = sum(i, exp(2 * (x[b, i] - 3)) if t[i] != b else 0)\ny[b] = log(1 + s[b]) / 2",
    "another exponential": "g[b] = 2 * x[b, 0]\ny[b] = log((exp(g[b]) + sum(i, exp(x[b, i]))) / exp(g[b]))",
    "the other case": "s[b] = sum(i, 0 if t[i] == b else exp(x[b, i]))\ny[b] = log(1 + s[b])",
    "both cases": (
        "p[b] = sum(i, exp(-x[b, i]) if t[i] == b else 0)\nq[b] = sum(i, 0 if t[i] == b else exp(x[b, i]))\n"
        "y[b] = log(1 + p[b]) + log(1 + q[b])"
    ),
}


@pytest.mark.parametrize("beside", BESIDE)
def test_a_number_beside_a_sum_of_exponentials(beside: str, tmp_path: Path) -> None:
    """It is given the factor of the exponentials; rows are large, small, and empty under the mask."""
    text = definition("x: Real[b, i], t: Integer[i]", f"{BESIDE[beside]}\nreturn y")
    x = np.array([[900.0, 902.0, -3.0], [-900.0, -901.0, -800.0], [1.0, 0.5, 800.0]])
    t = np.array([2, 2, 0])
    near = np.clip(x, -30, 30)
    with own_registry():
        _, kernel = built(tmp_path, text)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for at in (x, near):
                y, saved = kernel.forward(at, t)
                u = np.linspace(0.5, 1.5, y.size).reshape(y.shape)
                (gradient,) = kernel.backward(u, saved)
                tangent = kernel.jvp((at, t), (np.sin(at),))
                second = kernel.double_backward(u, (at, t), (np.cos(at),))
                assert all(np.isfinite(a).all() for a in (y, gradient, tangent, *second))
                np.testing.assert_allclose((tangent * u).sum(), (gradient * np.sin(at)).sum(), rtol=1e-12, atol=1e-13)
        E = np.exp(near) if "2 * (x" not in BESIDE[beside] else np.exp(2 * (near - 3))
        if "t[i]" in BESIDE[beside]:
            E = E * (t != np.arange(3)[:, None])
        s = E.sum(axis=1)
        right = {
            "one more": E / (1 + s)[:, None],
            "what is left": 1 / (3 + s) ** 2 + 2 / (3 + s),
            "a logarithm": np.log1p(s) / 2,
            "another exponential": np.log1p(np.exp(near - 2 * near[:, :1]).sum(axis=1)),
            "both cases": np.log1p(s) + np.log1p((np.exp(-near) * (t == np.arange(3)[:, None])).sum(axis=1)),
            "the other case": np.log1p(s),
        }[beside]
    np.testing.assert_allclose(y, right, rtol=1e-13)


WINDOWS = {
    "logarithms": "y[b, i] = log(sum(k, exp(x[b, i + k])))",
    "a weight": "y[b, i] = log(sum(k, w[k] * exp(x[b, i + k])))",
}


@pytest.mark.parametrize("window", WINDOWS)
def test_rows_that_overlap(window: str, tmp_path: Path) -> None:
    """In every function an exponential is that of a difference to its own window's largest."""
    body = f"k = axis(2)\ni = axis(size(p) // 2 - 1)\n{WINDOWS[window]}\nreturn y"
    kind = "x: Real[b, p], w: State[k]" if "w[" in body else "x: Real[b, p]"
    x = np.array([[90000.0, -90000.0, 3.0, 90005.0, 90006.0, 2.0, 90005.5, 1.0]])
    with own_registry():
        _, kernel = built(tmp_path, definition(kind, body))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            given = (x, np.array([1.0, 2.0])) if "w[" in body else (x,)
            y, saved = kernel.forward(*given)
            gradients = kernel.backward(np.ones_like(y), saved)
            tangent = kernel.jvp(given, (np.ones_like(x),))
            second = kernel.double_backward(np.ones_like(y), given, (np.ones_like(x),))
    np.testing.assert_allclose(tangent, 1.0, rtol=1e-12)  # all move by alike
    np.testing.assert_allclose(gradients[0].sum(), y.size, rtol=1e-12)
    assert np.isfinite(np.asarray(second[1], float)).all()


def test_the_logarithm_of_no_exponential_is_minus_infinity(tmp_path: Path) -> None:
    """Without a warning, and nothing else is it: what does not read it is a number."""
    body = "s[b] = log(sum(k, exp(x[b, k]) if m[b, k] else 0))\ny[b] = s[b] - x[b, 0] if e[b] else 0\nreturn y, s"
    m, e = np.array([[True, False, True], [False, False, False]]), np.array([True, False])
    x = np.array([[90000.0, 90002.0, 1.0], [1.0, 2.0, 3.0]])
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[b, k], m: Boolean[b, k], e: Boolean[b]", body))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (y, s), _ = kernel.forward(x, m, e)
    np.testing.assert_array_equal(y, [0.0, 0.0])
    np.testing.assert_array_equal(s, [90000.0, -np.inf])


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


BOTH_WAYS = """
c = axis(size(b))
r[b] = log(sum(c, exp(s[b, c])))
q[c] = log(sum(b, exp(s[b, c])))
loss = sum(b, r[b] - s[b, b]) + sum(c, q[c])
return loss
"""


def test_rows_and_columns_of_the_same_exponentials_are_shifted_each_by_its_own(tmp_path: Path) -> None:
    s = np.array([[90000.0, -90000.0], [91000.0, 2.0]])
    with own_registry():
        _, kernel = built(tmp_path, definition("s: Real[b, c]", BOTH_WAYS.strip()))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss, saved = kernel.forward(s)
            (ds,) = kernel.backward(np.array(1.0), saved)
    assert loss == (90000 + 91000) - (90000 + 2) + (91000 + 2)
    np.testing.assert_array_equal(ds, [[1 - 1, 0], [1 + 1, 1 - 1]])
