"""A program that is said not to overflow on the way does not: each number out of range belongs to a result that is."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.program.ir import Map
from derive.program.overflow import may_overflow_on_the_way
from tests.generality.support import built, definition, own_registry

A, B = (Ref(name, (Pos("i"),)) for name in "ab")
SQUARE = Op("pow", (A, x.num(2)))
MAY = {
    "a sum": x.add(A, B),
    "a product of three": x.mul(A, B, A),
    "a product with a number, and again": x.mul(x.num(3), A, B),
    "a square with a number": x.mul(Num(Fraction(1, 3)), SQUARE),
    "an exponential with an array": x.mul(Op("exp", (A,)), B),
    "a quotient by a square": x.mul(A, Op("pow", (B, x.num(-2)))),
    "a function of a square": Op("log", (SQUARE,)),
    "of a product": Op("log", (x.mul(A, B),)),
    "of a square times a number": Op("log", (x.mul(x.num(2), SQUARE),)),
    "of the size of a square": Op("exp", (x.neg(Op("abs", (SQUARE,))),)),
    "a root of a square": Op("pow", (SQUARE, Num(Fraction(1, 2)))),
    "a reciprocal of a square": Op("pow", (SQUARE, x.num(-1))),
    "a fraction of large numbers": x.mul(Num(Fraction(123457, 10007)), A),
}
NOT = {
    "an array": A,
    "a product": x.mul(A, B),
    "its negative": x.neg(x.mul(A, B)),
    "an array times a number": x.mul(x.num(3), A),
    "a square": SQUARE,
    "its negative too": x.neg(SQUARE),
    "a square of a square": Op("pow", (SQUARE, x.num(2))),
    "a quotient": x.mul(A, Op("pow", (B, x.num(-1)))),
    "a function": Op("exp", (A,)),
    "a function of a reciprocal": Op("exp", (Op("pow", (A, x.num(-1))),)),
    "a size": Op("abs", (SQUARE,)),
    "a choice": x.where(Op(">", (A, x.ZERO)), SQUARE, B),
    "a comparison of products": Op("iverson", (Op(">", (x.mul(A, B), x.ONE)),)),
}


def said(*bodies: Expr) -> bool:
    names = "xyz"
    return may_overflow_on_the_way(Map(names[n], (Pos("i"),), ("i",), body) for n, body in enumerate(bodies))


@pytest.mark.parametrize("case", MAY)
def test_what_may(case: str) -> None:
    assert said(MAY[case])


@pytest.mark.parametrize("case", NOT)
def test_what_may_not(case: str) -> None:
    assert not said(NOT[case])


def test_what_one_statement_makes_is_read_by_the_next() -> None:
    product, of_it = x.mul(A, B), x.mul(Ref("x", (Pos("i"),)), A)
    assert said(product, of_it)
    assert said(Op("exp", (A,)), of_it)
    assert not said(A, of_it)  # a copy
    assert not said(product, x.mul(A, A))


def value(e: Expr, at: dict[str, float], number: type) -> float:
    """One operation after another, each rounded."""
    match e:
        case Num(v):
            return number(float(v))
        case Ref(name, _):
            return number(at[name])
        case Op(fn, args):
            known = [value(a, at, number) for a in args]
            match fn:
                case "mul":
                    return number(math.prod(known[1:], start=known[0]))
                case "pow":
                    return number(known[0] ** known[1])
                case "abs" | "exp":
                    return number(getattr(np, fn)(known[0]))
    raise NotImplementedError(e)


def grown(rng: random.Random, depth: int) -> Expr:
    if not depth:
        return rng.choice([A, B])
    inner = grown(rng, depth - 1)
    return rng.choice(
        [inner, x.mul(inner, grown(rng, depth - 1)), x.mul(x.num(rng.choice([-1, 3])), inner), Op("abs", (inner,)),
         Op("pow", (inner, x.num(rng.choice([-1, 2])))), Op("exp", (inner,))]
    )  # fmt: skip


def test_what_is_said_not_to_does_not() -> None:
    """In half precision, where the exact result is in range."""
    rng, safe = random.Random(4), 0
    points = [
        dict(zip("ab", p, strict=True)) for p in itertools.product([-300.0, -7.0, -0.01, 0.02, 5.0, 400.0], repeat=2)
    ]
    with np.errstate(all="ignore"):
        for _ in range(300):
            e = grown(rng, 3)
            if said(e):
                continue
            safe += 1
            for at in points:
                exact = value(e, at, np.longdouble)
                if 1e-4 < abs(exact) < 6e4:
                    assert np.isfinite(value(e, at, np.float16)), (e, at)
    assert safe > 60


@pytest.mark.parametrize(
    ("body", "x_", "v", "exact"),
    [
        ("exp(x[i]) * v[i] ** 2", -60.0, 1e20, math.exp(-60) * 1e40),
        ("x[i] / v[i] ** 2", 2e19, 1e20, 2e-21),
        ("3 * x[i] ** 2 / 1000", 2e19, 1.0, 1.2e36),
        ("exp(x[i]) * v[i]", 95.0, 1e-9, math.exp(95) * 1e-9),
    ],
)
def test_a_kernel_finds_the_result_that_is_in_range(
    body: str, x_: float, v: float, exact: float, tmp_path: Path
) -> None:
    """In single precision, in which the power or the exponential is not."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i], v: Real[i]", f"y[i] = {body}\nreturn y"))
    y, _ = kernel.forward(np.float32([x_]), np.float32([v]))
    np.testing.assert_allclose(y, [exact], rtol=1e-4)
