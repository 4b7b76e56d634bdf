"""The inputs every layer is timed and compared on: one row a layer.

A row names each tensor with its axes, and gives the sizes three times: `check` (all distinct, two leading
axes, for tests/peers), `tiny` (what a call costs by itself) and `large` (leaves the cache: about four million
elements, 16 MiB in float32 and 32 MiB in float64).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Sizes = Mapping[str, Any]  # axis -> size; "..." -> the sizes of the leading axes; anything a Several needs
AllSizes = Mapping[str, Sizes]  # for "check", "tiny" and "large"
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


@dataclass(frozen=True)
class Case:
    """One layer's inputs; `options` are what is timed, `variants` what tests/peers runs through."""

    tensors: Mapping[str, Draw]
    sizes: AllSizes
    options: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[Mapping[str, Any], ...] = ({},)
    timed: bool = True
    constants: tuple[str, ...] = ()  # real inputs that no gradient is asked for
    stateful: bool = False  # outputs after the first are state, which no gradient comes from

    def draw(self, seed: int, size: str, dtype: DTypeLike = np.float64) -> tuple[Tensor, ...]:
        """Return the positional arguments at the sizes called `check`, `tiny` or `large`."""
        rng = np.random.default_rng(seed)
        sizes = self.sizes[size]
        return tuple(tensor.draw(rng, sizes, dtype) for tensor in self.tensors.values())

    @property
    def inputs(self) -> tuple[int, ...]:
        """Positions of the tensors that have a gradient: all real ones but the constants."""
        return tuple(
            position
            for position, (name, tensor) in enumerate(self.tensors.items())
            if not isinstance(tensor, Integers | Attend) and name not in self.constants
        )


def sizes(leading: tuple[tuple[int, ...], ...] = ((2, 3), (8,), (4096,)), **axes: tuple[Any, Any, Any]) -> AllSizes:
    """Sizes of a layer: of the leading axes and of each other axis, when checked, tiny and large."""
    names = ("check", "tiny", "large")
    return {name: {"...": leading[n]} | {axis: size[n] for axis, size in axes.items()} for n, name in enumerate(names)}


REDUCTIONS = tuple({"reduction": reduction} for reduction in ("mean", "sum", "none"))
AXES = tuple({"axis": axis} for axis in (-1, 0, 1))
ACTIVATIONS = tuple({"activation": a} for a in ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "gelu"))
ELEMENTWISE = sizes(i=(5, 16, 1024))
MATRIX = sizes(o=(5, 8, 2048), i=(7, 16, 2048))
IMAGES = sizes(leading=((4, 5), (), (64, 64)), b=(2, 8, 32), c=(3, 16, 32))
PARAMETERS = sizes(
    shapes=(
        [(3, 4), (4,), (2, 3, 5)],
        [(8, 16), (8,), (4, 8), (4,)],
        [(1024, 2048), (1024,), (2048, 1024), (2048,)],
    )
)
CHANNELS: dict[str, Draw] = {
    "x": Normal("b c ..."),
    "gamma": Normal("c"),
    "beta": Normal("c"),
    "running_mean": Normal("c"),
    "running_var": Positive("c"),
}
RUNNING = ("running_mean", "running_var")

