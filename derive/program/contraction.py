"""Sums of products of two arrays: which of them a matrix product is."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Expr


def pair(arrays: list[Expr], axes: tuple[str, ...], over: tuple[str, ...]) -> tuple[Expr, Expr] | None:
    """Split a product into two factors that each have an index the other lacks, if it is a matrix product."""
    arrays = sorted(arrays, key=lambda p: -len(x.free(p)))
    if len(arrays) < 2:
        return None
    seed = arrays[0]
    for other in arrays[1:]:
        mine, theirs = set(x.free(seed)), set(x.free(other))
        alone = mine ^ theirs
        if theirs - mine and mine - theirs and mine & theirs & set(over) and not alone & set(over):
            a, b = [seed], [other]
            for rest in arrays:
                if rest is seed or rest is other:
                    continue
                if set(x.free(rest)) <= theirs:
                    b.append(rest)
                elif set(x.free(rest)) <= mine:
                    a.append(rest)
                else:
                    return None
            both = set(x.free(x.mul(*a))) & set(x.free(x.mul(*b)))
            return (x.mul(*a), x.mul(*b)) if set(over) <= both else None
    return None
