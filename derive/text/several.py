"""Options of several numbers, ``stride: Count[2]``: nested tuples with a number in each place."""

from __future__ import annotations

import ast
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.text.annotations import Unread

if TYPE_CHECKING:
    from derive.text.arrays import Env
    from derive.text.evaluate import Run
    from derive.text.expressions import Closure
    from derive.text.parse import Definition, Statement


def in_places(value: Any, counts: tuple[int, ...]) -> Any:
    """A value for all places of an option of several numbers, or a tuple with one for each, as a nested tuple.

    Raises:
        Unread: there are more, or fewer, than places.
    """
    if not counts:
        if isinstance(value, tuple):
            raise Unread(f"{value} where one number stands")
        return value
    entries = value if isinstance(value, tuple) else (value,) * counts[0]
    if len(entries) != counts[0]:
        raise Unread(f"{value} where {counts[0]} numbers stand")
    return tuple(in_places(entry, counts[1:]) for entry in entries)


def one_of_several(text: Definition, node: ast.expr, name: str, at: list[ast.expr]) -> Closure:
    """``stride[0]``: one number of an option that has several."""
    counts = [n.value for n in at if isinstance(n, ast.Constant) and isinstance(n.value, int)]
    declared = text.option(name)
    inside = declared is not None and len(counts) == len(at) == len(declared.counts)
    if declared is None or not inside or not all(0 <= n < m for n, m in zip(counts, declared.counts, strict=True)):
        raise Unread(f"{text.name}: {ast.unparse(node)}")

    def one(run: Run, env: Env, place: Statement | None) -> Any:
        value = run.options[name]
        for n in counts:
            value = value[n]
        return Fraction(value) if isinstance(value, float) else value

    return one
