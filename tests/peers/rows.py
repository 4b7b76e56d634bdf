"""Layers compared with PyTorch that no benchmark times: one row each."""

from __future__ import annotations

import numpy as np

from tests.peers import (
    rows_of_losses,
    rows_of_networks,
    rows_of_norms,
    rows_of_quantization,
    rows_of_resampling,
    rows_of_schedules,
    rows_of_sequences,
    rows_of_steps,
    rows_of_structure,
    rows_of_windows,
)
from tests.peers.row import Row, normal
from tests.peers.rows_of_windows import WINDOWS, along, padded

FEATURES = normal((2, 3, 4), (5, 4), (5, 4))

ROWS: dict[str, Row] = {
    "conv2d": Row(
        lambda F, x, W, bias, padding=0, **options: F.conv2d(padded(F, x, padding), W, bias, **options),
        normal((2, 4, 7, 9), (6, 2, 3, 2), (6,)),
        tuple({"groups": 2, **options} for options in WINDOWS),
    ),
    "conv1d": Row(
        lambda F, x, W, bias, padding=0, **options: F.conv1d(padded(F, x, padding), W, bias, **options),
        normal((2, 4, 9), (6, 2, 3), (6,)),
        tuple({"groups": 2, **{n: along(v) for n, v in options.items()}} for options in WINDOWS),
    ),
    "depthwise_conv2d": Row(
        lambda F, x, W, bias, padding=0, **options: F.conv2d(
            padded(F, x, padding), W[:, None], bias, groups=len(W), **options
        ),
        normal((2, 3, 7, 9), (3, 3, 2), (3,)),
        WINDOWS,
    ),
    "max_pool1d": Row(
        lambda F, x, window=2, stride=2, padding=0, dilation=1: F.max_pool1d(
            padded(F, x, padding, -np.inf), window, stride=stride, dilation=dilation
        ),
        normal((2, 3, 9)),
        tuple({"window": 3, **{n: along(v) for n, v in options.items()}} for options in WINDOWS),
    ),
    "max_pool2d": Row(
        lambda F, x, window=2, stride=2, padding=0, dilation=1: F.max_pool2d(
            padded(F, x, padding, -np.inf), window, stride=stride, dilation=dilation
        ),
        normal((2, 3, 7, 9)),
        tuple({"window": (3, 2), **options} for options in WINDOWS),
    ),
    "silu": Row(lambda F, x: F.silu(x)),
    "swish": Row(lambda F, x, beta=1.0: x * (beta * x).sigmoid(), options=({}, {"beta": 1.7}, {"beta": -0.3})),
    "softplus": Row(lambda F, x: F.softplus(x, threshold=1e9)),  # its default turns into x above 20
    "mish": Row(lambda F, x: F.mish(x)),
    "log_sigmoid": Row(lambda F, x: F.logsigmoid(x)),
    "tanh_shrink": Row(lambda F, x: F.tanhshrink(x)),
    "gelu_tanh": Row(lambda F, x: F.gelu(x, approximate="tanh")),
    "relu6": Row(lambda F, x: F.relu6(x)),
    "square_relu": Row(lambda F, x: F.relu(x) ** 2),
    "hard_tanh": Row(
        lambda F, x, low=-1.0, high=1.0: F.hardtanh(x, low, high),
        options=({}, {"low": -0.3, "high": 2.5}, {"low": 0.5, "high": 2.0}),
    ),
    "hard_sigmoid": Row(lambda F, x: F.hardtanh(x / 6 + 0.5, 0, 1)),  # its own has 1/6 rounded to float32 in gradients
    "hard_swish": Row(lambda F, x: x * F.hardtanh(x / 6 + 0.5, 0, 1)),
    "threshold": Row(
        lambda F, x, level=1.0, other=0.0: F.threshold(x, level, other),
        options=({}, {"level": -0.7, "other": 3.0}, {"level": 0.2, "other": -2.0}),
    ),
    "hard_shrink": Row(lambda F, x, lambd=0.5: F.hardshrink(x, lambd), options=({}, {"lambd": 1.3})),
    "soft_shrink": Row(lambda F, x, lambd=0.5: F.softshrink(x, lambd), options=({}, {"lambd": 1.3})),
    "elu": Row(lambda F, x, alpha=1.0: F.elu(x, alpha), options=({}, {"alpha": 0.4}, {"alpha": -1.2})),
    "selu": Row(lambda F, x: F.selu(x)),
    # its own rounds alpha to float32 in gradients
    "celu": Row(lambda F, x, alpha=1.0: F.celu(x, alpha), options=({}, {"alpha": 0.5}, {"alpha": 2.5})),
    "softsign": Row(lambda F, x: F.softsign(x)),
    "prelu": Row(lambda F, x, a: F.prelu(x, a), normal((2, 3, 4, 5), (3,))),
    "glu": Row(lambda F, x: F.glu(x), normal((2, 3, 8))),
    "swiglu": Row(lambda F, x, W, V: F.silu(F.linear(x, W)) * F.linear(x, V), FEATURES),
    "geglu": Row(lambda F, x, W, V: F.gelu(F.linear(x, W)) * F.linear(x, V), FEATURES),
    "reglu": Row(lambda F, x, W, V: F.relu(F.linear(x, W)) * F.linear(x, V), FEATURES),
    "maxout": Row(
        lambda F, x, W, b: (F.linear(x, W.flatten(0, 1)).unflatten(-1, b.shape) + b).amax(-1),
        normal((2, 3, 4), (5, 2, 4), (5, 2)),
    ),
    "softmin": Row(lambda F, z, axis=-1: F.softmin(z, axis), normal((2, 3, 4)), ({}, {"axis": 0}, {"axis": 1})),
}
ROWS |= rows_of_losses.ROWS | rows_of_norms.ROWS | rows_of_quantization.ROWS
ROWS |= rows_of_sequences.ROWS | rows_of_steps.ROWS
ROWS |= rows_of_resampling.ROWS
ROWS |= rows_of_structure.ROWS | rows_of_windows.ROWS | rows_of_networks.ROWS
ROWS |= rows_of_schedules.ROWS
