"""Gives a root of a layer's inputs a name, where it is needed more than once: forward keeps it for backward."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation, Tensor
from derive.program.draft import Draft

HALVES = (Fraction(1, 2), Fraction(-1, 2))


def shared_roots(draft: Draft) -> Draft:
    """The equations with ``sqrt(v[c] + epsilon)`` written as ``root_v[c]``."""
    equations = draft.equations
    given = {t.name for t in draft.layer.inputs}
    count = Counter(r for e in equations for n in x.walk(e.body) if (r := radicand(n)) is not None)
    cases = [n for e in equations for n in x.walk(e.body) if isinstance(n, Op) and n.fn == "where"]
    in_cases = {radicand(n) for case in cases for side in case.args[1:] for n in x.walk(side)}
    tensors, made = dict(draft.tensors), dict[Expr, Equation]()
    for inside, times in count.items():
        reads = x.tensors(inside)
        if times > 1 and inside not in in_cases and len(reads) == 1 and set(reads) <= given and x.free(inside):
            name = x.numbered(f"root_{reads[0]}", draft.taken | tensors.keys())
            tensors[name] = Tensor(name, tuple(x.free(inside)))
            made[inside] = Equation(name, tuple(map(Pos, x.free(inside))), x.sqrt(inside))

    def visit(e: Expr) -> Expr | None:
        inside = radicand(e)
        if inside not in made or not isinstance(e, Op):
            return None
        root = made[inside].lhs
        return root if e.args[1] == Num(HALVES[0]) else x.div(x.ONE, root)

    named = (replace(e, body=x.transform(e.body, visit)) for e in equations)
    kept = (*draft.kept, *(e.target for e in made.values()))
    return replace(draft, equations=(*made.values(), *named), tensors=tensors, kept=kept)


def radicand(e: Expr) -> Expr | None:
    """What a square root is taken of, or one over it; terms in an order of their own."""
    match e:
        case Op("pow", (inside, Num(exponent))) if exponent in HALVES:
            return x.transform(inside, lambda n: in_order(n) if isinstance(n, Op) and n.fn == "add" else None)
    return None


def in_order(e: Op) -> Op:
    return replace(e, args=tuple(sorted(e.args, key=lambda a: (not isinstance(a, Ref), repr(a)))))
