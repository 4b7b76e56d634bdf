"""Terms of sums as a numeral and factors, and factors taken out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import permutations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation

LARGE = 3  # more indices under one sum than this are not compared in every order
Term = tuple[Num, list[Expr]]  # a numeral and the other factors


def place_of(e: Equation, index: str) -> int | None:
    return next((n for n, i in enumerate(e.left) if x.plain(i) == index), None)


def permuted(pair: tuple[Expr, ...]) -> tuple[tuple[Expr, ...], ...]:
    return pair, pair[::-1]


def split(term: Expr) -> Term:
    """A term's numeral, and its other factors."""
    factors = list(x.factors(term))
    numbers = [f for f in factors if isinstance(f, Num)]
    return (numbers[0] if numbers else x.ONE), [f for f in factors if not isinstance(f, Num)]


def references(factors: list[Expr]) -> Iterator[tuple[Ref, list[Expr]]]:
    """Each reference among factors, and the others."""
    for n, f in enumerate(factors):
        if isinstance(f, Ref):
            yield f, factors[:n] + factors[n + 1 :]


def same(one: tuple[tuple[str, ...], Counter[Expr]], other: tuple[tuple[str, ...], Counter[Expr]]) -> bool:
    """Whether two sums of products are the same, but for the names of what they run over."""
    (over, factors), (others, wanted) = one, other
    if len(over) != len(others) or len(over) > LARGE or sum(factors.values()) != sum(wanted.values()):
        return False
    return any(
        Counter(x.rename(f, dict(zip(over, map(Pos, p), strict=True))) for f in factors.elements()) == wanted
        for p in permutations(others)
    )


def split_minus(e: Expr) -> tuple[bool, Expr]:
    """Whether a term is a product with -1, and the rest."""
    if isinstance(e, Op) and e.fn == "mul" and e.args[0] == x.num(-1):
        return True, x.mul(*e.args[1:])
    return False, e
