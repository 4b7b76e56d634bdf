"""Which expressions are infinite, or no number, where every array in them is zero."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.calculus.singular import at_zero, singular
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref

A, B = (Ref(n, (Pos("i"),)) for n in "ab")
EPSILON, TWO = Opt("epsilon"), x.num(2)
SQUARES = x.add(x.power(A, TWO), x.power(B, TWO))


def log(e: Expr) -> Expr:
    return Op("log", (e,))


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (x.sqrt(A), True),
        (x.sqrt(SQUARES), True),
        (x.sqrt(x.add(SQUARES, EPSILON)), False),
        (x.sqrt(x.mul(TWO, A, B)), True),
        (x.sqrt(Reduce("sum", ("i",), x.power(A, TWO))), True),
        (x.power(A, x.num(-1)), True),
        (x.power(A, TWO), False),
        (x.power(EPSILON, x.num(-1)), False),
        (x.power(x.add(A, x.ONE), Num(Fraction(-1, 2))), False),
        (log(A), True),
        (log(x.add(A, B)), True),
        (log(x.add(A, x.ONE)), False),
        (Op("xlogy", (A, B)), True),
        (Op("xdivy", (A, x.add(B, EPSILON))), False),
        (x.mul(A, B), False),
        (Op("exp", (A,)), False),
    ],
    ids=lambda v: "" if isinstance(v, bool) else None,
)
def test_singular(e: Expr, expected: bool) -> None:
    assert singular(e) is expected


def test_what_is_left_of_an_expression() -> None:
    assert at_zero(x.add(A, EPSILON)) == EPSILON
    assert at_zero(x.add(A, B)) == x.ZERO
    assert at_zero(x.mul(EPSILON, A)) == x.ZERO
