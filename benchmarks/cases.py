"""The inputs every layer is timed and compared on: one row a layer.

A row names each tensor with its axes, and the table of sizes at each kind of shape, see benchmarks.shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from benchmarks import shapes
from benchmarks.draws import Attend, Draw, Integers, Keep, Normal, Positive, Probabilities, Several, Tensor, turned
from benchmarks.shapes import TIMED, AllSizes


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
        """Return the positional arguments at the sizes of a kind of shape."""
        rng = np.random.default_rng(seed)
        drawn = tuple(tensor.draw(rng, self.sizes[size], dtype) for tensor in self.tensors.values())
        return tuple(map(turned, drawn)) if size == "turned" else drawn

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of shapes that the layer is timed at; none if it is not timed."""
        return tuple(kind for kind in TIMED if kind in self.sizes) if self.timed else ()

    def timed_with(self, size: str) -> Mapping[str, Any]:
        """The options at a kind of shape."""
        return {**self.options, **self.sizes[size].get("options", {})}

    @property
    def inputs(self) -> tuple[int, ...]:
        """Positions of the tensors that have a gradient: all real ones but the constants."""
        return tuple(
            position
            for position, (name, tensor) in enumerate(self.tensors.items())
            if not isinstance(tensor, Integers | Attend) and name not in self.constants
        )


REDUCTIONS = tuple({"reduction": reduction} for reduction in ("mean", "sum", "none"))
AXES = tuple({"axis": axis} for axis in (-1, 0, 1))
ACTIVATIONS = tuple({"activation": a} for a in ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "gelu"))
NORMALISED: dict[str, Draw] = {
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
        shapes.LINEAR,
    ),
    "identity": Case({"x": Normal("... i")}, shapes.ROWS, timed=False),  # by hand: no work at all
    "sigmoid": Case({"x": Normal("... i")}, shapes.ROWS),
    "tanh": Case({"x": Normal("... i")}, shapes.ROWS),
    "relu": Case({"x": Normal("... i")}, shapes.ROWS),
    "gelu": Case({"x": Normal("... i")}, shapes.ROWS),
    "leaky_relu": Case({"x": Normal("... i")}, shapes.ROWS, variants=({}, {"alpha": 0.2})),
    "softmax": Case({"z": Normal("... i")}, shapes.SCORES, variants=AXES),
    "log_softmax": Case({"z": Normal("... i")}, shapes.SCORES, variants=AXES),
    "cross_entropy": Case({"y": Probabilities("... i"), "t": Probabilities("... i")}, shapes.ROWS, variants=REDUCTIONS),
    "softmax_cross_entropy": Case(
        # the targets' sums differ from one: the gradient's general form, not the textbook's special case
        {"z": Normal("... i"), "t": Positive("... i")},
        shapes.ROWS,
        variants=REDUCTIONS,
    ),
    "softmax_cross_entropy_labels": Case(
        {"z": Normal("... i"), "t": Integers("...", below="i")}, shapes.ROWS, variants=REDUCTIONS
    ),
    "mse": Case({"y": Normal("... i"), "t": Normal("... i")}, shapes.ROWS, variants=REDUCTIONS),
    "layer_norm": Case(
        {"x": Normal("... i"), "gamma": Normal("i"), "beta": Normal("i")},
        shapes.ROWS,
        variants=({}, {"epsilon": 0.1}),
    ),
    "batch_norm": Case(
        NORMALISED,
        shapes.CHANNELS,
        variants=({}, {"momentum": 0.3, "epsilon": 0.1}),
        constants=RUNNING,
        stateful=True,
    ),
    "batch_norm_inference": Case(NORMALISED, shapes.CHANNELS, variants=({}, {"epsilon": 0.1}), constants=RUNNING),
    "dropout": Case({"x": Normal("... i"), "m": Keep("... i")}, shapes.ROWS),
    "inverted_dropout": Case(
        {"x": Normal("... i"), "m": Keep("... i")}, shapes.ROWS, options={"p": 0.8}, variants=({}, {"p": 0.8})
    ),
    "l2_penalty": Case({"W": Several("shapes")}, shapes.PARAMETERS, variants=({}, {"weight_decay": 0.3})),
    "clip_by_global_norm": Case(
        {"g": Several("shapes")}, shapes.PARAMETERS, variants=({}, {"tau": 0.3}, {"tau": 100.0})
    ),
    "sgd": Case({"W": Several("shapes"), "dW": Several("shapes")}, shapes.PARAMETERS, variants=({}, {"alpha": 0.3})),
    "xavier": Case({"noise": Normal("o i")}, shapes.MATRIX),
    "he": Case({"noise": Normal("o i")}, shapes.MATRIX),
    "mlp": Case(
        {"x": Normal("... i"), "W": Several("W"), "b": Several("b")},
        shapes.NETWORK,
        variants=(*ACTIVATIONS, {"output": "tanh"}),
    ),
    "residual": Case(
        {"x": Normal("... i"), "skip": Normal("... o"), "W": Normal("o i"), "b": Normal("o")},
        shapes.RESIDUAL,
        variants=ACTIVATIONS,
    ),
    "attention": Case(
        {"Q": Normal("... q d"), "K": Normal("... k d"), "V": Normal("... k v"), "mask": Attend("... q k")},
        shapes.ATTENTION,
        variants=({}, {"causal": True}),
    ),
    "conv2d": Case(
        {"x": Normal("b gc p q"), "W": Normal("go c k l"), "bias": Normal("go")},
        shapes.CONVOLUTION,
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
        shapes.POOLING,
        variants=({}, {"window": 3}, {"window": 3, "stride": 1}, {"window": 3, "stride": 2, "padding": 1}),
    ),
    "embedding": Case(
        {"E": Normal("v d"), "t": Integers("...", below="v")},
        shapes.EMBEDDING,
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
        shapes.RECURRENCE,
    ),
}
