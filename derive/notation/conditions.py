"""What is left of conditions and cases once some of them are known to hold or not."""

from __future__ import annotations

import operator

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op

COMPARED = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def decided(e: Expr) -> Expr:
    """A condition, or an expression with cases, in which numbers stand for what is known to hold (1) or not (0).

    Two numbers compared are known, too.
    """
    e = x.rebuild(e, decided)
    match e:
        case Op(fn, (Num(a), Num(b))) if fn in COMPARED:
            return x.ONE if COMPARED[fn](a, b) else x.ZERO
        case Op("not", (Num(value),)):
            return x.ZERO if value else x.ONE
        case Op("and" | "or" as fn, args):
            decisive = x.ONE if fn == "or" else x.ZERO
            open_ = tuple(a for a in args if not isinstance(a, Num))
            if decisive in args:
                return decisive
            return open_[0] if len(open_) == 1 else Op(fn, open_) if open_ else x.ONE if fn == "and" else x.ZERO
        case Op("where", (Num(value), a, b)):
            return a if value else b
        case Op("iverson", (Num(value),)):
            return x.ONE if value else x.ZERO
    return e
