"""A derivation is a list of steps, each a claim that can be evaluated on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.notation.expr import ONE, Expr, Reduce, Ref
from derive.notation.layer import Equation
from derive.notation.text import show


@dataclass(frozen=True)
class Equal:
    """``left = right``, said in a sentence."""

    left: Expr
    right: Expr


#: A sentence: words, and between them the expressions and equations it is about, each printed as its place prints them.
Said = tuple[str | Expr | Equal, ...]


def plain(said: Said) -> str:
    """A sentence in the notation of definitions."""
    return "".join(
        s if isinstance(s, str) else f"{show(s.left)} = {show(s.right)}" if isinstance(s, Equal) else show(s)
        for s in said
    )


def joined(parts: Sequence[Said], between: str) -> Said:
    """Several as one, with words between them."""
    return tuple(s for n, part in enumerate(parts) for s in ((between, *part) if n else part))


def sentence(said: Said) -> Said:
    """With a capital letter and a full stop."""
    begin = tuple(s[:1].upper() + s[1:] if isinstance(s, str) else s for s in said[:1])
    return (*begin, *said[1:], ".")


def put_in(names: Sequence[Expr]) -> Said:
    """The sentence of a step that writes adjoints into an equation."""
    return ("Put in what ", *joined([(n,) for n in names], " and "), " is." if len(names) == 1 else " are.")


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
    said: Said

    @property
    def words(self) -> str:
        return plain(self.said)


Step = Scatter | Rewrite
