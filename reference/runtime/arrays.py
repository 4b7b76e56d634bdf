"""The array operations that NumPy has no single word for. Generic over the number type."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from reference.runtime.functions import quietly
from reference.runtime.layout import least, most
from reference.runtime.sums import TERMS, accumulator, matrix_product
from reference.runtime.values import typed

Array = NDArray[Any]


Span = tuple[int, tuple[int, ...], tuple[int, ...], int, int]


def alike(number: Any, a: Array) -> Any:
    """A number to stand in an array: among objects, one of their type. Whole numbers and floats there say nothing."""
    if a.dtype != object:
        return number
    return typed(number, next((type(v) for v in a.flat if not isinstance(v, int | float)), None))


def at_least(number: Any, a: Array) -> Any:
    """max(number, a), in which among objects the number is one of theirs."""
    return np.maximum(a, alike(number, np.asarray(a)))


def windows(a: Array, *spans: Span, fill: Any = 0) -> Array:
    """View ``a`` at affine positions.

    ``out[..., i, k, ...] = a[..., (steps[0]*i + steps[1]*k + offset) / spread, ...]``.
    Outside the array, and where the division is not exact, the value is ``fill``. Nothing is copied but an array
    that has to be padded.

    Args:
        a: any array.
        spans: for each axis that is replaced, in order: (axis, counts, steps, offset, spread). counts says how many
            positions each index has; the axis becomes ``len(counts)`` axes. steps says how far one count of each
            index moves, maybe backwards. offset is the position of all indices at zero, and spread the distance
            between neighbours of ``a`` in position space.
    """
    shape = list(a.shape)
    inside: list[slice] = [slice(None)] * a.ndim
    origin = [0] * a.ndim
    padded = False
    for axis, counts, steps, offset, spread in spans:
        if min(counts) == 0:
            continue
        low = offset + sum(min(0, s * (c - 1)) for s, c in zip(steps, counts, strict=True))
        high = offset + sum(max(0, s * (c - 1)) for s, c in zip(steps, counts, strict=True))
        last = (a.shape[axis] - 1) * spread
        origin[axis] = offset
        if spread != 1 or low < 0 or high > last:
            start, stop = min(low, 0), max(high, last)
            shape[axis] = stop - start + 1
            inside[axis] = slice(-start, last - start + 1, spread) if a.shape[axis] else slice(0, 0)
            origin[axis] = offset - start
            padded = True
    if padded:
        larger = np.empty(shape, dtype=a.dtype)
        larger[...] = fill if a.dtype != object else alike(fill, a)
        larger[tuple(inside)] = a
        a = larger
    sizes: list[int] = list(a.shape)
    strides: list[int] = list(a.strides)
    for axis, counts, steps, _, _ in reversed(spans):
        sizes[axis : axis + 1] = counts
        strides[axis : axis + 1] = [s * a.strides[axis] if c > 1 else 0 for s, c in zip(steps, counts, strict=True)]
    if 0 in sizes:
        return np.empty(sizes, dtype=a.dtype)
    return as_strided(a[tuple(slice(n, None) for n in origin)], sizes, strides, writeable=False)


def contract(pattern: str, a: Array, b: Array) -> Array:
    """``contract("bqd,bkd->bqk", a, b)``: a sum of products as one (batched) matrix product.

    Each operand may have only indices that the other or the result has.
    """
    double = a.dtype.char == "d"
    ours, theirs, swapped, shape, order, copied = _contraction(pattern, a.shape, a.strides, b.shape, b.strides, double)
    left, right = _arranged(a, ours), _arranged(b, theirs)
    one, two = (right, left) if swapped else (left, right)
    product = matrix_product(one, two.swapaxes(-1, -2))
    result: Array = product.reshape(shape).transpose(order)
    return np.ascontiguousarray(result) if copied else result


LONG = 1024  # terms of a sum beside which copying it costs nothing
Arrangement = tuple[
    tuple[int, ...], tuple[int, ...], bool
]  # order of axes, shape, whether outer and inner change places


def _arranged(array: Array, arrangement: Arrangement) -> Array:
    """[batch, outer, inner] of an operand."""
    order, shape, swapped = arrangement
    flat = array.transpose(order).reshape(shape)
    return np.asarray(flat.swapaxes(-1, -2) if swapped else flat)


@lru_cache(maxsize=1024)
def _contraction(
    pattern: str,
    shape_a: tuple[int, ...],
    strides_a: tuple[int, ...],
    shape_b: tuple[int, ...],
    strides_b: tuple[int, ...],
    double: bool,
) -> tuple[Arrangement, Arrangement, bool, tuple[int, ...], tuple[int, ...], bool]:
    """How contract arranges its operands, whether their product is the transposed one, and how it is put in order.

    At last, whether that is a copy: of many float64 numbers, BLAS sums products a quarter faster where a row of the
    result is longer than a column, and copying the result costs little beside long sums.
    """
    operands, out = pattern.split("->")
    ia, ib = operands.split(",")
    batch = [i for i in ia if i in ib and i in out]
    inner = [i for i in ia if i in ib and i not in out]
    rows = [i for i in ia if i not in ib]
    columns = [i for i in ib if i not in ia]
    size = dict(zip(ia, shape_a, strict=True)) | dict(zip(ib, shape_b, strict=True))

    def arranged(indices: str, strides: tuple[int, ...], outer: list[str]) -> Arrangement:
        """An order of memory that keeps the array's own innermost axis innermost."""
        widths = [(abs(stride), -size[i], i) for stride, i in zip(strides, indices, strict=True) if size[i] > 1]
        swapped = bool(widths) and min(widths)[2] in outer
        groups = (batch, inner, outer) if swapped else (batch, outer, inner)
        order = tuple(indices.index(i) for group in groups for i in group)
        return order, (*(size[i] for i in batch), *(math.prod(size[i] for i in g) for g in groups[1:])), swapped

    turned = out[-1:] in rows
    height, width, length = (math.prod(size[i] for i in g) for g in (rows, columns, inner))
    copied = double and not batch and length >= LONG and (width > height if turned else height > width)
    turned ^= copied
    now = batch + columns + rows if turned else batch + rows + columns
    order = tuple(now.index(i) for i in out)
    both = arranged(ia, strides_a, rows), arranged(ib, strides_b, columns)
    return *both, turned, tuple(size[i] for i in now), order, copied


