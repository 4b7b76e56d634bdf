"""Recurrences that read several steps back as ones that read one."""

from __future__ import annotations

from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Pos, Ref
from derive.notation.layer import Equation, Layer
from derive.notation.recurrences.places import (
    Step,
    begins,
    bodies,
    changed,
    early,
    free_name,
    in_order,
    put,
    shift,
    steps_of,
    targets,
)


def one_back(layer: Layer) -> Layer:
    """Recurrences that read several steps back as ones that read one: what was there before is kept."""
    starts = early(layer, lambda i: isinstance(i, Num))
    places = steps_of(layer, starts)
    group = {n: p for n, p in places.items() if n in starts}
    furthest = dict.fromkeys(group, 1)

    def lag(ref: Ref, index: str) -> int:
        at = ref.index[group[ref.tensor].at]
        if isinstance(at, Num):
            return -int(at.value)
        return -(shift(at, index) or 0) if index else 0

    for s in layer.steps:
        own = [places[r.tensor].index for r in targets(s) if r.tensor in places]
        for ref in (n for e in bodies(s) for n in x.walk(e) if isinstance(n, Ref) and n.tensor in group):
            furthest[ref.tensor] = max(furthest[ref.tensor], lag(ref, own[0] if own else ""))
        if isinstance(s, Equation) and begins(s) and s.target in group:
            furthest[s.target] = max(furthest[s.target], lag(s.lhs, ""))
    deep = {n: k for n, k in furthest.items() if k > 1}
    if not deep:
        return layer
    names = {(n, k): free_name(layer, f"{n}_back{k}") for n, top in deep.items() for k in range(1, top)}

    def visit(node: Expr) -> Expr | None:
        if not isinstance(node, Ref) or node.tensor not in deep:
            return None
        index, at = tuple(x.transform(i, visit) for i in node.index), group[node.tensor].at
        i = index[at]
        own = x.free(i)
        back = -int(i.value) if isinstance(i, Num) else -(shift(i, own[0]) or 0) if len(own) == 1 else 0
        if not 1 < back <= deep[node.tensor]:
            return None
        there = x.num(-1) if isinstance(i, Num) else x.add(Pos(own[0]), x.num(-1))
        return Ref(names[node.tensor, back - 1], put(index, at, there))

    given = {
        (s.target, lag(s.lhs, "")): s for s in layer.steps if isinstance(s, Equation) and s.target in deep and begins(s)
    }
    steps: list[Step] = []
    tensors = dict(layer.tensors)
    done: set[str] = set()
    for s in layer.steps:
        for r in targets(s):
            if r.tensor not in deep or r.tensor in done or begins(s):
                continue
            done.add(r.tensor)
            at, i = group[r.tensor].at, group[r.tensor].index
            one = x.add(Pos(i), x.num(-1))
            for k in range(1, deep[r.tensor]):
                name = names[r.tensor, k]
                first = given.get((r.tensor, k + 1))
                before = names.get((r.tensor, k - 1), r.tensor)
                left = put(r.index, at, x.num(-1)) if first is None else put(first.left, at, x.num(-1))
                body = x.ZERO if first is None else x.transform(first.body, visit)
                steps.append(Equation(name, left, body, s.line))
                steps.append(Equation(name, r.index, Ref(before, put(r.index, at, one)), s.line))
                tensors[name] = replace(tensors[r.tensor], name=name, role="intermediate")
        if not (isinstance(s, Equation) and any(s is e and k > 1 for (_, k), e in given.items())):
            steps.append(changed(s, lambda e: x.transform(e, visit)))
    layer = replace(layer, steps=tuple(steps))
    return replace(layer, tensors=in_order(layer, tensors.values()))
