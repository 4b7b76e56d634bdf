"""Monomials and sums of them as dictionaries: products of powers of atoms, with what conditions say of one another."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from sympy import factorint

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.functions import sign_of
from derive.notation.text import show

Mono = tuple[tuple[Expr, Fraction], ...]
Poly = dict[Mono, Fraction]
ONE = Fraction(1)


@lru_cache(maxsize=20_000)
def text(e: Expr) -> str:
    """What atoms are sorted by."""
    return show(e)


def is_sum(e: Expr) -> bool:
    return isinstance(e, Reduce) and e.op == "sum"


def is_condition(e: Expr) -> bool:
    return isinstance(e, Op) and e.fn == "iverson"


def condition_of(e: Expr) -> Expr:
    assert isinstance(e, Op)
    return e.args[0]


def negated(condition: Expr) -> Expr:
    return condition.args[0] if isinstance(condition, Op) and condition.fn == "not" else Op("not", (condition,))


def plus(*polys: Poly) -> Poly:
    """The sum, without terms that cancel."""
    out: Poly = {}
    for poly in polys:
        for mono, c in poly.items():
            out[mono] = out.get(mono, Fraction(0)) + c
    return {m: c for m, c in out.items() if c}


def scaled(poly: Poly, c: Fraction) -> Poly:
    return {m: k * c for m, k in poly.items()} if c else {}


def integer_root(base: Fraction, q: Fraction) -> tuple[Fraction, list[tuple[Expr, Fraction]]]:
    """A positive number to a power: a rational times powers of primes with exponents in (0, 1)."""
    coefficient = ONE
    pairs: list[tuple[Expr, Fraction]] = []
    for whole, exponent in ((base.numerator, q), (base.denominator, -q)):
        for prime, times in factorint(whole).items():
            q = exponent * times
            floor = q.numerator // q.denominator
            coefficient *= Fraction(prime) ** floor
            if q != floor:
                pairs.append((x.num(prime), q - floor))
    return coefficient, pairs


def with_index(atom: Expr, found: Expr, put: Expr) -> Expr:
    """Replace an index expression wherever it stands as an index."""

    def visit(e: Expr) -> Expr | None:
        if isinstance(e, Ref) and found in e.index:
            return Ref(e.tensor, tuple(put if i == found else i for i in e.index))
        return None

    return x.transform(atom, visit)


def named_index(condition: Expr) -> tuple[Expr, str] | None:
    """``t[...]`` and ``i`` where an atom is ``[t[...] == i]``."""
    match condition:
        case Op("iverson", (Op("==", (Ref() as e, Pos(i))),)) | Op("iverson", (Op("==", (Pos(i), Ref() as e)),)):
            return e, i
    return None


def product(pairs: Iterable[tuple[Expr, Fraction]]) -> tuple[Fraction, Mono]:
    """Multiply atoms: exponents add up, conditions are their own squares, contradictions give 0, u sign(u) is |u|."""
    exponents: dict[Expr, Fraction] = {}
    coefficient = ONE
    for atom, q in pairs:
        if is_condition(atom):
            exponents[atom] = ONE
        elif isinstance(atom, Num) and q.denominator == 1:
            coefficient *= atom.value**q.numerator
        else:
            exponents[atom] = exponents.get(atom, Fraction(0)) + q
    for a, u in [(a, u) for a in exponents if (u := sign_of(a)) is not None]:
        if exponents[a] >= 1 and exponents.get(u, Fraction(0)) >= 1:
            exponents[a], exponents[u] = exponents[a] - 1, exponents[u] - 1
            size = Op("abs", (u,))
            exponents[size] = exponents.get(size, Fraction(0)) + 1
    conditions = [a for a in exponents if is_condition(a)]
    for a in conditions:
        assert isinstance(a, Op)
        if Op("iverson", (negated(a.args[0]),)) in exponents:
            return Fraction(0), ()
        known = named_index(a)
        if known is not None:
            e, i = known
            moved = [(b if b == a else with_index(b, e, Pos(i)), q) for b, q in exponents.items()]
            if moved != list(exponents.items()):
                c, mono = product(moved)
                return coefficient * c, mono
    for atom, q in [(a, q) for a, q in exponents.items() if isinstance(a, Num)]:
        del exponents[atom]
        assert isinstance(atom, Num)
        c, roots = integer_root(atom.value, q)
        coefficient *= c
        exponents.update(roots)
    return coefficient, tuple(sorted(((a, q) for a, q in exponents.items() if q), key=lambda p: text(p[0])))
