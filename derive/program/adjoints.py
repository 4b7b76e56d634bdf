"""Recurrences of adjoints: each position adds to its neighbour instead of reading it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from derive.calculus.adjoint import CalculusError
from derive.calculus.indices import always, spread
from derive.notation import expr as x
from derive.notation.conditions import decided
from derive.notation.expr import Expr, Num, Op, Part, Pos, Ref, Size
from derive.notation.layer import Equation
from derive.program.dependence import components, condition_at, opened, recurrence, shifts_in, without_start
from derive.program.draft import Draft

NOWHERE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def pushed(draft: Draft) -> Draft:
    """Equations in an order in which they can be computed; ``dh[t] = dy[t] + f(dz[t + 1])`` in two parts.

    They are ``dh[t] += dy[t]`` and ``dh[t - 1] += f(dz[t])``: beyond the last position there is nothing to read, and
    backpropagation is usually written so.
    """
    groups = components(list(draft.equations))
    axes = {n: tuple(map(draft.layer.axis, t.axes)) for n, t in draft.tensors.items()}
    early = draft.places_of_steps
    ordered = (e for group in groups for e in handed_back(group, early, draft.layer.axis, axes))
    return draft.with_equations(
        replace(e, body=known(e.body, early)) if before_the_first(e.body, early) else e for e in ordered
    )


def handed_back(
    group: list[Equation], early: Mapping[str, int], along: Callable[[str], str], axes: Mapping[str, tuple[str, ...]]
) -> list[Equation]:
    """A group of equations that need one another, each position adding to its neighbour.

    Args:
        early: tensors that begin at position -1 of an axis, and where that stands among their axes.
        along: says along which axis an index runs.
        axes: of every tensor.
    """
    axis, backwards = recurrence(group)
    targets = {e.target for e in group}
    if axis is None or any(isinstance(i, Num) and i.value < 0 for e in group for i in e.left):
        return group
    kept: list[Equation] = []
    first: list[Equation] = []
    moved: list[Equation] = []
    for e in group:
        here: list[Expr] = []
        away: list[Equation] = []
        for term in (t for whole in x.terms(e.body) for one in opened(whole, axis) for t in spread(one, axis)):
            if isinstance(term, Part):
                here.append(term)
                continue
            start = condition_at(term, axis)
            if start is not None:
                at = {axis: start[0]}
                left = tuple(x.rename(i, at) for i in e.left)
                first.append(Equation(e.target, left, decided(x.rename(start[1], at))))
                continue
            shifts = shifts_in(term, axis, targets) - {0} or ({max(shifts_in(term, axis) or {0})} - {0})
            if not backwards or all(s < 0 for s in shifts) or (shifts != {1} and not shifts_in(term, axis, targets)):
                here.append(without_start(term, axis))
                at = {axis: x.num(-1)}
                there = known(x.rename(term, at), early, axes) if backwards and e.target in early else x.ZERO
                if there != x.ZERO:
                    first.append(Equation(e.target, tuple(x.rename(i, at) for i in e.left), there))
            elif shifts == {1}:
                back = {axis: x.add(Pos(axis), x.num(-shifts.pop()))}
                left = tuple(x.rename(i, back) for i in e.left)
                away.append(Equation(e.target, left, always(x.rename(term, back), along)))
            else:
                raise CalculusError(f"{e.target} needs two positions of {axis} in one term")
        adds = bool(away) or any(f.target == e.target for f in first)
        if here or not adds:
            kept.append(Equation(e.target, e.left, x.add(*([e.lhs] if adds else []), *here), e.line))
        moved += [Equation(m.target, m.left, Op("add", (m.lhs, m.body))) for m in away]
    return [Equation(f.target, f.left, Op("add", (f.lhs, f.body))) for f in first] + kept + moved


def before_the_first(e: Expr, early: Mapping[str, int]) -> bool:
    """Whether an expression reads an array at a place before the first one it has."""
    return any(isinstance(n, Ref) and outside(n, early) for n in x.walk(e))


def outside(ref: Ref, early: Mapping[str, int], axes: Mapping[str, tuple[str, ...]] = NOWHERE) -> bool:
    """Whether an element surely lies outside its array: before the first position, or at the length of the axis."""
    own = axes.get(ref.tensor, ())
    behind = any(i == Size(a) for i, a in zip(ref.index, own, strict=False))
    step = early.get(ref.tensor)
    return behind or any(isinstance(i, Num) and i.value < -(n == step) for n, i in enumerate(ref.index))


def known(e: Expr, early: Mapping[str, int], axes: Mapping[str, tuple[str, ...]] = NOWHERE) -> Expr:
    """An expression at position -1 of a recurrence: arrays that do not begin there are 0, and no condition is open.

    Args:
        axes: of the tensors that may be read at the length of an axis.
    """

    def visit(n: Expr) -> Expr | None:
        return x.ZERO if isinstance(n, Ref) and outside(n, early, axes) else None

    return decided(x.transform(e, visit))
