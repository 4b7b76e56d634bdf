"""Layers compared with PyTorch that no benchmark times: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def spread(rng: np.random.Generator) -> tuple[Array, ...]:
    """One array of every size of number that an activation bends at."""
    return (rng.standard_normal((2, 3, 5)) * np.exp(rng.uniform(-3, 3, (2, 3, 5))),)


@dataclass(frozen=True)
class Row:
    """A layer's arguments, and what PyTorch has for it, of torch and its functional module."""

    theirs: Callable[..., Any]
    draw: Callable[[np.random.Generator], tuple[Array, ...]] = spread
    options: tuple[Mapping[str, Any], ...] = ({},)


ROWS: dict[str, Row] = {
    "silu": Row(lambda F, x: F.silu(x)),
    "swish": Row(lambda F, x, beta=1.0: x * (beta * x).sigmoid(), options=({}, {"beta": 1.7}, {"beta": -0.3})),
    "softplus": Row(lambda F, x: F.softplus(x, threshold=1e9)),  # its default turns into x above 20
    "mish": Row(lambda F, x: F.mish(x)),
    "log_sigmoid": Row(lambda F, x: F.logsigmoid(x)),
    "tanh_shrink": Row(lambda F, x: F.tanhshrink(x)),
    "gelu_tanh": Row(lambda F, x: F.gelu(x, approximate="tanh")),
}
