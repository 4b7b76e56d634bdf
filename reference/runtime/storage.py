"""Memory for large results, which is used again once the caller has let go of them.

To get many megabytes from the operating system, which clears every page, can cost more than the arithmetic that fills
them; and a training loop asks for the same sizes in every step.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.layout import inverse, memory_order

LARGE = 1 << 20  # bytes; NumPy's own memory is as fast for what is smaller
MOST = 1 << 28  # bytes that are kept for later

Array = NDArray[Any]

_free: dict[int, list[Array]] = {}  # by size in bytes, the one used last at the end


class _Lent:
    """The base of an array in borrowed memory: when the last array on it is gone, the memory is free again."""

    def __init__(self, memory: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.memory = memory
        self.__array_interface__ = {**memory.__array_interface__, "shape": shape, "typestr": dtype.str}

    def __del__(self) -> None:  # every step is atomic: another thread, or another array's end, may come in between
        same = _free.pop(self.memory.nbytes, [])
        same.append(self.memory)
        _free[self.memory.nbytes] = same
        while sum(size * len(memories) for size, memories in [*_free.items()]) > MOST:
            _free.pop(next(iter([*_free]), 0), None)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], order: tuple[int, ...] | None = None) -> Array:
    """``numpy.empty``, for a large array in memory that an earlier one has left.

    Args:
        order: the axes, from that of the longest steps in memory on.
    """
    if order is not None and order != tuple(range(len(shape))):
        return empty(tuple(shape[n] for n in order), dtype).transpose(inverse(order))
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or dtype.hasobject:
        return np.empty(shape, dtype)
    try:
        memory = _free[size].pop()
    except (KeyError, IndexError):
        memory = np.empty(size, np.uint8)
    return np.asarray(_Lent(memory, shape, dtype))


def room(like: Array) -> Array | None:
    """An array of this shape and dtype for a ufunc's ``out``, if it is large; None lets NumPy make a small one."""
    return empty(like.shape, like.dtype, memory_order(like)) if like.nbytes >= LARGE else None


def own(result: Array, others: Iterable[Any]) -> Array:
    """An array in memory of its own: copied where it lies in that of something else.

    Args:
        others: arrays, and lists and tuples of them: what a caller passed, what backward needs, other results.
    """
    deep = False
    for a in others:  # what is nearly always the case, first
        if a is result:
            return copied(result)
        deep = deep or (isinstance(a, list | tuple) and not _plain(a))
    base = result.base
    last = base is not None and getattr(base, "base", None) is None
    if last and not deep and references(base) == BASE:  # a view of what nothing else is one of
        return result
    memory = _memory(result)
    shared = any(_memory(a) is memory for a in _arrays(others))
    return copied(result) if shared else result


def _plain(value: Any) -> bool:
    """Whether it is an option of several numbers, which holds no array."""
    return value.__class__ is tuple and all(e.__class__ is int or e.__class__ is float or _plain(e) for e in value)


def own_entries(results: Iterable[Any], others: Sequence[Any]) -> list[Any]:
    """A list's entries, each in memory of its own; see `own`."""
    found: list[Any] = []
    kept = any(a is results for a in others)  # the list itself is kept for backward
    taken: set[int] | None = None  # what holds elements of others and of entries before, from the first need on
    for entry in results:
        if not isinstance(entry, np.ndarray):  # a number, which nobody can write to
            found.append(entry)
            continue
        if kept or entry.base is not None or references(entry) != ENTRY:
            if taken is None:
                taken = {id(_memory(a)) for a in _arrays((*others, found))}
            if id(_memory(entry)) in taken:
                entry = copied(entry)
        if taken is not None:
            taken.add(id(_memory(entry)))
        found.append(entry)
    return found


#: How many references there are to an object: what is one of them in the call itself is found by a try.
references: Callable[[Any], int] = getattr(sys, "getrefcount", lambda a: 0)


def _counts() -> tuple[int, int, int, int]:
    """Those to an array with one name; with one name and a place in a tuple; in a list; that one view is made of."""
    alone = np.empty(0)
    both = (np.empty(0),)
    (name,) = both
    entry = 0
    for e in [np.empty(0)]:
        entry = references(e)
    view = np.empty((0, 0)).reshape(0)
    base = view.base
    return references(alone), references(name), entry, references(base)


ALONE, BOTH, ENTRY, BASE = _counts()


def copied(a: Array) -> Array:
    """A copy in the same layout, of a large array in memory that an earlier one has left."""
    if a.nbytes < LARGE:
        return a.copy(order="K")
    out = empty(a.shape, a.dtype, memory_order(a))
    out[...] = a
    return out


def _memory(a: Any) -> Any:
    """What holds the elements of an array: the array itself, or what it is a view of, by whatever stands between."""
    while (base := getattr(a, "base", None)) is not None:
        a = base
    return a


def _arrays(values: Any) -> Iterator[Array]:
    """The arrays in lists and tuples."""
    for v in values:
        if isinstance(v, np.ndarray):
            yield v
        elif isinstance(v, list | tuple):
            yield from _arrays(v)


def release() -> None:
    """Give back all memory that is not in use."""
    _free.clear()
