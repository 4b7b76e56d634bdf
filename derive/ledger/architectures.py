"""What shows S39 to S42: residual, dense and attending networks, and how close one hidden layer comes to a function."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from derive.ledger.scalars import near

STEP = 1e-6  # of central differences, which are then right to about 1e-9


def slopes_agree(kernel: Any, arrays: dict[str, Any], fixed: dict[str, Any], seed: int) -> None:
    """The gradient along a direction drawn at random is that of central differences."""
    rng = np.random.default_rng(seed)

    def forward(step: float) -> Any:
        moved = {name: along(a, way[name], step) for name, a in arrays.items()}
        result, saved = kernel.forward(**moved, **fixed)
        return (result if isinstance(result, np.ndarray) else result[0]), saved

    way = {name: directed(a, rng) for name, a in arrays.items()}
    y, saved = forward(0.0)
    dy = rng.normal(size=y.shape)
    found = kernel.backward(dy, saved)
    ours = sum(inner(getattr(found, name), way[name]) for name in arrays)
    theirs = ((forward(STEP)[0] - forward(-STEP)[0]) * dy).sum() / (2 * STEP)
    assert abs(ours - theirs) <= 1e-6 * max(1.0, abs(theirs)), (ours, theirs)


def directed(a: Any, rng: np.random.Generator) -> Any:
    return rng.normal(size=a.shape) if isinstance(a, np.ndarray) else [rng.normal(size=e.shape) for e in a]


def along(a: Any, way: Any, step: float) -> Any:
    if isinstance(a, np.ndarray):
        return a + step * way
    return [e + step * w for e, w in zip(a, way, strict=True)]


def inner(a: Any, b: Any) -> float:
    if isinstance(a, np.ndarray):
        return float((a * b).sum())
    return float(sum((e * w).sum() for e, w in zip(a, b, strict=True)))


def drawn(shapes: dict[str, Any], seed: int) -> dict[str, Any]:
    """Normal numbers; a list of shapes is a list of arrays."""
    rng = np.random.default_rng(seed)
    return {
        name: [rng.normal(size=s) for s in shape] if isinstance(shape, list) else rng.normal(size=shape)
        for name, shape in shapes.items()
    }


def block() -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a residual block of two channels with three between, and its running statistics."""
    arrays = drawn({"x": (3, 2, 4, 5), "W1": (3, 2, 3, 3), "b1": 3, "gamma1": 3, "beta1": 3}, 1)
    arrays |= drawn({"W2": (2, 3, 3, 3), "b2": 2, "gamma2": 2, "beta2": 2}, 2)
    return arrays, {"running_mean1": np.zeros(3), "running_var1": np.ones(3)} | {
        "running_mean2": np.zeros(2),
        "running_var2": np.ones(2),
    }


def s39() -> None:
    from reference import batch_norm, conv2d, residual_block
    from reference.networks import resnet

    arrays, states = block()
    a = arrays
    z = conv2d.forward(a["x"], a["W1"], a["b1"], padding=1)[0]
    n = batch_norm.forward(z, a["gamma1"], a["beta1"], np.zeros(3), np.ones(3))[0].y
    z = conv2d.forward(np.maximum(n, 0), a["W2"], a["b2"], padding=1)[0]
    n = batch_norm.forward(z, a["gamma2"], a["beta2"], np.zeros(2), np.ones(2))[0].y
    near(residual_block.forward(**arrays, **states)[0].y, np.maximum(n + a["x"], 0))
    slopes_agree(residual_block, arrays, states, 3)
    off = arrays | {"gamma2": np.zeros(2), "beta2": np.zeros(2)}  # the branch is 0: what is left is the connection
    y, saved = residual_block.forward(**off, **states)
    dy = np.random.default_rng(4).normal(size=y.y.shape)
    near(residual_block.backward(dy, saved).x, dy * (a["x"] > 0))
    net = drawn({"x": (3, 1, 4, 5), "W0": (2, 1, 3, 3), "b0": 2, "V": (4, 2), "d": 4}, 5)
    net |= {name: [v, v + 0.1] for name, v in arrays.items() if name != "x"}
    slopes_agree(resnet, net, {name: [v, v] for name, v in states.items()}, 6)


def s40() -> None:
    from reference import dense_layer
    from reference.networks import densenet

    arrays = drawn({"x": (3, 2, 4, 5), "gamma": 2, "beta": 2, "W": (3, 2, 3, 3), "bias": 3}, 7)
    states = {"running_mean": np.zeros(2), "running_var": np.ones(2)}
    y = dense_layer.forward(**arrays, **states)[0].y
    assert y.shape == (3, 5, 4, 5)
    assert np.array_equal(y[:, :2], arrays["x"]), "what came in is handed on"
    slopes_agree(dense_layer, arrays, states, 8)
    c, g = 2, 3
    net = drawn({"x": (3, 1, 4, 5), "W0": (c, 1, 3, 3), "b0": c, "V": (4, c + 2 * g), "v": 4}, 9)
    moving: dict[str, Any] = {}
    for k in (1, 2, 3):
        wide = c + (k - 1) * g  # each layer sees the channels of all before it
        net |= drawn({f"gamma{k}": wide, f"beta{k}": wide}, 10 + k)
        net |= drawn({f"W{k}": (g, wide, 3, 3), f"b{k}": g}, 20 + k) if k < 3 else {}
        moving |= {f"running_mean{k}": np.zeros(wide), f"running_var{k}": np.ones(wide)}
    slopes_agree(densenet, net, moving, 10)


