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
from typing import Any

import mpmath
import numpy as np

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
        addends: the sum of several addends, one operator after another, where that is no sum over an axis.
        stored: what becomes of an element of a tensor that an equation defines when it is kept.
        sloped: what is done to the derivative of an elementwise layer called by its name.
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
    addends: Callable[[list[Any]], Any] | None = None
    stored: Callable[[Any], Any] | None = None
    sloped: Callable[[Any], Any] | None = None

    @property
    def zero(self) -> Any:
        return self.exact(0)


#: Functions of numbers that are no fractions of fractions, as `math`, `mpmath` and `flint` call them too.
TRANSCENDENTAL = ("exp", "log", "erf", "sin", "cos")
BEYOND = mpmath.mpf(2) ** 1100  # larger than any number of a format

#: What is a fraction of a fraction: the whole numbers around one.
WHOLE: dict[str, Callable[[Any], Any]] = {
    "floor": lambda a: Fraction(math.floor(a)),
    "round": lambda a: Fraction(round(a)),  # Python's, which rounds ties to even numbers
    "stop_gradient": lambda a: a,
}

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
    functions={n: getattr(math, n) for n in TRANSCENDENTAL}
    | {"abs": abs, "max": max, "floor": lambda a: float(np.floor(a)), "round": lambda a: float(np.rint(a))}
    | {"stop_gradient": lambda a: a},
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

    def periodic(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """No value beyond every format, where the digits of a multiple of pi take minutes."""
        return lambda a: f(a) if abs(a) < BEYOND else ctx.nan

    def total(values: list[Any]) -> Any:
        return ctx.fsum(values)

    return Numbers(
        f"{digits} digits",
        exact=exact,
        functions={n: getattr(ctx, n) for n in TRANSCENDENTAL}
        | {"sin": periodic(ctx.sin), "cos": periodic(ctx.cos)}
        | {"log": lambda a: real(ctx.log(a)), "abs": abs, "max": max, "floor": ctx.floor, "round": ctx.nint}
        | {"stop_gradient": lambda a: a},
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
    functions={n: _missing(n) for n in TRANSCENDENTAL} | WHOLE | {"abs": abs, "max": max},
    power=_fraction_power,
    raised=_fraction_power,
)


# ---- SymPy expressions with a value ------------------------------------------------------------------------


# ---- balls that hold the exact values ----------------------------------------------------------------------


# ---- balls that hold the rounding errors -------------------------------------------------------------------
