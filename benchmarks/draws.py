"""How tensors are drawn: what values they have and which axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from benchmarks.shapes import Sizes

Tensor = Any  # an array, a list of arrays or None


def shape_of(axes: str, sizes: Sizes) -> tuple[int, ...]:
    """Shape of a tensor with these axes: `shape_of("... i", {"...": (2, 3), "i": 4})` is `(2, 3, 4)`."""
    shape: list[int] = []
    for axis in axes.split():
        size = sizes[axis]
        shape.extend(size if axis == "..." else [size])
    return tuple(shape)


@dataclass(frozen=True)
class Normal:
    """Normal values of mean 0 and standard deviation `scale`."""

    axes: str
    scale: float = 1.0

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        return (self.scale * rng.standard_normal(shape_of(self.axes, sizes))).astype(dtype)


@dataclass(frozen=True)
class Positive:
    """Values between 0.5 and 1.5."""

    axes: str

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        return rng.uniform(0.5, 1.5, shape_of(self.axes, sizes)).astype(dtype)


@dataclass(frozen=True)
class Probabilities:
    """Rows that are positive and sum to one."""

    axes: str

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        weights = rng.uniform(0.1, 1.0, shape_of(self.axes, sizes))
        return (weights / weights.sum(axis=-1, keepdims=True)).astype(dtype)


@dataclass(frozen=True)
class Integers:
    """Whole numbers from 0 to the size of the axis `below`, exclusive; repeats are likely."""

    axes: str
    below: str

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        return rng.integers(sizes[self.below], size=shape_of(self.axes, sizes))


@dataclass(frozen=True)
class Keep:
    """A mask of zeros and ones in the data's own type, each one with probability 0.8."""

    axes: str

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        return (rng.random(shape_of(self.axes, sizes)) < 0.8).astype(dtype)


@dataclass(frozen=True)
class Attend:
    """A boolean mask whose first row is False throughout; None where the sizes say `mask=False`."""

    axes: str

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        if not sizes["mask"]:
            return None
        mask = rng.random(shape_of(self.axes, sizes)) < 0.7
        mask[..., 0, :] = False
        return mask


@dataclass(frozen=True)
class Several:
    """A list of arrays, shaped as the sizes' entry `shapes` says."""

    shapes: str

    def draw(self, rng: np.random.Generator, sizes: Sizes, dtype: DTypeLike) -> Tensor:
        arrays: list[NDArray[Any]] = []
        for shape in sizes[self.shapes]:
            scale = shape[-1] ** -0.5 if len(shape) > 1 else 1.0  # keeps a deep network's outputs near 1
            arrays.append((scale * rng.standard_normal(shape)).astype(dtype))
        return arrays


Draw = Normal | Positive | Probabilities | Integers | Keep | Attend | Several


def turned(tensor: Tensor) -> Tensor:
    """The same values in Fortran order, as a transposed array has them."""
    return np.asfortranarray(tensor) if isinstance(tensor, np.ndarray) and tensor.ndim else tensor
