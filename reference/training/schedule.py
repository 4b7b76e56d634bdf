"""Learning rates that change while training.

A schedule is called with the time passed, in epochs (2.5 is the middle of the third), and returns the rate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[float], float]


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
    """alpha times factor^k, after k whole periods of `every` epochs."""

    alpha: float
    every: float
    factor: float = 0.5

    def __post_init__(self) -> None:
        _positive(self.alpha, "alpha")
        _positive(self.every, "every")
        _positive(self.factor, "factor")

    def __call__(self, epoch: float) -> float:
        return self.alpha * self.factor ** math.floor(epoch / self.every)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from alpha at the start down to `floor` after `epochs`, and `floor` from then on.

    I. Loshchilov and F. Hutter, SGDR, 2017, equation 5 without restarts.
    """

    alpha: float
    epochs: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        _positive(self.alpha, "alpha")
        _positive(self.epochs, "epochs")
        if not 0 <= self.floor <= self.alpha:
            raise ValueError(f"floor must lie between 0 and alpha = {self.alpha}, not at {self.floor}")

    def __call__(self, epoch: float) -> float:
        passed = min(epoch / self.epochs, 1.0)
        return self.floor + (self.alpha - self.floor) * (1 + math.cos(math.pi * passed)) / 2


# By name, each from the first rate and the number of epochs planned.
SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {
    "constant": lambda alpha, epochs: Constant(alpha),
    "step": lambda alpha, epochs: Step(alpha, every=max(epochs / 4, 1)),
    "cosine": lambda alpha, epochs: Cosine(alpha, epochs),
}


def _positive(value: float, name: str) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, not {value}")
