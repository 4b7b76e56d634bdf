"""Elementary functions where NumPy's own word is not the right one: of numbers, of large arguments, of 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.functions import quietly

Array = NDArray[Any]


def plain(value: Any) -> Any:
    """A NumPy number as a Python number, which does not widen an array that it meets."""
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``, as max(x, 0) + log1p(exp(-|x|)): it neither overflows nor loses small values."""
    if x.dtype == object:  # a masked exponent is the float -inf among balls
        return np.asarray(np.frompyfunc(lambda v: 0 if v == -np.inf else v.exp().log1p(), 1, 1)(x))
    small = np.asarray(np.negative(np.abs(x)))
    quietly(np.exp, small, small)
    np.log1p(small, small)
    np.add(small, np.maximum(x, 0), small)
    return small


def powered(base: Any, exponent: Any, order: int = 0) -> Any:
    """The derivative of some order of ``base ** exponent`` by the base: ``p (p - 1) ... base ** (p - order)``.

    Where the factors in front come to 0 it is 0, whatever the power is. Of a negative base, for an exponent that is
    no integer, NaN without a warning.
    """
    factor: Any = 1
    for n in range(order):
        factor = factor * (exponent - n)
    if isinstance(exponent, int | float):
        if factor == 0:
            return np.zeros_like(base)
        if exponent == order:
            return np.full_like(base, factor)
        return factor * _power(base, exponent - order)
    power = _power(base, exponent - order)
    if not order:
        return power
    factor = np.asarray(factor)
    out = np.zeros(np.broadcast_shapes(factor.shape, np.shape(power)), np.result_type(factor, power))
    return np.multiply(factor, power, out=out, where=~np.asarray(factor == 0, bool))


def _power(base: Any, exponent: Any) -> Any:
    if any(not isinstance(v, int | float) and np.asarray(v).dtype.hasobject for v in (base, exponent)):
        return base**exponent
    return quietly(np.power, base, exponent)


def floor(a: Array) -> Array:
    """The largest whole number that is not larger, of fractions and balls too."""
    return np.asarray(np.frompyfunc(_floor, 1, 1)(a)) if a.dtype == object else np.floor(a)


def _floor(v: Any) -> Any:
    if hasattr(v, "floor"):
        return v.floor()
    return type(v)(math.floor(v)) if v - v == 0 else v


def sign(a: Any) -> Any:
    """1 of a positive number, -1 of a negative one, 0 of 0 and of NaN; of fractions, balls and single numbers too."""
    if not hasattr(a, "dtype"):
        return _sign(a)
    if a.dtype == object:
        return np.asarray(quietly(np.frompyfunc(_sign, 1, 1), a))
    return np.asarray(np.subtract(a > 0, a < 0, dtype=a.dtype))


def _sign(v: Any) -> Any:
    return type(v)((v > 0) - (v < 0))


def nearest(a: Array) -> Array:
    """The nearest whole number, of two the even one; of fractions and balls too."""
    return np.asarray(np.frompyfunc(_nearest, 1, 1)(a)) if a.dtype == object else np.rint(a)


def _nearest(v: Any) -> Any:
    if hasattr(v, "floor"):
        half = (0 * v + 1) / 2
        above = (v + half).floor()
        tie = v.is_exact() and v + half == above and above.unique_fmpz() % 2
        return above - 1 if tie else above
    return type(v)(round(v)) if v - v == 0 else v
