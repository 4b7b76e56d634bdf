"""Sums of many numbers, as good along any axis of any layout as along the best one. Generic over the number type.

One number added after another loses a unit of the sum each time (a unit is the unit roundoff, 2^-24 in float32): of a
million numbers up to 17 % are lost. NumPy adds in pairs, but only along the axis that is fastest in memory; BLAS
promises nothing. Here a sum of n float32 numbers is within 18 + log2 n units of the sum of their magnitudes (within
TERMS where that is more), wherever they lie; a sum of products, of which BLAS adds up to PART in an order of its own,
within PART units (see `loss`). Slabs of SLABS numbers are added in float32, which costs no more than to add all of them
so, and the slabs in float64; where the numbers are next to each other, NumPy's pairs are as good. Float64 and
longdouble are summed as they come.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.layout import COLUMNS, SHORT, row_most

Array = NDArray[Any]
Axis = int | tuple[int, ...] | None

PART = 1024  # terms of a product that BLAS adds up in float32
SLABS = 8  # numbers added one after another in float32
TERMS = 32  # so many numbers may be added one after another
SMALL = 8192  # elements up to which to convert them costs less than to cut them into slabs
RUNS = 64  # so many runs are added up one by one
THIN = 16  # size below which a matrix product takes as long as to read its factors
WIDE = np.dtype(np.float64)


def sum_over(a: Array, axis: Axis = None) -> Any:
    """The sum over some axes; over all for None."""
    if a.size > SMALL and axis.__class__ is int and a.shape[axis] < COLUMNS:
        return _of_columns(a, axis)
    if a.size > SMALL and axis in (-1, a.ndim - 1) and a.shape[-1] <= TERMS and a.dtype.char == "f":
        a = np.asfortranarray(a)  # many rows at once, as in row_most
    return np.add.reduce(a, axis=axis) if _as_it_comes(a, axis) else _wide(a, axis).astype(a.dtype)


def max_over(a: Array, axis: Axis) -> Any:
    """The maximum over some axes, minus infinity over none; over all for None."""
    if a.size > SMALL and axis == a.ndim - 1 and a.dtype != object and a.shape[-1] < SHORT:
        return row_most(a, -np.inf)
    return np.maximum.reduce(a, axis=axis, initial=-np.inf)


def mean(a: Array, axis: Axis, count: int) -> Any:
    """The sum over some axes divided by a number, rounded once where the sum is wider."""
    return np.add.reduce(a, axis=axis) / count if _as_it_comes(a, axis) else (_wide(a, axis) / count).astype(a.dtype)


def _of_columns(a: Array, axis: int) -> Any:
    """The sum over an axis of a few positions, in their order: NumPy's adds so few one after another too, but makes a
    loop of its own for each of the sums."""
    columns = np.moveaxis(a, axis, 0)
    if len(columns) < 2 or a.dtype.char == "e":
        return np.add.reduce(a, axis=axis)
    total = columns[0] + columns[1]
    for column in columns[2:]:
        total += column
    return total


def _as_it_comes(a: Array, axis: Axis) -> bool:
    """Whether NumPy's sum is good enough: of few terms, of a run of memory, or in a wide format."""
    if (a.shape[axis] if axis.__class__ is int else a.size) <= TERMS or a.dtype.char not in "ef":
        return True
    if isinstance(axis, tuple):
        return bool(math.prod([a.shape[n] for n in axis]) <= TERMS)
    run = (a.flags.c_contiguous and axis in (None, -1, a.ndim - 1)) or (axis is None and a.flags.f_contiguous)
    return bool(run and a.dtype.char == "f")


def _wide(a: Array, axis: Axis) -> Any:
    """The sum in float64: of the numbers, or of slabs of SLABS of them along the longest axis."""
    if a.size <= SMALL or a.dtype.char == "e":
        return np.add.reduce(a, axis=axis, dtype=WIDE)
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis % a.ndim,)
    longest = max(axes, key=a.shape.__getitem__)
    length = a.shape[longest] // SLABS
    if length < 2:
        return np.add.reduce(a, axis=axis, dtype=WIDE)
    at = (slice(None),) * longest
    whole, rest = a[(*at, slice(SLABS * length))], a[(*at, slice(SLABS * length, None))]
    slabs = whole.reshape(*a.shape[:longest], SLABS, length, *a.shape[longest + 1 :])  # a view
    total = np.add.reduce(np.add.reduce(slabs, axis=longest), axis=axis, dtype=WIDE)
    return total + np.add.reduce(rest, axis=axis, dtype=WIDE) if rest.size else total


