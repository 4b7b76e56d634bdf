"""Networks of which forward and backward are each one generated kernel: residual, dense, transformer.

Their kernels take every weight as an argument of its own, and hand running statistics on as states. What is written
here is which weights there are and how they begin. With the running statistics in place of a batch's own, which no
gradient goes through, a network is walked layer by layer, by the kernels of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from reference import (
    batch_norm_inference,
    concatenate,
    conv2d,
    global_avg_pool2d,
    he,
    linear,
    relu,
    xavier,
)
from reference.networks import densenet, resnet, transformer
from reference.training.network import Array, Gradients

SIDE, CLASSES = 8, 10
Values = dict[str, Any]  # an array, or a list of them, by the argument's name


@dataclass(frozen=True)
class Composite:
    """Weights of one kernel by name, and how it is used; training makes new ones instead of changing it.

    Args:
        kernel: of the whole network.
        values: every argument but x, by name, in the kernel's order: weights, and running statistics.
        states: the names among them that are running statistics.
        shaped: makes x of images [batch, 64].
        walked: the output with the running statistics in place of a batch's own; None where there are none.
        options: of the kernel.
    """

    kernel: ModuleType
    values: Values
    states: tuple[str, ...]
    shaped: Callable[[Array], Array]
    walked: Callable[[Values, Array], Array] | None
    options: Mapping[str, Any]

    @property
    def W(self) -> list[Array]:
        """What the penalty is of: everything that is multiplied with more than one axis."""
        return [a for a in self._weights() if a.ndim > 1]

    @property
    def parameters(self) -> list[Array]:
        """All of those, then scales, shifts and biases."""
        return [*self.W, *(a for a in self._weights() if a.ndim == 1)]

    @property
    def size(self) -> int:
        """How many numbers are learnt."""
        return sum(a.size for a in self.parameters)

    def with_parameters(self, parameters: Sequence[Array]) -> Self:
        """Return the same network with others, in the order of `parameters`."""
        many = sum(a.ndim > 1 for a in self._weights())
        left = {True: list(parameters[:many]), False: list(parameters[many:])}
        values = dict(self.values)
        for name in self._names():
            old = values[name]
            new = [left[a.ndim > 1].pop(0) for a in ([old] if isinstance(old, np.ndarray) else old)]
            values[name] = new[0] if isinstance(old, np.ndarray) else new
        return replace(self, values=values)

    def masks(self, batch: int, rng: np.random.Generator) -> list[Array] | None:
        """There is no dropout."""
        return None

    def forward(self, x: Array, masks: Sequence[Array] | None = None) -> tuple[Array, Any]:
        """Return the logits [batch, classes] of images [batch, 64], and what backward and `moved` need."""
        result, saved = self.kernel.forward(self.shaped(x), **self.values, **self.options)
        z, *states = result if self.states else [result]
        return z, (saved, states)

    def backward(self, dz: Array, saved: Any) -> Gradients:
        """Return the gradients of sum(dz * z) with respect to the parameters."""
        derived = self.kernel.backward(dz, saved[0])
        flat = [a for name in self._names() for a in flattened(getattr(derived, name))]
        return Gradients([a for a in flat if a.ndim > 1], [a for a in flat if a.ndim == 1])

    def moved(self, saved: Any) -> Self:
        """Return the network with the running statistics that a forward pass in training left."""
        return replace(self, values=self.values | dict(zip(self.states, saved[1], strict=True)))

    def predict(self, x: Array) -> Array:
        """Return the logits in use: each example's depend on it alone."""
        if self.walked is None:
            return self.forward(x)[0]
        return self.walked(self.values, self.shaped(x))

    def _names(self) -> list[str]:
        return [name for name in self.values if name not in self.states]

    def _weights(self) -> list[Array]:
        return [a for name in self._names() for a in flattened(self.values[name])]


def flattened(value: Any) -> list[Array]:
    """An array, or the arrays of a list."""
    return [value] if isinstance(value, np.ndarray) else list(value)


class Draws:
    """First weights: He or Xavier of noise, ones and zeros.

    Args:
        rng: where noise comes from.
        dtype: of everything.
    """

    def __init__(self, rng: np.random.Generator, dtype: DTypeLike) -> None:
        self.rng, self.dtype = rng, dtype

    def he(self, *shape: int) -> Array:
        """Of a convolution or a linear layer before a relu: the fan in is all axes but the first."""
        noise = self.rng.standard_normal((shape[0], int(np.prod(shape[1:])))).astype(self.dtype)
        W: Array = he.forward(noise)[0]
        return W.reshape(shape)

    def xavier(self, *shape: int) -> Array:
        W: Array = xavier.forward(self.rng.standard_normal(shape).astype(self.dtype))[0]
        return W

    def normal(self, *shape: int, scale: float = 0.3) -> Array:
        return (scale * self.rng.standard_normal(shape)).astype(self.dtype)

    def ones(self, *shape: int) -> Array:
        return np.ones(shape, self.dtype)

    def zeros(self, *shape: int) -> Array:
        return np.zeros(shape, self.dtype)


def images(x: Array) -> Array:
    """[batch, 64] as images of one channel, [batch, 1, 8, 8]."""
    return x.reshape(-1, 1, SIDE, SIDE)


def patches(x: Array, side: int = 2) -> Array:
    """[batch, 64] as 16 patches of 2 by 2 pixels, [batch, 16, 4]."""
    n = SIDE // side
    return x.reshape(-1, n, side, n, side).swapaxes(2, 3).reshape(-1, n * n, side * side)


# ---- the three networks ----------------------------------------------------------------------------------------------


