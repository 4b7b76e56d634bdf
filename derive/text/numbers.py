"""The numbers of the second reader: whole numbers and fractions as long as they are exact, else 60 digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath

from derive.text.annotations import Unread

MP = mpmath.MPContext()
MP.dps = 60
Real = type(MP.mpf(1))
LONG = 600  #: bits of a denominator at which a fraction becomes a decimal
FORMAT = 700  #: exp of more than this, or of less than minus this, is beyond a double


class Outside(ArithmeticError):
    """The definition has no finite value there."""


def real(value: Any) -> Any:
    """A number in 60 digits."""
    if isinstance(value, Real):
        return value
    if isinstance(value, Fraction):
        return MP.mpf(value.numerator) / value.denominator
    return MP.mpf(value)


def pair(a: Any, b: Any) -> tuple[Any, Any]:
    """Two numbers of one type."""
    if isinstance(a, str) or isinstance(b, str):
        raise Unread("a word where a number stands")
    if type(a) is type(b):
        return (int(a), int(b)) if isinstance(a, bool) else (a, b)
    return (real(a), real(b)) if isinstance(a, Real) or isinstance(b, Real) else (a, b)


def short(value: Any) -> Any:
    """A fraction that has grown long, in decimals; an infinite one is no value."""
    if isinstance(value, Fraction):
        return real(value) if value.denominator.bit_length() > LONG else value
    return value


def add(a: Any, b: Any) -> Any:
    a, b = pair(a, b)
    return short(a + b)


def subtract(a: Any, b: Any) -> Any:
    a, b = pair(a, b)
    return short(a - b)


def multiply(a: Any, b: Any) -> Any:
    a, b = pair(a, b)
    return short(a * b)


def divide(a: Any, b: Any) -> Any:
    a, b = pair(a, b)
    if b == 0:
        raise Outside("a division by zero")
    return short(Fraction(a) / Fraction(b) if not isinstance(a, Real) else a / b)


def floor_divide(a: Any, b: Any) -> Any:
    a, b = pair(a, b)
    if b == 0:
        raise Outside("a division by zero")
    return int(MP.floor(a / b)) if isinstance(a, Real) else a // b


def remainder(a: Any, b: Any) -> Any:
    return subtract(a, multiply(floor_divide(a, b), b))


def power(a: Any, b: Any) -> Any:
    a, b = pair(a, b)
    whole = b == int(b) if MP.isfinite(real(b)) else False
    if a == 0 and b < 0:
        raise Outside("zero to a negative power")
    if a < 0 and not whole:
        raise Outside("a root of a negative number")
    if abs(b) > 2000 or (a != 0 and abs(b * MP.log(abs(real(a)))) > FORMAT):
        raise Outside("a power beyond a double")
    if not whole:
        return root(a) if b == 0.5 else MP.power(real(a), real(b))
    if isinstance(a, Real):
        return a ** int(b)
    return short(Fraction(a) ** int(b))


def root(a: Any) -> Any:
    """A square root, exact where it is."""
    if a < 0:
        raise Outside("a root of a negative number")
    if not isinstance(a, Real):
        above, below = Fraction(a).numerator, Fraction(a).denominator
        if isqrt(above) ** 2 == above and isqrt(below) ** 2 == below:
            return Fraction(isqrt(above), isqrt(below))
    return MP.sqrt(real(a))


def exp(a: Any) -> Any:
    if a == 0:
        return 1
    if a > FORMAT:
        raise Outside("an exponential beyond a double")
    return MP.exp(real(a)) if a > -FORMAT else MP.mpf(0)


def log(a: Any) -> Any:
    if a <= 0:
        raise Outside("a logarithm of a number that is not positive")
    return 0 if a == 1 else MP.log(real(a))


def erf(a: Any) -> Any:
    return 0 if a == 0 else MP.erf(real(a))


def sin(a: Any) -> Any:
    return 0 if a == 0 else MP.sin(real(a))


def cos(a: Any) -> Any:
    return 1 if a == 0 else MP.cos(real(a))


def finite(a: Any) -> None:
    if isinstance(a, Real) and not MP.isfinite(a):
        raise Outside("a whole number next to infinity")


def floor(a: Any) -> Any:
    """The largest whole number that is not larger."""
    finite(a)
    return int(MP.floor(a)) if isinstance(a, Real) else math.floor(a)


def nearest(a: Any) -> Any:
    """The nearest whole number; of two, the even one."""
    finite(a)
    return int(MP.nint(a)) if isinstance(a, Real) else round(Fraction(a))


def xlogy(a: Any, b: Any) -> Any:
    return 0 if a == 0 else multiply(a, log(b))


def xdivy(a: Any, b: Any) -> Any:
    return 0 if a == 0 else divide(a, b)


#: Functions of numbers: how many they take, and what they give.
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, exp),
    "log": (1, log),
    "sqrt": (1, root),
    "erf": (1, erf),
    "sin": (1, sin),
    "cos": (1, cos),
    "abs": (1, lambda a: abs(a)),
    "xlogy": (2, xlogy),
    "xdivy": (2, xdivy),
}
