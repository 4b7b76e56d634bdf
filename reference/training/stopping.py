"""When to stop: four criteria, asked after every epoch, and the record that they read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Criterion = Literal["loss", "gradient norm", "validation", "max epochs"]


class Epoch(NamedTuple):
    """What was measured at the end of one epoch, without dropout."""

    epoch: int  # 1 for the first
    alpha: float  # learning rate of its last step
    loss: float  # the training objective, penalty included, over all training examples
    gradient_norm: float  # of that objective, over all parameters together, not clipped
    validation_loss: float  # mean cross-entropy, in nats
    validation_accuracy: float  # share of right answers, 0 to 1


class Stop(NamedTuple):
    """Which criterion ended the training, when, and why in words."""

    criterion: Criterion
    epoch: int
    reason: str


@dataclass(frozen=True)
class Criteria:
    """Stop at the first of four.

    Args:
        max_epochs: T, stop after so many epochs; always on.
        loss_below: stop when the training objective is less than this; 0 is off.
        gradient_below: stop when the norm of its gradient is less than this; 0 is off.
        patience: stop when `monitor` has not improved on the validation part for so many epochs; None is off.
        monitor: the validation "loss" or "accuracy".

    Raises:
        ValueError: an argument is outside its range.
    """

    max_epochs: int = 100
    loss_below: float = 0.0
    gradient_below: float = 0.0
    patience: int | None = None
    monitor: Literal["loss", "accuracy"] = "loss"

    def __post_init__(self) -> None:
        if self.max_epochs < 1:
            raise ValueError(f"max_epochs must be at least 1, not {self.max_epochs}")
        for name in ("loss_below", "gradient_below"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 (off) or positive and finite, not {getattr(self, name)}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be None (off) or at least 1, not {self.patience}")
        if self.monitor not in ("loss", "accuracy"):
            raise ValueError(f"monitor must be 'loss' or 'accuracy', not {self.monitor!r}")

    def best(self, history: Sequence[Epoch]) -> Epoch:
        """Return the epoch that did best on the validation part; the first of them on a tie."""
        if self.monitor == "accuracy":
            return max(history, key=lambda e: e.validation_accuracy)
        return min(history, key=lambda e: e.validation_loss)

    def check(self, history: Sequence[Epoch]) -> Stop | None:
        """Say whether to stop after the last epoch of a history that is not empty, and name the criterion.

        Where several hold at once, the first in the order of `Criterion` is named.
        """
        now = history[-1]
        if now.loss < self.loss_below:
            return Stop("loss", now.epoch, f"the loss {now.loss:.5g} is below {self.loss_below:g}")
        if now.gradient_norm < self.gradient_below:
            reason = f"the gradient norm {now.gradient_norm:.5g} is below {self.gradient_below:g}"
            return Stop("gradient norm", now.epoch, reason)
        best = self.best(history)
        if self.patience is not None and now.epoch - best.epoch >= self.patience:
            reason = f"the validation {self.monitor} has not improved since epoch {best.epoch}"
            return Stop("validation", now.epoch, reason)
        if now.epoch >= self.max_epochs:
            return Stop("max epochs", now.epoch, f"all {self.max_epochs} epochs are done")
        return None
