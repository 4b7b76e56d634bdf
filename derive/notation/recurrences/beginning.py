"""Beginnings: each of its own, and at -1."""

from __future__ import annotations

from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref, Size
from derive.notation.layer import Call, Equation, Layer, Tensor
from derive.notation.recurrences.places import (
    Place,
    Step,
    begins,
    called,
    collected,
    early,
    free_name,
    in_order,
    put,
    starts,
    steps_of,
    targets,
)


def begun_apart(layer: Layer) -> Layer:
    """What a beginning says that another one reads has a name of its own: ``y[-1] = y[-2] ** 2`` needs no order."""
    given = {(s.target, n, i): s for s in layer.steps if isinstance(s, Equation) for n, i in starts(s)}
    read = {
        (ref.tensor, n, i)
        for s in layer.steps
        if isinstance(s, Equation) and any(True for _ in starts(s))
        for ref in (n for n in x.walk(s.body) if isinstance(n, Ref))
        for n, i in enumerate(ref.index)
        if (ref.tensor, n, i) in given
    }
    if not read:
        return layer
    names: dict[tuple[str, int, Expr], str] = {}
    tensors, steps = dict(layer.tensors), list[Step]()

    def visit(node: Expr) -> Expr | None:
        if not isinstance(node, Ref):
            return None
        for n, i in enumerate(node.index):
            if (node.tensor, n, i) in names:
                rest = node.index[:n] + node.index[n + 1 :]
                return Ref(names[node.tensor, n, i], tuple(x.transform(r, visit) for r in rest))
        return None

    for s in layer.steps:
        if isinstance(s, Equation) and (begun := next(starts(s), None)) is not None:
            n, i = begun
            s = replace(s, body=x.transform(s.body, visit))
            if (s.target, n, i) in read:
                name = free_name(replace(layer, tensors=tensors), f"{s.target}_first")
                left = s.left[:n] + s.left[n + 1 :]
                axes = tuple(x.plain(e) or "" for e in left)
                steps.append(Equation(name, left, s.body, s.line))
                tensors[name] = Tensor(name, axes)
                names[s.target, n, i] = name
                s = replace(s, body=Ref(name, left))
        steps.append(s)
    layer = replace(layer, steps=tuple(steps))
    return replace(layer, tensors=in_order(layer, tensors.values()))


def begun_before(layer: Layer) -> Layer:
    """Recurrences that begin at 0 or later as ones whose step is a case."""
    late = early(layer, lambda i: isinstance(i, Num) and i.value >= 0)
    places = {n: p for n, p in steps_of(layer, late).items() if n in late}
    if not places:
        return layer
    first: dict[str, list[Equation]] = {}
    for s in layer.steps:
        if isinstance(s, Equation) and s.target in places and is_late(s, places[s.target]):
            first.setdefault(s.target, []).append(s)
    steps: list[Step] = []
    seen: set[str] = set()
    tensors = dict(layer.tensors)
    for s in layer.steps:
        own = [r.tensor for r in targets(s) if r.tensor in places]
        if not own:
            steps.append(s)
            continue
        if isinstance(s, Call):  # what it gives is the case of a step that is not the first
            names = {n: free_name(layer, f"{n}_step") for n in own}
            after = [Equation(r.tensor, r.index, Ref(names[r.tensor], r.index)) for r in s.results if r.tensor in own]
            steps.append(called(s, names, tensors))
            steps += [with_first(layer, e, first[e.target], places[e.target]) for e in after]
            continue
        place = places[s.target]
        if not begins(s):
            steps.append(with_first(layer, s, first[s.target], place))
            continue
        zero = not any(
            isinstance(o, Equation) and o.target == s.target and o.left[place.at] == x.num(-1) for o in layer.steps
        )
        if zero and s.target not in seen:
            steps.append(replace(s, left=put(s.left, place.at, x.num(-1)), body=x.ZERO))
        seen.add(s.target)
        if s not in first[s.target]:
            steps.append(s)
    layer = replace(layer, steps=tuple(steps))
    return replace(layer, tensors=in_order(layer, tensors.values()))


def with_first(layer: Layer, step: Equation, first: list[Equation], place: Place) -> Equation:
    """A step in which what is there at first is a case."""
    body = step.body
    for e in first:
        test = Op("==", (Pos(place.index), e.left[place.at]))
        body = x.where(test, at_step(layer, e, step, place), body)
    return replace(step, body=body)


def is_late(s: Equation, place: Place) -> bool:
    i = s.left[place.at]
    return isinstance(i, Num) and i.value >= 0


def at_step(layer: Layer, first: Equation, step: Equation, place: Place) -> Expr:
    """What a beginning says, in the indices of the step: ``x[0]`` at step 0 is ``x[t]``."""
    at = first.left[place.at]
    axis = layer.axis(place.index)
    names = {i: s for i, s in zip(first.left, step.left, strict=True) if isinstance(i, Pos)}
    body = x.rename(first.body, {i.index: s for i, s in names.items()})
    taken = {place.index, *x.free(body), *(n for e in x.walk(body) if isinstance(e, x.Reduce) for n in e.over)}

    def visit(node: Expr) -> Expr | None:
        match node:
            case x.Reduce(op, over, inner) if place.index in over:
                other = x.fresh(place.index, taken)
                over = tuple(other if i == place.index else i for i in over)
                return x.transform(x.reduce(op, over, x.rename(inner, {place.index: Pos(other)})), visit)
            case Ref(name, index) if name in layer.tensors:
                axes = layer.tensors[name].axes
                found = (moved(x.transform(i, visit), layer.axis(a) == axis) for i, a in zip(index, axes, strict=True))
                return Ref(name, tuple(found))
        return None

    def moved(i: Expr, along: bool) -> Expr:
        since = x.sub(Pos(place.index), at)
        match i:
            case Num() if along:
                return x.add(since, i)
            case Size() | Op("add", (Size(), Num())) if along:
                return collected(x.sub(i, since))
        return i

    return x.transform(body, visit)
