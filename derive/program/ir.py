"""The operations of an array program.

A statement computes one named array from named arrays, a call of another layer's kernel several. ``axes`` is the order
of the indices in memory. Scalars inside an expression are written in the notation of derive.notation.expr, without
reductions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from derive.notation.expr import Expr, Op, Part, Ref


@dataclass(frozen=True)
class Map:
    """``name[axes] = body``, element by element."""

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    body: Expr

    @property
    def adds(self) -> bool:
        """Whether it adds to what the array holds already: ``name[axes] = name[axes] + ...``."""
        return isinstance(self.body, Op) and self.body.fn == "add" and self.body.args[0] == Ref(self.name, self.left)


@dataclass(frozen=True)
class Fold:
    """``name[axes] = op over (over) of body``.

    op is sum, max, argmax (row-major position over ``over``), largest (a target's word for both at once), norm (root of
    the sum of squares), squares (that sum), square_sum (it again, along axes), exp_sum (of what row_exp gives), log_sum
    (of such terms and their sum, the log of the sum divided by its largest term) or log_sum_exp (the same of exponents
    less their largest, and the exponents). ``there`` says under which conditions a sum has a term.
    """

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    op: Literal["sum", "max", "argmax", "largest", "norm", "squares", "square_sum", "exp_sum", "log_sum", "log_sum_exp"]
    over: tuple[str, ...]
    body: Expr
    there: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Contract:
    """``name[axes] = scale * sum over (over) of a * b``, a matrix product of terms that are ``there``; see Fold."""

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    over: tuple[str, ...]
    a: Expr
    b: Expr
    scale: Expr
    there: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Scatter:
    """``name[axes] += values`` where the axis called ``axis`` is read from the integer tensor ``index``."""

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    axis: str
    index: Ref
    over: tuple[str, ...]
    values: Expr


@dataclass(frozen=True)
class Invoke:
    """A function of another layer's kernel: several arrays from several arrays at once.

    Attributes:
        call: the function and its arguments; its own field says nothing here.
        results: the field of each result that is wanted, and where it goes.
    """

    call: Part
    results: tuple[tuple[str, Ref], ...]


@dataclass(frozen=True)
class Loop:
    """Statements run for one position of an axis after another: a recurrence, or the arrays of a list."""

    axis: str
    backwards: bool
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Rows:
    """Statements that may run for some positions of an axis at a time, in any order; see derive.program.rows.

    Attributes:
        given: what they read, and at which place it has the axis; None where it has not.
        results: what is needed after them.
        joins: the place of the axis in each result; None for a sum along it.
    """

    axis: str
    body: tuple[Statement, ...]
    given: tuple[tuple[str, int | None], ...]
    results: tuple[str, ...]
    joins: tuple[int | None, ...]


Single = Map | Fold | Contract | Scatter  #: what computes one array
Statement = Single | Invoke | Loop | Rows


@dataclass(frozen=True)
class Program:
    """Statements in order, what they leave behind, and notes on the forms chosen for accuracy."""

    statements: tuple[Statement, ...]
    results: tuple[str, ...]
    notes: tuple[str, ...] = ()


def names(statements: tuple[Statement, ...]) -> list[str]:
    """Arrays computed, in order."""
    found: list[str] = []
    for s in statements:
        match s:
            case Loop() | Rows():
                found += names(s.body)
            case Invoke():
                found += [ref.tensor for _, ref in s.results]
            case _:
                found.append(s.name)
    return list(dict.fromkeys(found))
