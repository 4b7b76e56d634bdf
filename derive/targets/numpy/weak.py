"""Numbers that are Python's own in a kernel although they depend on data: norms of whole arrays, and what is made of
them. Such a number is as exact as float64 and does not widen an array that it meets."""

from __future__ import annotations

from collections.abc import Iterable

from derive.notation import expr as x
from derive.program.ir import Both, Fold, Loop, Map, Rows, Statement


def weak(statements: Iterable[Statement]) -> set[str]:
    """The names of such numbers."""
    found: set[str] = set()

    def look(s: Statement) -> None:
        match s:
            case Loop() | Rows():
                for inner in s.body:
                    look(inner)
            case Both():
                look(s.first)
                look(s.second)
            case Fold() if not s.axes and s.op in ("norm", "squares"):
                found.add(s.name)
            case Map() if not s.axes and found.intersection(x.tensors(s.body)):
                found.add(s.name)

    for s in statements:
        look(s)
    return found
