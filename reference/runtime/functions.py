"""Functions that NumPy lacks, or does not compute accurately enough, for the generated kernels.

* `erf`, `normal_cdf`, `normal_pdf`, `gelu`, `gelu_derivative`, `gelu_with_derivative`: see `normal.py`.
* `logistic` and `logistic_slope`: 1/(1 + exp(-x)) and its derivative.
* `row_exp`: exp(z) up to a factor for each row, as if no difference had been rounded, for softmax.
* `exp_sum`, `positive_sum`: the sum of a row of such or other positive numbers, to within one unit in the last place.
* `global_norm`: the square root of a sum of squares that neither overflows nor underflows on the way.

Plain NumPy; object arrays of `flint.arb` go through the same formulas.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from reference.runtime.layout import COLUMNS, MANY, least, most
from reference.runtime.narrow import largest_and_others
from reference.runtime.normal import (
    erf,
    gelu,
    gelu_derivative,
    gelu_with_derivative,
    normal_cdf,
    normal_pdf,
)
from reference.runtime.states import States
from reference.runtime.sums import sum_over

__all__ = [
    "erf",
    "exp_decay",
    "exp_sum",
    "expm1_decay",
    "gelu",
    "gelu_derivative",
    "gelu_with_derivative",
    "global_norm",
    "logistic",
    "logistic_slope",
    "normal_cdf",
    "normal_pdf",
    "positive_sum",
    "quietly",
    "row_exp",
    "sum_of_squares",
    "unbounded_exp",
    "within",
]

LOWEST = {c: np.array(np.finfo(c).min) for c in "ef"}
NEAR = 1e307  # differences of numbers within it do not overflow
TINY = {c: np.finfo(c).tiny for c in "efdg"}
TAME = {"f": 20.0, "d": 12.0, "g": 12.0}  # exponents that are not shifted; squares of such sums do not overflow
FEW = 12  # elements whose product with ones, the cheapest sum, is within two units; NumPy's own sum is for 16
PART = 16384
SAFE = (1e-200, 1e300)  # a sum of squares in between has lost nothing to overflow or underflow
HALVED = 512  # a longer row is folded in halves before it is summed exactly

Array = np.ndarray[Any, np.dtype[Any]]

ONE = {c: np.array(1, c) for c in "fdg"}  # a ufunc takes 0.2 us more for a Python number
#: quietly(function, *arguments): without floating-point warnings; entering np.errstate costs as much as three ufuncs.
quietly = States(all="ignore").call
_LOUD = States(over="raise", under="ignore", invalid="ignore")
_FAR = 12000.0  # exp(-12000) is 0 in every dtype, longdouble included


def row_exp(z: Array, axis: int | tuple[int, ...]) -> Array:
    """exp(z) times a factor that is one for each row, such that no sum or square of a row overflows.

    In float64 and longdouble within 2 units in the last place. Where no exponent is large the factor is 1:
    exp(z) has no rounded difference in it. Elsewhere it is exp(-shift), see `row_shift`. -inf gives 0.

    Args:
        z: of any shape.
        axis: the axes along which a row runs.
    """
    limit = TAME.get(z.dtype.char)
    if limit and z.size and -limit < least(z) and most(z) < limit:
        e: Array = np.exp(z)
        return e
    return shifted_exp(z, row_shift(np.maximum.reduce(z, axis=axis, keepdims=True, initial=-np.inf)))


def row_shift(largest: Array) -> Array:
    """What to subtract before exp, from the largest exponents: the nearest integers.

    Integers, because then the rounding error of z - shift is a difference of two more floating-point numbers
    (`shifted_exp`). -inf, the largest of nothing, gives 0. In float16 and float32 the exponents themselves.

    Args:
        largest: of any shape.
    """
    if largest.dtype == object:
        return np.asarray(np.frompyfunc(lambda v: round(v) if abs(v := float(v)) < np.inf else 0, 1, 1)(largest))
    if largest.dtype.char in "ef":
        return np.maximum(largest, LOWEST[largest.dtype.char])
    shift: Array = np.rint(largest)
    np.copyto(shift, 0, where=shift == -np.inf)
    return shift


def shifted_exp(z: Array, shift: Array) -> Array:
    """exp(z - shift), in float64 and longdouble within 2 units in the last place.

    The error that z - shift is rounded by is found exactly, e = z - ((z - shift) + shift), and exp(d + e) =
    exp(d) + e exp(d) to within rounding. -inf gives 0. In float16 and float32 the difference is left as it is
    rounded, which costs |z - shift| / 2 units: half the time, and float32 is not asked for more.

    Args:
        z: [..., i].
        shift: [..., 1], from `row_shift` of the rows' largest elements, or other integers at least
            about as large as the row's elements.
    """
    if z.dtype == object:  # a masked exponent is the float -inf among balls
        return np.asarray(np.frompyfunc(lambda d: 0 if d == -math.inf else d.exp(), 1, 1)(z - shift))
    if z.dtype.char in "ef":
        d = quietly(np.subtract, z, shift)  # below -max the difference is -inf, and its exponential 0
        return np.asarray(np.exp(d))
    near = z.size and z.min() > -NEAR and shift.max() < NEAR
    floored = z if near else np.maximum(z, _floor(shift))  # else the difference overflows
    d = np.asarray(floored - shift)
    e = np.asarray(d + shift)
    np.subtract(floored, e, out=e)
    np.exp(d, out=d)
    e *= d
    d += e
    return d


def _floor(shift: Array) -> Array:
    """So far below the shift that exp(floor - shift) is 0, and not so far that floor - shift overflows."""
    step = np.maximum(np.abs(shift) / 4, _FAR)  # a fixed step would be lost beside a huge shift
    return np.asarray(shift - np.minimum(step, np.minimum(shift, 0) - np.finfo(shift.dtype).min))


def exp_sum(e: Array) -> Array:
    """The sum over the last axis of what `row_exp` gives, in float64 within one unit in the last place.

    NumPy's own sum is up to 6 units off for 127 equal numbers, and 2 for 5.

    Args:
        e: [..., i].
    """
    if e.dtype.char == "f" and e.shape[-1] <= 16:
        return np.asarray(e.dot(ones_of(e.shape[-1], e.dtype)[0]))
    if e.dtype.char in "Oef" or e.shape[-1] <= 2:
        return np.asarray(sum_over(e, axis=-1))
    ones, grid = ones_of(e.shape[-1], e.dtype)
    if e.shape[-1] > HALVED:
        e = _folded(e)
        ones = ones_of(e.shape[-1], e.dtype)[0]
    return _split_sum(e, ones, grid)


def positive_sum(p: Array) -> Array:
    """The sum over the last axis of numbers that are not negative, in float64 within one unit in the last place.

    Args:
        p: [..., i]; overflow of the sum itself is the caller's.
    """
    if p.dtype.char in "Oef" or p.shape[-1] <= 2:
        return np.asarray(sum_over(p, axis=-1))
    p = _folded(p)
    ones = ones_of(p.shape[-1], p.dtype)[0]
    return _split_sum(p, ones, np.asarray(4 * _row_sum(p, ones))[..., None])


def _folded(p: Array) -> Array:
    """Rows at most HALVED long with the same sums: each addition costs half a unit of its result, not of the sum."""
    while p.shape[-1] > HALVED:
        half = p.shape[-1] // 2
        odd = p[..., 2 * half :]
        p = p[..., :half] + p[..., half : 2 * half]
        p[..., :1] += odd if odd.shape[-1] else 0
    return p


def _split_sum(p: Array, ones: Array, grid: Array) -> Array:
    """Sums of rows whose elements are split: the upper parts are multiples of the last place of the grid.

    Where that is at least the sum, the upper parts are added up exactly, in any order.
    """
    upper: Array = p + grid
    np.subtract(upper, grid, upper)
    total = _row_sum(upper, ones)
    np.subtract(p, upper, upper)
    return np.asarray(total + _row_sum(upper, ones))


def _row_sum(p: Array, ones: Array) -> Any:
    """The sum over the last axis in any order: the fastest."""
    return sum_over(p, axis=-1) if p.shape[-1] < COLUMNS and p.size > MANY else p.dot(ones)


@lru_cache(maxsize=256)
def ones_of(count: int, dtype: Any) -> tuple[Array, Array]:
    """A row of ones, and a number above the sum of any row of that length from `row_exp`."""
    return np.ones(count, dtype), np.asarray(max(count, 1) * math.exp(TAME["d"]), dtype)


def exp_decay(x: Array, step: int = 1) -> Array:
    """exp(-step |x|), which lies in [0, 1]: nothing overflows."""
    if not hasattr(x, "dtype") or x.dtype == object:  # 0 among balls is Python's own, and alone there is no array
        return np.asarray(np.frompyfunc(lambda v: (-step * abs(v)).exp() if hasattr(v, "exp") else 1, 1, 1)(x))
    a = np.asarray(np.abs(x))
    if step == 1:
        np.negative(a, out=a)
    else:
        quietly(np.multiply, a, -step, a)  # a multiple of the largest number is infinite, and its exponential 0
    np.exp(a, out=a)
    return a


def logistic(x: Array, out: Array | None = None) -> Array:
    """1/(1 + exp(-x)); float16 is computed in float32.

    Where exp(-x) overflows it is exp(x), a subnormal number: times x it may be a normal one.

    Args:
        x: of any shape.
        out: where to put the result; not x.
    """
    kind = x.dtype.char
    if kind == "O":
        return np.asarray(1 / (np.exp(-x) + 1))
    if kind == "e":
        return _narrowed(logistic(x.astype(np.float32)), out)
    one = ONE[kind]
    e: Array = np.asarray(np.negative(x, out))
    try:
        _LOUD.call(np.exp, e, e)
    except FloatingPointError:
        return _far_logistic(x, e)
    np.add(e, one, e)
    np.divide(one, e, e)
    return e


def _far_logistic(x: Array, out: Array) -> Array:
    """logistic where exp(-x) overflows somewhere."""
    np.negative(x, out)
    quietly(np.exp, out, out)
    far = np.isinf(out) & (x == x)
    quietly(np.divide, ONE[x.dtype.char], np.add(out, ONE[x.dtype.char], out), out)
    if far.ndim:
        out[far] = quietly(np.exp, x[far])
    elif far:
        out[...] = quietly(np.exp, x)
    return out


def logistic_slope(x: Array, step: int = 1, times: float = 1, out: Array | None = None) -> Array:
    """times e/(1 + e)^2 with e = exp(-step |x|): the slope of 1/(1 + exp(-step x)) is that with times = step.

    As times/(2 + 2 cosh(step x)), or times/(4 cosh(step x / 2)^2), in which nothing cancels, unless that overflows
    somewhere: the slope is subnormal there, not 0. float16 is computed in float32.

    Args:
        x: of any shape.
        out: where to put the result; not x.
    """
    kind = x.dtype.char
    if kind == "O":
        return _decayed(x, step, times)
    if kind == "e":
        return _narrowed(logistic_slope(x.astype(np.float32), step, times), out)
    try:
        c = _LOUD.call(_over_slope, x, step, out)
    except FloatingPointError:
        c = _decayed(x, step, times)
        if out is None:
            return c
        np.copyto(out, c)
        return out
    np.divide(times / 4 if step == 2 else times / 2, c, c)
    return c


def _decayed(x: Array, step: int, times: float) -> Array:
    """logistic_slope as it is written."""
    e = exp_decay(x, step)
    return np.asarray(times * e / np.square(e + 1))


def _over_slope(x: Array, step: int, out: Array | None) -> Array:
    """1 + cosh(step x), or half of it, cosh(x)^2, for a step of 2."""
    c: Array = np.asarray(np.cosh(x if step in (1, 2) else np.multiply(x, float(step), out), out))
    if step == 2:
        np.multiply(c, c, c)
    else:
        np.add(c, ONE[x.dtype.char], c)
    return c


def _narrowed(result: Array, out: Array | None) -> Array:
    """A result in float16, in the given array if there is one."""
    if out is None:
        return result.astype(np.float16)
    out[...] = result
    return out


def expm1_decay(x: Array, step: int = 1) -> Array:
    """exp(-step |x|) - 1, which lies in [-1, 0], accurate next to 0."""
    if x.dtype == object:
        return np.asarray(np.expm1(-step * np.abs(x)))
    a = np.asarray(np.abs(x))
    quietly(np.multiply, a, -step, a)  # a multiple of the largest number is infinite, and its exponential 0
    np.expm1(a, out=a)
    return a


def within(x: Array) -> Array:
    """x, cut off at 200 on both sides: exp(-x**2/2) is 0 there, and x**2 fits in every dtype."""
    return x if x.dtype == object else np.asarray(np.clip(x, -200, 200))


def unbounded_exp(x: Array) -> Array:
    """exp(x), where it overflows an infinity without a warning: for a denominator, whose quotient is 0 then."""
    if x.dtype == object:
        return np.asarray(np.exp(x))
    return np.asarray(quietly(np.exp, x))


def sum_of_squares(arrays: Iterable[Array]) -> Any:
    """The sum of the squares of every element of every array, added up in float64 or wider, as a Python float.

    Object arrays give an object, longdouble a longdouble.
    """
    total: Any = 0
    for g in arrays:
        flat = g.reshape(-1)
        kind = flat.dtype.char
        if kind == "d":
            own = float(flat.dot(flat))
            if own < SAFE[0] and flat.size:
                flat * flat  # which says that it underflows, where that is asked: dot does not
            total += own
        elif kind in "ef":
            for start in range(0, len(flat), PART):  # a part at a time, which stays in the cache
                part = flat[start : start + PART].astype(np.float64)
                total += float(part.dot(part))
        elif flat.size:
            total = total + flat.dot(flat)
    return total


def global_norm(arrays: Iterable[Array]) -> Any:
    """The square root of the sum of the squares of every element of every array, as a Python float.

    No overflow or underflow on the way: everything is scaled by a power of two first where squares could.
    No elements give 0; a NaN gives NaN, and otherwise an infinity gives infinity. Object arrays give an
    object, longdouble a longdouble.
    """
    arrays = list(arrays)
    total: Any = quietly(sum_of_squares, arrays)
    if isinstance(total, int | float):
        return math.sqrt(total) if SAFE[0] < total < SAFE[1] else _scaled_norm(arrays, np.dtype(np.float64))
    if isinstance(total, np.floating):
        return np.sqrt(total) if SAFE[0] < total < SAFE[1] else _scaled_norm(arrays, total.dtype)
    return total.sqrt()


def _scaled_norm(arrays: Sequence[Array], wide: Any) -> Any:
    """global_norm in a format, of arrays whose squares are too large or too small for it."""
    flat = [g.reshape(-1) for g in arrays if g.size]
    kind: Any = float if wide == np.float64 else wide.type
    peaks = [kind(f(g)) for g in flat for f in (np.min, np.max)]
    if any(np.isnan(v) for v in peaks):
        return kind("nan")
    peak = max((abs(v) for v in peaks), default=kind(0))
    if peak == 0 or np.isinf(peak):
        return peak
    exponent = int(np.frexp(peak)[1])
    most = 1000 if kind is float else 16000  # powers of two that are normal numbers
    scale = 0 if abs(exponent) < 400 else max(-most, min(most, -exponent))
    factor = np.ldexp(kind(1), scale)
    squares = kind(0)
    for g in flat:
        values = np.asarray(g, wide) if scale == 0 else g * factor
        squares += np.dot(values, values)
    root = np.sqrt(squares)
    return kind(np.ldexp(root, -scale))


def _log_few(e: Array) -> Array:
    """log_sum of rows of a few numbers."""
    largest, others = largest_and_others(e)
    others /= np.maximum(largest, TINY[e.dtype.char])
    np.log1p(others, out=others)
    if not least(largest) > 0:
        others[largest == 0] = -np.inf
    return others
