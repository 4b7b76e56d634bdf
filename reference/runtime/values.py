"""Turns what a caller passes as an option into a plain Python value, once: everything behind it sees no other.

A NumPy scalar would widen a result, or wrap around where it is subtracted from; a truth value would count as 1.
Numbers that are neither integers nor floating point (fractions, decimals, balls) stay what they are for arrays of
their own kind; for others they become floats.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from numbers import Complex, Real
from typing import Any

import numpy as np

LARGEST = np.iinfo(np.intp).max


@dataclass(frozen=True)
class Kind:
    """What an option of one kind must be.

    Attributes:
        own: the Python type that needs no reading, of several numbers that of each.
        read: the plain value of what a caller passes; TypeError where it is of another kind.
        holds: whether a plain value is in range.
        words: how an error says what is wanted.
        shape: of an option of several numbers how many: plain values are nested tuples of that shape.
    """

    own: type
    read: Callable[[Any], Any]
    holds: Callable[[Any], bool]
    words: str
    shape: tuple[int, ...] = ()

    def each(self, function: Callable[[Any], Any], plain: Any) -> Any:
        """A plain value with a function applied to its number, or to each of several."""
        return changed(function, plain) if self.shape else function(plain)


def scalar(value: Any) -> Any:
    """The only element of an array without axes; anything else as it is."""
    return value[()] if isinstance(value, np.ndarray) else value


def whole(value: Any) -> int:
    """An integer of any width; True is none, and neither is 2.0."""
    value = scalar(value)
    if isinstance(value, bool):
        raise TypeError("a truth value is not a number")
    return operator.index(value)


def number(value: Any) -> Any:
    """A float or int; a number of another type as it is."""
    value = scalar(value)
    if isinstance(value, float | np.floating):
        return float(value)
    if not is_number(value):
        raise TypeError("not a real number")
    return int(value) if isinstance(value, np.integer) else value


def is_number(value: Any) -> bool:
    """Whether it is one real number that can be calculated with."""
    if isinstance(value, bool | np.ndarray) or (isinstance(value, Complex) and not isinstance(value, Real)):
        return False
    if isinstance(value, np.generic):
        return isinstance(value, np.floating | np.integer) and not isinstance(value, np.timedelta64)
    kind = type(value)  # a list or a word can be multiplied too, and so can a duration
    single = hasattr(kind, "__float__") or not (hasattr(kind, "__len__") or isinstance(value, timedelta))
    return single and hasattr(kind, "__mul__")


def flag(value: Any) -> bool:
    """True or False; 1 and 0 are neither."""
    value = scalar(value)
    if not isinstance(value, bool | np.bool_):
        raise TypeError("not a truth value")
    return bool(value)


def word(value: Any) -> str:
    """A string, of a subclass too."""
    return str.__str__(scalar(value))


def shown(value: Any) -> str:
    """An argument in an error, in a few words whatever it is."""
    try:
        text = repr(value)
    except Exception:  # it is the caller's own, or an integer too long to be written
        return f"of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_finite(value: Any) -> bool:
    """Whether a number is finite; one of a type that does not say so has no infinities."""
    return math.isfinite(value) if isinstance(value, float) else bool(getattr(value, "is_finite", lambda: True)())


def as_float(value: Any) -> float:
    """A number of any type as a float."""
    return value if value.__class__ is float else float(value)


def like(value: Any, number_type: type | None) -> Any:
    """A float as the number of another type that it is exactly, where an operation of both would fail or round."""
    exact = number_type in (Fraction, Decimal) and value.__class__ is float and math.isfinite(value)
    return number_type(value) if exact and number_type else value


def typed(value: Any, number_type: type | None) -> Any:
    """A finite number as one of another type, as functions such as exp are methods of; itself, if that does not go."""
    if number_type is None or not math.isfinite(value):
        return value
    try:
        return number_type(value)
    except (TypeError, ValueError, ArithmeticError):
        return value


def number_types(elements: Iterable[Any]) -> set[type]:
    """The types of numbers: float for all floating point; integers left out, which go with every other.

    Raises:
        TypeError: something is not a real number.
    """
    found: set[type] = set()
    for kind, example in {type(e): e for e in elements}.items():
        if not is_number(example):
            raise TypeError(f"holds something of type {kind.__name__}")
        if issubclass(kind, float | np.floating):
            found.add(float)
        elif not issubclass(kind, int | np.integer):
            found.add(kind)
    return found


#: What an option of each kind must satisfy, and how an error says so.
OPTIONS: dict[str, Kind] = {
    "Positive": Kind(float, number, lambda v: is_finite(v) and v > 0, "a positive number"),
    "Scalar": Kind(float, number, is_finite, "a finite number"),
    "Probability": Kind(float, number, lambda v: 0 < v <= 1, "a number in (0, 1]"),
    "Fraction": Kind(float, number, lambda v: 0 <= v <= 1, "a number in [0, 1]"),
    "Count": Kind(int, whole, lambda v: 1 <= v <= LARGEST, "a positive integer"),
    "Natural": Kind(int, whole, lambda v: 0 <= v <= LARGEST, "an integer >= 0"),
    "Integer": Kind(int, whole, lambda v: -LARGEST <= v <= LARGEST, "an integer"),
    "Axis": Kind(int, whole, lambda v: True, "an integer"),  # the arrays say how many there are
    "Flag": Kind(bool, flag, lambda v: True, "True or False"),
    "Choice": Kind(str, word, lambda v: True, "one of the words"),
    "Activation": Kind(str, word, lambda v: True, "one of the words"),
}


@cache
def kind_of(text: str) -> Kind:
    """The kind of an option as signatures have it: ``Count``, ``Count[2]`` or ``Natural[2, 2]``."""
    name, _, several = text.rstrip("]").partition("[")
    one = OPTIONS[name]
    if not several:
        return one
    shape = tuple(map(int, several.split(", ")))
    return Kind(
        one.own,
        lambda value: spread(one.read, value, shape),
        lambda plain: fits(one.holds, plain, shape),
        f"{one.words}, or {in_tuples(shape)}",
        shape,
    )


def in_tuples(shape: tuple[int, ...]) -> str:
    """How several numbers are given apart, in words."""
    return f"a tuple of {shape[0]}" + (f", each a number or {in_tuples(shape[1:])}" if shape[1:] else "")


def spread(read: Callable[[Any], Any], value: Any, shape: tuple[int, ...]) -> Any:
    """Several numbers as nested tuples; one number stands for all in its place."""
    if isinstance(value, np.ndarray) and value.ndim:
        value = [*value]
    if isinstance(value, list | tuple):
        return tuple(spread(read, entry, shape[1:]) for entry in value)
    return (spread(read, value, shape[1:]),) * shape[0] if shape else read(value)


def fits(holds: Callable[[Any], bool], plain: Any, shape: tuple[int, ...]) -> bool:
    """Whether several numbers are as many as there must be, and each in range."""
    if not isinstance(plain, tuple) or not shape:
        return not isinstance(plain, tuple) and not shape and holds(plain)
    return len(plain) == shape[0] and all(fits(holds, entry, shape[1:]) for entry in plain)


def changed(function: Callable[[Any], Any], plain: Any) -> Any:
    """Nested tuples with a function applied to every number in them."""
    return tuple(changed(function, entry) for entry in plain) if isinstance(plain, tuple) else function(plain)


def numbers(values: Iterable[Any]) -> Iterator[Any]:
    """Every number in options, those in tuples one after another."""
    for value in values:
        if isinstance(value, tuple):
            yield from numbers(value)
        else:
            yield value


def whole_numbers(value: Any) -> bool:
    """Whether it is a plain integer, or tuples of such."""
    kind = value.__class__
    return kind is int or (kind is tuple and all(map(whole_numbers, value)))
