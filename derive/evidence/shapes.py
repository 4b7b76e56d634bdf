"""The shapes of a layer's arrays, from the lengths of its axes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from derive.evidence import domain, layout
from derive.evidence.layout import Shape
from derive.notation.expr import ELLIPSIS
from derive.notation.layer import Layer, Tensor

if TYPE_CHECKING:
    from derive.evidence.inputs import Plan, Source


class Shapes:
    """The shapes of all arrays, consistent with one another."""

    def __init__(self, layer: Layer, source: Source, plan: Plan, sizes: dict[str, int], leading: Shape) -> None:
        self.layer, self.source, self.plan, self.sizes, self.leading = layer, source, plan, sizes, leading
        self.depth = source.pick(list(plan.depths))
        if layer.sequence_axis in sizes:  # an array with a number for each entry of a list
            sizes[layer.sequence_axis] = self.depth
        self.chained = domain.chained(layer)
        alone = {a for t in layer.inputs if not t.sequence for a in t.axes} - {ELLIPSIS, *self.chained}
        self.shared = {a for a in (*alone, *layer.sizes) if a in sizes}  # of one length in every entry
        self.entries: dict[tuple[int, str], Shape] = {}

    def of(self, tensor: Tensor) -> Iterator[Shape]:
        """Its shape in the equations' order, or that of each array of a list."""
        parts = layout.slots(self.layer, tensor)
        for entry in range(self.depth) if tensor.sequence else [None]:
            shape: list[int] = []
            for part in parts:
                if len(part) == 1:
                    shape += self.axis(entry, part[0])
                else:
                    shape.append(math.prod(n for a in part for n in self.axis(entry, a)))
            yield tuple(shape)

    def axis(self, entry: int | None, axis: str) -> Shape:
        if entry is None or axis in self.layer.sizes:
            return self.leading if axis == ELLIPSIS else (self.sizes[axis],)
        key = entry, axis
        if key not in self.entries:
            if axis in self.shared:
                self.entries[key] = (self.sizes[axis],)
            elif axis in self.chained:
                before = self.chained[axis]
                self.entries[key] = (self.sizes[axis],) if entry == 0 else self.axis(entry - 1, before)
            elif axis == ELLIPSIS:
                self.entries[key] = self.source.pick(list(self.plan.leading))
            elif axis in self.plan.fixed:
                self.entries[key] = (self.plan.fixed[axis],)
            else:
                other = (
                    self.axis(entry, next((a for a, b in self.chained.items() if b == axis), axis))
                    if self.chained
                    else ()
                )
                self.entries[key] = (self.source.pick([n for n in self.plan.sizes if (n,) != other] or [1]),)
        return self.entries[key]
