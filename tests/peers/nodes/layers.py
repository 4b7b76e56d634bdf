"""What every row of the adapter uses: a layer's results, and axes where a layer has them.

An operator's row takes the node's inputs (None where one is left out) and its attributes as keywords, and returns the
outputs. It moves axes, splits heads, puts names and defaults in order, and calls layers; it computes nothing but a
factor or a sum that the operator has and the layer lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Row = Callable[..., tuple[Any, ...]]


class NotCovered(Exception):
    """What a node asks for that no layer has."""


def layer(name: str, *inputs: Any, **options: Any) -> Any:
    """A layer's result: an array, or a named tuple of several."""
    try:
        module = import_module(f"reference.layers.{name}")
    except ModuleNotFoundError:
        raise NotCovered(f"there is no layer {name}") from None
    return module.forward(*inputs, **options)[0]


def exact(run: Callable[[Array], Array], x: Array) -> Array:
    """Layers are of real numbers: integers and booleans go through float64, which holds the tests' values exactly."""
    return run(x) if x.dtype.kind == "f" else run(x.astype(np.float64)).astype(x.dtype)


def along(x: Array, axes: Any, run: Callable[[Array], Array], keepdims: bool) -> Array:
    """The axes as one last axis, a layer that takes it away, and axes of length 1 in their places if wanted."""
    axes = sorted(a % x.ndim for a in axes)
    rest = [a for a in range(x.ndim) if a not in axes]
    merged = x.transpose(*rest, *axes).reshape(*[x.shape[a] for a in rest], prod(x.shape[a] for a in axes))
    y = run(merged)
    return y.reshape([1 if a in axes else n for a, n in enumerate(x.shape)]) if keepdims else y


def at_end(x: Array, axis: int, run: Callable[[Array], Array]) -> Array:
    """A layer of the last axis, along another one."""
    return np.moveaxis(run(np.moveaxis(x, axis, -1)), -1, axis)


def pads(values: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """ONNX lists all beginnings, then all ends; layers a pair for each axis."""
    values = [int(v) for v in values] if values is not None else [0] * (2 * axes)
    return tuple(zip(values[:axes], values[axes:], strict=True))


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value
