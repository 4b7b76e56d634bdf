"""Mini-batch training with generated kernels alone.

Every loss, gradient, penalty, clipped gradient and update comes from a kernel in `reference`. What is written
here is the order of the calls, and one sum: the gradient of loss + penalty is the sum of their gradients.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from reference import clip_by_global_norm, l2_penalty, softmax_cross_entropy_labels
from reference.training.composite import Composite
from reference.training.data import Examples
from reference.training.network import Array, Gradients, Network
from reference.training.optimizer import OPTIMIZERS, Moments, Optimizer
from reference.training.schedule import Constant, Schedule
from reference.training.stopping import Criteria, Epoch, Stop

Net = TypeVar("Net", Network, Composite)


@dataclass(frozen=True)
class Settings:
    """How to train.

    Args:
        batch_size: examples a step; the last batch of an epoch may be smaller.
        schedule: learning rate as a function of the time in epochs.
        weight_decay: lambda of the penalty lambda/2 sum W^2 on the weights (not the biases); 0 is off.
        clip: tau, the largest norm of the gradient of a step, over all parameters together; None is off.
        criteria: when to stop.
        seed: of the order of the examples and of the dropout masks.
        optimizer: what moves the parameters along the gradient.

    Raises:
        ValueError: an argument is outside its range.
    """

    batch_size: int = 32
    schedule: Schedule = field(default_factory=lambda: Constant(0.1))
    weight_decay: float = 1e-4
    clip: float | None = None
    criteria: Criteria = field(default_factory=Criteria)
    seed: int = 0
    optimizer: Optimizer = OPTIMIZERS["sgd"]

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {self.batch_size}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be 0 (off) or positive and finite, not {self.weight_decay}")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip must be None (off) or positive, not {self.clip}")


@dataclass(frozen=True)
class Result(Generic[Net]):
    """A training that ended."""

    network: Net  # as it was after the epoch `best`
    best: Epoch  # the epoch that did best on the validation part
    last: Net  # as it was when the training stopped
    history: list[Epoch]
    stop: Stop


class DivergedError(ArithmeticError):
    """The loss or its gradient is no longer a finite number."""


def train(
    network: Net,
    training: Examples,
    validation: Examples,
    settings: Settings | None = None,
    on_epoch: Callable[[Epoch], object] = lambda epoch: None,
) -> Result[Net]:
    """Train a network until a criterion says stop.

    After every epoch the objective and its gradient are measured over all training examples at once, without
    dropout, without clipping, and with their own statistics where there is batch normalisation: that, not a running
    mean over batches, is what the criteria see.

    Args:
        network: where to start; it is not changed.
        training: what to learn from.
        validation: what decides which epoch was best and, with patience, when to stop.
        settings: how.
        on_epoch: called with each Epoch as it ends.

    Raises:
        DivergedError: the loss or the gradient became infinite or NaN.
        ValueError: a part is empty, or see the kernels.
    """
    settings = settings or Settings()
    for name, part in (("training", training), ("validation", validation)):
        if not len(part.t):
            raise ValueError(f"the {name} part has no examples")
    order, dropout = np.random.default_rng(settings.seed).spawn(2)
    steps = -(-len(training.t) // settings.batch_size)
    history: list[Epoch] = []
    best = network
    moments = settings.optimizer.begin(network.parameters)
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported once, by DivergedError
        while True:
            done = len(history)
            for step, rows in enumerate(batches(len(training.t), settings.batch_size, order)):
                alpha = settings.schedule(done + step / steps)
                masks = network.masks(len(rows), dropout)
                batch = Examples(training.x[rows], training.t[rows])
                network, moments = update(network, moments, batch, alpha, settings, masks)
            history.append(measure(network, training, validation, done + 1, alpha, settings.weight_decay))
            if settings.criteria.best(history) is history[-1]:
                best = network
            on_epoch(history[-1])
            if stop := settings.criteria.check(history):
                return Result(best, settings.criteria.best(history), network, history, stop)


def update(
    network: Net, moments: Moments, batch: Examples, alpha: float, settings: Settings, masks: list[Array] | None
) -> tuple[Net, Moments]:
    """Return the network after one step along the gradient of one mini-batch, and what the optimiser remembers."""
    # 1 forward pass, 2 loss, 3 backward pass
    _, gradient, network = learnt(network, batch, settings.weight_decay, masks)
    if settings.clip is not None:
        gradient, _ = clip_by_global_norm.forward(gradient, tau=settings.clip)
    # 4 update; 5 repeat is the loop in `train`
    parameters, moments = settings.optimizer.step(network.parameters, gradient, moments, alpha)
    return network.with_parameters(parameters), moments


def objective(
    network: Net, batch: Examples, weight_decay: float = 0.0, masks: list[Array] | None = None
) -> tuple[float, list[Array]]:
    """Return mean cross-entropy + lambda/2 sum W^2, and its gradient in the order of `network.parameters`."""
    return learnt(network, batch, weight_decay, masks)[:2]


def learnt(
    network: Net, batch: Examples, weight_decay: float, masks: list[Array] | None
) -> tuple[float, list[Array], Net]:
    """Return the objective, its gradient, and the network with the running statistics that the batch moved."""
    z, saved = network.forward(batch.x, masks)
    loss, saved_loss = softmax_cross_entropy_labels.forward(z, batch.t, reduction="mean")
    dz = softmax_cross_entropy_labels.backward(np.ones_like(loss), saved_loss).z
    gradients: Gradients = network.backward(dz, saved)
    network = network.moved(saved)
    if not weight_decay:
        return float(loss), [*gradients.W, *gradients.b], network
    penalty, saved_penalty = l2_penalty.forward(network.W, weight_decay=weight_decay)
    shrink = l2_penalty.backward(np.ones_like(penalty), saved_penalty).W
    dW: list[Array] = [d + s for d, s in zip(gradients.W, shrink, strict=True)]
    return float(loss) + float(penalty), [*dW, *gradients.b], network


def measure(
    network: Net, training: Examples, validation: Examples, epoch: int, alpha: float, weight_decay: float
) -> Epoch:
    """Return the record of an epoch that just ended.

    Raises:
        DivergedError: the loss or the gradient is infinite or NaN.
    """
    loss, gradient = objective(network, training, weight_decay)
    norm = global_norm(gradient)
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise DivergedError(
            f"the training diverged in epoch {epoch}: loss {loss}, gradient norm {norm}; lower the"
            f" learning rate ({alpha:g}) or clip the gradient"
        )
    return Epoch(epoch, alpha, loss, norm, *evaluate(network, validation))


def evaluate(network: Network | Composite, examples: Examples) -> tuple[float, float]:
    """Return mean cross-entropy in nats, and the share of right answers."""
    z = network.predict(examples.x)
    loss, _ = softmax_cross_entropy_labels.forward(z, examples.t, reduction="mean")
    return float(loss), float(np.mean(z.argmax(axis=-1) == examples.t))


def batches(examples: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield every row once, in random order, `size` at a time; the last batch holds what is left."""
    rows = rng.permutation(examples)
    for start in range(0, examples, size):
        yield rows[start : start + size]


def global_norm(arrays: list[NDArray[Any]]) -> float:
    """Return the Euclidean norm of all entries together; scaled by the largest before squaring."""
    largest = max((float(np.abs(a).max(initial=0)) for a in arrays), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float(np.square(np.divide(a, largest, dtype=np.float64)).sum()) for a in arrays))
