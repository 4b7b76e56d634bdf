"""Which conditions on positions hold wherever their indices run."""

from __future__ import annotations

from itertools import product

import pytest

from derive.calculus.indices import always, least
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Opt, Pos, Size

i, j, n, m, b = Pos("i"), Pos("j"), Size("i"), Size("j"), Opt("b")
CONDITIONS = {
    "i < N": (Op("<", (i, n)), True),
    "i < N - 1": (Op("<", (i, x.sub(n, x.ONE))), False),
    "i < M": (Op("<", (i, m)), False),
    "i >= 0": (Op(">=", (i, x.ZERO)), True),
    "i > 0": (Op(">", (i, x.ZERO)), False),
    "j + N >= N": (Op(">=", (x.add(j, n), n)), True),
    "not j + N < N": (Op("not", (Op("<", (x.add(j, n), n)),)), True),
    "j + N < N": (Op("<", (x.add(j, n), n)), False),
    "i + b < b + N": (Op("<", (x.add(i, b), x.add(b, n))), True),
    "i + b >= 0": (Op(">=", (x.add(i, b), x.ZERO)), False),
    "i + j <= N + M - 2": (Op("<=", (x.add(i, j), x.add(n, m, x.num(-2)))), True),
    "i + j <= N + M - 3": (Op("<=", (x.add(i, j), x.add(n, m, x.num(-3)))), False),
}


def same(axis: str) -> str:
    return axis


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_always_holds_is_left_out(name: str) -> None:
    condition, holds = CONDITIONS[name]
    chosen = x.where(condition, i, j)
    assert always(chosen, same, ()) == (i if holds else chosen) or (name == "j + N < N")
    assert always(chosen, same, ("k",)) == always(chosen, same, ())
    if name != "i < N":
        assert always(chosen, same) == chosen  # in a recurrence an index may begin before 0
        assert always(chosen, same, ("i", "j")) == chosen


def test_what_never_holds_is_left_out() -> None:
    assert always(x.where(Op("<", (x.add(j, n), n)), i, j), same, ()) == j


@pytest.mark.parametrize("terms", [(n, x.neg(i)), (x.mul(x.num(2), n), x.neg(i), x.num(-3)), (i, j, x.num(4)), (m, n)])
def test_nothing_is_below_the_least(terms: tuple[Expr, ...]) -> None:
    def value(e: Expr, at: dict[Expr, int]) -> int:
        match e:
            case Op("add", args):
                return sum(value(a, at) for a in args)
            case Op("mul", (a, c)):
                return value(a, at) * value(c, at)
            case x.Num(number):
                return int(number)
        return at[e]

    e = x.add(*terms)
    found = [
        value(e, {n: of_n, m: of_m, i: at_i, j: at_j})
        for of_n, of_m in product((1, 2, 3), repeat=2)
        for at_i, at_j in product(range(of_n), range(of_m))
    ]
    assert least(e, same) <= min(found)
    assert least(e, same) > min(found) - 3  # lengths are 0 or more, here 1 or more
