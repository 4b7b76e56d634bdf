"""What a row of the table is: letters, the functions that rows are written with, and conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt
from derive.program.rewriting.pattern import Binding

U, V, W = Opt("%u"), Opt("%v"), Opt("%w")
C, D = Opt("%#c"), Opt("%#d")  #: numbers: options, sizes, but no data
BEND = "second slope of logistic"  #: a word for matching alone
HALF, TWO = Num(Fraction(1, 2)), x.num(2)


class Facts(Protocol):
    """What is known of the expressions that letters stand for."""

    def is_positive(self, e: Expr) -> bool:
        """Whether a number is above 0."""

    def is_given(self, e: Expr) -> bool:
        """Whether it is the name of an argument: nothing in the program says what it is."""

    def is_total(self, e: Expr) -> bool:
        """Whether it is the name of a sum of exponentials."""


def always(found: Binding, facts: Facts) -> bool:
    return True


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: what it is called in tests.
        before, after: the pattern, and what stands for it.
        reason: what is lost without it; the kernel and the page say so.
        when: what the letters must be.
        through: whether names are looked through, so that what they stand for is computed again.
        early: whether it comes before every row for a part of what it matches.
    """

    name: str
    before: Expr
    after: Expr
    reason: str
    when: Callable[[Binding, Facts], bool] = always
    through: bool = False
    early: bool = False


def f(word: str, *args: Expr) -> Op:
    return Op(word, args)


def exp(e: Expr) -> Expr:
    return Op("exp", (e,))


def log(e: Expr) -> Expr:
    return Op("log", (e,))


def softplus(e: Expr) -> Expr:
    return Op("runtime softplus", (e,))


def logistic(e: Expr) -> Op:
    return Op("runtime logistic", (e,))


def tanh(e: Expr) -> Op:
    return Op("library tanh", (e,))


def slope(e: Expr, step: int = 1, times: int = 1) -> Op:
    """``times exp(-step |u|) / (1 + exp(-step |u|))**2``: sigmoid's slope; tanh's with 2 and 4."""
    return Op("runtime logistic_slope", (e, x.num(step), x.num(times)) if (step, times) != (1, 1) else (e,))


def squared(e: Expr) -> Expr:
    return x.power(e, TWO)


def positive_number(found: Binding, facts: Facts) -> bool:
    return facts.is_positive(found["%#c"])


def data(found: Binding, facts: Facts) -> bool:
    return isinstance(found["%v"], x.Ref) and facts.is_given(found["%v"])


def exponent(found: Binding, facts: Facts) -> bool:
    return not isinstance(found["%v"], Num)


def in_order(found: Binding, facts: Facts) -> bool:
    return facts.is_positive(x.sub(found["%#c"], found["%#d"]))


def totals(found: Binding, facts: Facts) -> bool:
    return all(facts.is_total(found[n]) for n in ("%v", "%w") if n in found) and (
        "%#c" not in found or positive_number(found, facts)
    )


def sums_below(found: Binding, facts: Facts) -> bool:
    """Sums, of which one at least is more than an exponential: of two there is the logistic function."""
    below = [found[n] for n in ("%v", "%w") if n in found]
    return totals(found, facts) and not all(isinstance(e, x.Op) and e.fn == "exp" for e in below)
