"""A multilayer perceptron put together from generated kernels.

Without dropout it is the generated `mlp`, whose backward was derived as the reverse recurrence. That kernel
has no place for dropout between its layers, so with masks the same network is walked layer by layer: the
forwards of `linear`, activation and `inverted_dropout` in order, their backwards in reverse. The tests hold
the two readings against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reference import gelu, he, inverted_dropout, leaky_relu, linear, mlp, relu, sigmoid, tanh, xavier

Array = NDArray[Any]

# activation -> (its kernel, the initialisation that keeps variances through it)
ACTIVATIONS: dict[str, tuple[ModuleType, ModuleType]] = {
    "relu": (relu, he),
    "leaky_relu": (leaky_relu, he),
    "gelu": (gelu, he),
    "sigmoid": (sigmoid, xavier),
    "tanh": (tanh, xavier),
}


class Gradients(NamedTuple):
    """Of a scalar with respect to every parameter."""

    W: list[Array]  # each [d_l, d_{l-1}]
    b: list[Array]  # each [d_l]


class Tape(NamedTuple):
    """The kernels that a forward walk called, in order, each with what it saved."""

    steps: list[tuple[ModuleType, Any]]


@dataclass(frozen=True)
class Network:
    """Weights, biases and how they are used; training makes new ones instead of changing it.

    Args:
        W: the weights, each [d_l, d_{l-1}].
        b: the biases, each [d_l].
        activation: of every hidden layer, a key of ACTIVATIONS; the output is linear (logits).
        keep: probability to keep a hidden unit while training; 1 is no dropout.

    Raises:
        ValueError: an unknown activation, or keep is outside (0, 1].
    """

    W: list[Array]
    b: list[Array]
    activation: str = "relu"
    keep: float = 1.0

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep is a probability in (0, 1], not {self.keep}")

    @classmethod
    def initialise(
        cls,
        sizes: Sequence[int],
        rng: np.random.Generator,
        *,
        activation: str = "relu",
        keep: float = 1.0,
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """Return a network of the sizes d_0, ..., d_L, with weights by He or Xavier and biases 0.

        Raises:
            ValueError: fewer than two sizes, one of them less than 1, or see the class.
        """
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes must be at least two positive integers, input to output, not {list(sizes)}")
        empty = cls([], [], activation, keep)
        _, initialisation = ACTIVATIONS[activation]
        shapes = [(fan_out, fan_in) for fan_in, fan_out in pairwise(sizes)]
        noise = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
        weights = [initialisation.forward(n)[0] for n in noise]
        return replace(empty, W=weights, b=[np.zeros(d, dtype) for d in sizes[1:]])

    @property
    def sizes(self) -> list[int]:
        """d_0, ..., d_L."""
        return [self.W[0].shape[1], *(W.shape[0] for W in self.W)]

    @property
    def parameters(self) -> list[Array]:
        """All weights, then all biases."""
        return [*self.W, *self.b]

    def with_parameters(self, parameters: Sequence[Array]) -> Self:
        """Return the same network with others, in the order of `parameters`."""
        depth = len(self.W)
        return replace(self, W=list(parameters[:depth]), b=list(parameters[depth:]))

    def masks(self, batch: int, rng: np.random.Generator) -> list[Array] | None:
        """Draw the units to keep: a mask [batch, d_l] of 0 and 1 for each hidden layer; None: keep all."""
        if self.keep == 1:
            return None
        return [(rng.random((batch, b.shape[0])) < self.keep).astype(b.dtype) for b in self.b[:-1]]

    def forward(self, x: Array, masks: Sequence[Array] | None = None) -> tuple[Array, Any]:
        """Return the logits [batch, d_L] of x [batch, d_0], and what backward needs.

        With masks, hidden units are dropped and the others scaled by 1/keep; without, nothing is dropped and
        nothing needs scaling.
        """
        if masks is None:
            z, saved = mlp.forward(x, self.W, self.b, activation=self.activation)
            return z, saved
        activation, _ = ACTIVATIONS[self.activation]
        tape = Tape([])
        h, saved = linear.forward(x, self.W[0], self.b[0])
        tape.steps.append((linear, saved))
        for W, b, mask in zip(self.W[1:], self.b[1:], masks, strict=True):
            h, saved = activation.forward(h)
            tape.steps.append((activation, saved))
            h, saved = inverted_dropout.forward(h, mask, p=self.keep)
            tape.steps.append((inverted_dropout, saved))
            h, saved = linear.forward(h, W, b)
            tape.steps.append((linear, saved))
        return h, tape

    def predict(self, x: Array) -> Array:
        """Return the logits in use."""
        return self.forward(x)[0]

    def moved(self, saved: Any) -> Self:
        """There are no running statistics."""
        return self

    def backward(self, dz: Array, saved: Any) -> Gradients:
        """Return the gradients of sum(dz * z) with respect to the parameters."""
        if not isinstance(saved, Tape):
            derived = mlp.backward(dz, saved)
            return Gradients(list(derived.W), list(derived.b))
        gradients = Gradients([], [])
        dh = dz
        for kernel, kept in reversed(saved.steps):
            step = kernel.backward(dh, kept)
            dh = step.x
            if kernel is linear:
                gradients.W.insert(0, step.W)
                gradients.b.insert(0, step.b)
        return gradients
