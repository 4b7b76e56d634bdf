"""Gives a root of a layer's inputs a name, where it is needed more than once: forward keeps it for backward."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation, Layer

Equations = tuple[Equation, ...]
HALVES = (Fraction(1, 2), Fraction(-1, 2))


def shared_roots(layer: Layer, own: Equations, back: Equations) -> tuple[Equations, Equations]:
    """The equations of forward and backward with ``sqrt(v[c] + epsilon)`` written as ``root_v[c]``."""
    given = {t.name for t in layer.inputs}
    count = Counter(r for e in (*own, *back) for n in x.walk(e.body) if (r := radicand(n)) is not None)
    cases = [n for e in (*own, *back) for n in x.walk(e.body) if isinstance(n, Op) and n.fn == "where"]
    in_cases = {radicand(n) for case in cases for side in case.args[1:] for n in x.walk(side)}
    made: dict[Expr, Equation] = {}
    for inside, times in count.items():
        reads = x.tensors(inside)
        if times > 1 and inside not in in_cases and len(reads) == 1 and set(reads) <= given and x.free(inside):
            left = tuple(map(Pos, x.free(inside)))
            made[inside] = Equation(f"root_{reads[0]}", left, x.sqrt(inside))

    def visit(e: Expr) -> Expr | None:
        inside = radicand(e)
        if inside not in made or not isinstance(e, Op):
            return None
        root = made[inside].lhs
        return root if e.args[1] == Num(HALVES[0]) else x.div(x.ONE, root)

    def named(equations: Equations) -> Equations:
        return tuple(replace(e, body=x.transform(e.body, visit)) for e in equations)

    return (*made.values(), *named(own)), named(back)


def radicand(e: Expr) -> Expr | None:
    """What a square root is taken of, or one over it; terms in an order of their own."""
    match e:
        case Op("pow", (inside, Num(exponent))) if exponent in HALVES:
            return x.transform(inside, lambda n: in_order(n) if isinstance(n, Op) and n.fn == "add" else None)
    return None


def in_order(e: Op) -> Op:
    return replace(e, args=tuple(sorted(e.args, key=lambda a: (not isinstance(a, Ref), repr(a)))))
