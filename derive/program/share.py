"""Gives values of another layer's function that are needed more than once a name, so that they are computed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation, Tensor


def shared(
    equations: Iterable[Equation], functions: Container[str], tensors: dict[str, Tensor]
) -> tuple[Equation, ...]:
    """The equations with ``f(a[t, 1, n])`` that occurs again written as ``f_a_1[t, n]``; names are added to tensors.

    Args:
        functions: the names of elementwise layers.
    """
    equations = tuple(equations)
    calls = Counter(n for e in equations for n in x.walk(e.body) if isinstance(n, Op) and n.fn in functions)
    made: dict[Expr, Equation] = {}
    for call, count in calls.items():
        argument = call.args[0]
        if count < 2 or len(call.args) > 1 or not isinstance(argument, Ref):
            continue
        if not all(isinstance(i, Pos | Num) for i in argument.index):
            continue
        left = tuple(i for i in argument.index if isinstance(i, Pos))
        constants = [str(i.value) for i in argument.index if isinstance(i, Num)]
        name = "_".join([call.fn, argument.tensor, *constants])
        if name in tensors:
            continue
        tensors[name] = Tensor(name, tuple(i.index for i in left))
        made[call] = Equation(name, left, call)
    if not made:
        return equations
    known = {e.target: n for n, e in enumerate(equations)}
    out: list[Equation] = []
    for n, e in enumerate(equations):
        out.append(replace(e, body=x.transform(e.body, lambda node: made[node].lhs if node in made else None)))
        out += [m for m in made.values() if isinstance(m.body, Op) and known.get(m.body.args[0].tensor) == n]  # type: ignore[attr-defined]
    return tuple(out)
