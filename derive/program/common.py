"""When two expressions are the same: up to the names of their indices and the order of factors and terms."""

from __future__ import annotations

from collections.abc import Callable

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Part, Pos, Reduce

COMMUTE = ("add", "mul", "max", "and", "or")


def canonical(e: Expr, axis: Callable[[str], str]) -> tuple[Expr, tuple[str, ...]]:
    """A form that expressions share only where they are the same, and the free indices in that form's order.

    Args:
        axis: the axis that an index runs along: indices of different axes are different ones.
    """
    blank = ordered(e, lambda n: repr(x.transform(n, lambda i: Pos("") if isinstance(i, Pos) else None)))
    names: dict[str, str] = {}
    for node in x.walk(blank):
        for i in (node.index,) if isinstance(node, Pos) else node.over if isinstance(node, Reduce | Part) else ():
            names.setdefault(i, f"%{len(names)} {axis(i)}")
    free = set(x.free(blank))
    return ordered(called(blank, names), repr), tuple(i for i in names if i in free)


def ordered(e: Expr, key: Callable[[Expr], str]) -> Expr:
    """An expression in which the order of terms and factors says nothing."""
    e = x.rebuild(e, lambda child: ordered(child, key))
    return Op(e.fn, tuple(sorted(e.args, key=key))) if isinstance(e, Op) and e.fn in COMMUTE else e


def called(e: Expr, names: dict[str, str]) -> Expr:
    """An expression with other names for its indices, the bound ones too."""
    match e:
        case Pos(index):
            return Pos(names[index])
        case Reduce(op, over, body):
            return Reduce(op, tuple(sorted(names[i] for i in over)), called(body, names))
    return x.rebuild(e, lambda child: called(child, names))
