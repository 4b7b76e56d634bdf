"""Schedules of learning rates written out in PyTorch; tests/training compares them with its schedulers."""

from __future__ import annotations

import math
from typing import Any

from tests.peers.row import Row, normal


def half(passed: float) -> float:
    """Half a cosine from 0 to 1."""
    return (1 - math.cos(math.pi * min(passed, 1.0))) / 2


def one_cycle(
    F: Any, a: Any, time: float = 0, rising: float = 30, falling: float = 70, first: float = 25, last: float = 1e4
) -> Any:
    if time <= rising:
        return (a / first).lerp(a, half(time / rising))
    return a.lerp(a / first / last, half((time - rising) / falling))


SHAPE = normal((2, 3))
ROWS = {
    "step_decay": Row(
        lambda F, a, step=0, every=10, factor=0.5: a * factor ** (step // every),
        SHAPE,
        ({}, {"step": 9}, {"step": 10}, {"step": 35, "factor": 0.3}, {"step": 7, "every": 2, "factor": 1.5}),
    ),
    "cosine_annealing": Row(
        lambda F, a, time=0.0, total=100.0, least=0.0: a + (least - a) * half(time / total),
        SHAPE,
        ({}, {"time": 33.0}, {"time": 7.5, "total": 9.0, "least": 0.25}, {"time": 12.0, "total": 9.0, "least": -0.5}),
    ),
    "linear_warm_up": Row(
        lambda F, a, time=1.0, total=5.0: a * min(time / total, 1.0),
        SHAPE,
        ({}, {"time": 0.0}, {"time": 2.5}, {"time": 5.0}, {"time": 8.0, "total": 3.0}),
    ),
    "one_cycle": Row(
        one_cycle,
        SHAPE,
        (
            {},
            {"time": 12.0},
            {"time": 30.0},
            {"time": 55.0},
            {"time": 9.0, "rising": 4.0, "falling": 11.0, "first": 3.0, "last": 7.0},
        ),
    ),
}
