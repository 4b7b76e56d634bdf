"""Programs as text, in the syntax that definitions are written in: for people, and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.notation import expr as x
from derive.notation.expr import Part, Ref
from derive.notation.layer import Equation
from derive.notation.text import show, show_equation
from derive.program.draft import Draft
from derive.program.ir import Both, Contract, Fold, Function, Invoke, Loop, Make, Map, Rows, Scatter, Statement


def lines_of(draft: Draft) -> list[str]:
    """A draft as it stands between two passes: equations, those of each function, or statements."""
    if any(f.statements for f in draft.functions):
        return [
            line for f in draft.functions for line in (f"{f.name}:", *indented([*statements(f.statements), *ends(f)]))
        ]
    if draft.own:
        functions = zip(draft.functions, draft.own, strict=True)
        return [line for f, own in functions for line in (f"{f.name}:", *indented(map(equation, own)))]
    return [equation(e) for e in draft.equations]


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def ends(f: Function) -> Iterator[str]:
    """What is to be done when the statements have run."""
    return (f"{of} is 0 where {' or '.join(axes)} is empty" for of, axes in f.zeros)


def equation(e: Equation) -> str:
    if isinstance(e.body, Part):
        return f"{show(e.lhs)} = {call(e.body)}.{e.body.field}"
    return show_equation(e)


def call(e: Part) -> str:
    """``linear.forward(x, W, b)``."""
    groups = [", ".join(show(a) for _, a in group) for group in e.groups]
    return f"{e.layer}.{e.function}({'; '.join(groups)})"


def statements(every: Iterable[Statement]) -> Iterator[str]:
    """One line for each statement, those of loops indented."""
    for s in every:
        match s:
            case Loop(axis=axis, backwards=backwards, body=body):
                yield f"for {axis}{' backwards' if backwards else ''}:"
                yield from indented(statements(body))
            case Rows(axis=axis, body=body, results=results):
                yield f"some {axis} at a time, for {', '.join(results)}:"
                yield from indented(statements(body))
            case Invoke(call=part, results=results):
                yield f"{', '.join(f'{show(ref)}: {field}' for field, ref in results)} = {call(part)}"
            case Make(name, fill):
                yield f"{name} is made, with {fill} in it"
            case Both(first, second):
                yield from (
                    f"{line}{mark}"
                    for s, mark in ((first, ""), (second, " (found with it)"))
                    for line in statements([s])
                )
            case Map(body=body, like=like):
                yield f"{place(s.name, s.left)} = {show(body)}" + f" (in memory like {like})" * bool(like)
            case Fold(op=op, over=over, body=body, there=there):
                yield f"{place(s.name, s.left)} = {op}({', '.join(over)}: {show(body)}){where(there)}{by(s)}"
            case Contract(over=over, a=a, b=b, scale=scale, there=there):
                product = f"product({', '.join(over)}: {show(a)}, {show(b)}){where(there)}"
                yield f"{place(s.name, s.left)} = {'' if scale == x.ONE else show(scale) + ' * '}{product}{by(s)}"
            case Scatter(axis=axis, index=index, values=values):
                yield f"{place(s.name, s.left)} += {show(values)} at {axis} = {show(index)}"


def place(name: str, left: tuple[x.Expr, ...]) -> str:
    return show(Ref(name, left))


def where(conditions: tuple[x.Expr, ...]) -> str:
    return f" where {' and '.join(map(show, conditions))}" if conditions else ""


def by(s: Fold | Contract) -> str:
    """What a reduction is divided by, and whether it is computed where it is read."""
    count = f" over {show(s.count)}" if isinstance(s, Fold) and s.op == "mean" else ""
    return count + " (read next)" * s.inline
