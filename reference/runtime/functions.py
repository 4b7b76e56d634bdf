"""Functions that NumPy lacks, or does not compute accurately enough, for the generated kernels.

* `erf`, `normal_cdf`, `normal_pdf`, `gelu`, `gelu_derivative`, `gelu_with_derivative`: see `normal.py`.
* `row_shift` and `shifted_exp`: exp(z - shift) as if z - shift had not been rounded, for softmax.
* `positive_sum`: the sum of a row of non-negative numbers, to within one unit in the last place.
* `global_norm`: the square root of a sum of squares that neither overflows nor underflows on the way.

Plain NumPy; object arrays of `flint.arb` go through the same formulas.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from reference.runtime.normal import (
    erf,
    gelu,
    gelu_derivative,
    gelu_with_derivative,
    normal_cdf,
    normal_pdf,
)

__all__ = [
    "erf",
    "exp_decay",
    "expm1_decay",
    "gelu",
    "gelu_derivative",
    "gelu_with_derivative",
    "global_norm",
    "normal_cdf",
    "normal_pdf",
    "positive_sum",
    "row_dot",
    "row_shift",
    "shifted_exp",
    "sum_of_squares",
    "unbounded_exp",
    "within",
]

LOWEST = {c: np.array(np.finfo(c).min) for c in "ef"}
NEAR = 1e307  # differences of numbers within it do not overflow
SHORT = (0, 1, 2, 3, 4, 8)  # lengths that NumPy adds up in at most three steps
PART = 16384
FEW = 4096  # elements up to which log_sum does not look for rows that need less care
SAFE = (1e-200, 1e300)  # a sum of squares in between has lost nothing to overflow or underflow
HALVED = 512  # a longer row is folded in halves before it is summed exactly

Array = np.ndarray[Any, np.dtype[Any]]

_FAR = 12000.0  # exp(-12000) is 0 in every dtype, longdouble included


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


def shifted_exp(z: Array, shift: Array, out: Array | None = None, work: Array | None = None) -> Array:
    """exp(z - shift), in float64 and longdouble within 2 units in the last place.

    The error that z - shift is rounded by is found exactly, e = z - ((z - shift) + shift), and exp(d + e) =
    exp(d) + e exp(d) to within rounding. -inf gives 0. In float16 and float32 the difference is left as it is
    rounded, which costs |z - shift| / 2 units: half the time, and float32 is not asked for more.

    Args:
        z: [..., i].
        shift: [..., 1], from `row_shift` of the rows' largest elements, or other integers at least
            about as large as the row's elements.
        out: [..., i], where to put the result; not z.
        work: [..., i], a working array; not z and not out.
    """
    if z.dtype == object:  # a masked exponent is the float -inf among balls
        return np.asarray(np.frompyfunc(lambda d: 0 if d == -math.inf else d.exp(), 1, 1)(z - shift))
    if z.dtype in (np.float16, np.float32):
        with np.errstate(over="ignore"):  # below -max the difference is -inf, and its exponential 0
            d = np.subtract(z, shift, out=out)
        return np.exp(d, out=d)
    near = z.size and z.min() > -NEAR and shift.max() < NEAR
    floored = z if near else np.maximum(z, _floor(shift), out=work)  # else the difference overflows
    d = np.subtract(floored, shift, out=out)
    e = np.add(d, shift, out=None if floored is work else work)
    np.subtract(floored, e, out=e)
    np.exp(d, out=d)
    e *= d
    d += e
    return d


def _floor(shift: Array) -> Array:
    """So far below the shift that exp(floor - shift) is 0, and not so far that floor - shift overflows."""
    step = np.maximum(np.abs(shift) / 4, _FAR)  # a fixed step would be lost beside a huge shift
    return np.asarray(shift - np.minimum(step, np.minimum(shift, 0) - np.finfo(shift.dtype).min))


def positive_sum(p: Array, work: Array | None = None) -> Array:
    """The sum over the last axis, kept as [..., 1], of non-negative numbers, in float64 within one unit.

    NumPy's own sum is up to 6 units off for 127 equal numbers. Each number is split in two, so that the
    upper parts are multiples of one power of two and their sum is exact in any order. A longer row is first folded
    in halves, each time with half a unit of every element at most (a quarter of the sum's, in the mean).

    Args:
        p: [..., i], every element at least 0; overflow of the sum itself is the caller's.
        work: [..., i], a working array; not p.
    """
    if p.dtype.char in "Oef" or p.shape[-1] in SHORT:
        return np.asarray(np.add.reduce(p, axis=-1, keepdims=True))
    while p.shape[-1] > HALVED:
        half = p.shape[-1] // 2
        odd = p[..., 2 * half :]
        p = p[..., :half] + p[..., half : 2 * half]
        p[..., :1] += odd if odd.shape[-1] else 0
        work = None
    ones = np.ones(p.shape[-1], p.dtype)
    rough = p @ ones
    grid = np.ldexp(p.dtype.type(1.5), np.frexp(rough)[1] + 1)[..., None]
    upper = np.add(p, grid, out=work)
    upper -= grid
    total = upper @ ones
    np.subtract(p, upper, out=upper)
    total += upper @ ones
    return np.asarray(total[..., None])


def exp_decay(x: Array, step: int = 1) -> Array:
    """exp(-step |x|), which lies in [0, 1]: nothing overflows."""
    if x.dtype == object:
        return np.asarray(np.exp(-step * np.abs(x)))
    a = np.abs(x)
    if step == 1:
        np.negative(a, out=a)
        return np.asarray(np.exp(a, out=a))
    with np.errstate(over="ignore"):  # a multiple of the largest number is infinite, and its exponential 0
        a *= -step
    return np.asarray(np.exp(a, out=a))


def expm1_decay(x: Array, step: int = 1) -> Array:
    """exp(-step |x|) - 1, which lies in [-1, 0], accurate next to 0."""
    if x.dtype == object:
        return np.asarray(np.expm1(-step * np.abs(x)))
    a = np.abs(x)
    with np.errstate(over="ignore"):  # a multiple of the largest number is infinite, and its exponential 0
        a *= -step
    return np.asarray(np.expm1(a, out=a))


def within(x: Array) -> Array:
    """x, cut off at 200 on both sides: exp(-x**2/2) is 0 there, and x**2 fits in every dtype."""
    return x if x.dtype == object else np.asarray(np.clip(x, -200, 200))


def unbounded_exp(x: Array) -> Array:
    """exp(x), where it overflows an infinity without a warning: for a denominator, whose quotient is 0 then."""
    if x.dtype == object:
        return np.asarray(np.exp(x))
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(x))


def sum_of_squares(arrays: Iterable[Array]) -> Any:
    """The sum of the squares of every element of every array, added up in float64 or wider, as a Python float.

    Object arrays give an object, longdouble a longdouble.
    """
    total: Any = 0
    for g in arrays:
        flat = g.reshape(-1)
        kind = flat.dtype.char
        if kind == "d":
            total += float(flat.dot(flat))
        elif kind in "ef":
            for start in range(0, len(flat), PART):  # a part at a time, which stays in the cache
                part = flat[start : start + PART].astype(np.float64)
                total += float(part.dot(part))
        elif flat.size:
            total = total + flat.dot(flat)
    return total


def row_dot(a: Array, b: Array) -> Array:
    """The sum over the last axis of a times b."""
    return np.asarray(np.add.reduce(a * b, axis=-1) if a.dtype == object else np.vecdot(a, b))


def square_sum(e: Array, axis: int | tuple[int, ...]) -> Array:
    """The sum of squares over some axes."""
    if axis == e.ndim - 1 and e.dtype != object:
        return np.asarray(np.vecdot(e, e))
    return np.asarray(np.add.reduce(e * e, axis=axis))


def global_norm(arrays: Iterable[Array]) -> Any:
    """The square root of the sum of the squares of every element of every array, as a Python float.

    No overflow or underflow on the way: everything is scaled by a power of two first where squares could.
    No elements give 0; a NaN gives NaN, and otherwise an infinity gives infinity. Object arrays give an
    object, longdouble a longdouble.
    """
    arrays = list(arrays)
    with np.errstate(over="ignore"):
        total = sum_of_squares(arrays)
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


def log_sum(e: Array, total: Array) -> Array:
    """log(total / max(e)) over the last axis, kept as [..., 1], of non-negative numbers; accurate next to 0.

    Where one element makes up most of the sum it is log1p of what the others add to it. A row of zeros gives -inf.

    Args:
        e: [..., i], every element at least 0.
        total: [..., 1], the sum of e over i.
    """
    if e.shape[-1] == 0:
        return np.full((*e.shape[:-1], 1), -np.inf, dtype=e.dtype)
    if e.dtype == object:
        return _log_objects(e)
    if e.size <= FEW and e.dtype.char not in "ef":
        return _log_rest(e)
    largest = np.maximum.reduce(e, axis=-1, keepdims=True)
    empty = largest == 0
    if empty.any():
        largest[empty] = 1
    if e.dtype.char in "ef":
        ratio = np.add.reduce(e, axis=-1, keepdims=True, dtype=np.float64) / largest
        with np.errstate(divide="ignore"):
            np.log(ratio, out=ratio)
        ratio[empty] = -np.inf
        return ratio.astype(e.dtype)
    ratio = np.divide(total, largest)
    near = ratio < 4  # beyond, the rounding of total is less than two units of the logarithm
    with np.errstate(divide="ignore"):
        np.log(ratio, out=ratio)
    ratio[empty] = -np.inf
    if near.any():
        near = near[..., 0]
        ratio[near] = _log_rest(e[near])
    return np.asarray(ratio)


def _log_rest(e: Array) -> Array:
    """log_sum from what the others add to the largest."""
    rest = e.reshape(-1, e.shape[-1]).copy()
    at = np.arange(len(rest)), rest.argmax(axis=-1)
    largest = rest[at]
    rest[at] = 0
    others = positive_sum(rest)[:, 0]
    if largest.all():
        ratio = np.asarray(others / largest)
        np.log1p(ratio, out=ratio)
    else:
        ratio = np.log1p(others / np.where(largest, largest, 1))
        ratio[largest == 0] = -np.inf
    return np.asarray(ratio.reshape((*e.shape[:-1], 1)))


def _log_objects(e: Array) -> Array:
    """log_sum of balls."""
    peak = np.asarray(np.frompyfunc(float, 1, 1)(e), np.float64).argmax(axis=-1)[..., None]
    largest = np.take_along_axis(e, peak, -1)
    rest = e.copy()
    np.put_along_axis(rest, peak, 0 * largest, -1)
    others = np.add.reduce(rest, axis=-1, keepdims=True)
    return np.asarray(np.frompyfunc(lambda r, m: (r / m).log1p(), 2, 1)(others, largest))
