"""Slopes that are infinite where their argument is 0, and what a function is there."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Reduce, Ref

ROOT = Num(Fraction(1, 2))


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


def is_root(e: Expr) -> bool:
    """Whether it is a multiple of a root that is 0 where all arrays in it are."""
    return any(isinstance(f, Op) and f.fn == "pow" and f.args[1] == ROOT and singular(f) for f in x.factors(e))


def divided_by_root(e: Expr, roots: Collection[str]) -> bool:
    """Whether something is divided by such a root, or by a name of one."""
    quotients = (n.args for n in x.walk(e) if isinstance(n, Op) and n.fn == "pow")
    below = ((base, n.value) for base, n in quotients if isinstance(n, Num) and n.value < 0)
    return any(
        base.tensor in roots if isinstance(base, Ref) else n.denominator == 2 and at_zero(base) == x.ZERO
        for base, n in below
    )


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
