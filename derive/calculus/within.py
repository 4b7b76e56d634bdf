"""Comparisons of positions that always hold: windows that fit lie inside their array.

``stride * i + k < size(p)`` holds for every ``i`` and ``k`` of windows that fit: their largest are
``(size(p) - window) // stride`` and ``window - 1``, and ``stride * (a // stride) <= a``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Size
from derive.notation.layer import Layer

#: A polynomial: the factors of each term in the order of their text, and its number.
Terms = dict[tuple[Expr, ...], Fraction]
WHOLE = ("Count", "Natural")


@dataclass(frozen=True)
class Within:
    """What holds of positions in a layer, wherever its indices run."""

    layer: Layer

    def always(self, e: Expr) -> bool:
        """Whether a comparison of whole numbers surely holds."""
        match e:
            case Op("<=" | "<", (a, b)) | Op(">=" | ">", (b, a)):
                return self.never_negative(x.sub(b, a) if e.fn in ("<=", ">=") else x.add(b, x.neg(a), x.num(-1)))
        return False

    def never_negative(self, e: Expr) -> bool:
        """Whether an expression of positions, lengths and whole options is at least 0."""
        terms = self.least(expanded(self.written(e)))
        return terms is not None and all(n >= 0 and all(map(self.counts, factors)) for factors, n in terms.items())

    def least(self, terms: Terms) -> Terms | None:
        """What a polynomial is at least, without indices and floors; None where that is not seen."""
        while index := next((f for factors in terms for f in factors if isinstance(f, Pos)), None):
            of, rest = coefficient(terms, index)
            if not all(self.counts(f) for factors in of for f in factors) or len({n > 0 for n in of.values()}) > 1:
                return None
            largest = expanded(self.written(x.add(Size(self.layer.axis(index.index)), x.num(-1))))
            terms = plus(rest, {} if all(n > 0 for n in of.values()) else times(of, largest))
        for factors, n in list(terms.items()):
            for f in factors:
                if isinstance(f, Op) and f.fn == "floordiv" and n < 0 and f.args[1] in factors:
                    others = tuple(g for g in factors if g not in (f, f.args[1]))
                    if len(others) + 2 == len(factors) and self.least_is_one(f.args[1]):
                        left = {k: v for k, v in terms.items() if k != factors}
                        return self.least(plus(left, times({others: n}, expanded(f.args[0]))))
        return terms

    def written(self, e: Expr) -> Expr:
        """With every length that is computed written out, and a division by 1 left out."""

        def visit(n: Expr) -> Expr | None:
            match n:
                case Size(axis) if (length := self.layer.sizes.get(self.layer.axis(axis))) is not None:
                    return self.written(length)
                case Op("floordiv", (a, Num(value))) if value == 1:
                    return self.written(a)
            return None

        return x.transform(e, visit)

    def counts(self, e: Expr) -> bool:
        """Whether a factor is never negative."""
        return isinstance(e, Size) or (isinstance(e, Opt) and self.kind(e) in WHOLE)

    def least_is_one(self, e: Expr) -> bool:
        return isinstance(e, Opt) and self.kind(e) == "Count"

    def kind(self, e: Opt) -> str:
        return next((o.kind for o in self.layer.options if o.name == e.name), "")


def expanded(e: Expr) -> Terms:
    """An expression multiplied out."""
    match e:
        case Num(value):
            return {(): value} if value else {}
        case Op("add", args):
            found: Terms = {}
            for a in args:
                found = plus(found, expanded(a))
            return found
        case Op("mul", args):
            found = {(): Fraction(1)}
            for a in args:
                found = times(found, expanded(a))
            return found
    return {(e,): Fraction(1)}


def plus(a: Terms, b: Terms) -> Terms:
    found = {factors: a.get(factors, Fraction(0)) + b.get(factors, Fraction(0)) for factors in [*a, *b]}
    return {factors: n for factors, n in found.items() if n}


def times(a: Terms, b: Terms) -> Terms:
    found: Terms = {}
    for f, n in a.items():
        for g, m in b.items():
            found = plus(found, {tuple(sorted(f + g, key=repr)): n * m})
    return found


def coefficient(terms: Terms, index: Pos) -> tuple[Terms, Terms]:
    """What one index is multiplied by, and the terms without it; of its square it is multiplied by itself."""
    of: Terms = {}
    for factors, n in terms.items():
        if index in factors:
            at = factors.index(index)
            of[factors[:at] + factors[at + 1 :]] = n
    return of, {factors: n for factors, n in terms.items() if index not in factors}
