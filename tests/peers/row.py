"""What a layer's comparison with PyTorch is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def spread(rng: np.random.Generator) -> tuple[Array, ...]:
    """One array of every size of number that an activation bends at."""
    return (rng.standard_normal((2, 3, 5)) * np.exp(rng.uniform(-3, 3, (2, 3, 5))),)


def normal(*shapes: Any) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """Arguments of normal deviates, of these shapes; a list of shapes is a list of arrays."""

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        return tuple(
            [rng.standard_normal(s) for s in shape] if isinstance(shape, list) else rng.standard_normal(shape)
            for shape in shapes
        )

    return draw


@dataclass(frozen=True)
class Row:
    """A layer's arguments, and what PyTorch has for it, of torch's functional module: its outputs, in our order.

    An output that they lack is left out at the end. Where the terms of a gradient cancel, as those of a bias before a
    normalisation do altogether, an array is held to the tolerance of `least` times the largest of all arrays.
    """

    theirs: Callable[..., Any]
    draw: Callable[[np.random.Generator], tuple[Any, ...]] = spread
    options: tuple[Mapping[str, Any], ...] = ({},)
    least: float = 0.0
