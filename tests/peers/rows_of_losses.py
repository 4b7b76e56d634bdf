"""Losses compared with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.peers.row import Array, Row, normal

REDUCTIONS = ({}, {"reduction": "sum"}, {"reduction": "none"})
PAIR = normal((2, 3, 5), (2, 3, 5))


def each(*options: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Every reduction without other options, and each of these with one of them."""
    return (*REDUCTIONS, *(o | REDUCTIONS[n % 3] for n, o in enumerate(options, 1)))


def in_unit(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Probabilities."""
    return lambda rng: tuple(rng.uniform(0.02, 0.98, s) for s in shapes)


def reduced(value: Any, reduction: str) -> Any:
    return {"mean": value.mean, "sum": value.sum, "none": lambda: value}[reduction]()


def bce_with_logits(F: Any, z: Any, t: Any, pos_weight: float = 1.0, reduction: str = "mean") -> Any:
    weight = z.new_tensor(pos_weight)
    return F.binary_cross_entropy_with_logits(z, t, pos_weight=weight, reduction=reduction)


ROWS = {
    "binary_cross_entropy": Row(
        # its own adds 1e-12 to what its tangents divide by
        lambda F, y, t, reduction="mean": reduced(-t.xlogy(y) - (1 - t).xlogy(1 - y), reduction),
        in_unit((2, 3, 5), (2, 3, 5)),
        REDUCTIONS,
    ),
    "bce_with_logits": Row(bce_with_logits, PAIR, each({"pos_weight": 2.5}, {"pos_weight": 0.3}, {"pos_weight": 4.0})),
    "l1_loss": Row(lambda F, y, t, reduction="mean": F.l1_loss(y, t, reduction=reduction), PAIR, REDUCTIONS),
    "huber": Row(
        lambda F, y, t, delta=1.0, reduction="mean": F.huber_loss(y, t, delta=delta, reduction=reduction),
        PAIR,
        each({"delta": 0.3}, {"delta": 2.5}, {"delta": 0.7}),
    ),
    "smooth_l1": Row(
        lambda F, y, t, beta=1.0, reduction="mean": F.smooth_l1_loss(y, t, beta=beta, reduction=reduction),
        PAIR,
        each({"beta": 0.3}, {"beta": 2.5}, {"beta": 0.7}),
    ),
    "log_cosh": Row(lambda F, y, t, reduction="mean": reduced((y - t).cosh().log(), reduction), PAIR, REDUCTIONS),
    "pinball": Row(
        lambda F, y, t, tau=0.5, reduction="mean": reduced((tau * (t - y)).maximum((tau - 1) * (t - y)), reduction),
        PAIR,
        each({"tau": 0.1}, {"tau": 0.9}, {"tau": 0.75}),
    ),
}
