"""Rows of the table of forms are equal pairs; what they are for: large and small arguments, and cases not taken."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from derive.notation.expr import Expr, Num, Op, Opt
from derive.notation.text import show
from derive.program.rules import EXPONENTIALS, Rule, logarithms, slopes
from tests.generality.support import built, definition, own_registry

FUNCTIONS: dict[str, Any] = {
    "add": lambda *a: mpmath.fsum(a),
    "mul": lambda *a: mpmath.fprod(a),
    "pow": mpmath.power,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": lambda a: mpmath.log(1 + a),
    "expm1": lambda a: mpmath.exp(a) - 1,
    "softplus": lambda a: mpmath.log(1 + mpmath.exp(a)),
    "logistic": lambda a: 1 / (1 + mpmath.exp(-a)),
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "sigmoid'": lambda a: 1 / (1 + mpmath.exp(-a)) / (1 + mpmath.exp(a)),
}


def value(e: Expr, at: dict[str, Any]) -> Any:
    match e:
        case Num(v):
            return mpmath.mpf(v.numerator) / v.denominator
        case Opt(name):
            return at[name]
        case Op(fn, args):
            return FUNCTIONS[fn](*(value(a, at) for a in args))
    raise TypeError(e)


@pytest.mark.parametrize("rule", [*logarithms(), *slopes(), *EXPONENTIALS], ids=lambda rule: show(rule.before))
def test_row_is_an_equal_pair(rule: Rule) -> None:
    with mpmath.workdps(60):
        for u, v in itertools.product((0.3, 2.5, -0.7, 7.0), (0.4, -1.5)):
            at = {"%u": mpmath.mpf(u), "%v": mpmath.mpf(v)}
            assert abs(value(rule.before, at) - value(rule.after, at)) < mpmath.mpf(10) ** -50


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


FAR = np.array([800.0, 40.0, 3.0, 0.0, -3.0, -40.0, -700.0])
SPELLED = {
    "softplus": ("y[i] = log(1 + exp(x[i]))", softplus),
    "softplus of a multiple": ("y[i] = log(exp(2 * x[i]) + 1) / 2", lambda x: softplus(2 * x) / 2),
    "softplus, named": ("e[i] = exp(x[i])\ns[i] = 1 + e[i]\ny[i] = log(s[i])", softplus),
    "log sigmoid": ("y[i] = log(sigmoid(x[i]))", lambda x: -softplus(-x)),
    "log sigmoid, a quotient": ("y[i] = log(1 / (1 + exp(-x[i])))", lambda x: -softplus(-x)),
    "log sigmoid, a difference": ("y[i] = x[i] - log(1 + exp(x[i]))", lambda x: -softplus(-x)),
    "log of 1 - sigmoid": ("y[i] = log(1 - sigmoid(x[i]))", lambda x: -softplus(x)),
    "mish": ("y[i] = x[i] * tanh(log(1 + exp(x[i])))", lambda x: x * np.tanh(softplus(x))),
    "sigmoid": ("y[i] = exp(x[i]) / (1 + exp(x[i]))", lambda x: np.exp(-softplus(-x))),
    "1 - sigmoid": ("y[i] = 1 - sigmoid(x[i])", lambda x: np.exp(-softplus(x))),
    "sigmoids of two": (
        "y[i] = exp(x[i]) / (1 + exp(x[i])) / (1 + exp(x[i] / 2))",
        lambda x: np.exp(-softplus(-x)) * np.exp(-softplus(x / 2)),
    ),
    "logaddexp": ("y[i] = log(exp(x[i]) + exp(-x[i]))", lambda x: np.logaddexp(x, -x)),
}  # fmt: skip


U, V = np.random.default_rng(5).standard_normal((2, len(FAR)))


@pytest.mark.parametrize("spelling", SPELLED)
def test_nothing_overflows_and_small_results_keep_their_digits(spelling: str, tmp_path: Path) -> None:
    body, truth = SPELLED[spelling]
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i]", body + "\nreturn y"))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, saved = kernel.forward(FAR)
        np.testing.assert_allclose(y, truth(FAR), rtol=1e-14)
        back, along = kernel.backward(U, saved).x, kernel.jvp((FAR,), (V,))
        found = [back, along, *kernel.double_backward(y, (FAR,), (FAR,))]
    assert all(np.isfinite(a).all() for a in found)
    np.testing.assert_allclose(back * V, U * along, rtol=1e-13)  # element by element: both are slope * U * V


@pytest.mark.parametrize(
    "case",
    [
        "sqrt(x[i]) if x[i] > 0 else 0",
        "log(x[i]) if x[i] > 0 else x[i]",
        "1 / x[i] if x[i] != 0 else 0",
        "x[i] ** 0.3 if x[i] > 0 else -((-x[i]) ** 2.5)",
        "x[i] if x[i] > 0 else 2 * (exp(x[i]) - 1)",
        "(sqrt(x[i]) if x[i] > 4 else log(x[i])) if x[i] > 0 else exp(x[i])",
        "log(x[i] - 1) if x[i] > 1 else exp(-1 / x[i]) if x[i] > 0.5 else 0",
    ],
)
def test_a_case_that_is_not_taken_is_not_evaluated(case: str, tmp_path: Path) -> None:
    """Neither in the value nor in any derivative; and a derivative that is infinite there does not get in."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i]", f"y[i] = {case}\nreturn y"))
    x = np.array([-900.0, -4.0, 0.0, 0.25, 2.0, 9.0, 900.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, saved = kernel.forward(x)
        found = [y, *kernel.backward(x, saved), kernel.jvp((x,), (x,)), *kernel.double_backward(x, (x,), (x,))]
    assert all(np.isfinite(a).all() for a in found)


@pytest.mark.parametrize("shape", ["x[i] ** n", "x[i] ** n * w[i]", "abs(x[i]) ** n"])
@pytest.mark.parametrize(("n", "first", "second"), [(0, 0, 0), (1, 1, 0), (2, 0, 2), (3, 0, 0)])
def test_powers_at_zero(shape: str, n: int, first: int, second: int, tmp_path: Path) -> None:
    """n x**(n - 1) and n (n - 1) x**(n - 2) are numbers at 0, and those of the power that n is."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i], w: Real[i], n: Natural = 3", f"y[i] = {shape}\nreturn y"))
    zero, one = np.zeros(1), np.ones(1)
    with np.errstate(all="raise"):
        y, saved = kernel.forward(zero, one, n=n)
        gradient = kernel.backward(one, saved).x
        again = kernel.double_backward(one, (zero, one), (one, 0 * one), n=n).x
        along = kernel.jvp((zero, one), (one, 0 * one), n=n)
    assert y == (n == 0)
    if "abs" not in shape:  # there the derivative of the absolute value is 0 by convention
        assert (gradient, along, again) == (first, first, second)
    assert np.isfinite([gradient, again]).all()
