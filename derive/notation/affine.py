"""Index expressions that are sums of indices, each times a number."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Expr, Pos


def affine(e: Expr, index: str) -> tuple[Expr, Expr] | None:
    """``stride * i + k`` as the coefficient of one index and the rest; None where it is not affine in the index."""
    coefficient, rest = [], []
    for term in x.terms(e):
        parts = x.factors(term)
        if Pos(index) in parts:
            coefficient.append(x.mul(*(p for p in parts if p != Pos(index))))
        elif index in x.free(term):
            return None
        else:
            rest.append(term)
    return x.add(*coefficient), x.add(*rest)
