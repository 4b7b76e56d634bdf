"""Arguments of a layer whose axes have given lengths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from derive.evidence import domain, layout
from derive.evidence.layout import Case
from derive.notation.expr import Num, Size
from derive.notation.layer import Layer, Tensor


def shape(layer: Layer, tensor: Tensor, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(math.prod(sizes[a] for a in part) for part in layout.slots(layer, tensor))


def agreed(layer: Layer, sizes: Mapping[str, int]) -> dict[str, int]:
    """The lengths, of axes too whose length is a number or that of another axis."""
    found = {"h": 3, "w": 2} | dict(sizes)
    for axis, length in layer.sizes.items():
        if isinstance(length, Num):
            found[axis] = int(length.value)
        elif isinstance(length, Size):
            found[axis] = found[length.axis]
    return found


def made(layer: Layer, sizes: Mapping[str, int], low: float = -1, entries: int = 2, **options: Any) -> Case:
    """A case with numbers from low to 1, above 0 where they must be; masks with a row that may look nowhere."""
    random = np.random.default_rng(7)
    sizes = agreed(layer, sizes)
    positive = {n for n, d in domain.domains(layer).items() if d.nonnegative}

    def argument(tensor: Tensor) -> Any:
        size = shape(layer, tensor, sizes)
        if tensor.kind == "boolean":
            mask = random.random(size) < 0.6
            mask[..., :2] = True  # a row that sees one place only does not depend on its score
            if mask.ndim > 1:
                mask[..., size[-2] - 1 :, :] = False
            return mask
        if tensor.kind == "integer":
            axes = domain.index_ranges(layer, tensor.name)
            if tensor.domain is not None and tensor.domain.signs:
                return random.choice([-1, 1], size)
            return random.integers(0, min((sizes[a] for a in axes), default=3), size)
        least = max(low, 0.1) if tensor.name in positive else low
        return (
            [random.uniform(least, 1, size) for _ in range(entries)]
            if tensor.sequence
            else random.uniform(least, 1, size)
        )

    chosen = {o.name: o.default for o in layer.options} | dict(layer.choice) | options
    return Case(layer, {t.name: argument(t) for t in layer.inputs}, chosen)
