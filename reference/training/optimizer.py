"""What moves the parameters: the generated optimisers, with the states that they hand on."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from reference import adadelta, adagrad, adam, adamw, lion, momentum, nesterov, rmsprop, sgd
from reference.training.network import Array


class Moments(NamedTuple):
    """What an optimiser remembers: a list of arrays like the parameters for each of its states, and steps done."""

    states: tuple[list[Array], ...]
    steps: int


@dataclass(frozen=True)
class Optimizer:
    """One of the generated optimisers.

    Args:
        kernel: its layer.
        states: how many states it has.
        alpha: a first learning rate that usually works.
        counts: whether it is told which step this is.
    """

    kernel: ModuleType
    states: int
    alpha: float
    counts: bool = False

    def begin(self, parameters: list[Array]) -> Moments:
        """Nothing has been seen yet."""
        return Moments(tuple([np.zeros_like(p) for p in parameters] for _ in range(self.states)), 0)

    def step(
        self, parameters: list[Array], gradient: list[Array], moments: Moments, alpha: float
    ) -> tuple[list[Array], Moments]:
        """Return the parameters after one step of the learning rate alpha, and what is remembered of it."""
        count: dict[str, Any] = {"step": moments.steps + 1} if self.counts else {}
        result, _ = self.kernel.forward(parameters, gradient, *moments.states, alpha=alpha, **count)
        parameters, *states = result if self.states else (result,)
        return parameters, Moments(tuple(states), moments.steps + 1)


OPTIMIZERS = {
    "sgd": Optimizer(sgd, 0, 0.1),
    "momentum": Optimizer(momentum, 1, 0.02),
    "nesterov": Optimizer(nesterov, 1, 0.02),
    "rmsprop": Optimizer(rmsprop, 1, 0.002),
    "adagrad": Optimizer(adagrad, 1, 0.02),
    "adadelta": Optimizer(adadelta, 2, 1.0),
    "adam": Optimizer(adam, 2, 0.003, counts=True),
    "adamw": Optimizer(adamw, 2, 0.003, counts=True),
    "lion": Optimizer(lion, 1, 0.0005),
}
