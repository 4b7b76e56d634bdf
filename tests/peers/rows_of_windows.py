"""Convolution and pooling compared with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from derive.notation import several
from tests.peers.row import Row, normal


def padded(F: Any, x: Any, padding: Any, value: float = 0.0) -> Any:
    """Padded by hand, as a function of PyTorch takes one number for both ends of an axis."""
    axes = x.ndim - 2
    pairs = several.spread(padding if axes > 1 else (padding,), (axes, 2))
    return F.pad(x, [n for pair in pairs[::-1] for n in pair], value=value)


#: One number for all, one for each axis, one for each end of each axis; in pairs, so that two can be exchanged.
WINDOWS: tuple[Mapping[str, Any], ...] = (
    {"stride": (2, 1), "dilation": (1, 2)},
    {"stride": (1, 3), "padding": (2, 1)},
    {"padding": ((0, 2), (1, 0)), "dilation": (2, 1)},
    {"stride": 2, "padding": ((1, 0), (0, 2)), "dilation": (3, 2)},
)
LONGER: Mapping[str, Any] = {"stride": (3, 2), "output_padding": (2, 1), "padding": ((2, 1), (0, 1))}
CUBES: tuple[Mapping[str, Any], ...] = (
    {"stride": (2, 1, 3), "padding": (1, 0, 1)},
    {"padding": ((0, 1), (1, 0), (1, 1)), "dilation": (1, 2, 1)},
    {"stride": 2, "dilation": (2, 1, 2)},
)


def along(value: Any) -> Any:
    """What an option for two axes has for the first of them."""
    return value[0] if isinstance(value, tuple) else value


def mean(F: Any, x: Any, window: Any = 2, stride: Any = 2, padding: Any = 0, count_include_pad: bool = True) -> Any:
    """Pooled by PyTorch, which takes one number for both ends of an axis; its mean over what is inside by two sums."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3]
    total = pool(padded(F, x, padding), window, stride=stride)
    return total if count_include_pad else total / pool(padded(F, x.detach() * 0 + 1, padding), window, stride=stride)


def meant(windows: tuple[Mapping[str, Any], ...], window: Any) -> tuple[Mapping[str, Any], ...]:
    """Options of pooling by means, which has no dilation, whatever lies outside."""
    without = [{n: v for n, v in options.items() if n != "dilation"} for options in windows]
    return tuple({"window": window, "count_include_pad": c, **o} for c, o in product((True, False), without))


def transposed(F: Any, x: Any, W: Any, bias: Any, padding: Any = 0, **options: Any) -> Any:
    """PyTorch takes away one number at both ends; without any, what is taken away is cut off by hand."""
    axes = x.ndim - 2
    z = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[axes - 1](x, W, bias, **options)
    for n, (before, after) in enumerate(several.spread(padding if axes > 1 else (padding,), (axes, 2))):
        z = z.narrow(n + 2, before, z.shape[n + 2] - before - after)
    return z


def unfolded(F: Any, x: Any, window: Any = 2, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Any:
    x = padded(F, x, padding)
    k, s, d = (several.spread(v, (2,)) for v in (window, stride, dilation))
    places = [(n - d[a] * (k[a] - 1) - 1) // s[a] + 1 for a, n in enumerate(x.shape[2:])]
    return F.unfold(x, k, d, 0, s).reshape(*x.shape[:2], *k, *places)


ROWS = {
    "avg_pool1d": Row(
        mean,
        normal((2, 3, 9)),
        meant(tuple({n: along(v) for n, v in options.items()} for options in WINDOWS), 3),
    ),
    "avg_pool2d": Row(mean, normal((2, 3, 7, 9)), meant(WINDOWS, (3, 4))),
    "avg_pool3d": Row(
        mean,
        normal((2, 3, 5, 7, 4)),
        tuple({n: v for n, v in o.items() if n != "count_include_pad"} for o in meant(CUBES, (2, 3, 2))[:3]),
    ),
    "global_avg_pool2d": Row(lambda F, x: F.adaptive_avg_pool2d(x, 1)[..., 0, 0], normal((2, 3, 4, 5))),
    "global_max_pool2d": Row(lambda F, x: F.adaptive_max_pool2d(x, 1)[..., 0, 0], normal((2, 3, 4, 5))),
    "global_avg_pool1d": Row(lambda F, x: x.mean(2), normal((2, 3, 4))),
    "global_max_pool1d": Row(lambda F, x: F.adaptive_max_pool1d(x, 1)[..., 0], normal((2, 3, 4))),
    "global_avg_pool3d": Row(lambda F, x: F.adaptive_avg_pool3d(x, 1)[..., 0, 0, 0], normal((2, 3, 4, 5, 2))),
    "global_max_pool3d": Row(lambda F, x: F.adaptive_max_pool3d(x, 1)[..., 0, 0, 0], normal((2, 3, 4, 5, 2))),
    "conv3d": Row(
        lambda F, x, W, bias, padding=0, **options: F.conv3d(padded(F, x, padding), W, bias, **options),
        normal((2, 4, 5, 7, 4), (6, 2, 2, 3, 2), (6,)),
        tuple({"groups": 2, **options} for options in CUBES),
    ),
    "max_pool3d": Row(
        lambda F, x, window=2, stride=2, padding=0, dilation=1: F.max_pool3d(
            padded(F, x, padding, -np.inf), window, stride=stride, dilation=dilation
        ),
        normal((2, 3, 5, 7, 4)),
        tuple({"window": (2, 3, 2), **options} for options in CUBES),
    ),
    "depthwise_conv1d": Row(
        lambda F, x, W, bias, padding=0, **options: F.conv1d(
            padded(F, x, padding), W[:, None], bias, groups=len(W), **options
        ),
        normal((2, 3, 9), (3, 3), (3,)),
        tuple({n: along(v) for n, v in options.items()} for options in WINDOWS),
    ),
    "pointwise_conv2d": Row(
        lambda F, x, W, bias: F.conv2d(x, W[:, :, None, None], bias), normal((2, 3, 4, 5), (6, 3), (6,))
    ),
    "conv_transpose1d": Row(
        transposed,
        normal((2, 4, 5), (4, 3, 3), (6,)),
        tuple({"groups": 2, **{n: along(v) for n, v in options.items()}} for options in (*WINDOWS, LONGER)),
    ),
    "conv_transpose2d": Row(
        transposed,
        normal((2, 4, 5, 6), (4, 3, 3, 2), (6,)),
        tuple({"groups": 2, **options} for options in (*WINDOWS, LONGER)),
    ),
    "conv_transpose3d": Row(
        transposed,
        normal((2, 4, 3, 4, 2), (4, 3, 2, 3, 2), (6,)),
        tuple({"groups": 2, **options} for options in (*CUBES, {"stride": (3, 2, 2), "output_padding": (2, 0, 1)})),
    ),
    "unfold": Row(unfolded, normal((2, 3, 7, 9)), tuple({"window": (3, 2), **options} for options in WINDOWS)),
    "upsample_nearest2d": Row(
        lambda F, x, scale=2: F.interpolate(x, scale_factor=several.spread(scale, (2,)), mode="nearest"),
        normal((2, 3, 4, 5)),
        ({}, {"scale": (3, 1)}, {"scale": (2, 4)}),
    ),
    "adaptive_avg_pool2d": Row(
        lambda F, x, bins=2: F.adaptive_avg_pool2d(x, bins),
        normal((2, 3, 7, 9)),
        ({}, {"bins": (3, 4)}, {"bins": (1, 5)}, {"bins": (8, 2)}),
    ),
}
