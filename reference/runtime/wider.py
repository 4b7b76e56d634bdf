"""The format a kernel computes in, and a wider one for what overflowed on the way to a result that need not.

Float16 is a format to keep numbers in: a kernel computes with it in float32 and rounds its results once (`working`).
Sums of a few thousand numbers, squares of small ones and options beyond 65504 would be lost in float16 itself. For an
option whose square float32 does not hold, the arithmetic is that of float64.

A square, or the first half of a sum that the second half cancels, may be beyond a format in which the result is
not. The processor marks every overflow, and NumPy looks at the mark after each operation anyway: `wider` has it
raise an error then, so nothing is looked at twice as long as nothing overflows. Float16 and float32 are computed
again in float64, float64 in longdouble, whose range is wider on x86 and, under Linux, on 64-bit ARM; elsewhere
float64 stays as it is. A result that is beyond the format in the end is infinite, with NumPy's warning.

Where a quotient or a root would be left without digits underflow is an error as well: the square of 1e-170 is 0, and
the norm of such numbers is not.

What is not seen: overflow in a thread of BLAS other than the caller's, in matrix products large enough to be shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any

import numpy as np

from reference.runtime.patterns import Dims
from reference.runtime.states import States
from reference.runtime.values import numbers

WIDER = {
    np.dtype(narrow): np.dtype(wide)
    for narrow, wide in ((np.float16, np.float64), (np.float32, np.float64), (np.float64, np.longdouble))
    if np.finfo(wide).max > np.finfo(narrow).max
}

COMPUTED = {np.dtype(np.float16): np.dtype(np.float32)}
PLAIN = (1e-19, 1e19)  # numbers whose squares float32 holds with all their digits


def working(dtype: np.dtype[Any], options: Iterable[Any]) -> np.dtype[Any]:
    """The format for arithmetic with arrays of a dtype and options: it holds the options and their squares."""
    found = COMPUTED.get(dtype, dtype)
    if found == np.float32:
        sizes = [abs(float(v)) for v in numbers(options) if isinstance(v, int | float | np.number)]
        if not all(PLAIN[0] <= v <= PLAIN[1] for v in sizes if v):
            return np.dtype(np.float64)
    return found


STRICT = States(over="raise", divide="raise", invalid="raise")
STRICTEST = States(all="raise")  #: where what underflows is divided by, or a root is taken of it


def again(run: Callable[..., Any], function: Callable[..., Any], arguments: Any, options: dict[str, Any]) -> Any:
    """Run a function on wider arguments; its results have the dtype they would have had.

    Args:
        run: the function in the states of STRICT or STRICTEST.
        function: the same in those of its caller.
        arguments: arrays, lists and tuples of them, and what forward saves for backward.

    Over nothing a mean is 0 / 0, NaN in any format, and no warning: who passes an empty batch wants to know no more.
    """
    if _is_empty(arguments):
        with np.errstate(all="ignore"):
            return function(*arguments, **options)
    narrow = np.result_type(*_dtypes(arguments))
    wide = WIDER.get(narrow)
    if wide is None:
        return function(*arguments, **options)
    found = run(*[_widened(a, wide) for a in arguments], **options)
    return _narrowed(found, _result(arguments) or narrow)


def _is_empty(value: Any) -> bool:
    """Whether an array in it has no elements."""
    return (
        any(map(_is_empty, value))
        if isinstance(value, list | tuple)
        else isinstance(value, np.ndarray) and not value.size
    )


def _is_saved(value: Any) -> bool:
    """Whether it is what forward saves: a named tuple that ends with the sizes of the call."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[-1], Dims) and hasattr(value, "_fields")


def _dtypes(value: Any) -> Iterator[np.dtype[Any]]:
    """Those of all real numbers in it."""
    if _is_saved(value):
        yield value[-1].dtype
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _dtypes(entry)
    elif isinstance(value, float | np.floating | np.ndarray):
        dtype = np.asarray(value).dtype
        if dtype.kind in "fO":
            yield dtype


def _result(arguments: tuple[Any, ...]) -> np.dtype[Any] | None:
    """The dtype of the results where forward has been computed in a wider format already."""
    last = arguments[-1]
    return last[-1].result if _is_saved(last) else None


def converted(value: Any, dtype: np.dtype[Any]) -> Any:
    """The same with every real array, in lists, tuples and what parts have saved too, in another format."""
    if _is_saved(value):
        return _with_dims(type(value)(*(converted(entry, dtype) for entry in value[:-1]), value[-1]), dtype, None)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(converted(entry, dtype) for entry in value))
    if isinstance(value, list | tuple):
        return type(value)(converted(entry, dtype) for entry in value)
    if isinstance(value, float | np.floating):
        return dtype.type(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype, copy=False)
    return value


def _widened(value: Any, dtype: np.dtype[Any]) -> Any:
    """An argument in a wider format; gradients of what was saved will have the format of before."""
    wide = converted(value, dtype)
    return _with_dims(wide, dtype, value[-1].result or value[-1].dtype) if _is_saved(value) else wide


def _narrowed(value: Any, dtype: np.dtype[Any]) -> Any:
    """Results in the format of the arguments; what is saved stays wide, and remembers the format."""
    if isinstance(value, tuple) and value and _is_saved(value[-1]):
        *results, saved = value
        return (*converted(results, dtype), _with_dims(saved, saved[-1].dtype, dtype))
    return converted(value, dtype)


def _with_dims(saved: Any, dtype: np.dtype[Any], result: np.dtype[Any] | None) -> Any:
    """What was saved, for gradients that are computed in one format and returned in another."""
    dims = copy(saved[-1])
    dims.dtype, dims.result, dims.direct = dtype, result, False
    return type(saved)(*saved[:-1], dims)
