"""Choosing elements: by a condition, or as the largest of several.

What is not chosen leaves nothing behind, whatever it is: NaN and infinity would survive a multiplication by 0. NaN is
the largest of all numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.arrays import Span, alike, as_rows, masked, windows
from reference.runtime.layout import least

Array = NDArray[Any]

FEW = 256  # elements up to which a select that may mispredict costs less than the passes of one that does not
BITS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}
TAPS = 64  # up to so many positions, a maximum over windows goes position by position, each a slice of all windows


def chosen(a: Array, condition: Array, out: Array | None = None) -> Array:
    """``a`` where the condition holds, elsewhere 0; as fast as their product.

    Of many numbers the bits are cleared, for a processor mispredicts every other branch of `numpy.where`.

    Args:
        a: of any shape.
        condition: booleans; both broadcast.
        out: where to put the result.
    """
    if not hasattr(a, "dtype"):
        a = np.asarray(a)  # an object that an array of them was reduced to
    few = max(a.size, np.size(condition)) <= FEW
    kind: Any = None if few or a.dtype.hasobject else BITS.get(a.itemsize)
    if kind is None:
        found = np.where(condition, a, np.array(alike(0, a), a.dtype))
        if out is None:
            return found
        out[...] = found
        return out
    every = np.negative(condition.view(np.int8)).astype(kind)  # all bits are 1, or all are 0
    if out is None and a.shape == every.shape:
        out = every.view(a.dtype)
    bits = np.bitwise_and(a.view(kind), every, None if out is None else out.view(kind))
    return np.asarray(bits.view(a.dtype))


def where(condition: Array, a: Any, b: Any) -> Array:
    """``numpy.where`` of an array and a number, which among objects is one of theirs; see `alike`."""
    if isinstance(b, int | float):
        b = alike(b, np.asarray(a))
    elif isinstance(a, int | float):
        a = alike(a, np.asarray(b))
    return np.asarray(np.where(condition, a, b))


def _objects(a: Any) -> bool:
    """Whether it is an array of objects, or one of them, to which such an array was reduced."""
    return not hasattr(a, "dtype") or a.dtype.hasobject


def excluding(
    product: Callable[[], Array], pattern: str, a: Array, b: Array, there: Callable[[], tuple[Array | None, ...]]
) -> Array:
    """A sum of products in which what conditions exclude takes no part, be it NaN or infinite.

    Where a condition does not hold a is 0, and nobody can tell as long as no number is special: only if the sum is NaN
    somewhere, it is added up again without those terms.

    Args:
        product: what makes the sum.
        pattern: of the sum, as for `numpy.einsum`.
        a, b: the two operands.
        there: what makes the conditions, which broadcast to the shape of a; None holds everywhere.

    Raises:
        FloatingPointError: the sum overflows, and the caller wants that to be an error.
    """
    try:
        total = product()
    except FloatingPointError:
        if np.isfinite(a).all() and np.isfinite(b).all():
            raise
        return _chosen_sum(pattern, a, b, there())
    if _objects(total) or not total.size or not math.isnan(least(total)):  # argmin finds NaN first
        return total
    return _chosen_sum(pattern, a, b, there())


def leaving_out(
    function: Callable[[Array, Array], Array], a: Array, b: Array, there: Callable[[], tuple[Array | None, ...]]
) -> Array:
    """A function of rows, ``function(a, b)``, in which what conditions exclude of a takes no part; see `excluding`."""
    try:
        found = function(a, b)
    except FloatingPointError:
        if np.isfinite(a).all() and np.isfinite(b).all():
            raise
    else:
        if _objects(found) or not found.size or not math.isnan(least(found)):
            return found
    return function(masked(a, 0, *there()), b)


def _chosen_sum(pattern: str, a: Array, b: Array, conditions: tuple[Array | None, ...]) -> Array:
    """The sum of a times b where all conditions hold, for one position of a row of a after another."""
    operands, out = pattern.split("->")
    ia, ib = operands.split(",")
    keep = np.ones(a.shape, bool)
    for c in conditions:
        keep &= True if c is None else c
    every = dict.fromkeys(ia + ib)
    sizes = dict(zip(ia, a.shape, strict=True)) | dict(zip(ib, b.shape, strict=True))
    row = next((i for i in ia if i in out and i not in ib), "")

    def aligned(array: Array, own: str, n: int) -> Array:
        """Some part of an array with all axes but that of the row."""
        part = array.take(n, axis=own.index(row)) if row and row in own else array
        own = own.replace(row, "") if row else own
        order = [i for i in every if i in own]
        shape = [sizes[i] if i in own else 1 for i in every if i != row]
        return np.asarray(part.transpose([own.index(i) for i in order]).reshape(shape))

    left = [i for i in every if i != row]
    over = tuple(n for n, i in enumerate(left) if i not in out)
    rows = []
    for n in range(sizes[row] if row else 1):
        seen = aligned(keep, ia, n)
        terms = np.where(seen, aligned(a, ia, n), 0) * np.where(seen, aligned(b, ib, n), 0)
        rows.append(np.add.reduce(terms, axis=over))
    now = [row] * bool(row) + [i for i in left if i in out]
    total = np.stack(rows) if row else rows[0]
    return np.asarray(total.transpose([now.index(i) for i in out]), dtype=np.result_type(a, b))


def window_max(a: Array, axes: tuple[int, ...]) -> Array:
    """The maximum over some axes of a view made by `windows`; -inf over none."""
    taps = _taps(a, axes)
    if not 0 < len(taps) <= TAPS or a.dtype == object:
        return np.asarray(np.maximum.reduce(a, axis=axes, initial=-np.inf))
    out = np.array(a[taps[0]])
    for tap in taps[1:]:
        np.maximum(out, a[tap], out=out)
    return out


def _taps(a: Array, axes: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Indices of the slices of an array at each position of some axes, in row-major order."""
    found = []
    for tap in np.ndindex(*(a.shape[n] for n in axes)):
        at: list[Any] = [slice(None)] * a.ndim
        for n, position in zip(axes, tap, strict=True):
            at[n] = position
        found.append(tuple(at))
    return found


