"""Operators that work on each element, and those along one axis that keep its length."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.nodes.layers import NotCovered, Row, at_end, exact, layer, text


def plain(name: str) -> Row:
    return lambda x: (layer(name, x),)


def renamed(name: str, defaults: dict[str, float], **names: str) -> Row:
    """ONNX's attribute by the layer's name, and ONNX's default where it is another one."""

    def run(x: Any, **attributes: Any) -> tuple[Any, ...]:
        given = {**defaults, **{names.get(a, a): value for a, value in attributes.items()}}
        return (layer(name, x, **given),)

    return run


def along_axis(name: str) -> Row:
    return lambda x, axis=-1: (layer(name, x, axis=axis),)


def gelu(x: Any, approximate: Any = "none") -> tuple[Any, ...]:
    return (layer("gelu" if text(approximate) == "none" else "gelu_tanh", x),)


def selu(x: Any, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875) -> tuple[Any, ...]:
    return (np.multiply(gamma, layer("elu", x, alpha=alpha), dtype=x.dtype),)


def hard_sigmoid(x: Any, alpha: float = 0.2, beta: float = 0.5) -> tuple[Any, ...]:
    """A line, clipped: our hard_sigmoid has PyTorch's slope of 1/6, hard_tanh clips any line."""
    return (layer("hard_tanh", (alpha * x + beta).astype(x.dtype), low=0.0, high=1.0),)


def shrink(x: Any, bias: float = 0.0, lambd: float = 0.5) -> tuple[Any, ...]:
    if bias not in (0.0, lambd):
        raise NotCovered("a bias that is neither 0 nor lambd")
    return (layer("soft_shrink" if bias else "hard_shrink", x, lambd=lambd),)


def prelu(x: Any, slope: Any) -> tuple[Any, ...]:
    """A slope for each element: all of them as channels of one example."""
    return (layer("prelu", x.reshape(1, -1), np.broadcast_to(slope, x.shape).reshape(-1)).reshape(x.shape),)


def clip(x: Any, low: Any = None, high: Any = None) -> tuple[Any, ...]:
    """Above a level and below another one: the lower after the higher where they cross, as the operator has it."""

    def run(a: Any) -> Any:
        if low is not None:
            a = layer("threshold", a, level=low.item(), other=low.item())
        return a if high is None else -layer("threshold", -a, level=-high.item(), other=-high.item())

    return (exact(run, x),)


def swiglu(a: Any, b: Any, alpha: float = 1.0) -> tuple[Any, ...]:
    return (layer("dropout", layer("swish", a, beta=alpha), b),)  # y = x m: a product of two arrays


def scan(name: str) -> Row:
    """CumSum and CumProd: inclusive or exclusive, from either end."""

    def run(x: Any, axis: Any, exclusive: int = 0, reverse: int = 0) -> tuple[Any, ...]:
        axis = int(axis)
        y = layer("flip", x, axis=axis) if reverse else x
        if name == "cumsum":
            y = exact(lambda a: layer("exclusive_cumsum" if exclusive else "cumsum", a, axis=axis), y)
        else:
            y = np.moveaxis(exact(lambda a: layer("cumprod", a), np.moveaxis(y, axis, 0)), 0, axis)
            if exclusive:  # all but the last, behind a one
                shifted = np.moveaxis(y, axis, -1)[..., :-1]
                y = at_end(shifted, -1, lambda a: exact(lambda e: layer("pad_constant", e, after=0, value=1.0), a))
                y = np.moveaxis(y, -1, axis)
        return (layer("flip", y, axis=axis) if reverse else y,)

    return run


ROWS: dict[str, Row] = {
    "Sigmoid": plain("sigmoid"),
    "Tanh": plain("tanh"),
    "Relu": plain("relu"),
    "Softplus": plain("softplus"),
    "Softsign": plain("softsign"),
    "Mish": plain("mish"),
    "HardSwish": plain("hard_swish"),
    "LeakyRelu": renamed("leaky_relu", {"alpha": 0.01}),
    "Elu": renamed("elu", {"alpha": 1.0}),
    "Celu": renamed("celu", {"alpha": 1.0}),
    "Swish": renamed("swish", {"beta": 1.0}, alpha="beta"),
    "ThresholdedRelu": renamed("threshold", {"level": 1.0}, alpha="level"),
    "Gelu": gelu,
    "Selu": selu,
    "HardSigmoid": hard_sigmoid,
    "Shrink": shrink,
    "PRelu": prelu,
    "Clip": clip,
    "SwiGLU": swiglu,
    "Softmax": along_axis("softmax"),
    "LogSoftmax": along_axis("log_softmax"),
    "CumSum": scan("cumsum"),
    "CumProd": scan("cumprod"),
}
