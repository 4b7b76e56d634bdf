"""Differences of functions that nearly cancel somewhere, each from a form in which nothing does.

Plain NumPy; object arrays of `flint.arb` go through the formulas as they are written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.elementary import powered
from reference.runtime.functions import quietly
from reference.runtime.normal import normal_cdf
from reference.runtime.sums import square_sum, sum_over

__all__ = [
    *("asinh", "expm1_less", "hypot", "less_log1p", "less_tanh", "log1mexp", "log_add", "log_cdf", "log_cosh"),
    *("log1p_power", "power_share", "row_norm"),
]

Array = NDArray[Any]
HALVES = np.log(np.longdouble(2))
DEPTH = 15  # of a continued fraction in u**2 < 1: 2**-64 is reached at 10
POWERS = 24  # terms of the series of exp: 1/24! is 2**-79
FAR = 30  # standard deviations beyond which ten terms of the asymptotic series of Mills' ratio are as good as it


def asinh(x: Any) -> Array:
    """``log(x + sqrt(x**2 + 1))``."""
    x = np.asarray(x)
    return np.asarray(np.frompyfunc(lambda v: v.asinh(), 1, 1)(x) if x.dtype == object else np.arcsinh(x))


def hypot(a: Any, b: Any) -> Array:
    """``sqrt(a**2 + b**2)``, without overflow or underflow of the squares."""
    exact = object in (np.asarray(a).dtype, np.asarray(b).dtype)
    return np.asarray(np.sqrt(a * a + b * b) if exact else np.hypot(a, b))


def log1mexp(x: Any) -> Array:
    """``log(1 - exp(x))`` of numbers below 0: near 0 from expm1, far from it from log1p."""
    x = np.asarray(x)
    if x.dtype == object:
        return np.asarray(np.log(-np.expm1(x)))
    near = x > -0.6931
    small = np.asarray(quietly(np.expm1, np.where(near, x, -1)))
    return np.asarray(np.where(near, quietly(np.log, -small), np.log1p(-np.exp(np.where(near, -1, x)))))


def log_add(a: Any, b: Any) -> Array:
    """``log(exp(a) + exp(b))``: m + log1p(exp(n - m)), or log1p(expm1(m) + exp(n)) where the larger, m, is near 0."""
    a, b = np.asarray(a), np.asarray(b)
    if object in (a.dtype, b.dtype):
        return np.asarray(np.log(np.exp(a) + np.exp(b)))
    most, least = np.maximum(a, b), np.minimum(a, b)
    near = np.abs(most) < 1
    apart = np.subtract(least, most, out=np.zeros_like(most), where=least != most)  # infinities too are 0 apart
    inside = np.where(near, np.expm1(np.where(near, most, 0)) + np.exp(np.where(near, least, 0)), np.exp(apart))
    return np.asarray(np.log1p(inside) + np.where(near, 0, most))


def log_cosh(x: Any) -> Array:
    """``log((exp(x) + exp(-x)) / 2)``: near 0 log1p(2 sinh(x/2)**2), far from it |x| + log1p(exp(-2 |x|)) - log(2)."""
    x = np.asarray(x)
    if x.dtype == object:
        return np.asarray(np.log(np.cosh(x)))
    size = np.abs(x)
    near = size < 1
    small = np.sinh(np.where(near, x, 1) / 2)
    far = quietly(np.exp, -2 * np.maximum(size, 1))
    return np.asarray(np.where(near, np.log1p(2 * small * small), size + (np.log1p(far) - HALVES.astype(x.dtype))))


def less_tanh(x: Any) -> Array:
    """``x - tanh(x)``: near 0 from the continued fraction of tanh, whose terms are all positive.

    tanh(x) = x / (1 + k) with k = x**2 / (3 + x**2 / (5 + x**2 / (7 + ...))), so x - tanh(x) = x k / (1 + k).
    """
    x = np.asarray(x)
    if x.dtype == object:
        return np.asarray(x - np.tanh(x))
    result = np.asarray(x - np.tanh(x))
    near = np.abs(x) < 1
    u = x[near]
    square, k = u * u, np.zeros_like(u)
    for odd in range(2 * DEPTH + 1, 1, -2):
        k = square / (odd + k)
    result[near] = u * (k / (1 + k))
    return result


def expm1_less(x: Any) -> Array:
    """``exp(x) - 1 - x``: near 0 from its series, x**2/2 (1 + x/3 (1 + x/4 (1 + ...)))."""
    x = np.asarray(x)
    if x.dtype == object:
        return np.asarray(np.exp(x) - 1 - x)
    result = np.asarray(quietly(np.expm1, x) - x)
    near = np.abs(x) < 1
    u = x[near]
    total = np.ones_like(u)
    for n in range(POWERS, 2, -1):
        total = 1 + u / n * total
    result[near] = u * u / 2 * total
    return result


def less_log1p(x: Any) -> Array:
    """``x - log(1 + x)``: near 0 from s = x/(2 + x), as x s - 2 s**3 (1/3 + s**2/5 + s**4/7 + ...)."""
    x = np.asarray(x)
    if x.dtype == object:
        return np.asarray(x - np.log(1 + x))
    result = np.asarray(x - np.log1p(x))
    near = np.abs(x) < 0.5
    u = x[near]
    s = u / (2 + u)
    square, total = s * s, np.zeros_like(u)
    for odd in range(2 * POWERS + 1, 1, -2):
        total = 1 / x.dtype.type(odd) + square * total
    result[near] = u * s - 2 * s * square * total
    return result


def log1p_power(base: Any, exponent: Any) -> Array:
    """``log(1 + base ** exponent)``: where the power is beyond every number, ``exponent * log(|base|)``."""
    base = _like(base, exponent)
    power = np.asarray(powered(base, exponent))
    if power.dtype == object:
        return np.asarray(np.log(1 + power))
    result = np.asarray(np.log1p(power))
    far = np.isinf(power)
    if far.any():
        base, exponent = np.broadcast_to(base, power.shape)[far], np.broadcast_to(exponent, power.shape)[far]
        result[far] = exponent * quietly(np.log, np.abs(base))
    return result


def power_share(base: Any, exponent: Any, order: int) -> Array:
    """The derivative of some order of ``base ** exponent`` by the base, divided by ``1 + base ** exponent``.

    Where the power is beyond every number that is ``exponent (exponent - 1) ... base ** -order``.
    """
    base = _like(base, exponent)
    power = np.asarray(powered(base, exponent))
    if power.dtype == object:
        return np.asarray(powered(base, exponent, order) / (1 + power))
    result = np.asarray(quietly(np.divide, powered(base, exponent, order), 1 + power))
    far = np.isinf(power)
    if far.any():
        base, exponent = np.broadcast_to(base, power.shape)[far], np.broadcast_to(exponent, power.shape)[far]
        result[far] = quietly(np.power, base, -order)
        for n in range(order):
            result[far] *= exponent - n
    return result


def _like(base: Any, exponent: Any) -> Array:
    """A base as an array; a number of Python's in the format of an array of exponents."""
    held = isinstance(exponent, np.ndarray | np.generic) and np.issubdtype(exponent.dtype, np.floating)
    return np.asarray(base, exponent.dtype if held and isinstance(base, int | float) else None)


