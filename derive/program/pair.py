"""Forward and backward of a layer lowered together, then parted.

Together, because a form may only be changed where the change cancels in everything that leaves the layer: the shift of
an exponent that forward takes out is the same one that backward divides by. Parted, because backward runs later: what
depends on a cotangent, and what only that needs, is backward; the arrays it reads from the rest are saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.expr import Part, Reduce
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.absent import with_absent
from derive.program.dependence import call, components, constants_inlined
from derive.program.ir import Program
from derive.program.lower import Lowering
from derive.program.stable import Stabiliser


@dataclass(frozen=True)
class Pair:
    """The two programs, and the names of the arrays that forward keeps for backward."""

    forward: Program
    backward: Program
    saved: tuple[str, ...]


def lower_pair(
    layer: Layer,
    tensors: dict[str, Tensor],
    equations: Iterable[Equation],
    outputs: tuple[str, ...],
    gradients: tuple[str, ...],
    cotangents: frozenset[str],
    unit_rows: frozenset[str] = frozenset(),
    early: frozenset[str] = frozenset(),
    sigmoid: str = "sigmoid",
) -> Pair:
    """Lower a layer's equations and those of its gradient.

    Args:
        tensors: every tensor by name; arrays named on the way are added.
        equations: the definition's and the gradient's, in an order in which they can be computed.
        cotangents: names of the arrays that only backward is given.
        unit_rows: tensors that are known to sum to 1 along their last axis.
        early: tensors that begin at position -1 of a recurrence.
        sigmoid: what the layer of that name is called.
    """
    lowering = Lowering(layer, tensors, unit_rows, early, sigmoid)
    results = tuple(dict.fromkeys((*outputs, *gradients)))
    for group in components(constants_inlined(list(equations), results)):
        for equation in lowering.pushed(group):
            lowering.hoist(equation)
    lowering.prune(results)
    stabiliser = Stabiliser(lowering.flat, tensors, frozenset(results), unit_rows, sigmoid)
    lowering.flat = with_absent(stabiliser.run(), tensors, results)
    lowering.prune(results)
    everything = lowering.flat
    lowering.prune(outputs)
    lowering.flat, positions = everything, positions_of_maxima(everything, lowering.flat)
    lowering.prune((*outputs, *positions))
    calls = {call(e.body) for e in lowering.flat if isinstance(e.body, Part)}
    first = [e for e in everything if e in lowering.flat or (isinstance(e.body, Part) and call(e.body) in calls)]
    made = {e.target for e in first}
    second = [e for e in everything if e.target not in made]
    assert not made & dependent(everything, cotangents)
    inputs = {t.name for t in layer.inputs}
    read = [name for e in second for name in x.tensors(e.body)]
    saved = tuple(name for name in tensors if name in set(read) and name in made | inputs)
    notes = tuple(stabiliser.notes)
    lowering.flat = first
    forward = Program(tuple(lowering.schedule()), tuple(dict.fromkeys((*outputs, *saved))), notes)
    lowering.flat = second
    backward = Program(tuple(lowering.schedule()), gradients, notes)
    return Pair(forward, backward, saved)


def positions_of_maxima(equations: list[Equation], forward: list[Equation]) -> list[str]:
    """Where maxima of forward are: found with them in one pass, so that backward need not look again."""
    maxima = [e.body for e in forward if isinstance(e.body, Reduce) and e.body.op == "max"]
    return [
        e.target
        for e in equations
        if isinstance(e.body, Reduce) and e.body.op == "argmax" and replace(e.body, op="max") in maxima
    ]


def dependent(equations: list[Equation], on: frozenset[str]) -> set[str]:
    """Targets that depend on the given names."""
    found = set(on)
    for _ in equations:
        before = len(found)
        found |= {e.target for e in equations if found & set(x.tensors(e.body))}
        if len(found) == before:
            break
    return found - on
