"""A rule of derive.program.stable: the inverse root of a mean square whose squares may overflow.

``q = sum e**2``, ``v = q / n``, ``r = 1 / sqrt(v + c)`` has a finite r where q is infinite: at scale 1e30 in float32.
e gets a name of its own, and r is computed from q where that is finite, else from e scaled by a power of two.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation, Tensor


def inverse_roots(flat: list[Equation], tensors: dict[str, Tensor]) -> list[Equation] | None:
    """The equations with every such inverse root rewritten; None where there is none. Names are added to tensors."""
    by_name = {e.target: e for e in flat if len(e.indices) == len(e.left)}
    changed = False
    for root in list(flat):
        found = parts(root, by_name)
        if found is None:
            continue
        total, count, constant = found
        assert isinstance(total.body, Reduce)
        assert isinstance(total.body.body, Op)
        inside, over = total.body.body.args[0], total.body.over
        axes = tuple(i for i in x.free(inside))
        if not isinstance(inside, Ref):
            name = f"centered_{x.refs(inside)[0].tensor}"
            if name in tensors:
                continue
            order = next(r.index for r in x.refs(inside) if len(r.index) == len(axes))
            tensors[name] = Tensor(name, tuple(x.plain(i) or "" for i in order))
            made = Equation(name, order, inside)
            flat = [replace(e, body=with_name(e.body, inside, made.lhs)) for e in flat]
            flat.insert(next(n for n, e in enumerate(flat) if e.target == total.target), made)
            inside = made.lhs
        squares = Equation(total.target, total.left, Reduce("square_sum", over, inside))
        rest = Reduce("inverse_root", over, Op("of", (inside, squares.lhs, count, constant)))
        put = {squares.target: squares, root.target: Equation(root.target, root.left, rest)}
        flat = [put.get(e.target, e) for e in flat]
        changed = True
    return flat if changed else None


def with_name(e: Expr, inside: Expr, name: Ref) -> Expr:
    """An expression with one part of it written by its name."""
    return x.transform(e, lambda n: name if n == inside else None)


def parts(root: Equation, by_name: dict[str, Equation]) -> tuple[Equation, Expr, Expr] | None:
    """Sum of squares, number and constant of ``(sum/number + constant)**(-1/2)``."""
    match root.body:
        case Op("pow", (Op("add", (*terms,)), Num(value))) if value == Fraction(-1, 2) and len(terms) == 2:
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
                below = [f.args[0] for f in x.factors(mean) if isinstance(f, Op) and f.args[1:] == (x.num(-1),)]
                if len(below) == len(x.factors(mean)) - 1 and all(isinstance(i, Pos) for i in total.left):
                    return total, x.mul(*below), constant
    return None
