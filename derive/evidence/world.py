"""Interpreters for what a derivation holds: forward, backward, tangent, second order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from derive.calculus.derivation import Derivation
from derive.evidence import domain, layout
from derive.evidence.interpret import Interpreter
from derive.evidence.layout import Case, Elements, Value
from derive.evidence.numbers import MP, Numbers
from derive.notation.expr import Num, tensors
from derive.notation.layer import Equation, Tensor


def forward(case: Case, numbers: Numbers = MP, given: dict[str, Elements] | None = None) -> Interpreter:
    """The definition at a case: the equations as they were typed, not in the normal form of their recurrences.

    In decimals it is asked for again and again (whether there are values, whether they are too large), and kept.
    """
    if numbers is MP and given is None:
        if MP.name not in case.known:
            case.known[MP.name] = _forward(case, MP)
        return case.known[MP.name]  # type: ignore[no-any-return]
    return _forward(case, numbers, given)


def _forward(case: Case, numbers: Numbers, given: dict[str, Elements] | None = None) -> Interpreter:
    layer, typed = case.layer, case.layer.written or case.layer
    normal = (e for e in layer.equations if e.target not in typed.tensors)
    run = Interpreter(case, (*typed.equations, *normal), {**layer.tensors, **typed.tensors}, numbers, given)
    if numbers is MP and given is not None and domain.stops(layer, case.options):
        run.anchor = forward(case, MP)
    return run


def known_tensors(tensors: dict[str, Tensor], equations: tuple[Equation, ...]) -> dict[str, Tensor]:
    """A derivation's tensors, and those that only its textbook form introduces."""
    known = dict(tensors)
    for e in equations:
        if e.target not in known:
            known[e.target] = Tensor(e.target, tuple(i for i in e.indices))
    return known


def backward(
    derivation: Derivation,
    case: Case,
    cotangents: dict[str, Value],
    numbers: Numbers = MP,
    equations: tuple[Equation, ...] | None = None,
    given: dict[str, Elements] | None = None,
) -> Interpreter:
    """The gradient at a case: by the equations given, by default those of the textbook form.

    ``cotangents`` are arrays by the output's name.
    """
    adjoint = derivation.adjoint
    backward = derivation.backward if equations is None else equations
    values = {adjoint.cotangents[o]: layout.elements(case, o, v, numbers.exact) for o, v in cotangents.items()}
    everything = case.layer.equations + adjoint.auxiliary + backward
    known = known_tensors(derivation.tensors, backward)
    run = Interpreter(case, everything, known, numbers, {**values, **(given or {})})
    totals = adjoint.names | adjoint.inner
    for e in case.layer.equations:  # an adjoint begins where its tensor does, though nothing may read it there
        for p, i in enumerate(e.left):
            if isinstance(i, Num) and i.value < 0 and e.target in totals:
                key = totals[e.target], p
                run.lowest[key] = min(run.lowest.get(key, 0), int(i.value))
    return run


def tangent(derivation: Derivation, case: Case, numbers: Numbers, given: dict[str, Elements]) -> Interpreter:
    """The tangent of the definition at a case; the inputs' tangents are given by the equations' names."""
    forms = derivation.tangent
    equations = case.layer.equations + forms.auxiliary + forms.equations
    return Interpreter(case, equations, {**case.layer.tensors, **forms.tensors}, numbers, given)


def second(derivation: Derivation, case: Case, numbers: Numbers, given: dict[str, Elements]) -> Interpreter:
    """The gradient of the backward pass at a case; all cotangents are given by the equations' names."""
    forms = derivation.second
    run = Interpreter(case, forms.equations, known_tensors(forms.tensors, forms.equations), numbers, given)
    run.lowest = {**early(derivation), **run.lowest}
    return run


def early(derivation: Derivation) -> dict[tuple[str, int], int]:
    """Where a recurrence's tensors begin before 0, by tensor and position, though no equation of theirs says so:
    adjoints of a beginning are elements like others."""
    first, second = derivation.adjoint, derivation.second
    found = {
        (e.target, p): int(i.value)
        for e in second.layer.equations
        for p, i in enumerate(e.left)
        if isinstance(i, Num) and i.value < 0
    }
    around = {(r.tensor, p) for c in derivation.layer.calls for r in c.results for p in range(len(c.lead))}
    for adjoint in (first, second.adjoint):
        totals = adjoint.names | adjoint.inner  # what a part is handed for its states has no place before the first,
        # but it has one along the axes of the calls
        own = {(adjoint.names[n], p): found[n, p] for n, p in around & found.keys() if n in adjoint.names}
        found |= {(totals[n], p): low for (n, p), low in found.items() if n in totals} | own
        around |= own.keys()
    return found


def gradients(derivation: Derivation, world: Interpreter) -> dict[str, Elements]:
    """Every gradient, by the input's name."""
    return {name: world.values(adjoint, name) for name, adjoint in derivation.gradients.items()}


def shifted(case: Case, tangents: dict[str, Value], step: Any, numbers: Numbers = MP) -> dict[str, Elements]:
    """The real inputs, moved by a step along the tangents."""
    found = {}
    for name, tangent in tangents.items():
        at = layout.elements(case, name, case.tensors[name], numbers.exact)
        along = layout.elements(case, name, tangent, numbers.exact)
        found[name] = {i: v + step * along[i] for i, v in at.items()}
    return found


def contracted(left: dict[str, Elements], right: dict[str, Elements], numbers: Numbers = MP) -> Any:
    """The sum of products of all elements."""
    total = numbers.exact(0)
    for name, values in left.items():
        for i, v in values.items():
            total = total + v * right[name][i]
    return total


def restricted(case: Case, tensors_kept: dict[str, Value]) -> Case:
    """The case with other tensors."""
    return replace(case, tensors={**case.tensors, **tensors_kept})


__all__ = ["backward", "contracted", "forward", "gradients", "restricted", "shifted", "tensors"]
