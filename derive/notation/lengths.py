"""Lengths of axes: sums of sizes, options and numbers, and what two of them being equal says of an axis."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Size
from derive.notation.recurrences.places import collected


def expanded(e: Expr) -> Expr:
    """A length as a sum of products, each once: ``(size(p) + 2 - (size(k) - 1)) // 1`` is ``size(p) - size(k) + 3``."""
    match e:
        case Op("add", args):
            return collected(x.add(*map(expanded, args)))
        case Op("mul", args):
            products: list[Expr] = [x.ONE]
            for factor in map(expanded, args):
                products = [x.mul(p, term) for p in products for term in x.terms(factor)]
            return collected(x.add(*products))
        case Op("floordiv", (a, Num(value))) if value == 1:
            return expanded(a)
    return x.rebuild(e, expanded)


def made_equal(a: Expr, b: Expr, axes: Iterable[str]) -> tuple[str, Expr] | None:
    """The first of some axes whose length follows from two lengths being equal, and that length.

    ``size(p) - size(k) + 3`` is ``size(p)`` where ``k`` is 3 long.
    """
    terms = [apart(t) for t in x.terms(expanded(x.sub(a, b)))]
    for axis in axes:
        count = sum((n for n, rest in terms if rest == Size(axis)), Fraction(0))
        others = [(n, rest) for n, rest in terms if rest != Size(axis)]
        if count and not any(Size(axis) in x.walk(rest) for _, rest in others):
            numbers = [-n / count for n, _ in others]
            if all(n.denominator == 1 for n in numbers):
                return axis, x.add(*(x.mul(Num(n), rest) for n, (_, rest) in zip(numbers, others, strict=True)))
    return None


def apart(term: Expr) -> tuple[Fraction, Expr]:
    """A term as a number times the rest."""
    match term:
        case Num(value):
            return value, x.ONE
        case Op("mul", (Num(value), *rest)):
            return value, x.mul(*rest)
    return Fraction(1), term
