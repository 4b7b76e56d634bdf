"""Learning rates that change while training.

A schedule is called with the time passed, in epochs (2.5 is the middle of the third), and returns the rate: what a
generated kernel makes of the rate that it begins with, or rises to.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference import cosine_annealing, linear_warm_up, one_cycle, step_decay

Schedule = Callable[[float], float]
PARTS = 1000  # of an epoch, where a kernel counts whole steps


@dataclass(frozen=True)
class Constant:
    """alpha, whatever the time."""

    alpha: float

    def __post_init__(self) -> None:
        _positive(self.alpha, "alpha")

    def __call__(self, epoch: float) -> float:
        return self.alpha


@dataclass(frozen=True)
class Step:
    """alpha times factor^k, after k whole periods of `every` epochs, to a thousandth of an epoch."""

    alpha: float
    every: float
    factor: float = 0.5

    def __post_init__(self) -> None:
        _positive(self.alpha, "alpha")
        _positive(self.every, "every")
        _positive(self.factor, "factor")

    def __call__(self, epoch: float) -> float:
        every = max(1, round(self.every * PARTS))
        y, _ = step_decay.forward(np.float64(self.alpha), step=round(epoch * PARTS), every=every, factor=self.factor)
        return float(y)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from alpha at the start down to `floor` after `epochs`, and `floor` from then on."""

    alpha: float
    epochs: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        _positive(self.alpha, "alpha")
        _positive(self.epochs, "epochs")
        if not 0 <= self.floor <= self.alpha:
            raise ValueError(f"floor must lie between 0 and alpha = {self.alpha}, not at {self.floor}")

    def __call__(self, epoch: float) -> float:
        y, _ = cosine_annealing.forward(np.float64(self.alpha), time=epoch, total=self.epochs, least=self.floor)
        return float(y)


@dataclass(frozen=True)
class WarmUp:
    """Another schedule, whose rates rise in proportion to time during the first `epochs`."""

    then: Schedule
    epochs: float

    def __post_init__(self) -> None:
        _positive(self.epochs, "epochs")

    def __call__(self, epoch: float) -> float:
        y, _ = linear_warm_up.forward(np.float64(self.then(epoch)), time=epoch, total=self.epochs)
        return float(y)


@dataclass(frozen=True)
class OneCycle:
    """Half a cosine from alpha/25 up to alpha during `rise` of the epochs, another down to nearly nothing."""

    alpha: float
    epochs: float
    rise: float = 0.3

    def __post_init__(self) -> None:
        _positive(self.alpha, "alpha")
        _positive(self.epochs, "epochs")
        if not 0 < self.rise < 1:
            raise ValueError(f"rise must lie between 0 and 1, not at {self.rise}")

    def __call__(self, epoch: float) -> float:
        rising = self.rise * self.epochs
        y, _ = one_cycle.forward(np.float64(self.alpha), time=epoch, rising=rising, falling=self.epochs - rising)
        return float(y)


# By name, each from the first or largest rate and the number of epochs planned.
SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {
    "constant": lambda alpha, epochs: Constant(alpha),
    "step": lambda alpha, epochs: Step(alpha, every=max(epochs / 4, 1)),
    "cosine": lambda alpha, epochs: Cosine(alpha, epochs),
    "warm-up": lambda alpha, epochs: WarmUp(Cosine(alpha, epochs), max(epochs / 10, 1)),
    "one-cycle": lambda alpha, epochs: OneCycle(alpha, epochs),
}


def _positive(value: float, name: str) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, not {value}")
