"""The price by which equal forms are compared: operations, each counted once per element it runs over.

Every axis counts as SIDE positions, so that fewer passes over the largest arrays always win; what is equal in
passes is decided by small terms. Prices are whole numbers of the smallest term: equal is equal, whatever the order of
adding.
"""

from __future__ import annotations

from functools import lru_cache

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.text import show

SIDE = 32
SYMBOL, OPERATION = 1, 1000
FUNCTION, DIVISION = 8, 2
AWKWARD = OPERATION * SIDE**8  # a second name for all leading axes: an equation of its own reads better
MINUS = x.num(-1)  # a sign: x - y is one operation


def positions(axes: int) -> int:
    """One operation at every position of some axes."""
    return int(OPERATION * SIDE**axes)


@lru_cache(maxsize=100_000)
def price(e: Expr) -> int:
    """Operations at SIDE positions per axis, plus SYMBOL for each symbol a reader sees."""
    match e:
        case Num() | Opt() | Size() | Pos():
            return SYMBOL
        case Ref(_, index):
            return SYMBOL + SYMBOL * sum(0 if isinstance(i, Pos) else 1 for i in index)
        case Op("pow", (base, Num(q))):
            own = DIVISION if q == -1 else (1 if q == 2 else FUNCTION)
            return price(base) + own * positions(len(x.free(e)))
        case Op("add" | "mul", args):
            ranked = sorted((set(x.free(a)) for a in args if a != MINUS), key=len)
            own, reached = 0, ranked[0]
            for other in ranked[1:]:
                reached = reached | other
                own += positions(len(reached))
            return sum(map(price, args)) + own
        case Op("where", (c, a, b)) if not x.free(c):
            return max(price(a), price(b)) + SYMBOL
        case Op("where", (_, a, b)):
            return price(a) + price(b) + 2 * positions(len(x.free(e)))
        case Op("iverson", _):
            return SYMBOL + positions(len(x.free(e)))
        case Op(_, args):
            return sum(map(price, args)) + FUNCTION * positions(len(x.free(e)))
        case Reduce(_, over, body):
            if any(i != ELLIPSIS and i.startswith(ELLIPSIS) for i in over):
                return AWKWARD + price(body)
            constant = sum(1 for f in x.factors(body) if not set(x.free(f)) & set(over))
            return price(body) + positions(len(set(x.free(body)) | set(over))) + SYMBOL * (len(over) + constant)
    raise TypeError(show(e))
