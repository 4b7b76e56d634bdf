"""A function of the same elements is computed once, by whatever it is read: a matrix product, a sum, another array."""

from __future__ import annotations

import pytest

from derive.notation.expr import Op, walk
from derive.program.compile import compile
from derive.program.ir import Function, Statement, expressions
from derive.targets.numpy.costs import COSTS
from tests.program.programs import derivation

#: A definition, and how often its backward takes the slope of its function.
READ_BY = {
    "matrix products and a sum": (
        """
def products(x: Real[b, i], W: Real[n, i], c: Real[n], V: Real[o, n]):
    h[b, n] = tanh(sum(i, W[n, i] * x[b, i]) + c[n])
    y[b, o] = sum(n, V[o, n] * h[b, n])
    return y
""",
        1,
    ),
    "matrix products of a recurrence": (
        """
def cell(x: Real[t, b, i], h0: Real[b, n], W: Real[n, i], U: Real[n, m], c: Real[n]):
    m = axis(size(n))
    h[-1, b, n] = h0[b, n]
    h[t, b, n] = tanh(sum(i, W[n, i] * x[t, b, i]) + sum(m, U[n, m] * h[t - 1, b, m]) + c[n])
    return h
""",
        2,  # at one step of the loop, and at all of them after it
    ),
    "sums alone, which need no array": (
        """
def sums(x: Real[b, i], c: Real[i]):
    y[i] = sum(b, tanh(x[b, i]) * c[i])
    z[i] = sum(b, tanh(x[b, i])) + c[i]
    return y, z
""",
        1,
    ),
}


@pytest.mark.parametrize("by", READ_BY)
def test_a_slope_is_computed_once(by: str) -> None:
    text, times = READ_BY[by]
    backward = compile([derivation(text)], COSTS).variants[0].functions["backward"]
    assert slopes(backward) == times


def slopes(function: Function) -> int:
    def within(s: Statement) -> int:
        return sum(isinstance(n, Op) and n.fn == "tanh'" for e in expressions(s) for n in walk(e))

    return sum(map(within, function.statements))
