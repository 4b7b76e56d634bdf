"""Memory for large results, which is used again once the caller has let go of them.

To get many megabytes from the operating system, which clears every page, can cost more than the arithmetic that fills
them; and a training loop asks for the same sizes in every step.
"""

from __future__ import annotations

import math
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


def release() -> None:
    """Give back all memory that is not in use."""
    _free.clear()
