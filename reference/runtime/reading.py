"""Reads what a caller passes for a tensor: a plain array of its kind, or an error that says what is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from reference.runtime.patterns import Array
from reference.runtime.values import LARGEST, like, number_types

INTP = np.dtype(np.intp)
OBJECT = np.dtype(object)

#: The kinds of dtypes that a tensor of each kind may have, and how an error says so.
FITS = {
    "real": ("fO", "real: pass a float16, float32, float64 or longdouble array, or an object array of numbers"),
    "integer": ("iuO", "of integers"),
    "boolean": ("b", "boolean"),
    "cotangent": ("fiuO", "of real numbers"),
}


def read(argument: Any, kind: str, label: str) -> Array:
    """An argument as an array of NumPy's own class; integers as intp, floats in object arrays as float64.

    Args:
        kind: one of FITS.
        label: what an error calls the argument.

    Raises:
        TypeError: it holds anything else than numbers of the kind.
        ValueError: it is no array: its rows differ in length, or an integer is beyond all indices.
    """
    a = argument if type(argument) is np.ndarray else made(argument, label, FITS[kind][1])
    kinds, words = FITS[kind]
    if a.dtype.kind not in kinds:
        raise TypeError(f"{label} has dtype {a.dtype}; it must be {words}")
    if a.dtype.kind == "O":
        return of_objects(a, kind, label, words)
    return integers(a, label) if kind == "integer" else a


def made(argument: Any, label: str, words: str) -> Array:
    """An array from what is none, or of a class of its own, whose operations may be others."""
    if argument is None:
        raise TypeError(f"{label} is None; it must be {words}")
    if isinstance(argument, np.ma.MaskedArray):
        raise TypeError(
            f"{label} is a masked array, whose mask would be lost: pass what is to count, as with .filled(0)"
        )
    try:
        return np.asarray(argument)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{label} is not an array: {error}") from error
    except Exception as error:  # another library's array may refuse in its own way
        raise TypeError(f"{label} cannot be read as an array: {error}") from error


def listed(argument: Any, label: str) -> list[Any]:
    """The entries of a list of arrays; of a tuple, a generator, a view of a dictionary or an array's rows too.

    Raises:
        TypeError: it has none, or its order is not that of the arrays.
    """
    if not isinstance(argument, str | bytes | dict | set | frozenset) and argument is not None:
        try:
            return [*argument]
        except TypeError:
            pass
    raise TypeError(f"{label} is of type {type(argument).__name__}; it must be a list of arrays")


def integers(a: Array, label: str) -> Array:
    """Integers of any width and byte order as intp: they are calculated with, and index."""
    if a.dtype is INTP:
        return a
    if a.dtype.kind == "u" and a.size and a.max() > LARGEST:
        raise ValueError(f"{label} holds {a.max()}, which is beyond every index")
    return a.astype(INTP)


def of_objects(a: Array, kind: str, label: str, words: str) -> Array:
    """An object array of one type of numbers."""
    try:
        types = number_types(a.flat)
    except TypeError as error:
        raise TypeError(f"{label} {error}; it must be {words}") from None
    if kind == "integer" and types:
        raise TypeError(f"{label} holds numbers of type {names(types)}; it must be {words}")
    if len(types) > 1:
        raise TypeError(f"{label} mixes numbers of types {names(types)}; convert them to one")
    try:
        if kind == "integer":
            return a.astype(INTP)
        if types == {float}:
            return a.astype(np.result_type(float, *(type(e) for e in a.flat if isinstance(e, np.floating))))
    except OverflowError:
        raise ValueError(f"{label} holds an integer that is beyond the format") from None
    if any(isinstance(e, np.integer) for e in a.flat):  # it would wrap around inside a fraction
        return converted(a, lambda v: int(v) if isinstance(v, np.integer) else v)
    return a


def cast(a: Array, dtype: np.dtype[Any], number: type | None) -> Array:
    """An array in a call's dtype; floats among objects as numbers of their type, exactly.

    Raises:
        TypeError: objects that are no floats are cast to floats, and cannot be.
    """
    if dtype is OBJECT and a.dtype.kind == "f":
        return converted(a, lambda v: like(float(v), number))
    return a.astype(dtype)


def converted(a: Array, f: Any) -> Array:
    """Element by element, as objects."""
    out = np.empty(a.shape, object)
    out[...] = np.frompyfunc(f, 1, 1)(a)
    return out


def names(types: Iterable[type]) -> str:
    return " and ".join(sorted(t.__name__ for t in types))
