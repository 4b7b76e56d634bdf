"""Rounding with gradients that pass, compared with PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.row import Row, normal


def torch() -> Any:
    """PyTorch, which may not be installed where rows are only counted."""
    import torch

    return torch


def straight(x: Any, y: Any) -> Any:
    return x + (y - x).detach()


def quantized(F: Any, x: Any, scale: float = 0.5, zero_point: int = 0, low: int = -128, high: int = 127) -> Any:
    return torch().fake_quantize_per_tensor_affine(x, scale, zero_point, low, high)


def vectors(F: Any, z: Any, E: Any, beta: float = 0.25) -> Any:
    found = F.embedding(torch().cdist(z, E).argmin(-1), E)
    loss = ((z.detach() - found) ** 2).mean(-1) + beta * ((z - found.detach()) ** 2).mean(-1)
    return straight(z, found), loss


def in_quarters(rng: np.random.Generator) -> tuple[Any, ...]:
    """Numbers whose quotients are exact: PyTorch rounds those by 1 / scale in float32."""
    return (rng.integers(-90, 90, (2, 3, 5)) / 16 + 0.03125,)


ROWS = {
    "straight_through_round": Row(lambda F, x: straight(x, x.round())),
    "straight_through_sign": Row(lambda F, x: straight(x.clamp(-1, 1), x.sign())),
    "fake_quantize": Row(
        quantized,
        in_quarters,
        ({}, {"scale": 0.25, "zero_point": 3, "low": -8, "high": 7}, {"low": 0, "high": 4, "zero_point": 1}),
    ),
    "vector_quantize": Row(vectors, normal((2, 3, 4), (5, 4)), ({}, {"beta": 1.5})),
}
