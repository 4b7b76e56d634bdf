"""What a kernel gives, as the text names it: results by name, elements in the text's order, shapes a caller sees."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from derive.text.arrays import Grid
from derive.text.cases import Case, moved
from derive.text.numbers import MP
from derive.text.parse import DOTS

Numbers = dict[str, list[Any]]  #: the elements of each result, lists one after another


def quiet(f: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
    """A call of a kernel without warnings: what overflows is seen in the result."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return f(*arguments, **options)


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def named(names: tuple[str, ...], result: Any) -> dict[str, Any]:
    """A kernel's results by name: a tuple, or one alone."""
    if len(names) == 1:
        return {names[0]: result[0] if isinstance(result, tuple) else result}
    return dict(zip(names, result, strict=True))


def merged(case: Case, name: str, grid: Grid) -> list[tuple[int, ...]]:
    """The shapes that a caller may see: two axes that are one in an argument are one in a result."""
    s, n = case.text.targets[name][-1]
    axes = [case.text.index(item) for item in s.targets[n][1]]
    if s.part:
        return groupings(grid.shape) if case.text.products or case.library[s.part].products else [grid.shape]
    products = s.products or case.text.products
    if not axes or (DOTS in axes and not products):
        return [grid.shape]
    axes = axes[1:] if case.text.listed(name) else axes
    wide = len(grid.shape) - len(axes) + 1
    spans: list[tuple[str | None, tuple[int, ...]]] = []
    at = len(grid.shape) - sum(wide if a == DOTS else 1 for a in axes)
    for a in axes:
        span = wide if a == DOTS else 1
        spans.append((a, grid.shape[at : at + span]))
        at += span
    shape: list[int] = []
    while spans:
        together = next((p for p in products if tuple(a for a, _ in spans[: len(p)]) == p), None)
        count = len(together) if together else 1
        lengths = [n for _, part in spans[:count] for n in part]
        shape += [math.prod(lengths)] if together else lengths
        del spans[:count]
    return [tuple(shape)]


def groupings(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Every way to take neighbouring axes together."""
    if len(shape) < 2:
        return [shape]
    return [
        g
        for rest in groupings(shape[1:])
        for g in ((shape[0], *rest), *([(shape[0] * rest[0], *rest[1:])] if rest else []))
    ]


def flat(case: Case, name: str, value: Any) -> list[Any]:
    """The elements of a kernel's result in the text's order."""
    found: list[Any] = []
    for array in listed(value):
        array = np.asarray(array)
        array = array.astype(object) if array.dtype.kind in "iu" else array
        s, n = case.text.targets[name][-1]
        axes = tuple(str(case.text.index(item)) for item in s.targets[n][1])
        move = moved(case, axes, array.ndim)
        found += list((array if move is None else np.moveaxis(array, *move)).ravel())
    return found


def picked(name: str, n: int, numbers: Numbers) -> Any:
    """One element of a result."""
    return numbers[name][n]


def combined(one: Any, other: Any, h: Any) -> Any:
    """``one + h * other`` in decimals, array by array."""
    if isinstance(other, list):
        return [combined(None if one is None else a, b, h) for a, b in zip(one or other, other, strict=True)]
    array = np.asarray(other)
    out = np.empty(array.size, object)
    for n, v in enumerate(array.ravel()):
        out[n] = MP.mpf(float(v)) * h
    moved_there = out.reshape(array.shape)
    return moved_there if one is None else one + moved_there


def products(one: Any, other: Any) -> list[float]:
    """The products of two arrays' elements, or of lists of arrays."""
    pairs = zip(listed(one), listed(other), strict=True)
    return [float(a) * float(b) for p, q in pairs for a, b in zip(np.ravel(p), np.ravel(q), strict=True)]
