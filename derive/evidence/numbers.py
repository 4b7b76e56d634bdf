"""Number systems: the arithmetic in which the interpreter evaluates equations.

A system is a small table of functions. The same equations are evaluated in binary floating point, exactly
with fractions, to 60 digits, as SymPy expressions to be differentiated, and in balls that also hold every
rounding error.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy

DIGITS = 60


@dataclass(frozen=True)
class Numbers:
    """Arithmetic on one kind of number.

    Attributes:
        exact: a number from an integer, fraction or float, without rounding where the system allows.
        functions: the scalar functions of derive.notation.functions that are not arithmetic.
        power: the base and an exact exponent.
        raised: the base and an exponent that is a number of the system: an option or data.
        truth: a comparison's result as a bool, given the operator's name; None where the numbers cannot tell.
        total: the sum of a non-empty list.
        option: an option's value, where that differs from exact.
        named: arithmetic for the formula of an elementwise layer called by its name, and what is done to the
            result, where that differs.
        either: what a piecewise case is worth where its condition cannot be told, from both cases.
        beyond: what an element outside an array is worth; None where it is zero, and nothing beside it is evaluated.
    """

    name: str
    exact: Callable[[Any], Any]
    functions: dict[str, Callable[..., Any]]
    power: Callable[[Any, Fraction], Any]
    raised: Callable[[Any, Any], Any]
    pi: Any = None
    inf: Any = None
    add: Callable[[Any, Any], Any] = operator.add
    mul: Callable[[Any, Any], Any] = operator.mul
    truth: Callable[[str, Any, Any], bool | None] = field(default=lambda op, a, b: bool(COMPARE[op](a, b)))
    total: Callable[[list[Any]], Any] | None = None
    option: Callable[[Any], Any] | None = None
    named: tuple[Numbers, Callable[[Any], Any]] | None = None
    either: Callable[[Any, Any], Any] | None = None
    beyond: Any = None

    @property
    def zero(self) -> Any:
        return self.exact(0)


COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Unsupported(TypeError):
    """The number system has no such function: the square root of a fraction."""


class Undefined(ArithmeticError):
    """There is no real value: the logarithm of a negative number."""


# ---- floating point ----------------------------------------------------------------------------------------


def _float_power(a: float, b: Fraction) -> float:
    if b.denominator == 1:
        return float(a ** int(b))
    return math.sqrt(a) ** int(2 * b) if b.denominator == 2 else math.pow(a, float(b))


FLOAT = Numbers(
    "float64",
    exact=float,
    functions={"exp": math.exp, "log": math.log, "erf": math.erf, "abs": abs, "max": max},
    power=_float_power,
    raised=math.pow,
    pi=math.pi,
    inf=math.inf,
)


# ---- 60 digits ---------------------------------------------------------------------------------------------


def decimal(digits: int = DIGITS) -> Numbers:
    """Decimal arithmetic to that many digits, in a context of its own."""
    ctx = mpmath.MPContext()
    ctx.dps = digits
    half = Fraction(1, 2)

    def exact(value: Any) -> Any:
        if isinstance(value, Fraction):
            return ctx.mpf(value.numerator) / value.denominator
        return ctx.mpf(float(value) if isinstance(value, np.floating) else value)

    def real(value: Any) -> Any:
        if isinstance(value, ctx.mpc):
            raise Undefined("a root or a logarithm of a negative number")
        return value

    def power(a: Any, b: Fraction) -> Any:
        if b.denominator == 1:
            return a ** int(b)
        if b == half:
            return real(ctx.sqrt(a))
        return real(ctx.sqrt(a)) ** int(2 * b) if b.denominator == 2 else raised(a, exact(b))

    def raised(a: Any, b: Any) -> Any:
        return a ** int(b) if ctx.isint(b) else real(ctx.power(a, b))

    def total(values: list[Any]) -> Any:
        return ctx.fsum(values)

    return Numbers(
        f"{digits} digits",
        exact=exact,
        functions={"exp": ctx.exp, "log": lambda a: real(ctx.log(a)), "erf": ctx.erf, "abs": abs, "max": max},
        power=power,
        raised=raised,
        pi=+ctx.pi,
        inf=ctx.inf,
        total=total,
    )


MP = decimal()


# ---- exact -------------------------------------------------------------------------------------------------


def _fraction_power(a: Fraction, b: Fraction) -> Fraction:
    if b.denominator != 1:
        raise Unsupported("a root of a fraction")
    return Fraction(a ** int(b))


def _missing(name: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        raise Unsupported(f"{name} of a fraction")

    return refuse


FRACTION = Numbers(
    "fractions",
    exact=lambda v: Fraction(float(v) if isinstance(v, np.floating) else v),
    functions={n: _missing(n) for n in ("exp", "log", "erf")} | {"abs": abs, "max": max},
    power=_fraction_power,
    raised=_fraction_power,
)


# ---- SymPy expressions with a value ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """An expression written out, and its value at the point, which decides every comparison on the way."""

    text: sympy.Expr
    value: Any


def _written(f: Callable[..., Any], name: str) -> Callable[..., Written]:
    def apply(*args: Written) -> Written:
        return Written(f(*(a.text for a in args)), MP.functions[name](*(a.value for a in args)))

    return apply


def _exact_written(value: Any) -> Written:
    number = MP.exact(value)
    if not isinstance(value, int | Fraction):
        value = Fraction(float(value))
    return Written(sympy.Rational(value.numerator, value.denominator), number)


def _written_abs(a: Written) -> Written:
    return a if a.value >= 0 else Written(-a.text, -a.value)


WRITTEN = Numbers(
    "SymPy",
    exact=_exact_written,
    functions={
        "exp": _written(sympy.exp, "exp"),
        "log": _written(sympy.log, "log"),
        "erf": _written(sympy.erf, "erf"),
        "abs": _written_abs,
        "max": lambda a, b: a if a.value >= b.value else b,
    },
    power=lambda a, b: Written(a.text ** sympy.Rational(b.numerator, b.denominator), MP.power(a.value, b)),
    raised=lambda a, b: Written(a.text**b.text, MP.raised(a.value, b.value)),
    pi=Written(sympy.pi, MP.pi),
    inf=Written(sympy.oo, MP.inf),
    add=lambda a, b: Written(a.text + b.text, a.value + b.value),
    mul=lambda a, b: Written(a.text * b.text, a.value * b.value),
    truth=lambda op, a, b: bool(COMPARE[op](a.value, b.value)),
    total=lambda values: Written(sympy.Add(*(v.text for v in values)), MP.total([v.value for v in values])),  # type: ignore[misc]
)


def symbol(name: str, value: Any) -> Written:
    """A real unknown standing for a number."""
    return Written(sympy.Symbol(name, real=True), MP.exact(value))


def _sign(a: Any) -> Any:
    return MP.exact((a > 0) - (a < 0))


#: What SymPy calls functions; ``Abs`` and ``sign`` are what it makes of the root of a square.
SYMPY: dict[type, Callable[..., Any]] = {
    sympy.exp: MP.functions["exp"],
    sympy.log: MP.functions["log"],
    sympy.erf: MP.functions["erf"],
    sympy.Abs: abs,
    sympy.sign: _sign,
}


def evaluate(e: sympy.Expr, point: dict[sympy.Symbol, Any], known: dict[sympy.Expr, Any]) -> Any:
    """A SymPy expression at a point, to 60 digits. What was seen before is looked up in ``known``."""
    if e in known:
        return known[e]
    if isinstance(e, sympy.Symbol):
        value = point[e]
    elif isinstance(e, sympy.Rational):
        value = MP.exact(Fraction(int(e.p), int(e.q)))
    elif e is sympy.pi:
        value = MP.pi
    elif e is sympy.E:
        value = MP.functions["exp"](MP.exact(1))
    elif isinstance(e, sympy.Pow):
        base, exponent = evaluate(e.base, point, known), e.exp
        if isinstance(exponent, sympy.Rational):
            value = MP.power(base, Fraction(int(exponent.p), int(exponent.q)))
        else:
            value = MP.raised(base, evaluate(exponent, point, known))
    else:
        args = [evaluate(a, point, known) for a in e.args]
        if isinstance(e, sympy.Add):
            value = sum(args[1:], args[0])
        elif isinstance(e, sympy.Mul):
            value = args[0]
            for a in args[1:]:
                value = value * a
        else:
            value = SYMPY[type(e)](*args)
    known[e] = value
    return value


# ---- balls that hold the exact values ----------------------------------------------------------------------


def _ball_truth(op: str, a: Any, b: Any) -> bool | None:
    """A comparison of balls; None where they overlap."""
    if op in ("==", "!="):
        if (a - b).is_exact() or not a.overlaps(b):
            return bool(COMPARE[op](a, b))
        return None
    if COMPARE[op](a, b):
        return True
    opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
    return False if COMPARE[opposite](a, b) else None


def exactly(units: int = 0) -> Numbers:
    """Arb balls at the working precision of this moment: enclosures of the exact results.

    With ``units``, constants that are no binary fractions are as far from what is typed as that many roundings to
    float64 may take them: a kernel has floats for them.
    """
    import flint

    arb = flint.arb
    half = Fraction(1, 2)

    def exact(value: Any) -> Any:
        if isinstance(value, Fraction):
            ball = arb(value.numerator) / value.denominator
            binary = value.denominator & (value.denominator - 1) == 0
            return ball if binary or not units else ball + arb(0, (abs(ball) * units * 2.0**-53).abs_upper())
        return arb(value if isinstance(value, int | float | arb) else float(value))

    def power(a: Any, b: Fraction) -> Any:
        if b == half:
            return a.sqrt()
        return a ** int(b) if b.denominator == 1 else raised(a, exact(b))

    def raised(a: Any, b: Any) -> Any:
        if b.is_exact() and b.is_integer():
            return a ** int(b.unique_fmpz())
        return a if a == 0 and b > 0 else a**b

    return Numbers(
        "balls",
        exact=exact,
        functions={
            "exp": lambda a: a.exp(),
            "log": lambda a: a.log(),
            "erf": lambda a: a.erf(),
            "abs": abs,
            "max": lambda a, b: a.max(b),
        },
        power=power,
        raised=raised,
        pi=arb.pi(),
        inf=arb("inf"),
        truth=_ball_truth,
        either=lambda a, b: a.union(b),
    )


# ---- balls that hold the rounding errors -------------------------------------------------------------------


@cache
def rounding(
    unit_exponent: int, smallest: float = 0.0, flushed: float = 0.0, function_units: int = 4, terms: int = 0
) -> Numbers:
    """Running error analysis for the unit roundoff 2**unit_exponent; see derive.evidence.enclosure.

    Every operation is made on Arb balls, which hold all results for all arguments within the balls given, and
    its result is then widened by the operation's own rounding error: u times its magnitude for + - * / and
    square root, ``function_units`` units in the last place (2u each) for exp, log, erf. A sum of n terms in
    any order is widened by (n - 1) u times the sum of magnitudes (Higham 2002, equation 4.4), or by ``terms`` u where
    the sum stands for a longer one. With the
    ``smallest`` subnormal number given, products and quotients may lose that much besides, to gradual underflow, and
    a function called by a layer's name ``flushed``. Exponentials lose nothing: a kernel must know to scale them.
    """
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
        if a == 1:
            return b
        if b == 1 or b == -1:
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
        return widen(a ** int(b), u * max(1, abs(int(b))), lost)

    def raised(a: Any, b: Any) -> Any:
        if b.is_exact() and b.is_integer():
            return power(a, Fraction(int(b.unique_fmpz())))
        if a == 0 and b > 0:
            return a
        return widen(a**b, 2 * function_units * u, lost)

    def total(values: list[Any]) -> Any:
        if len(values) == 1:
            return values[0]
        magnitude = sum((abs(v) for v in values[1:]), abs(values[0]))
        return sum(values[1:], values[0]) + arb(0, (magnitude * u * max(len(values) - 1, terms)).abs_upper())

    def function(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda a: widen(f(a), 2 * function_units * u)

    return Numbers(
        f"rounding 2**{unit_exponent}",
        exact=exact,
        functions={
            "exp": function(lambda a: a.exp()),
            "log": function(lambda a: a.log()),
            "erf": function(lambda a: a.erf()),
            "abs": abs,
            "max": lambda a, b: a.max(b),
        },
        power=power,
        raised=raised,
        pi=widen(arb.pi(), u),
        inf=arb("inf"),
        add=add,
        mul=mul,
        truth=_ball_truth,
        total=total,
        option=lambda v: widen(exact(v), u),
        named=(rounding(unit_exponent), lambda a: a + arb(0, flushed)) if smallest else None,
        either=lambda a, b: a.union(b),
    )
