"""A derivation is a list of steps, each a claim that can be evaluated on both sides."""

from __future__ import annotations

from dataclasses import dataclass

from derive.notation.expr import ONE, Expr, Reduce, Ref
from derive.notation.layer import Equation


@dataclass(frozen=True)
class Inner:
    """A sum or maximum inside of an equation that a derivative passes through.

    Attributes:
        reduction: it, its indices called as the step's loops.
        slope: the derivative of what it stands in with respect to it.
        at: what says that the maximum is at this position; 1 in a sum.
    """

    reduction: Reduce
    slope: Expr
    at: Expr = ONE


@dataclass(frozen=True)
class Scatter:
    """``before``: for all loops, d target[index] += body. ``after``: the same sum gathered at one target element.

    Attributes:
        equation: the defining equation that is differentiated.
        ref: the reference with respect to which.
        coefficient: the partial derivative SymPy gave, of the equation or of the innermost that it passes through.
        loops: every index the contribution runs over.
        cotangent: the adjoint of what the coefficient is the derivative of.
        after: the gathered contribution to d target, at the target's own axes.
        given: the adjoint of the equation's left side.
        through: the sums and maxima that the derivative passes through, from the outside inwards; the cotangent is
            ``given`` times their slopes.
    """

    equation: Equation
    ref: Ref
    coefficient: Expr
    loops: tuple[str, ...]
    cotangent: Expr
    left: tuple[Expr, ...]
    after: Expr
    name: str
    given: Expr
    through: tuple[Inner, ...] = ()

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
