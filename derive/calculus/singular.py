"""Slopes that are infinite where their argument is 0, and what a function is there."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Reduce, Ref


def singular(e: Expr) -> bool:
    """Whether an expression is infinite, or no number, where every array in it is zero."""
    match e:
        case Op("pow", (base, Num(value))) if value >= 0 and value.denominator == 1:
            return False
        case Op("pow" | "log", (base, *_)):
            return bool(x.refs(base)) and at_zero(base) == x.ZERO
        case Op("xlogy" | "xdivy", (_, b)):
            return bool(x.refs(b)) and at_zero(b) == x.ZERO
    return False


def at_zero(e: Expr) -> Expr:
    """An expression where every array in it is zero."""
    match e:
        case Ref():
            return x.ZERO
        case Reduce(op, over, body):
            inner = at_zero(body)
            return inner if inner == x.ZERO else Reduce(op, over, inner)
        case Op("add", args):
            return x.add(*map(at_zero, args))
        case Op("mul", args):
            return x.mul(*map(at_zero, args))
        case Op("pow" | "abs" as fn, (base, *rest)):
            inner = at_zero(base)
            return inner if inner == x.ZERO else Op(fn, (inner, *rest))
    return e