FEW = 4096  # elements below which sorting the indices does not pay


def scatter_add(values: Array, index: Array, count: int) -> Array:
    """``out[v, ...] = sum of values[n, ...] over all n with index[n] == v``, for v below count.

    Where the index is -1 the values are 0: see Examiner.spared. Into nothing (a count of 0) nothing is added.
    """
    if count == 0:
        return np.zeros((0, *values.shape[1:]), values.dtype)
    if values.ndim == 1 and values.size >= FEW and values.dtype.char in "fd":
        found = np.bincount(np.maximum(index, 0), values, count)  # in float64; it does not tell of an overflow
        if np.isfinite(found).all():
            return found.astype(values.dtype, copy=False)
    if len(index) == 0 or values.size < FEW:
        wide = values if len(index) <= TERMS else accumulator(values)
        out = np.zeros((count, *values.shape[1:]), dtype=wide.dtype)
        np.add.at(out, index, wide)
        return out.astype(values.dtype, copy=False)
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    repeats = np.diff(np.append(starts, len(ordered)))
    out = np.zeros((count, *values.shape[1:]), dtype=values.dtype)
    if repeats.max() > TERMS:
        wide = accumulator(values[:1])
        out[ordered[starts]] = np.add.reduceat(values[order], starts, axis=0, dtype=wide.dtype)
        return out
    out[ordered[starts]] = values[order[starts]]
    for n in range(1, repeats.max()):  # the n-th occurrence of every index that has one
        here = starts[repeats > n] + n
        out[ordered[here]] += values[order[here]]
    return out


