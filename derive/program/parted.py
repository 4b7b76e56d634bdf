"""Forward and backward are compiled together, then parted.

Together, because a form may only be changed where the change cancels in everything that leaves the layer: the shift of
an exponent that forward takes out is the same one that backward divides by. Parted, because backward runs later: what
depends on a cotangent, and what only that needs, is backward; the arrays it reads from the rest are saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Part, Reduce
from derive.notation.layer import Equation
from derive.program.dependence import call
from derive.program.draft import Draft, pruned


def parted(draft: Draft) -> Draft:
    """Each function's own equations, and what forward saves for backward."""
    everything = pruned(draft.equations, draft.results)
    if len(draft.functions) == 1:
        return replace(draft, own=(everything,))
    forward, backward = draft.functions
    outputs = (*forward.returned, *draft.kept)
    positions = positions_of_maxima(everything, pruned(everything, outputs))
    needed = pruned(everything, (*outputs, *positions))
    calls = {call(e.body) for e in needed if isinstance(e.body, Part)}
    first = tuple(e for e in everything if e in needed or (isinstance(e.body, Part) and call(e.body) in calls))
    made = {e.target for e in first}
    second = tuple(e for e in everything if e.target not in made)
    assert not made & dependent(everything, backward.given("cotangent").values())
    read = {name for e in second for name in x.tensors(e.body)}
    inputs = {t.name for t in draft.layer.inputs}
    saved = tuple(name for name in draft.tensors if name in read and name in made | inputs)
    return replace(draft, own=(first, second), functions=(replace(forward, saved=saved), backward))


def positions_of_maxima(equations: Iterable[Equation], forward: Iterable[Equation]) -> list[str]:
    """Where maxima of forward are: found with them in one pass, so that backward need not look again."""
    maxima = [e.body for e in forward if isinstance(e.body, Reduce) and e.body.op == "max"]
    return [
        e.target
        for e in equations
        if isinstance(e.body, Reduce) and e.body.op == "argmax" and replace(e.body, op="max") in maxima
    ]


def dependent(equations: Iterable[Equation], on: Iterable[str]) -> set[str]:
    """Targets that depend on the given names."""
    equations, given = tuple(equations), set(on)
    found, before = set(given), -1
    while len(found) > before:
        before = len(found)
        found |= {e.target for e in equations if found & set(x.tensors(e.body))}
    return found - given
