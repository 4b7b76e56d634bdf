"""Arguments of more elements than any block of the runtime holds, and no more than that takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from derive.evidence import inputs, layout
from derive.evidence.layout import Case, flat
from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Op, Pos, Reduce, Ref
from derive.notation.layer import Layer

MANY = 40_000  # elements of an argument: more than the runtime computes in one block
DRAWS = 6  # of the other axes of a large case


def large(layer: Layer, seed: int, dtype: Any = np.float64) -> Case:
    """One case of which an argument and a result have more elements than a block: the leading shape is long, or the
    axis of which the work grows least."""
    leads, long = grows(layer)
    how = {"dtype": dtype, "scale": 0.25, "offset": 0.75 if dtype == np.float16 else 0.0}

    def build(length: int, draw: int = 0) -> Case:
        leading = ((length,),) if leads else ((2,),)
        fixed = {} if leads else {long: length}
        plan = inputs.Plan((3, 4, 5, 2), leading, (2,), trusted=True, fixed=fixed, terms=math.inf)
        return inputs.build(layer, inputs.Random(np.random.default_rng((seed, draw)), **how), plan, 0)

    def elements(case: Case, length: int) -> list[int]:
        """How many the largest argument, the largest result that grows and what grows as its square have."""
        taken = max(a.size for v in case.tensors.values() if v is not None for a in map(np.asarray, flat(v)))
        shapes = [layout.shape_of(case, o) for o in layer.outputs]
        sizes = [math.prod(s) for shape in shapes for s in (shape if isinstance(shape, list) else [shape])]
        return [max(taken, 1), max((n for n in sizes if n >= length), default=max(taken, 1)), pairs(case, long)]

    few, more = (elements(build(n), n) for n in (7, 7 * 16))
    # other axes are drawn anew, so the ratio is one of powers of 16, about 2: of a square matrix
    powers = [max(1, round(math.log(max(b, 1) / max(a, 1), 16))) for a, b in zip(few, more, strict=True)]
    wanted, most = (
        [int(7 * (total / max(n, 1)) ** (1 / power)) + 1 for n, power in zip(few, powers, strict=True)]
        for total in (MANY, 8 * MANY)
    )
    tried = []
    for draw in range(DRAWS):  # of the other axes: with some of them no length gives both enough and not too many
        length = min(*most, max(wanted[:2]))
        case = build(length, draw)
        found = elements(case, length)
        while min(found[:2]) <= MANY and max(found) < 8 * MANY and length < 8 * MANY:
            length = length * 5 // 4
            case = build(length, draw)
            found = elements(case, length)
        if min(found[:2]) > MANY and max(found) < 16 * MANY:
            return case
        tried.append((max(found) < 16 * MANY, min(found[:2]), draw, case))
    return max(tried, key=lambda t: t[:3])[-1]


def grows(layer: Layer) -> tuple[bool, str]:
    """Whether the leading shape is to be long, and if not the axis: one that no recurrence runs along, if there is one,
    and of pairs of whose positions nothing is computed.

    Raises:
        NoArguments: every axis has a length of its own, or a recurrence runs along it.
    """
    axes = [a for t in layer.inputs for a in t.axes[t.sequence :]]
    if ELLIPSIS in axes:
        return True, ""
    given = {o.axis for o in layer.options if o.kind == "Count"} | {*layer.sizes}
    free = [a for a in dict.fromkeys(axes) if a not in given and a not in running(layer)]
    if not free:
        raise inputs.NoArguments(f"{layer.name}: no axis can be long but one that a recurrence runs along")
    return False, min(free, key=lambda a: max(map(len, together(layer, a)), default=1))


def running(layer: Layer) -> set[str]:
    """The axes along which a tensor is computed from others of its elements; one that a label or a number chooses is
    read, and no step of a recurrence."""
    layer = layer.written or layer  # in its normal form a recurrence over two axes runs along a third
    computed = {e.target for e in layer.equations}
    refs = [n for e in layer.equations for side in (e.lhs, e.body) for n in x.walk(side) if isinstance(n, Ref)]
    places = ((r.tensor, p, i) for r in refs if r.tensor in computed for p, i in enumerate(r.index))
    steps = ((t, p) for t, p, i in places if not isinstance(i, Pos) and any(isinstance(n, Pos) for n in direct(i)))
    return {layer.axis(layer.tensors[t].axes[p]) for t, p in steps}


def direct(e: Expr) -> Iterator[Expr]:
    """The nodes of an index but for those within a label's own."""
    yield e
    if isinstance(e, Op):
        for a in e.args:
            yield from direct(a)


def together(layer: Layer, axis: str) -> Iterator[list[str]]:
    """The indices of each equation that run along an axis: two of them make pairs of its positions."""
    for e in layer.equations:
        over = [i for n in x.walk(e.body) if isinstance(n, Reduce) for i in n.over]
        yield [i for i in dict.fromkeys([*e.indices, *over]) if layer.axis(i) == axis]


def pairs(case: Case, axis: str) -> int:
    """How many steps the largest equation has in which pairs of an axis's positions meet."""
    found = 0
    for e, own in zip(case.layer.equations, together(case.layer, axis), strict=True):
        if len(own) > 1:
            over = [i for n in x.walk(e.body) if isinstance(n, Reduce) for i in n.over]
            found = max(found, math.prod(case.sizes.get(case.layer.axis(i), 1) for i in {*e.indices, *over}))
    return found
