"""Gives values of another layer's function that are needed more than once a name, so that they are computed once."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation, Tensor
from derive.program.stable import match


def shared(
    equations: Iterable[Equation], functions: Container[str], tensors: dict[str, Tensor]
) -> tuple[Equation, ...]:
    """The equations with ``f(a[t, 1, n])`` that occurs again written as ``f_a_1[t, n]``; names are added to tensors.

    Args:
        functions: the names of elementwise layers.
    """
    equations = tuple(equations)
    calls = [n for e in equations for n in x.walk(e.body) if isinstance(n, Op) and n.fn in functions]
    made: dict[Expr, Equation] = {}
    for call in dict.fromkeys(calls):
        argument = call.args[0]
        if (
            sum(match(call, other, tuple(x.free(call))) is not None for other in calls) < 2
            or len(call.args) > 1
            or not isinstance(argument, Ref)
        ):
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

    def visit(node: Expr) -> Expr | None:
        for call, equation in made.items() if isinstance(node, Op) and node.fn in functions else ():
            at = match(call, node, equation.indices)
            if at is not None:
                return Ref(equation.target, tuple(at[i] for i in equation.indices))
        return None

    known = {e.target: n for n, e in enumerate(equations)}
    out: list[Equation] = []
    for n, e in enumerate(equations):
        out.append(replace(e, body=x.transform(e.body, visit)))
        out += [m for m in made.values() if known.get(x.refs(m.body)[0].tensor) == n]
    return tuple(out)
