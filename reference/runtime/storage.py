"""Memory for large results, which is used again once the caller has let go of them.

To get many megabytes from the operating system, which clears every page, can cost more than the arithmetic that fills
them; and a training loop asks for the same sizes in every step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """``numpy.empty``, for a large array in memory that an earlier one has left."""
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
    return empty(like.shape, like.dtype) if like.nbytes >= LARGE else None


def own(result: Any, *others: Any) -> Any:
    """A result in memory of its own: copied where it lies in that of something else, or of a list's other entries.

    Args:
        result: an array, or a list of them.
        others: arrays, and lists and tuples of them: what a caller passed, what backward needs, other results.
    """
    for other in others:  # what is nearly always the case, first
        if other.__class__ is tuple:
            for kept in other:
                if kept is result:
                    return copied(result)
    taken = {id(m) for m in _memories(others)}
    if result.__class__ is not list:
        return copied(result) if id(_memory(result)) in taken else result
    found = []
    for entry in result:
        entry = copied(entry) if id(_memory(entry)) in taken else entry
        taken.add(id(_memory(entry)))
        found.append(entry)
    return found


def copied(a: Any) -> Any:
    """A copy, of a large array in memory that an earlier one has left, with the copies of a list's entries."""
    if a.__class__ is list:
        return [copied(entry) for entry in a]
    if a.nbytes < LARGE:
        return a.copy()
    out = empty(a.shape, a.dtype)
    out[...] = a
    return out


def _memory(a: Any) -> Any:
    """What holds the elements of an array: the array itself, or what it is a view of, by whatever stands between."""
    while (base := getattr(a, "base", None)) is not None:
        a = base
    return a


def _memories(values: Any) -> Iterator[Any]:
    """What holds the elements of arrays in lists and tuples."""
    for v in values:
        if isinstance(v, np.ndarray):
            yield _memory(v)
        elif isinstance(v, list | tuple):
            yield from _memories(v)


def release() -> None:
    """Give back all memory that is not in use."""
    _free.clear()
