"""Arithmetic in Arb balls: enclosures of the exact results, and of every result that rounding may give.

python-flint is optional and imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from derive.evidence.numbers import COMPARE, Numbers

FUNCTION_UNITS = 4  # in the last place, for exp, log, erf


def ball_truth(op: str, a: Any, b: Any) -> bool | None:
    """A comparison of balls; None where they overlap."""
    if op in ("==", "!="):
        if (a - b).is_exact() or not a.overlaps(b):
            return bool(COMPARE[op](a, b))
        return None
    if COMPARE[op](a, b):
        return True
    opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
    return False if COMPARE[opposite](a, b) else None


def whole(a: Any, n: int) -> Any:
    """A ball to the n-th power. Of one around 0 itself python-flint makes NaN; its radius to the n-th bounds all."""
    if n > 0 and a.mid() == 0:
        return type(a)(0, a.abs_upper() ** n)
    return a**n


def nearest(a: Any) -> Any:
    """The nearest whole number, of two the even one; a ball that holds both where a ball may be rounded to either."""
    half = type(a)(1) / 2
    up = (a + half).floor()
    tie = a.is_exact() and a + half == up and up.unique_fmpz() % 2
    return up - 1 if tie else up


#: What has no slope: exact, at any precision.
FLAT: dict[str, Callable[[Any], Any]] = {"floor": lambda a: a.floor(), "round": nearest, "stop_gradient": lambda a: a}


def exactly() -> Numbers:
    """Arb balls at the working precision of this moment: enclosures of the exact results."""
    import flint

    arb = flint.arb
    half = Fraction(1, 2)

    def exact(value: Any) -> Any:
        if isinstance(value, Fraction):
            return arb(value.numerator) / value.denominator
        return arb(value if isinstance(value, int | float | arb) else float(value))

    def power(a: Any, b: Fraction) -> Any:
        if b == half:
            return a.sqrt()
        return whole(a, int(b)) if b.denominator == 1 else raised(a, exact(b))

    def raised(a: Any, b: Any) -> Any:
        if b.is_exact() and b.is_integer():
            return whole(a, int(b.unique_fmpz()))
        return a if a == 0 and b > 0 else a**b

    return Numbers(
        "balls",
        exact=exact,
        functions={
            "exp": lambda a: a.exp(),
            "log": lambda a: a.log(),
            "erf": lambda a: a.erf(),
            "sin": lambda a: a.sin(),
            "cos": lambda a: a.cos(),
            "abs": abs,
            "max": lambda a, b: a.max(b),
            **FLAT,
        },
        power=power,
        raised=raised,
        pi=arb.pi(),
        inf=arb("inf"),
        truth=ball_truth,
        either=lambda a, b: a.union(b),
    )


def rounding(unit_exponent: int, smallest: float = 0.0, flushed: float = 0.0, terms: float = 0) -> Numbers:
    """Running error analysis for the unit roundoff 2**unit_exponent; see derive.evidence.enclosure.

    Every operation is made on Arb balls, which hold all results for all arguments within the balls given, and
    its result is then widened by the operation's own rounding error: u times its magnitude for + - * / and
    square root, FUNCTION_UNITS units in the last place (2u each) for exp, log, erf, sin, cos. A sum of n terms in
    any order is widened by (n - 1) u times the sum of magnitudes (Higham 2002, equation 4.4), or by ``terms`` u where
    the sum stands for a longer one. With the ``smallest`` subnormal number given, products and quotients may lose that
    much besides, to gradual underflow, and a function called by a layer's name ``flushed``. Exponentials lose nothing:
    a kernel must know to scale them.
    """
    import flint

    return _rounding(flint.ctx.prec, unit_exponent, smallest, flushed, terms)


@cache
def _rounding(bits: int, unit_exponent: int, smallest: float, flushed: float, terms: float) -> Numbers:
    """Those numbers, whose constants have the working precision of so many bits, which is that of this moment."""
    import flint

    arb = flint.arb
    u = arb(2) ** unit_exponent
    half = Fraction(1, 2)

    lost = arb(smallest)

    def widen(value: Any, units: Any, under: Any = 0) -> Any:
        return value + arb(0, (abs(value) * units + under).abs_upper())

    def exact(value: Any) -> Any:
        if isinstance(value, Fraction):
            return widen(arb(value.numerator) / value.denominator, u)
        return arb(value if isinstance(value, int | float | arb) else float(value))

    def add(a: Any, b: Any) -> Any:
        return widen(a + b, u)

    def mul(a: Any, b: Any) -> Any:
        if a in (1, -1) or b in (1, -1):  # a sign rounds nothing
            return a * b
        return widen(a * b, u, lost)

    def power(a: Any, b: Fraction) -> Any:
        if b == half:
            return widen(a.sqrt(), u)
        if b.denominator == 2:
            times = int(2 * b)
            return widen(widen(a.sqrt(), u) ** times, u * (abs(times) + 1), lost)
        if b.denominator > 1:
            return raised(a, exact(b))
        return widen(whole(a, int(b)), u * max(1, abs(int(b))), lost)

    def raised(a: Any, b: Any) -> Any:
        if b.is_exact() and b.is_integer():
            return power(a, Fraction(int(b.unique_fmpz())))
        if a == 0 and b > 0:
            return a
        return widen(a**b, 2 * FUNCTION_UNITS * u, lost)

    def total(values: list[Any]) -> Any:
        if len(values) == 1:
            return values[0]
        magnitude = sum((abs(v) for v in values[1:]), abs(values[0]))
        return sum(values[1:], values[0]) + arb(0, (magnitude * u * max(len(values) - 1, terms)).abs_upper())

    def function(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda a: widen(f(a), 2 * FUNCTION_UNITS * u)

    return Numbers(
        f"rounding 2**{unit_exponent}",
        exact=exact,
        functions={
            "exp": function(lambda a: a.exp()),
            "log": function(lambda a: a.log()),
            "erf": function(lambda a: a.erf()),
            "sin": function(lambda a: a.sin()),
            "cos": function(lambda a: a.cos()),
            "abs": abs,
            "max": lambda a, b: a.max(b),
            **FLAT,
        },
        power=power,
        raised=raised,
        pi=widen(arb.pi(), u),
        inf=arb("inf"),
        add=add,
        mul=mul,
        truth=ball_truth,
        total=total,
        option=lambda v: widen(exact(v), u),
        named=(rounding(unit_exponent), lambda a: a + arb(0, flushed)) if smallest else None,
        either=lambda a, b: a.union(b),
    )