def divide_where(condition: Array, a: Any, b: Any) -> Array:
    """``a / b`` where the condition holds, 0 elsewhere, where nothing is divided."""
    if (
        np.count_nonzero(condition) == condition.size
        and np.broadcast(condition, a, b).shape == np.broadcast(a, b).shape
    ):
        return np.asarray(a / b)
    shape = np.broadcast_shapes(*map(np.shape, (condition, a, b)))
    # a plain number has no format of its own: as an array it would be of float64
    formats = (v if isinstance(v, int | float) else np.asarray(v) for v in (a, b))
    out = np.zeros(shape, dtype=np.result_type(*formats))
    np.divide(a, b, out=out, where=condition)
    return out


def masked(a: Array, fill: Any, *conditions: Array | None) -> Array:
    """``a`` where all conditions hold, elsewhere ``fill``; None holds everywhere.

    Conditions broadcast to the shape of a. Nothing is copied where there is nothing to fill.
    """
    keep: Array | None = None
    for c in conditions:
        if c is not None:
            keep = c if keep is None else keep & c
    if keep is None or np.count_nonzero(keep) == keep.size:
        return a
    a = np.asarray(a)  # of objects, one that is alone has no axes
    return np.where(keep, a, np.asarray(alike(fill, a), dtype=a.dtype))


def either(condition: Array, a: Any, b: Any, dtype: Any) -> Array:
    """The number ``a`` where the condition holds, elsewhere ``b``; without branches, which a processor mispredicts."""
    if dtype.hasobject:
        return np.asarray(np.where(condition, a, b))
    out: Array = np.asarray(condition.astype(dtype))  # of a single condition it is a number
    if a == 1 and 0 <= b <= 1:
        return np.asarray(np.maximum(out, b, out=out))
    if a != 1:
        out *= dtype.type(a)
    out += np.multiply(~condition, dtype.type(b))
    return out