def s41() -> None:
    from reference import attention, encoder_block, gelu, layer_norm
    from reference.networks import transformer

    i, d, w = 4, 6, 5
    shapes = {"gamma1": i, "beta1": i, "Wq": (d, i), "bq": d, "Wk": (d, i), "bk": d, "Wv": (d, i), "bv": d}
    shapes |= {"Wo": (i, d), "bo": i, "gamma2": i, "beta2": i, "W1": (w, i), "b1": w, "W2": (i, w), "b2": i}
    arrays = drawn({"x": (2, 3, i)} | shapes, 11)
    a, x = arrays, arrays["x"]
    n = layer_norm.forward(x, a["gamma1"], a["beta1"])[0]
    heads = [
        (n @ a[f"W{k}"].T + a[f"b{k}"]).reshape(2, 3, 2, 3).transpose(0, 2, 1, 3)  # two heads of three features
        for k in ("q", "k", "v")
    ]
    O = attention.forward(*heads, None)[0].transpose(0, 2, 1, 3).reshape(2, 3, d)
    r = x + O @ a["Wo"].T + a["bo"]
    m = layer_norm.forward(r, a["gamma2"], a["beta2"])[0]
    f = gelu.forward(m @ a["W1"].T + a["b1"])[0] @ a["W2"].T + a["b2"]
    y = encoder_block.forward(**arrays, heads=2)[0]
    near(y, r + f)
    order = [2, 0, 1]
    near(encoder_block.forward(**arrays | {"x": x[:, order]}, heads=2)[0], y[:, order])  # it knows no positions
    slopes_agree(encoder_block, arrays, {"heads": 2}, 12)
    zeros = {name: np.zeros_like(a[name]) for name in ("Wo", "bo", "W2", "b2")}  # what is left are the connections
    y, saved = encoder_block.forward(**arrays | zeros, heads=2)
    near(y, x)
    near(encoder_block.backward(n, saved).x, n)
    net = drawn({"x": (2, 3, 2), "E": (i, 2), "P": (3, i), "gamma": i, "beta": i, "V": (3, i), "c": 3}, 13)
    net |= drawn({name: [shape, shape] for name, shape in shapes.items()}, 14)
    slopes_agree(transformer, net, {"heads": 2}, 15)


def s42() -> None:
    from reference.training.approximation import error_bound, interpolating

    def square(x: Any) -> Any:
        return x * x

    for units in (1, 4, 16):  # exactly, on fractions: the line through the points, x^2 at least and h^2/4 too much
        network = interpolating(square, Fraction(-1), Fraction(2), units)
        h = Fraction(3, units)
        for k in range(units):
            left = Fraction(-1) + k * h
            for part in (Fraction(0), Fraction(1, 3), Fraction(1, 2)):
                x = left + part * h
                (y,) = network.predict(np.array([[x]]))[0]
                assert y - x * x == part * (1 - part) * h * h
    many = np.linspace(0.0, 2 * math.pi, 5001)[:, None]
    for units in (1, 8, 64, 512):
        error = np.abs(interpolating(math.sin, 0.0, 2 * math.pi, units).predict(many) - np.sin(many)).max()
        bound = error_bound(1.0, 0.0, 2 * math.pi, units)
        assert error <= bound + 1e-12 * units  # what rounding adds to a sum of so many terms
        assert units < 8 or error > bound / 2, "the bound is not far off"
    root = interpolating(math.sqrt, 0.0, 1.0, 100).predict(np.linspace(0.0, 1.0, 5001)[:, None])[:, 0]
    assert np.abs(root - np.sqrt(np.linspace(0.0, 1.0, 5001))).max() <= 0.1 + 1e-12, "omega(h) = sqrt(h)"
    outside = interpolating(math.sin, 0.0, 2 * math.pi, 512).predict(np.array([[20.0]]))[0, 0]
    assert abs(outside - math.sin(20.0)) > 10, "nothing is said of what lies outside"
    jump = np.array([[0.5 - 1e-9], [0.5 + 1e-9]])
    low, high = interpolating(lambda x: float(x > 0.5), 0.0, 1.0, 512).predict(jump)[:, 0]
    assert max(abs(low), abs(high - 1)) > 0.4, "a jump keeps an error of a half, however many units"
