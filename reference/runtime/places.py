"""Elements at computed places: what slices and windows cannot say. A place outside the array reads as a given value.

Slower than a view, and right for every index: repeated, read from data, divided, or of several axes at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.arrays import alike, scatter_add
from reference.runtime.layout import MANY, memory_order

Array = NDArray[Any]
NOWHERE = -(2**40)  #: a place that is outside every array, wherever it begins


def exactly(above: Any, below: Any) -> Any:
    """``above / below`` as a place; outside every array where the division leaves a remainder."""
    whole = np.floor_divide(above, below)
    return np.where(np.multiply(whole, below) == above, whole, NOWHERE)


def element(a: Array, *places: Any, fill: Any = 0) -> Array:
    """``a[place, place, ...]`` for integers or arrays of them that broadcast together, ``fill`` outside the array.

    Axes of a beyond the last place come last.
    """
    places = tuple(map(np.asarray, places))
    if all(not p.size or (p.min() >= 0 and p.max() < n) for p, n in zip(places, a.shape, strict=False)):
        return _inside(a, places)
    inside: Any = True
    for place, size in zip(places, a.shape, strict=False):
        inside = inside & (place >= 0) & (place < size)
    if 0 in a.shape[: len(places)]:
        shape = np.broadcast_shapes(*(p.shape for p in places)) + a.shape[len(places) :]
        return np.full(shape, fill, a.dtype)
    found = np.asarray(a[tuple(np.where(inside, place, 0) for place in places)])
    if found.ndim:
        found[~np.broadcast_to(inside, found.shape[: np.ndim(inside)])] = alike(fill, a)
        return found
    return found if inside else np.asarray(alike(fill, a), a.dtype)


def _inside(a: Array, places: tuple[Array, ...]) -> Array:
    """Elements at places that are inside: of many, by their places in memory."""
    if len(places) < 2 or len(places) < a.ndim or not a.flags.c_contiguous or max(p.size for p in places) < MANY:
        return np.asarray(a[places])
    at: Any = places[0]
    for place, size in zip(places[1:], a.shape[1:], strict=True):
        at = at * size + place
    return np.asarray(a.reshape(-1).take(at))


def scattered(values: Array, index: Array, count: int, shared: int = 0) -> Array:
    """``out[v, s..., r...] = sum over n of values[n..., s..., r...] where index[n..., s...] == v``, for v below count.

    Args:
        values: axes that are summed, axes that index has too and that stay, and the rest.
        index: the first and the second of these.
        shared: how many axes stay.
    """
    kept = index.shape[index.ndim - shared :]
    rest = values.shape[index.ndim :]
    flat = index.reshape(-1)
    if shared and not rest:  # as they lie in memory; and what stays, outermost, so that a row stays in the cache
        order = memory_order(values)
        at = index + count * np.arange(math.prod(kept)).reshape(kept)
        lying = values.transpose(order).reshape(-1), at.transpose(order).reshape(-1)
        return np.moveaxis(scatter_add(*lying, count * math.prod(kept)).reshape(*kept, count), -1, 0)
    if shared:
        positions = np.arange(math.prod(kept)).reshape(kept)
        flat = (index * math.prod(kept) + positions).reshape(-1)
    out = scatter_add(np.reshape(values, (len(flat), *rest)), flat, count * math.prod(kept))
    return np.reshape(out, (count, *kept, *rest))


def scattered_inside(values: Array, index: Array, count: int, shared: int = 0) -> Array:
    """`scattered` for an index that may be negative, or count and more: what belongs there is left out."""
    inside = (index >= 0) & (index < count)
    if np.all(inside):
        return scattered(values, index, count, shared)
    return scattered(values, np.where(inside, index, count), count + 1, shared)[:count]
