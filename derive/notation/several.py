"""Options of several numbers: nested tuples with a number in each place, as ``stride: Count[2]`` has two.

A caller may give one number for all, or for all of an axis: ``padding=1`` and ``padding=(1, 2)`` are short for
``((1, 1), (1, 1))`` and ``((1, 1), (2, 2))``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Shape = tuple[int, ...]


def spread(value: Any, shape: Shape) -> Any:
    """What a caller gives, with a number in every place."""
    if not shape:
        return value
    entries = value if isinstance(value, tuple) else (value,) * shape[0]
    return tuple(spread(entry, shape[1:]) for entry in entries)


def filled(shape: Shape, numbers: Iterator[Any]) -> Any:
    """Numbers in the places, one after another."""
    return tuple(filled(shape[1:], numbers) for _ in range(shape[0])) if shape else next(numbers)


def changed(value: Any, f: Callable[[Any], Any]) -> Any:
    """A function applied to every number."""
    return tuple(changed(entry, f) for entry in value) if isinstance(value, tuple) else f(value)


def numbers(value: Any) -> Iterator[Any]:
    """Every number, one after another."""
    if isinstance(value, tuple):
        for entry in value:
            yield from numbers(entry)
    else:
        yield value


def coarse(value: Any, depth: int) -> Any:
    """The same where it differs no further inside than so many axes: below, the first number is everywhere."""
    if not isinstance(value, tuple):
        return value
    if depth == 0:
        first = next(numbers(value))
        return changed(value, lambda _: first)
    return tuple(coarse(entry, depth - 1) for entry in value)


def short(value: Any, depths: Iterable[int] = range(9)) -> Any:
    """The value as a caller may give it who gives one number, or one for each axis, at one of these depths."""
    return _cut(value, next((d for d in depths if coarse(value, d) == value), 99))


def _cut(value: Any, depth: int) -> Any:
    if not isinstance(value, tuple):
        return value
    return tuple(_cut(entry, depth - 1) for entry in value) if depth else next(numbers(value))


def from_lists(value: Any) -> Any:
    """Tuples that were lists, as JSON has them."""
    return tuple(map(from_lists, value)) if isinstance(value, list | tuple) else value


def text(value: Any, show: Callable[[Any], str]) -> str:
    """Tuples as a program has them, each number shown."""
    if not isinstance(value, tuple):
        return show(value)
    return f"({', '.join(text(entry, show) for entry in value)}{',' * (len(value) == 1)})"
