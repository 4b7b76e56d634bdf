"""The same numbers in every form that a caller may pass them, and what is none: rows of tables, for the fuzzer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


class Sub(np.ndarray):  # type: ignore[type-arg]
    """A subclass whose operations are others."""

    def __mul__(self, other: Any) -> Any:
        raise AssertionError("the kernel calculates with the subclass")

    __add__ = __radd__ = __rmul__ = __sub__ = __rsub__ = __matmul__ = __rmatmul__ = __mul__


class Foreign:
    """Another library's array."""

    def __init__(self, a: Array) -> None:
        self.a = a

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.a if dtype is None else self.a.astype(dtype)


class Refusing:
    """Another library's array that cannot be had, as one that lies on a device."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise RuntimeError("copy the tensor to the host first")


def strided(a: Array) -> Array:
    """Every other element of a larger array, on the way back along the first axis."""
    if not a.ndim:
        return a
    out = np.full([2 * n + 1 for n in a.shape], 77, a.dtype)[tuple(slice(1, None, 2) for _ in a.shape)]
    out = out[::-1]
    out[...] = a
    return out


def mapped(a: Array) -> Array:
    """In a file."""
    if not a.size or a.dtype.hasobject:
        return a
    with tempfile.NamedTemporaryFile() as file:
        out = np.memmap(file.name, a.dtype, "w+", shape=a.shape or (1,)).reshape(a.shape)
        out[...] = a
    return out


def frozen(a: Array) -> Array:
    out = a.copy()
    out.flags.writeable = False
    return out


def unaligned(a: Array) -> Array:
    """One byte off."""
    memory = np.zeros(a.nbytes + 1, np.uint8)[1:]
    out = memory.view(a.dtype).reshape(a.shape) if a.nbytes else a.copy()
    out[...] = a
    return out


def objects(a: Array) -> Array:
    out = np.empty(a.shape, object)
    out[...] = a
    return out


def column_major(a: Array) -> Array:
    return np.array(a, order="F")


def swapped(a: Array) -> Array:
    """In the other byte order."""
    return a.astype(a.dtype.newbyteorder(">"))


def matrix(a: Array) -> Array:
    return a.view(np.matrix) if a.ndim == 2 else a.copy()


#: Forms of an array of any kind.
LAYOUTS: list[Callable[[Array], Any]] = [
    np.copy, column_major, strided, mapped, frozen, unaligned, swapped, matrix,
    lambda a: np.copy(a).view(Sub), lambda a: Foreign(a.copy()), lambda a: swapped(strided(a)),
    lambda a: a.astype(np.dtype(a.dtype, metadata={"unit": "m"})),
]  # fmt: skip
#: Forms of what is float64.
DOUBLES = [*LAYOUTS, np.ndarray.tolist, objects, lambda a: objects(a)[()] if a.ndim else float(a)]
#: Widths of integers.
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
#: Forms of a list of arrays.
LISTS: list[Callable[[list[Any]], Any]] = [
    list, tuple, iter, lambda a: (e for e in a), lambda a: dict(enumerate(a)).values(),
]  # fmt: skip


def whole(a: Array, rng: Rng) -> Any:
    """Integers in some form."""
    fitting = [t for t in INTEGERS if not a.size or (np.iinfo(t).min <= a.min() and a.max() <= np.iinfo(t).max)]
    forms: list[Callable[[Array], Any]] = [*LAYOUTS, np.ndarray.tolist, objects]
    return pick(rng, forms)(a.astype(pick(rng, fitting)))


def pick(rng: Rng, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


# ---- what is refused -----------------------------------------------------------------------------------------------

Wrong = Callable[[Array], Any]


def holding(value: Any) -> Wrong:
    """An object array of numbers with something else among them."""

    def make(a: Array) -> Array:
        out = objects(a.astype(float)).reshape(-1)
        if not out.size:
            return np.array(value, object)
        out[-1] = None if out.size == 1 and isinstance(value, Fraction | Decimal) else value  # alone they are right
        return out.reshape(a.shape)

    return make


def full_of(value: Any) -> Wrong:
    """An object array of nothing else."""

    def make(a: Array) -> Array:
        out = np.empty(a.shape, object)
        for at in np.ndindex(a.shape):
            out[at] = value
        return out if out.size else np.array(value, object)

    return make


def of_type(dtype: Any) -> Wrong:
    return lambda a: np.zeros(a.shape, dtype)


#: What stands for no tensor at all.
NOTHING: list[Wrong] = [
    lambda a: "1.0", lambda a: b"1", lambda a: 1j, lambda a: {1.0, 2.0}, lambda a: {"a": 1.0}, lambda a: object(),
    lambda a: (v for v in a.reshape(-1)), lambda a: [[1.0], [2.0, 3.0]], lambda a: np.ma.masked,
    lambda a: np.ma.array(a.astype(float), mask=False), lambda a: Refusing(), lambda a: np.datetime64("2020-01-01"),
    lambda a: Ellipsis, lambda a: np.add,
    *map(full_of, (None, "1", b"1", 1j, np.complex64(1), [1.0], True, np.True_, timedelta(1), np.timedelta64(1))),
    full_of(object()),
    *map(of_type, (complex, "S1", "U1", "m8[s]", "M8[s]", "V4", [("a", float)])),
]  # fmt: skip
WRONG: dict[str, list[Wrong]] = {
    "real": [
        *NOTHING, lambda a: None, *map(of_type, (bool, int, np.uint8)), lambda a: 1, lambda a: True,
        *map(holding, (None, "1", 1j, True, Fraction(1, 2), Decimal(1), [1.0], np.datetime64("2020"))),
    ],
    "integer": [
        *NOTHING, lambda a: None, *map(of_type, (bool, float, np.float16)), lambda a: 1.0, lambda a: True, objects,
        *map(holding, (None, "1", 1.0, True)),
    ],
    "boolean": [*NOTHING, *map(of_type, (int, float, np.uint8)), lambda a: 1, lambda a: 1.0, holding(None)],
    "cotangent": [
        *NOTHING, of_type(bool), lambda a: True,
        *map(holding, (None, "1", 1j, True, Fraction(1, 2), [1.0])),
        lambda a: np.zeros((*a.shape, 1)), lambda a: np.zeros((2, *a.shape)),
    ],
}  # fmt: skip
WRONG["integer"] = [make for make in WRONG["integer"] if make is not objects]
#: What stands for no list of arrays.
NO_LISTS: list[Callable[[list[Any]], Any]] = [
    lambda a: None, lambda a: "abc", lambda a: 1.0, lambda a: dict(enumerate(a)), lambda a: object(), lambda a: {1, 2},
    lambda a: np.array(1.0),
]  # fmt: skip