CASES: dict[str, Case] = {
    "linear": Case(
        {"x": Normal("... i"), "W": Normal("o i"), "b": Normal("o")},
        sizes(i=(7, 16, 1024), o=(5, 12, 128)),
    ),
    "identity": Case({"x": Normal("... i")}, ELEMENTWISE, timed=False),  # by hand: no work at all
    "sigmoid": Case({"x": Normal("... i")}, ELEMENTWISE),
    "tanh": Case({"x": Normal("... i")}, ELEMENTWISE),
    "relu": Case({"x": Normal("... i")}, ELEMENTWISE),
    "gelu": Case({"x": Normal("... i")}, ELEMENTWISE),
    "leaky_relu": Case({"x": Normal("... i")}, ELEMENTWISE, variants=({}, {"alpha": 0.2})),
    "softmax": Case({"z": Normal("... i")}, ELEMENTWISE, variants=AXES),
    "log_softmax": Case({"z": Normal("... i")}, ELEMENTWISE, variants=AXES),
    "cross_entropy": Case({"y": Probabilities("... i"), "t": Probabilities("... i")}, ELEMENTWISE, variants=REDUCTIONS),
    "softmax_cross_entropy": Case(
        # the targets' sums differ from one: the gradient's general form, not the textbook's special case
        {"z": Normal("... i"), "t": Positive("... i")},
        ELEMENTWISE,
        variants=REDUCTIONS,
    ),
    "softmax_cross_entropy_labels": Case(
        {"z": Normal("... i"), "t": Integers("...", below="i")}, ELEMENTWISE, variants=REDUCTIONS
    ),
    "mse": Case({"y": Normal("... i"), "t": Normal("... i")}, ELEMENTWISE, variants=REDUCTIONS),
    "layer_norm": Case(
        {"x": Normal("... i"), "gamma": Normal("i"), "beta": Normal("i")},
        ELEMENTWISE,
        variants=({}, {"epsilon": 0.1}),
    ),
    "batch_norm": Case(
        CHANNELS,
        IMAGES,
        variants=({}, {"momentum": 0.3, "epsilon": 0.1}),
        constants=RUNNING,
        stateful=True,
    ),
    "batch_norm_inference": Case(CHANNELS, IMAGES, variants=({}, {"epsilon": 0.1}), constants=RUNNING),
    "dropout": Case({"x": Normal("... i"), "m": Keep("... i")}, ELEMENTWISE),
    "inverted_dropout": Case(
        {"x": Normal("... i"), "m": Keep("... i")}, ELEMENTWISE, options={"p": 0.8}, variants=({}, {"p": 0.8})
    ),
    "l2_penalty": Case({"W": Several("shapes")}, PARAMETERS, variants=({}, {"weight_decay": 0.3})),
    "clip_by_global_norm": Case({"g": Several("shapes")}, PARAMETERS, variants=({}, {"tau": 0.3}, {"tau": 100.0})),
    "sgd": Case({"W": Several("shapes"), "dW": Several("shapes")}, PARAMETERS, variants=({}, {"alpha": 0.3})),
    "xavier": Case({"noise": Normal("o i")}, MATRIX),
    "he": Case({"noise": Normal("o i")}, MATRIX),
    "mlp": Case(
        {"x": Normal("... i"), "W": Several("W"), "b": Several("b")},
        sizes(
            i=(7, 16, 784),
            W=([(5, 7), (4, 5), (6, 4)], [(12, 16), (10, 12)], [(256, 784), (128, 256), (10, 128)]),
            b=([(5,), (4,), (6,)], [(12,), (10,)], [(256,), (128,), (10,)]),
        ),
        variants=(*ACTIVATIONS, {"output": "tanh"}),
    ),
    "residual": Case(
        {"x": Normal("... i"), "skip": Normal("... o"), "W": Normal("o i"), "b": Normal("o")},
        sizes(i=(7, 16, 128), o=(5, 12, 1024)),
        variants=ACTIVATIONS,
    ),
    "attention": Case(
        {"Q": Normal("... q d"), "K": Normal("... k d"), "V": Normal("... k v"), "mask": Attend("... q k")},
        sizes(
            leading=((2, 3), (2,), (8, 8)),
            q=(5, 8, 256),
            k=(7, 8, 256),
            d=(4, 16, 64),
            v=(6, 16, 64),
            mask=(True, False, False),
        ),
        variants=({}, {"causal": True}),
    ),
    "conv2d": Case(
        {"x": Normal("b gc p q"), "W": Normal("go c k l"), "bias": Normal("go")},
        sizes(
            b=(2, 2, 16),
            gc=(6, 3, 32),
            c=(3, 3, 32),
            go=(4, 4, 32),
            p=(11, 8, 64),
            q=(13, 8, 128),
            k=(3, 3, 3),
            l=(2, 3, 3),
        ),
        options={"padding": 1},
        variants=(
            {"groups": 2},
            {"groups": 2, "stride": 2},
            {"groups": 2, "padding": 2},
            {"groups": 2, "dilation": 3},
            {"groups": 2, "stride": 3, "padding": 1, "dilation": 2},
        ),
    ),
    "max_pool2d": Case(
        {"x": Normal("b c p q")},
        sizes(b=(2, 2, 16), c=(3, 4, 64), p=(11, 8, 64), q=(13, 8, 64)),
        variants=({}, {"window": 3}, {"window": 3, "stride": 1}, {"window": 3, "stride": 2, "padding": 1}),
    ),
    "embedding": Case(
        {"E": Normal("v d"), "t": Integers("...", below="v")},
        sizes(leading=((2, 7), (8,), (64, 256)), v=(5, 32, 16384), d=(4, 16, 256)),
        variants=({}, {"padding_index": 2}),
    ),
    "lstm": Case(
        {
            "x": Normal("t ... i"),
            "h0": Normal("... n"),
            "c0": Normal("... n"),
            "W": Normal("4n i", scale=0.1),  # as networks are initialised: gates that are not saturated
            "U": Normal("4n n", scale=0.1),
            "b": Normal("4n"),
        },
        sizes(
            leading=((2, 3), (2,), (128,)),
            **{"t": (6, 4, 64), "i": (7, 8, 64), "n": (5, 16, 128), "4n": (20, 64, 512)},
        ),
    ),
}
