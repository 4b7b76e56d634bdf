"""Gives values of another layer's function a name, where they are needed more than once or can be had all at once."""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.indices import places
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.draft import Draft
from derive.program.rewriting.sums import match


def shared(draft: Draft) -> Draft:
    """The equations with ``f(a[t, 1, n])`` written as ``f_a_1[t, n]`` if it occurs again.

    At several places of one axis, f is taken along the whole of it: ``f_a[t, 1, n]``. A derivative ``f'(a[t, n])`` in
    a recurrence along t needs no earlier step: it gets a name, and is computed for all steps at once.
    """
    if draft.layer.elementwise:
        return draft
    equations, functions, tensors = draft.equations, draft.elementwise, dict(draft.tensors)
    before = read_before_the_first(equations)
    calls = [
        n for e in equations for n in x.walk(e.body)
        if isinstance(n, Op) and n.fn.rstrip("'") in functions and len(n.args) == 1 and isinstance(n.args[0], Ref)
        and all(isinstance(i, Pos | Num) for i in n.args[0].index) and n.args[0].tensor not in before
    ]  # fmt: skip
    steps = steps_of_recurrences(draft.layer)
    made: dict[str, Equation] = {}
    for call in dict.fromkeys(calls):
        whole = along_axis(call, calls, tensors)
        at_once = call.fn.endswith("'") and bool(set(x.free(call)) & steps)
        if whole == call and not at_once and occurrences(call, calls) < 2:
            continue
        argument = whole.args[0]
        assert isinstance(argument, Ref)
        left = tuple(i for i in argument.index if isinstance(i, Pos))
        constants = [str(i.value) for i in argument.index if isinstance(i, Num)]
        name = "_".join([whole.fn.replace("'", "_slope"), argument.tensor, *constants])
        name = x.numbered(name, (o.name for o in draft.layer.options))
        if name not in tensors:
            tensors[name] = Tensor(name, tuple(i.index for i in left))
            made[name] = Equation(name, left, whole)

    def visit(node: Expr) -> Expr | None:
        for equation in made.values() if isinstance(node, Op) and node.fn.rstrip("'") in functions else ():
            at = match(equation.body, node, equation.indices)
            if at is not None:
                return Ref(equation.target, tuple(at[i] for i in equation.indices))
        return None

    known = {e.target: n for n, e in enumerate(equations)}
    out = [m for m in made.values() if x.refs(m.body)[0].tensor not in known]
    for n, e in enumerate(equations):
        out.append(replace(e, body=x.transform(e.body, visit)))
        out += [m for m in made.values() if known.get(x.refs(m.body)[0].tensor) == n]
    return replace(draft, equations=tuple(out), tensors=tensors)


def read_before_the_first(equations: tuple[Equation, ...]) -> set[str]:
    """Tensors of recurrences of whose position -1 a function is taken, as of their first for the step after it."""
    found: set[str] = set()
    for target, place in ((e.target, p) for e in equations for p, i in enumerate(e.left) if i == x.num(-1)):
        for term in (t for e in equations for t in x.terms(e.body)):
            for n in x.walk(term):
                if isinstance(n, Op) and n.args and isinstance(r := n.args[0], Ref) and r.tensor == target:
                    step = x.plain(r.index[place])
                    if step is None or x.ONE in places(term, step):
                        found.add(target)
    return found


def occurrences(call: Op, calls: list[Op]) -> int:
    """How often a function is taken of the same elements."""
    return sum(match(call, other, tuple(x.free(call))) is not None for other in calls)


def along_axis(call: Op, calls: list[Op], tensors: dict[str, Tensor]) -> Op:
    """The call with a constant index replaced by its axis, if there are calls at other places of it."""
    argument = call.args[0]
    assert isinstance(argument, Ref)
    for place, i in enumerate(argument.index):
        if isinstance(i, Num):
            axis = Pos(tensors[argument.tensor].axes[place])
            whole = Ref(argument.tensor, (*argument.index[:place], axis, *argument.index[place + 1 :]))
            places = {
                other.args[0].index[place]
                for other in calls
                if isinstance(other.args[0], Ref) and match(Op(call.fn, (whole,)), other, tuple(x.free(whole)))
            }
            if len(places) > 1:
                return Op(call.fn, (whole,))
    return call


def steps_of_recurrences(layer: Layer) -> set[str]:
    """The axes along which a tensor reaches back to position -1, but for lists, whose entries differ in shape."""
    return {
        layer.tensors[e.target].axes[place]
        for e in layer.equations
        for place, i in enumerate(e.left)
        if isinstance(i, Num) and i.value < 0
    } - {layer.sequence_axis}
