"""Index expressions that are sums of indices, each times a number."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Pos, Size


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


def from_end(e: Expr) -> tuple[str, str, int] | None:
    """``size(t) - t - 1`` as the axis whose size it is, the index and the number; None for anything else."""
    names, sizes = x.free(e), [n for n in x.terms(e) if isinstance(n, Size)]
    if len(names) == len(sizes) == 1:
        match affine(x.add(*(n for n in x.terms(e) if n is not sizes[0])), names[0]):
            case Num(n), Num(rest) if n == -1:
                return sizes[0].axis, names[0], int(rest)
    return None
