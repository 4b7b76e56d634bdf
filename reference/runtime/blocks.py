"""Runs a function for some rows after another, so that what it makes on the way stays in the second-level cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from reference.runtime.layout import COLUMNS, inverse, is_dense, memory_order
from reference.runtime.storage import empty
from reference.runtime.sums import accumulator

BLOCK = 1 << 18  # bytes of the largest argument in one block
WHOLE = 1 << 19  # up to here everything is one block
RUN = (
    1 << 12
)  # bytes next to each other in memory, a page of it, below which a block costs more to collect than it saves
MOST = 1 << 19  # bytes of the largest argument in one block whose runs are to be so long: with others, it is to fit
LITTLE = 4  # bytes of the largest argument in one block for every byte that is added up over the blocks

Function = Callable[..., Any]
Cut = tuple[int | None, ...]


def in_blocks(cut: Cut, join: Any, flat: bool = False, out: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Let a function of arrays be called for one block of them after another.

    Args:
        cut: for each argument the axis along which it is cut; None for what every block gets whole. The first
            argument is the largest, and is cut.
        join: the axis along which the blocks' results are put together, None to add them; one entry, or a tuple
            of them for a function that returns several results.
        flat: arguments that are cut have one shape, and their elements are independent of each other.
        out: for each result the keyword by which the function takes an array to put it in; "" where it does not.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def run(*arguments: Any) -> Any:
            largest = arguments[0]
            if largest.nbytes <= WHOLE or largest.dtype.hasobject:
                return function(*arguments)

            def call(given: Sequence[Any], into: dict[str, Any]) -> Sequence[Any]:
                found = function(*given, **into)
                return found if several else (found,)

            done = in_parts(call, arguments, cut, joins, out, flat)
            return tuple(done) if several else done[0]

        return run

    several = isinstance(join, tuple)
    joins: Sequence[int | None] = join if several else (join,)
    return decorate


def in_parts(
    call: Callable[[Sequence[Any], dict[str, Any]], Sequence[Any]],
    arguments: Sequence[Any],
    cut: Sequence[int | None],
    joins: Sequence[int | None],
    out: Sequence[str],
    flat: bool,
    added: int = 0,
) -> list[Any]:
    """The results of a function that is called for one block of its arguments after another.

    Args:
        call: takes the parts of the arguments, and by names arrays to put results in; see `in_blocks` for the rest.
        added: bytes of the results that are added, of one block.
    """
    parts = [(a, axis) for a, axis in zip(arguments, cut, strict=False) if axis is not None and a is not None]
    largest: Any = max((a for a, _ in parts), key=_bytes)
    shape, order = largest.shape, memory_order(largest)
    flat = flat and largest.ndim > 1 and all(a.shape == shape and is_dense(a, order) for a, _ in parts)
    places: dict[str, Any] = {name: None for name in out if name}
    if flat:
        arguments = [_flat(a, c, order) for a, c in zip(arguments, cut, strict=False)]
        count, step = largest.size, BLOCK // largest.itemsize
    else:
        count = next(a.shape[axis] for a, axis in parts)
        step = rows_at_once(parts, largest.nbytes, count, added)
        if step >= count:
            return [*call(arguments, places)]
    narrow = _is_narrow(largest, count)
    given = [*arguments]
    pieces = [(n, arguments[n], axis) for n, axis in enumerate(cut) if axis is not None and arguments[n] is not None]
    for n, a, axis in pieces:
        given[n] = _by_columns(_part(a, axis, slice(0, step)), narrow)
    first = call(given, places)
    dtypes = [None if r is None else r.dtype for r in first]
    lie = (0,) if flat else order
    done = [None if r is None else _whole(r, axis, count, lie) for r, axis in zip(first, joins, strict=True)]
    joined = [
        (n, whole, axis)
        for n, (whole, axis) in enumerate(zip(done, joins, strict=True))
        if whole is not None and axis is not None
    ]
    for n, whole, axis in joined:
        _part(whole, axis, slice(0, step))[...] = first[n]
    named = {n for n, whole, _ in joined if n < len(out) and out[n] and not (narrow and whole.ndim == 2)}
    put = [(out[n], whole, axis) for n, whole, axis in joined if n in named]
    copied = [entry for entry in joined if entry[0] not in named]
    added_up = [n for n, axis in enumerate(joins) if axis is None and done[n] is not None]
    for start in range(step, count, step):
        rows = slice(start, start + step)
        for n, a, axis in pieces:
            given[n] = _by_columns(_part(a, axis, rows), narrow)
        for name, whole, axis in put:
            places[name] = _part(whole, axis, rows)
        results = call(given, places)
        for n, whole, axis in copied:
            _part(whole, axis, rows)[...] = results[n]
        for n in added_up:
            done[n] = done[n] + results[n]
    done = [d if d is None else d.astype(dtype, copy=False) for d, dtype in zip(done, dtypes, strict=True)]
    if flat:
        wide = tuple(shape[n] for n in order)
        back = inverse(order)
        done = [
            d if axis is None or d is None else d.reshape(wide).transpose(back)
            for d, axis in zip(done, joins, strict=True)
        ]
    return done


def rows_at_once(parts: Sequence[tuple[Any, int]], largest: int, count: int, added: int = 0) -> int:
    """How many of the rows make a block; all where it does not pay to cut them.

    A block is a piece of memory of its own where rows are the outermost axis, or runs of memory that are as long as
    its rows are together: where they lie next to each other inside other axes, few of them are a run of a few bytes,
    for each of which the processor waits. What is added up over the rows is added once a block, which is to be little
    beside reading the block.

    Args:
        parts: the arrays that are cut, with the axis of their rows.
        largest: bytes of the largest of them.
        count: rows there are.
        added: bytes of the sums over the rows that are among the results.
    """
    step = max(1, BLOCK * count // largest)
    for a, axis in parts:
        if 2 * a.nbytes >= largest and abs(a.strides[axis]) < max(map(abs, a.strides)):
            step = max(step, -(-RUN // max(1, abs(a.strides[axis]))))
    step = step if step == 1 or step * largest <= MOST * count else count
    return min(count, max(step, -(-LITTLE * added * count // largest)))


def _bytes(a: Any) -> int:
    return int(a.nbytes)


def _is_narrow(a: Any, count: int) -> bool:
    """Whether an array is a matrix of rows of a few numbers, for each of which NumPy would begin a loop."""
    return bool(a.ndim == 2 and a.shape[0] == count and 1 < a.shape[1] < COLUMNS and a.flags.c_contiguous)


def _by_columns(a: Any, narrow: bool) -> Any:
    """A matrix whose columns are next to themselves in memory, where that is wanted; what is none as it is."""
    return np.asfortranarray(a) if narrow and a.ndim == 2 else a


def _flat(a: Any, axis: int | None, order: tuple[int, ...]) -> Any:
    """An array whose elements are taken as they lie in memory."""
    return a if axis is None or a is None else a.transpose(order).reshape(-1)


def _part(a: Any, axis: int, rows: slice) -> Any:
    """Some rows of an array."""
    return a[rows] if axis == 0 else a[(slice(None),) * axis + (rows,)]


def _whole(result: Any, axis: int | None, count: int, order: tuple[int, ...]) -> Any:
    """An array for the results of all blocks, laid out as what is cut; a sum starts as that of the first."""
    if axis is None:
        return accumulator(result)
    shape = (*result.shape[:axis], count, *result.shape[axis + 1 :])
    return empty(shape, result.dtype, order if len(order) == len(shape) else None)
