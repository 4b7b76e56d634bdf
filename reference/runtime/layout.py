"""How an array lies in memory, and what is as fast in any layout as in the best one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

COLUMNS = 8  # a row of so few numbers takes NumPy longer to begin with than to go through
SHORT = 64  # a row of fewer is turned in less time than its maximum takes
MANY = 4096  # elements from which on the layout matters more than a look at it


def memory_order(a: Array) -> tuple[int, ...]:
    """The axes, from the one whose steps are the longest in memory to that whose steps are the shortest."""
    return tuple(sorted(range(a.ndim), key=lambda n: -abs(a.strides[n])))


def is_dense(a: Array, order: tuple[int, ...]) -> bool:
    """Whether the elements fill a piece of memory in that order of axes."""
    return bool(a.transpose(order).flags.c_contiguous)


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes an order of axes."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def moved_last(a: Array, axis: int, shape: tuple[int, ...]) -> Array:
    """An array whose axis is moved last, and the others put together, in a shape.

    Where it has to be copied and the axis is not next to itself in memory, it is copied as the axis' positions, one
    after another: what lies next to each other stays there, and sums over the axis go along memory, many at once.
    """
    a = np.moveaxis(a, axis, -1)
    if a.shape == shape:
        return a
    if abs(a.strides[-1]) <= min(map(abs, a.strides)):
        return a.reshape(shape)
    return np.moveaxis(np.moveaxis(a, -1, 0).reshape(shape[-1], *shape[:-1]), 0, -1)


def least(a: Array) -> Any:
    """The smallest element of an array that has one, as a Python number; NaN where there is one."""
    # argmin takes less than half as long for a few, and turns what lies otherwise into another array first
    if a.size < MANY or a.flags.c_contiguous:
        return a.item(a.argmin())
    return np.minimum.reduce(a, axis=None).item()


def most(a: Array) -> Any:
    """The largest element of an array that has one, as a Python number; NaN where there is one."""
    if a.size < MANY or a.flags.c_contiguous:
        return a.item(a.argmax())
    return np.maximum.reduce(a, axis=None).item()


def row_most(a: Array, initial: Any) -> Array:
    """The largest along the last axis, and at least a number."""
    if a.size >= MANY and COLUMNS <= a.shape[-1] < SHORT and a.flags.c_contiguous:
        a = np.asfortranarray(a)  # many rows at once: NumPy begins a loop for each
    if a.size < MANY or a.shape[-1] >= COLUMNS:
        return np.asarray(np.maximum.reduce(a, axis=-1, initial=initial))
    out: Array = np.maximum(a[..., 0], a.dtype.type(initial))
    for n in range(1, a.shape[-1]):
        np.maximum(out, a[..., n], out=out)
    return out


def places(mask: Array) -> tuple[Array, ...]:
    """Where booleans are True: positions for each axis, in any order."""
    if mask.size < MANY:
        return np.nonzero(mask)
    order = memory_order(mask)
    lying = mask.transpose(order)
    # NumPy looks at a flat array of booleans eight at a time, and at others one by one
    found = np.unravel_index(np.flatnonzero(lying.reshape(-1)), lying.shape)
    return tuple(found[n] for n in inverse(order))
