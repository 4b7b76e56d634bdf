"""Recurrences from the end as ones that run forward."""

from __future__ import annotations

from dataclasses import replace

from derive.notation import expr as x
from derive.notation.affine import from_end
from derive.notation.expr import Expr, Pos, Ref, Size
from derive.notation.layer import Call, Equation, Layer, Tensor
from derive.notation.recurrences.places import (
    Step,
    begins,
    called,
    changed,
    collected,
    early,
    free_name,
    in_order,
    put,
    steps_of,
    targets,
    tidied,
)


def turned(layer: Layer) -> Layer:
    """Recurrences from the end as ones that run forward."""
    places = steps_of(layer, early(layer, lambda i: any(isinstance(n, Size) for n in x.walk(i))))
    if not places:
        return layer
    names = {n: free_name(layer, f"{n}_reversed") for n in places}
    last = {n: x.add(Size(layer.axis(p.index)), x.num(-1)) for n, p in places.items()}
    kept: set[str] = set(layer.outputs) & set(places)

    def mirrored(name: str, e: Expr) -> Expr:
        return collected(x.sub(last[name], e))

    def inside(e: Expr) -> Expr:
        """An expression that reads the arrays turned round."""

        def visit(node: Expr) -> Expr | None:
            if not isinstance(node, Ref) or node.tensor not in places:
                return None
            index, at = tuple(map(inside, node.index)), places[node.tensor].at
            return Ref(names[node.tensor], put(index, at, mirrored(node.tensor, index[at])))

        return x.transform(e, visit)

    def outside(e: Expr) -> Expr:
        """The same, but for what is read where it stands: that is of the array itself."""

        def visit(node: Expr) -> Expr | None:
            if isinstance(node, Ref) and node.tensor in places:
                if x.plain(node.index[places[node.tensor].at]) is None:
                    return inside(node)
                kept.add(node.tensor)
            return None

        return x.transform(e, visit)

    flips: dict[tuple[str, int], str] = {}

    def flipped(e: Expr, step: str) -> Expr:
        """An expression that reads what is not of the recurrence turned round, too, where it reads it step by step."""

        def visit(node: Expr) -> Expr | None:
            if not isinstance(node, Ref) or node.tensor in places or layer.tensors[node.tensor].kind != "real":
                return None
            along = [n for n, i in enumerate(node.index) if step in x.free(i)]
            back = from_end(node.index[along[0]]) if len(along) == 1 else None
            axis = layer.axis(layer.tensors[node.tensor].axes[along[0]]) if along else ""
            if back is None or {layer.axis(back[0]), layer.axis(step)} != {axis}:
                return None
            name = flips.setdefault((node.tensor, along[0]), free_name(layer, f"{node.tensor}_reversed"))
            return Ref(name, put(node.index, along[0], x.add(Pos(step), x.num(-1 - back[2]))))

        return x.transform(e, visit)

    steps: list[Step] = []
    tensors = dict(layer.tensors)
    for s in layer.steps:
        own = [r.tensor for r in targets(s) if r.tensor in places]
        if not own:
            steps.append(changed(s, outside))
            continue
        place, axis = places[own[0]], last[own[0]]
        if isinstance(s, Equation) and begins(s):
            left = put(s.left, place.at, mirrored(own[0], s.left[place.at]))
            steps.append(replace(s, target=names[s.target], left=left, body=inside(s.body)))
            continue
        back = {place.index: x.sub(axis, Pos(place.index))}
        s = changed(s, lambda e, back=back, i=place.index: inside(flipped(tidied(x.rename(e, back)), i)))  # type: ignore[misc]
        if isinstance(s, Call):
            steps.append(called(s, names, tensors))
        else:
            steps.append(replace(s, target=names[s.target]))
    whole: list[Step] = []
    for name, p in places.items():
        tensor = tensors[name]
        tensors[names[name]] = replace(tensor, name=names[name], role="intermediate")
        if name in kept:
            index = tuple(map(Pos, tensor.axes))
            whole.append(
                Equation(name, index, Ref(names[name], put(index, p.at, mirrored(name, Pos(tensor.axes[p.at])))))
            )
        else:
            del tensors[name]
    for (name, at), other in flips.items():
        tensor = layer.tensors[name]
        index = tuple(map(Pos, tensor.axes))
        opposite = x.sub(x.add(Size(layer.axis(tensor.axes[at])), x.num(-1)), index[at])
        tensors[other] = Tensor(other, tensor.axes, sequence=tensor.sequence, domain=tensor.domain)
        equation = Equation(other, index, Ref(name, put(index, at, opposite)))
        made = [n for n, s in enumerate(steps) if name in (r.tensor for r in targets(s))]
        steps.insert(max(made, default=-1) + 1, equation)
    done = max(n for n, s in enumerate(steps) for r in targets(s) if r.tensor in names.values()) + 1
    layer = replace(layer, steps=(*steps[:done], *whole, *steps[done:]))
    return replace(layer, tensors=in_order(layer, tensors.values()))
