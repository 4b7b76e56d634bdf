"""A rule of derive.program.stable: the mean square under a root gets its terms and their squares' sum by name.

``v = sum (x - mu)**2 / n``, ``r = (v + c)**(-1/2)``: the difference is computed once, and the sum of squares is a
product of it with itself, which a target has at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation, Tensor

HALF = Fraction(1, 2)


def mean_squares(flat: list[Equation], tensors: dict[str, Tensor], options: Iterable[str]) -> list[Equation]:
    """The equations with every such sum of squares written with names, which are added to tensors."""
    by_name = {e.target: e for e in flat if len(e.indices) == len(e.left)}
    for root in list(flat):
        total = squares_under(root, by_name)
        if total is None:
            continue
        assert isinstance(total.body, Reduce)
        assert isinstance(total.body.body, Op)
        inside = total.body.body.args[0]
        if not isinstance(inside, Ref):
            name = x.numbered(f"centered_{x.refs(inside)[0].tensor}", options)
            if name in tensors:
                continue
            axes = tuple(x.free(inside))
            order = next(r.index for r in x.refs(inside) if len(r.index) == len(axes))
            tensors[name] = Tensor(name, tuple(x.plain(i) or "" for i in order))
            made = Equation(name, order, inside)
            flat = [replace(e, body=with_name(e.body, inside, made.lhs)) for e in flat]
            flat.insert(next(n for n, e in enumerate(flat) if e.target == total.target), made)
            inside = made.lhs
        named = replace(total, body=Reduce("square_sum", total.body.over, inside))
        flat = [named if e.target == total.target else e for e in flat]
    return flat


def with_name(e: Expr, inside: Expr, name: Ref) -> Expr:
    """An expression with one part of it written by its name."""
    return x.transform(e, lambda n: name if n == inside else None)


def squares_under(root: Equation, by_name: dict[str, Equation]) -> Equation | None:
    """The sum of squares in ``(sum/number + constant)**(-1/2)``."""
    match root.body:
        case Op("pow", (Op("add", (*terms,)), Num(value))) if value == -HALF and len(terms) == 2:
            pass
        case _:
            return None
    for mean, constant in (terms, terms[::-1]):
        if x.free(constant) or x.tensors(constant):
            continue
        if isinstance(mean, Ref) and mean.tensor in by_name and mean.index == by_name[mean.tensor].left:
            mean = by_name[mean.tensor].body
        sums = [f for f in x.factors(mean) if isinstance(f, Ref)]
        if len(sums) != 1 or sums[0].tensor not in by_name:
            continue
        total = by_name[sums[0].tensor]
        match total.body:
            case Reduce("sum", _, Op("pow", (_, Num(two)))) if two == 2 and total.left == sums[0].index == root.left:
                return total if all(isinstance(i, Pos) for i in total.left) else None
    return None
