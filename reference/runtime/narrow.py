"""Rows of a few numbers, gone through by columns: NumPy takes longer to begin with such a row than to go through it,
and a column of many numbers is as fast as any array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.layout import COLUMNS, MANY

Array = NDArray[Any]


def is_narrow(a: Array) -> bool:
    """Whether an array has many rows of two numbers or a few more."""
    return a.size > MANY and 1 < a.shape[-1] < COLUMNS and a.dtype != object


def total(columns: list[Array]) -> Array:
    """The sum of columns of numbers that are not negative; in float64 as if added up exactly and rounded once or twice.

    What each addition loses is found exactly (Knuth's two-sum), and added at last.
    """
    found = np.array(columns[0])
    if found.dtype.char in "ef":
        for column in columns[1:]:
            found += column
        return found
    lost = np.zeros_like(found)
    for column in columns[1:]:
        now = found + column
        added = now - found
        lost += (found - (now - added)) + (column - added)
        found = now
    found += lost
    return found


def largest_and_others(e: Array) -> tuple[Array, Array]:
    """The largest of each row, and the sum of the others; NaN where there is one."""
    most = np.array(e[..., 0])
    others = []
    for n in range(1, e.shape[-1]):
        others.append(np.minimum(most, e[..., n]))
        np.maximum(most, e[..., n], out=most)
    return most, total(others)
