"""Sums of products of two arrays: which of them a matrix product is."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Expr, Ref


def pair(arrays: list[Expr], axes: tuple[str, ...], over: tuple[str, ...]) -> tuple[Expr, Expr] | None:
    """Split a product into two factors that share what is summed, if it is a product of matrices or with a vector.

    Each has an index that the other lacks, or at least one of them.
    """
    arrays = sorted(arrays, key=lambda p: -len(x.free(p)))
    if len(arrays) < 2:
        return None
    seed = arrays[0]
    mine = set(x.free(seed))
    for other in arrays[1:]:
        theirs = set(x.free(other))
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
                elif any(inner(arrays, over)):
                    return None
                else:
                    b.append(rest)  # in every array stands what is summed over: two are multiplied before
            both = set(x.free(x.mul(*a))) & set(x.free(x.mul(*b)))
            return (x.mul(*a), x.mul(*b)) if set(over) <= both else None
    vector = set(x.free(x.mul(*arrays[1:])))
    return (seed, x.mul(*arrays[1:])) if set(over) <= vector < mine and plain(seed) else None


def inner(arrays: list[Expr], over: tuple[str, ...]) -> tuple[list[Expr], tuple[str, ...]]:
    """Of three arrays or more, two that alone have indices which are summed over, and these; the smallest product."""
    found: list[tuple[int, list[Expr], tuple[str, ...]]] = []
    for i in over if len(arrays) > 2 else ():
        own = [f for f in arrays if i in x.free(f)]
        others = {j for f in arrays if f not in own for j in x.free(f)}
        summed = tuple(j for j in over if j in x.free(x.mul(*own)) and j not in others)
        if len(own) == 2 and all({*summed} <= {*x.free(f)} for f in own):
            found.append((len({*x.free(x.mul(*own))} - {*summed}), own, summed))
    return min(found, key=lambda f: f[0], default=(0, [], ()))[1:]


def alone(arrays: list[Expr], over: tuple[str, ...]) -> tuple[list[Expr], tuple[str, ...]]:
    """Those that alone have indices which are summed over, and these, where the others have indices that they lack:
    multiplied by them first, it would be an array over both."""
    for i in over:
        own = [f for f in arrays if i in x.free(f)]
        others = {j for f in arrays if f not in own for j in x.free(f)}
        theirs = {*x.free(x.mul(*own))}
        if others - theirs:
            return own, tuple(j for j in over if j in theirs - others)
    return [], ()


def plain(e: Expr) -> bool:
    """Whether an expression is an array as it is."""
    return isinstance(e, Ref)