def largest(a: Array, axes: int, order: tuple[int, ...] = (), *spans: Span) -> tuple[Array, Array]:
    """The maximum over the last ``axes`` axes, -inf over none, and the row-major position of the first one.

    NaN is the largest. Where windows reach beyond the array, nothing there is the first, unless all is there.

    Args:
        a: of any shape.
        axes: how many.
        order: the order of the axes of its windows; see `windows` for the spans.
    """
    whole = windows(a, *spans, fill=-np.inf).transpose(order) if spans else a
    kept = whole.ndim - axes
    taps = _taps(whole, tuple(range(kept, whole.ndim))) if axes > 1 else []
    if 0 < len(taps) <= TAPS and a.dtype != object:
        value = np.array(whole[taps[0]])
        position = np.zeros(value.shape, np.int8)
        for n, tap in enumerate(taps[1:], 1):
            np.copyto(position, n, where=whole[tap] > value)
            np.maximum(value, whole[tap], out=value)
    else:
        flat = as_rows(whole, axes)
        if flat.shape[-1] == 0:
            return np.full(flat.shape[:-1], -np.inf, a.dtype), np.zeros(flat.shape[:-1], np.intp)
        position = flat.argmax(axis=-1)
        value = np.take_along_axis(flat, position[..., None], -1)[..., 0]
    if a.dtype == object or not value.size or least(value) > -math.inf:  # argmin finds NaN first
        return value, position
    _put_first(position, np.isnan(value), np.isnan(whole))
    if spans:
        inside = windows(np.ones(a.shape, bool), *spans, fill=False).transpose(order)
        _put_first(position, value == -math.inf, inside)
    return value, position


def _put_first(position: Array, rows: Array, candidates: Array) -> None:
    """In some rows, the position of the first candidate; 0 where there is none."""
    position[rows] = (
        candidates[rows].reshape(np.count_nonzero(rows), math.prod(candidates.shape[rows.ndim :])).argmax(-1)
    )


def argmax(a: Array, axes: int, order: tuple[int, ...] = (), *spans: Span) -> Array:
    """Row-major position of the first maximum; see `largest`."""
    return largest(a, axes, order, *spans)[1]