def run_sum(a: Array, axis: int, first: Any, last: Any) -> Array:
    """Sums over runs of positions: ``out[..., i, ...] = sum of a[..., p, ...] over first[i] <= p < last[i]``.

    Args:
        a: any array.
        axis: of a, that of p; i takes its place.
        first, last: integers, or one-dimensional arrays of them; what is outside the axis counts as its end.
    """
    size = a.shape[axis]
    first, last = np.broadcast_arrays(np.clip(first, 0, size), np.clip(last, 0, size))
    first, last = np.atleast_1d(first), np.atleast_1d(last)
    last = np.maximum(first, last)
    rows = a.swapaxes(axis, 0)
    wide = WIDE if a.dtype.char in "ef" else None
    if a.dtype == object:
        total = np.stack([np.add.reduce(rows[m:n], axis=0) for m, n in zip(first, last, strict=True)])
    elif not first.any():
        total = _running(rows, last, wide)
    elif (last == size).all():
        total = _running(rows[::-1], size - first, wide)
    elif len(first) <= RUNS:
        total = np.stack([np.asarray(sum_over(rows[m:n], axis=0)) for m, n in zip(first, last, strict=True)])
    else:
        ends = np.stack([first, last], axis=1).reshape(-1)
        padded = np.concatenate([rows, np.zeros((1, *rows.shape[1:]), rows.dtype)])
        total = np.add.reduceat(padded, ends, axis=0, dtype=wide)[::2]
        total[first == last] = 0
    return np.asarray(total.astype(a.dtype, copy=False).swapaxes(axis, 0))


def _running(rows: Array, counts: Array, wide: Any) -> Array:
    """The sums of the first so many rows."""
    total = np.cumsum(rows, axis=0, dtype=wide)
    if len(rows) == len(counts) and (counts == np.arange(1, len(rows) + 1)).all():
        return total
    found = total[np.maximum(counts - 1, 0)] if len(rows) else np.zeros((len(counts), *rows.shape[1:]), total.dtype)
    found[counts == 0] = 0
    return np.asarray(found)


def row_dot(a: Array, b: Array) -> Array:
    """The sum over the last axis of a times b."""
    if a.size > SMALL and a.dtype != object:
        if a.shape[-1] < COLUMNS:
            return _dot_of_columns(a, b)
        if a.strides[-1] != a.itemsize or b.strides[-1] != b.itemsize:  # one after another, as BLAS, but many rows
            return np.asarray((np.add.reduce if a.shape[-1] <= PART else sum_over)(a * b, axis=-1))
    if (length := a.shape[-1]) <= TERMS or a.dtype.char != "f":
        return np.asarray(np.add.reduce(a * b, axis=-1) if a.dtype == object else np.vecdot(a, b))
    if length <= PART:
        return np.asarray(np.vecdot(a, b))
    whole = length - length % PART
    left, right = (v[..., :whole].reshape(*v.shape[:-1], -1, PART) for v in (a, b))  # views: a row is a run of memory
    total = np.add.reduce(np.vecdot(left, right), axis=-1, dtype=WIDE)
    if whole < length:
        total = total + np.vecdot(a[..., whole:], b[..., whole:])
    return np.asarray(total.astype(a.dtype))


def _dot_of_columns(a: Array, b: Array) -> Array:
    """row_dot of rows of a few numbers: see `_of_columns`."""
    a, b = np.broadcast_arrays(a, b)
    if not a.shape[-1]:
        return np.zeros(a.shape[:-1], a.dtype)
    total = np.asarray(a[..., 0] * b[..., 0])
    for n in range(1, a.shape[-1]):
        total += a[..., n] * b[..., n]
    return total


def square_sum(e: Array, axis: Axis) -> Array:
    """The sum of squares over some axes."""
    if axis == e.ndim - 1 and e.dtype != object:
        return row_dot(e, e)
    return np.asarray(sum_over(e * e, axis))


def matrix_product(a: Array, b: Array) -> Any:
    """``a @ b`` of matrices or stacks of them, or of a matrix and a vector."""
    if b.ndim == 1:
        return matrix_product(a, b[:, None])[:, 0]
    length = a.shape[-1]
    if length == 1:  # products without a sum, which BLAS is no faster for
        return a * b
    if length <= PART or a.dtype.char != "f":
        return a @ b
    height, width = a.shape[-2], b.shape[-1]
    if height * width <= THIN * (height + width):
        return _thin_product(a, b)
    total: Array | None = None
    for n in range(0, length, PART):
        part = a[..., n : n + PART] @ b[..., n : n + PART, :]
        total = part.astype(WIDE, copy=False) if total is None else np.add(total, part, out=total)
    assert total is not None
    return total.astype(a.dtype)


def _thin_product(a: Array, b: Array) -> Any:
    """``a @ b`` where all parts of the sums together are little beside the factors: they are one stack of products."""
    whole = a.shape[-1] - a.shape[-1] % PART
    left = a[..., :whole].reshape(*a.shape[:-1], -1, PART).swapaxes(-3, -2)  # views of either
    right = b[..., :whole, :].reshape(*b.shape[:-2], -1, PART, b.shape[-1])
    total = np.add.reduce(left @ right, axis=-3, dtype=WIDE)
    if whole < a.shape[-1]:
        total = total + a[..., whole:] @ b[..., whole:, :]
    return total.astype(a.dtype)


def accumulator(first: Array) -> Array:
    """Where many arrays are added to the first: in float64 where they are narrower. It is cast back in the end."""
    return first.astype(WIDE) if first.dtype.char in "ef" else first


def loss(count: int, products: bool = False) -> int:
    """How many units a sum of so many float32 numbers, or of products, loses at most.

    NumPy's pairs: 25 additions, one after another, in a run of 128 numbers, and one for each doubling of it.
    """
    return max(0, min(count - 1, PART if products else max(TERMS, 18 + math.ceil(math.log2(max(count, 2))))))
