"""A derivation is a list of steps, each a claim that can be evaluated on both sides."""

from __future__ import annotations

from dataclasses import dataclass

from derive.notation.expr import Expr, Ref
from derive.notation.layer import Equation


@dataclass(frozen=True)
class Scatter:
    """``before``: for all loops, d target[index] += body. ``after``: the same sum gathered at one target element.

    Attributes:
        equation: the defining equation that is differentiated.
        ref: the reference with respect to which.
        coefficient: the partial derivative SymPy gave.
        loops: every index the contribution runs over.
        cotangent: the adjoint of the equation's left side.
        after: the gathered contribution to d target, at the target's own axes.
    """

    equation: Equation
    ref: Ref
    coefficient: Expr
    loops: tuple[str, ...]
    cotangent: Expr
    left: tuple[Expr, ...]
    after: Expr
    name: str

    @property
    def rule(self) -> str:
        return "adjoint"


@dataclass(frozen=True)
class Rewrite:
    """``before`` and ``after`` are equal wherever the definitions hold."""

    target: Ref
    rule: str
    before: Expr
    after: Expr
    words: str


Step = Scatter | Rewrite