def residual(rng: np.random.Generator, dtype: DTypeLike, *, channels: int = 16, blocks: int = 2) -> Composite:
    """A convolution, residual blocks of two convolutions each, the mean over positions, a linear layer."""
    draw = Draws(rng, dtype)
    c = channels
    values: Values = {"W0": draw.he(c, 1, 3, 3), "b0": draw.zeros(c)}
    for k in ("1", "2"):
        values |= {
            f"W{k}": [draw.he(c, c, 3, 3) for _ in range(blocks)],
            f"b{k}": [draw.zeros(c) for _ in range(blocks)],
            f"gamma{k}": [draw.ones(c) for _ in range(blocks)],
            f"beta{k}": [draw.zeros(c) for _ in range(blocks)],
            f"running_mean{k}": [draw.zeros(c) for _ in range(blocks)],
            f"running_var{k}": [draw.ones(c) for _ in range(blocks)],
        }
    values |= {"V": draw.xavier(CLASSES, c), "d": draw.zeros(CLASSES)}
    states = ("running_mean1", "running_var1", "running_mean2", "running_var2")
    return Composite(resnet, values, states, images, walked_residual, {})


def walked_residual(v: Values, x: Array) -> Array:
    """The residual network with its running statistics."""
    h = _relu(_conv(x, v["W0"], v["b0"]))
    for n in range(len(v["W1"])):
        skip = h
        for k in ("1", "2"):
            h = _conv(h, v[f"W{k}"][n], v[f"b{k}"][n])
            h = _norm(h, *(v[f"{name}{k}"][n] for name in NORM))
            h = _relu(h if k == "1" else h + skip)
    return _linear(global_avg_pool2d.forward(h)[0], v["V"], v["d"])


def dense(rng: np.random.Generator, dtype: DTypeLike, *, channels: int = 16, growth: int = 16) -> Composite:
    """A convolution, a dense block of two layers, a normalisation, the mean over positions, a linear layer."""
    draw = Draws(rng, dtype)
    c = channels
    values: Values = {"W0": draw.he(c, 1, 3, 3), "b0": draw.zeros(c)}
    states: list[str] = []
    for k in ("1", "2", "3"):
        moving = {f"running_mean{k}": draw.zeros(c), f"running_var{k}": draw.ones(c)}
        values |= {f"gamma{k}": draw.ones(c), f"beta{k}": draw.zeros(c), **moving}
        states += moving
        if k != "3":
            values |= {f"W{k}": draw.he(growth, c, 3, 3), f"b{k}": draw.zeros(growth)}
            c += growth
    values |= {"V": draw.xavier(CLASSES, c), "v": draw.zeros(CLASSES)}
    return Composite(densenet, values, tuple(states), images, walked_dense, {})


def walked_dense(v: Values, x: Array) -> Array:
    """The dense network with its running statistics."""
    h = _conv(x, v["W0"], v["b0"])
    for k in ("1", "2"):
        a = _relu(_norm(h, *(v[f"{name}{k}"] for name in NORM)))
        new = _conv(a, v[f"W{k}"], v[f"b{k}"])
        h = np.moveaxis(concatenate.forward(np.moveaxis(h, 1, -1), np.moveaxis(new, 1, -1))[0], -1, 1)
    h = _relu(_norm(h, *(v[f"{name}3"] for name in NORM)))
    return _linear(global_avg_pool2d.forward(h)[0], v["V"], v["v"])


def attending(
    rng: np.random.Generator, dtype: DTypeLike, *, width: int = 32, blocks: int = 2, heads: int = 4
) -> Composite:
    """Patches embedded with positions, encoder blocks, a norm, the mean over positions, a linear layer."""
    draw = Draws(rng, dtype)
    i, w, t, p = width, 2 * width, 16, 4

    def each(make: Callable[..., Array], *shape: int) -> list[Array]:
        return [make(*shape) for _ in range(blocks)]

    values: Values = {"E": draw.xavier(i, p), "P": draw.normal(t, i)}
    values |= {"gamma1": each(draw.ones, i), "beta1": each(draw.zeros, i)}
    for name in ("q", "k", "v", "o"):
        values |= {f"W{name}": each(draw.xavier, i, i), f"b{name}": each(draw.zeros, i)}
    values |= {"gamma2": each(draw.ones, i), "beta2": each(draw.zeros, i)}
    values |= {"W1": each(draw.xavier, w, i), "b1": each(draw.zeros, w)}
    values |= {"W2": each(draw.xavier, i, w), "b2": each(draw.zeros, i)}
    values |= {"gamma": draw.ones(i), "beta": draw.zeros(i), "V": draw.xavier(CLASSES, i), "c": draw.zeros(CLASSES)}
    return Composite(transformer, values, (), patches, None, {"heads": heads})


NORM = ("gamma", "beta", "running_mean", "running_var")
COMPOSITES: dict[str, Callable[[np.random.Generator, DTypeLike], Composite]] = {
    "resnet": residual,
    "densenet": dense,
    "transformer": attending,
}


def _conv(x: Array, W: Array, b: Array) -> Array:
    z: Array = conv2d.forward(x, W, b, padding=1)[0]
    return z


def _norm(x: Array, gamma: Array, beta: Array, mean: Array, var: Array) -> Array:
    y: Array = batch_norm_inference.forward(x, gamma, beta, mean, var)[0]
    return y


def _relu(x: Array) -> Array:
    y: Array = relu.forward(x)[0]
    return y


def _linear(x: Array, W: Array, b: Array) -> Array:
    z: Array = linear.forward(x, W, b)[0]
    return z
