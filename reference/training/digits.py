"""A network that reads handwritten digits, trained with generated kernels alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reference import softmax
from reference.training.advice import advise
from reference.training.composite import COMPOSITES, Composite
from reference.training.data import Split, load_digits
from reference.training.loop import Result, Settings, evaluate, train
from reference.training.network import Network
from reference.training.optimizer import OPTIMIZERS
from reference.training.schedule import SCHEDULES
from reference.training.stopping import Criteria, Epoch, Stop

PIXELS = 64
CLASSES = 10
TARGET = 0.97  # share of the held-out digits that a good run gets right


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run; equal recipes give equal results on one machine.

    Args:
        network: "mlp", or a key of COMPOSITES.
        hidden: sizes of the hidden layers of an mlp. (The geometric means, 34 and 19, reach 96 %: a place to start.)
        keep: probability to keep a hidden unit of an mlp while training; 1 is no dropout.
        batch_size: examples a step.
        optimizer: what moves the parameters, a key of OPTIMIZERS.
        alpha: the first learning rate; None is the optimiser's own.
        schedule: how it changes, a key of SCHEDULES.
        weight_decay: lambda of the penalty lambda/2 sum W^2.
        clip: largest norm of the gradient of a step; None is off.
        epochs: T, the most epochs.
        patience: epochs without a better validation loss before stopping; None is off.
        loss_below: stop when the training objective is below; 0 is off.
        gradient_below: stop when the norm of its gradient is below; 0 is off.
        seed: of the first weights, the order of the examples and the masks.
        split_seed: of the split into training, validation and test parts.
        dtype: of data, weights and gradients.
    """

    network: str = "mlp"
    hidden: tuple[int, ...] = (256, 128)
    keep: float = 0.5
    batch_size: int = 32
    optimizer: str = "sgd"
    alpha: float | None = None
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    clip: float | None = 1.0
    epochs: int = 150
    patience: int | None = 40
    loss_below: float = 1e-3
    gradient_below: float = 1e-4
    seed: int = 0
    split_seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"

    @property
    def title(self) -> str:
        """The network in a word or two."""
        if self.network != "mlp":
            return self.network
        return " - ".join(str(size) for size in (PIXELS, *self.hidden, CLASSES)) + " network"

    @property
    def rate(self) -> float:
        """The first learning rate."""
        return OPTIMIZERS[self.optimizer].alpha if self.alpha is None else self.alpha

    def settings(self) -> Settings:
        """Return what the loop needs to know.

        Raises:
            ValueError: a value outside its range.
        """
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, not {self.network!r}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, not {self.schedule!r}")
        criteria = Criteria(self.epochs, self.loss_below, self.gradient_below, self.patience)
        schedule = SCHEDULES[self.schedule](self.rate, self.epochs)
        optimizer = OPTIMIZERS[self.optimizer]
        return Settings(self.batch_size, schedule, self.weight_decay, self.clip, criteria, self.seed, optimizer)

    def start(self) -> Network | Composite:
        """Return the network to begin with.

        Raises:
            ValueError: a value outside its range.
        """
        rng = np.random.default_rng(self.seed)
        if self.network in COMPOSITES:
            return COMPOSITES[self.network](rng, self.dtype)
        return Network.initialise([PIXELS, *self.hidden, CLASSES], rng, keep=self.keep, dtype=self.dtype)


# What reaches the target in less than a minute, for each network.
RECIPES = {
    "mlp": Recipe(),
    "resnet": Recipe("resnet", optimizer="adam", epochs=25, patience=None),
    "densenet": Recipe("densenet", optimizer="adam", epochs=25, patience=None),
    "transformer": Recipe("transformer", optimizer="adamw", weight_decay=1e-3, epochs=40, patience=None),
}
NETWORKS = tuple(RECIPES)


@dataclass(frozen=True)
class Mistake:
    """A held-out digit that was read wrongly."""

    image: NDArray[np.floating]  # [8, 8] in [0, 1]
    label: int
    read_as: int
    probability: float  # that the network gave to read_as


@dataclass(frozen=True)
class DigitsResult:
    """A finished run, judged on digits that had no part in it."""

    recipe: Recipe
    network: Network | Composite
    history: list[Epoch]
    best: Epoch  # the epoch whose network was kept
    stop: Stop
    test_loss: float  # nats
    test_accuracy: float  # 0 to 1
    examples: tuple[int, int, int]  # in the training, validation and test part
    mistakes: list[Mistake] = field(repr=False)  # in the test part, the surest first
    seconds: float  # of training


def train_digits(
    recipe: Recipe | None = None, on_epoch: Callable[[Epoch], object] = lambda epoch: None
) -> DigitsResult:
    """Train on the digits as the recipe says, and judge the best network on the test part, once.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
        ValueError: a value of the recipe is outside its range.
        DivergedError: the loss became infinite or NaN.

    Warns:
        AdviceWarning: a value of the recipe is outside the range that usually works.
    """
    recipe = recipe or Recipe()
    settings = recipe.settings()
    advise(**advised(recipe))
    split = load_digits(seed=recipe.split_seed, dtype=recipe.dtype)
    began = time.perf_counter()
    result: Result[Any] = train(recipe.start(), split.training, split.validation, settings, on_epoch)
    seconds = time.perf_counter() - began
    test_loss, test_accuracy = evaluate(result.network, split.test)
    return DigitsResult(
        recipe=recipe,
        network=result.network,
        history=result.history,
        best=result.best,
        stop=result.stop,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        examples=(len(split.training.t), len(split.validation.t), len(split.test.t)),
        mistakes=mistakes(result.network, split),
        seconds=seconds,
    )


def advised(recipe: Recipe) -> dict[str, float]:
    """Return those values of a recipe that there is a rule of thumb for."""
    layers = {"layers": len(recipe.hidden) + 1} if recipe.network == "mlp" else {}
    return layers | {
        "alpha": recipe.rate,
        "batch_size": recipe.batch_size,
        "weight_decay": recipe.weight_decay,
    }


def mistakes(network: Network | Composite, split: Split) -> list[Mistake]:
    """Return the test digits that a network reads wrongly, the surest first."""
    z = network.predict(split.test.x)
    y, _ = softmax.forward(z)
    read = y.argmax(axis=-1)
    wrong = [
        Mistake(split.test.x[i].reshape(8, 8), int(split.test.t[i]), int(read[i]), float(y[i, read[i]]))
        for i in np.flatnonzero(read != split.test.t)
    ]
    return sorted(wrong, key=lambda mistake: -mistake.probability)