def overlap_add(part: Callable[..., Array], spans: dict[int, tuple[int, int, int, int, int]]) -> Array:
    """Sum arrays that each belong to one position of a window, every one at the places where that position lies.

    ``out[..., stride*i + step*k + offset, ...] += part(k)[..., i, ...]``; what falls outside is left out.

    Args:
        part: the array of one position of the window; it takes one integer for each span.
        spans: axis to (size of the axis in the result, positions of the window, stride, step, offset).
    """
    counts = [span[1] for span in spans.values()]
    out: Array | None = None
    for tap in np.ndindex(*counts):
        values = part(*tap)
        if out is None:
            dtype = values.dtype
            shape = list(values.shape)
            for axis, span in spans.items():
                shape[axis] = span[0]
            out = np.zeros(shape, dtype=values.dtype)
            out = accumulator(out) if math.prod(counts) > TERMS else out
        here: list[Any] = [slice(None)] * out.ndim
        there: list[Any] = [slice(None)] * out.ndim
        for (axis, (size, _, stride, step, offset)), k in zip(spans.items(), tap, strict=True):
            base = step * k + offset
            low = max(0, -(base // stride))
            high = max(low, min(values.shape[axis], -((base - size) // stride)))
            here[axis] = slice(low, high)
            there[axis] = slice(
                base + stride * low, base + stride * (high - 1) + 1 if high > low else base + stride * low, stride
            )
        out[tuple(there)] += values[tuple(here)]
    if out is None:
        raise ValueError("a window of no positions")
    return out.astype(dtype, copy=False)


def filled(value: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array of the shape that holds the value, broadcast."""
    out = np.empty(shape, dtype=dtype)
    out[...] = value
    return out


def output_size(layer: str, axis: str, size: int, *room: int) -> int:
    """The size of a computed axis.

    Args:
        room: what is divided, rounding down, on the way: places that a window can move to. Divided by a stride, a
            negative number may round to the -1 of an empty result, or not, as the stride happens to be.

    Raises:
        ValueError: it, or the room, would be negative: the window is larger than the padded input.
    """
    if size < 0 or (room and min(room) < 0):
        raise ValueError(
            f"{layer}: axis {axis} of the output would have {min(size, *room, 0)} positions; "
            "the window does not fit the input"
        )
    return size


def given_size(layer: str, axis: str, size: int, wanted: int) -> int:
    """The size of an input's axis that follows from others.

    Raises:
        ValueError: it is another.
    """
    if size != wanted:
        raise ValueError(f"{layer}: axis {axis} is {size} long, but the other arguments make it {wanted}")
    return size


def ratio(a: Any, b: Any) -> Any:
    """``a / b`` of two numbers; NaN where b is 0, for a case that is not taken then, or for an axis that is empty."""
    return a / b if b != 0 else math.nan


def sqrt(above: int | float | str, below: int | float = 1, *, dtype: Any) -> Any:
    """The square root of a quotient of Python numbers, or of "pi": a Python float, NaN where it is divided by 0.

    For object arrays it is a ball, exact to the precision in force, unless one of the numbers is a float already.
    """
    if dtype == object and not isinstance(above, float) and not isinstance(below, float):  # noqa: E721
        from flint import arb

        return ((arb.pi() if isinstance(above, str) else arb(above)) / below).sqrt()
    number = math.pi if isinstance(above, str) else above
    return math.sqrt(number / below) if below else math.nan


def exact_pi(dtype: Any) -> Any:
    """Pi: a Python float, or a ball for object arrays."""
    if dtype == object:  # noqa: E721
        from flint import arb

        return arb.pi()
    return math.pi


def balls(whole: Array, dtype: Any) -> Array:
    """Whole numbers of a type; for object arrays as balls, of which there are functions."""
    if dtype == object:  # noqa: E721
        from flint import arb

        return np.asarray(np.frompyfunc(lambda n: arb(int(n)), 1, 1)(whole), dtype=object)
    return whole.astype(dtype)


def positions(length: int, dtype: Any) -> Array:
    """The positions along an axis, as ``balls`` gives them."""
    return np.arange(length, dtype=dtype) if dtype != object else balls(np.arange(length), dtype)  # noqa: E721


def xlogy(a: Array, b: Array) -> Array:
    """``a log b``, and 0 where a is 0."""
    if a.dtype == object:
        result: Array = np.frompyfunc(lambda p, q: p * 0 if p == 0 else p * q.log(), 2, 1)(a, b)
        return result
    if b.size and least(b) > 0 and most(b) < math.inf:
        return np.asarray(a * np.log(b))
    out = np.where(a == 0, np.array(0, b.dtype), quietly(np.log, b))  # of 0 an infinity
    np.multiply(out, a, out=out)  # not quietly: a product that overflows may be computed again, see `wider`
    return out


def xdivy(a: Array, b: Array) -> Array:
    """``a / b``, and 0 where a is 0."""
    if a.dtype == object:
        result: Array = np.frompyfunc(lambda p, q: p * 0 if p == 0 else p / q, 2, 1)(a, b)
        return result
    if b.size and least(b) > 0:
        return np.asarray(a / b)
    a, b = np.broadcast_arrays(a, b)
    zero = b == 0
    out = np.asarray(a / np.where(zero, 1, b))  # not quietly, as above
    out[zero] = quietly(np.divide, a[zero], b[zero])
    out[a == 0] = 0
    return out


def negative_part(a: Array) -> Array:
    """``min(a, 0)``, of object arrays too, where the 0 has the type of the numbers."""
    return np.where(a < 0, a, 0 * a) if a.dtype == object else np.minimum(a, 0)


def copysign(a: Array, b: Array) -> Array:
    """``|a|`` with the sign of b; of object arrays too, where a ball around 0 counts as positive."""
    if a.dtype == object:
        return np.where(b < 0, -np.abs(a), np.abs(a))
    return np.copysign(a, b)


def as_rows(a: Array, count: int) -> Array:
    """An array whose last axes are one.

    Args:
        a: [..., i, j]; without copying where it lies so.
        count: how many axes become one.
    """
    return a.reshape(*a.shape[:-count], math.prod(a.shape[-count:]))
