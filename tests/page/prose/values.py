"""What a formula of a page of prose can be worth, and when two such values are the same.

A matrix or a vector is a two-dimensional array, a vector one column; a one-dimensional array is many numbers at once,
of which each is computed with by itself. A list in brackets is a Row: an interval or a vector, as what it is compared
with asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

CLOSE = 1e-6  # relative to the largest element: what a central difference has in common with the truth
SAMPLES = np.array([-2.3, -0.7, 0.4, 1.1, 2.9])  # where two functions are compared


class Outside(LookupError):
    """An element or a layer that there is not: a statement about all of them does not speak of it."""


@dataclass(frozen=True)
class Row:
    """Values between brackets."""

    left: str
    items: tuple[Any, ...]
    right: str

    def column(self) -> np.ndarray:
        return np.array(self.items, dtype=float)[:, None]


@dataclass(frozen=True)
class Space:
    r"""`\mathbb{R}^{m \times n}`: what has so many rows and columns."""

    sizes: tuple[int, ...]

    def has(self, value: Any) -> bool:
        shape = np.shape(value)
        return shape == self.sizes or (len(self.sizes) == 1 and shape == (*self.sizes, 1))


def product(a: Any, b: Any) -> Any:
    """Two values side by side: matrices multiply as matrices do, all others element by element."""
    a, b = (v.column() if isinstance(v, Row) else v for v in (a, b))
    if np.ndim(a) == np.ndim(b) == 2 and np.size(a) > 1 and np.size(b) > 1:
        if a.shape[1] != b.shape[0]:
            raise ValueError(f"{a.shape[1]} columns times {b.shape[0]} rows")
        return a @ b
    if {np.ndim(a), np.ndim(b)} == {1, 2}:
        raise ValueError("many numbers at once times a matrix")
    return a * b


def entrywise(a: Any, b: Any, does: Callable[[Any, Any], Any]) -> Any:
    """A sum or a product element by element: of one shape, or with a number."""
    a, b = (v.column() if isinstance(v, Row) else v for v in (a, b))
    if np.ndim(a) and np.ndim(b) and np.shape(a) != np.shape(b):
        raise ValueError(f"shapes {np.shape(a)} and {np.shape(b)}")
    if (np.ndim(a) == 2) != (np.ndim(b) == 2) and np.size(a) > 1 < np.size(b):
        raise ValueError("a matrix and what is none")
    return does(a, b)


def same(a: Any, b: Any, within: float | None = None) -> bool:
    """Whether two values are the same, up to CLOSE or ``within`` an absolute distance."""
    if isinstance(a, Row) and isinstance(b, Row):
        ends = (a.left, a.right) == (b.left, b.right) and len(a.items) == len(b.items)
        return ends and all(same(x, y, within) for x, y in zip(a.items, b.items, strict=True))
    if isinstance(a, Row) or isinstance(b, Row):
        row, other = (a, b) if isinstance(a, Row) else (b, a)
        return isinstance(other, np.ndarray) and same(row.column(), other, within)
    if isinstance(a, Space) or isinstance(b, Space):
        return bool(a == b)
    if callable(a) or callable(b):
        return callable(a) and callable(b) and same(a(SAMPLES), b(SAMPLES), within)
    if isinstance(a, dict) or isinstance(b, dict):
        alike = isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys()
        return alike and all(same(a[k], b[k], within) for k in a)
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if x.shape != y.shape and not x.size == y.size == 1:
        return False
    x, y = x.reshape(-1), y.reshape(-1)
    distance = (
        within if within is not None else CLOSE * max(1e-300, np.max(np.abs(y), initial=0.0, where=np.isfinite(y)))
    )
    return bool(np.all((np.abs(x - y) <= distance) | (x == y)))


def difference(objective: Callable[[Any], Any], at: Any, step: float = 1e-5) -> Any:
    """The derivative of an objective by each element of an array, as a central difference."""
    at = np.array(at, dtype=float)
    found = np.empty_like(at)
    for place in np.ndindex(at.shape):
        high, low = at.copy(), at.copy()
        high[place] += step
        low[place] -= step
        found[place] = (float(np.sum(objective(high))) - float(np.sum(objective(low)))) / (2 * step)
    return found if found.ndim else float(found)