def log_cdf(x: Any) -> Array:
    """The logarithm of the normal distribution function: of the upper tail where that is small, and far below 0 from

    Phi(-a) = exp(-a**2/2) / (a sqrt(2 pi)) (1 - 1/a**2 + 3/a**4 - 15/a**6 + ...).
    """
    x = np.asarray(x)
    if x.dtype == object:
        return np.asarray(np.log(normal_cdf(x)))
    above = np.log1p(-normal_cdf(-np.maximum(x, 0)))
    near = np.log(normal_cdf(np.clip(x, -FAR, 0)))
    a = np.maximum(-x, FAR)
    series = np.ones_like(a)
    for odd in range(19, 0, -2):
        series = 1 - odd / a / a * series
    far = np.log(series) - np.log(a) - np.log(np.sqrt(2 * x.dtype.type(np.pi))) - a / 2 * a
    return np.asarray(np.where(x > 0, above, np.where(x < -FAR, far, near)))


def row_norm(e: Array, axis: int | tuple[int, ...] | None) -> Array:
    """The root of the sum of squares over some axes, without overflow or underflow of the squares.

    Where a sum is out of the range in which it has all its digits, rows are scaled by powers of two first.
    """
    if e.dtype == object:
        return np.asarray(np.sqrt(sum_over(e * e, axis)))
    total = np.asarray(quietly(square_sum, e, axis))
    info = np.finfo(e.dtype)
    if total.size and info.tiny / info.eps**2 < total.min() and total.max() < info.max / 4:
        return np.asarray(np.sqrt(total, out=total))
    peak = np.abs(e).max(axis, keepdims=True, initial=0)
    exponent = np.where(np.isfinite(peak), np.frexp(peak)[1], 0)
    scaled = quietly(np.ldexp, e, -exponent)
    root = np.sqrt(quietly(square_sum, scaled, axis))
    return np.asarray(np.ldexp(root, exponent.reshape(np.shape(root))))
