"""Forward mode: the tangent of every equation, by the same scalar derivative as the reverse.

Z[left] = sum_k f(A[index], ...)    gives    tangent Z[left] = sum_k df/dA * tangent A[index] + ...
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.calculus.reverse import Reverse
from derive.notation import expr as x
from derive.notation.errors import at
from derive.notation.expr import Expr, Ref
from derive.notation.functions import moving
from derive.notation.layer import Equation, Layer, Tensor


@dataclass(frozen=True)
class Tangent:
    """The tangent equations, in the order of the definition, and the names of the tangents."""

    equations: tuple[Equation, ...]
    names: dict[str, str]
    auxiliary: tuple[Equation, ...]
    tensors: dict[str, Tensor]


def forward(layer: Layer) -> Tangent:
    """Differentiate a layer along a tangent of its real inputs."""
    engine = Reverse(layer, frozenset(t.name for t in layer.differentiable))
    active = set(engine.wanted)
    for _ in layer.equations:  # in a recurrence an equation may need a later one
        active |= {e.target for e in layer.equations if active & engine.moved_by(e)}
    active = {n for n in active if n in layer.outputs or engine.moves(n)}
    names = {n: engine.free_name(f"t_{n}") for n in layer.tensors if n in active}

    def tangent(equation: Equation, body: Expr) -> Expr:
        flat, inner = engine.flatten(body)
        parts: list[Expr] = []
        for ref in x.refs(flat):
            if ref.tensor in active:
                slope = engine.unflatten(engine.derivative(flat, ref), inner)
                parts.append(x.mul(slope, Ref(names[ref.tensor], ref.index)))
        for stand_in, reduction in inner.items():
            if reduction.op != "argmax" and active & set(moving(reduction.body)):
                slope = engine.unflatten(engine.derivative(flat, stand_in), inner)
                inside = tangent(equation, reduction.body)
                if reduction.op == "max":
                    at = engine.at_maximum(equation, reduction.over, reduction.body)
                    inside = x.mul(at, inside)
                parts.append(x.mul(slope, x.reduce("sum", reduction.over, inside)))
        return x.add(*parts)

    equations = []
    for e in layer.equations:
        if e.target in active:
            with at(e.line):
                equations.append(Equation(names[e.target], e.left, tangent(e, e.body)))
    tensors = {t: replace(layer.tensors[n], name=t, kind="real", domain=None) for n, t in names.items()}
    return Tangent(tuple(equations), names, tuple(engine.auxiliary), {**engine.tensors, **tensors})
