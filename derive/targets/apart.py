"""Where a reference lies outside its array, found for indices that have nothing to do with each other one by one.

To go through the positions of all axes at once takes as many turns as there are elements; a convolution's rows say
nothing of its columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from derive.evidence import inside
from derive.evidence.interpret import Interpreter
from derive.notation import expr as x
from derive.notation.expr import Expr, Ref

PLACES = ("before the first", "behind the last", "between two")
INSIDE = "inside"


def seen(run: Interpreter, ref: Ref, when: Sequence[Expr], indices: Sequence[str]) -> set[str] | None:
    """The places outside at which the element lies at any positions at which the conditions hold.

    Returns:
        None where indices depend on each other in a way that is not looked into.
    """
    ranges = _ranges(run, indices)
    box = inside.box(run, ref.tensor)
    if ranges is None or box is None:
        return None
    found: set[str] = set()
    for part in _parts((*ref.index, *when)):
        own = [(run.index(e), limits) for e, limits in zip(ref.index, box, strict=True) if e in part]
        tests = [run.test(c) for c in when if c in part]
        names = sorted({i for e in part for i in x.free(e)})
        if not all(n in ranges for n in names):
            return None
        here = set(_places(own, tests, {n: ranges[n] for n in names}))
        if not here:
            return set()
        if INSIDE not in here:
            return None
        found |= here
    return found - {INSIDE}


def _places(
    own: list[tuple[Callable[[dict[str, int]], int | None], tuple[int, int]]],
    tests: list[Callable[[dict[str, int]], bool | None]],
    ranges: Mapping[str, range],
) -> Iterator[str]:
    for at in itertools.product(*ranges.values()):
        env = dict(zip(ranges, at, strict=True))
        if all(test(env) for test in tests):
            yield place([(index(env), limits) for index, limits in own])


def place(at: Sequence[tuple[int | None, tuple[int, int]]]) -> str:
    """Where an element lies, of whose indices it is known from where to below where they run."""
    if any(i is None for i, _ in at):
        return PLACES[2]
    if all(low <= i < high for i, (low, high) in at if i is not None):
        return INSIDE
    return PLACES[0] if any(i < 0 for i, _ in at if i is not None) else PLACES[1]


def _ranges(run: Interpreter, indices: Sequence[str]) -> dict[str, range] | None:
    layer, sizes = run.case.layer, run.case.sizes
    axes = {i: layer.axis(i) for i in indices}
    if layer.sequence_axis or not all(sizes.get(a) for a in axes.values()):
        return None
    return {i: range(sizes[a]) for i, a in axes.items()}


def _parts(expressions: Sequence[Expr]) -> list[list[Expr]]:
    """Expressions together that share indices, or share them with one that does."""
    parts: list[tuple[set[str], list[Expr]]] = []
    for e in expressions:
        own, members = set(x.free(e)), [e]
        for part in [p for p in parts if p[0] & own]:
            parts.remove(part)
            own |= part[0]
            members += part[1]
        parts.append((own, members))
    return [members for _, members in parts]
