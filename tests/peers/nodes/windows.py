"""Convolution, pooling and resampling: layers have one or two or three axes of positions, operators any number."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.nodes.layers import NotCovered, Row, exact, layer, pads, text


def same(x: Any, window: Any, strides: Any, dilations: Any, auto_pad: str, given: Any) -> tuple[tuple[int, int], ...]:
    """The padding of each axis: as given, none, or so much that a stride of 1 keeps the length."""
    axes = x.ndim - 2
    if auto_pad in ("NOTSET", "VALID"):
        return pads(given, axes)
    both = []
    for n, k, s, d in zip(x.shape[2:], window, strides, dilations, strict=True):
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        small, large = total // 2, total - total // 2
        both.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
    return tuple(both)


def options(axes: int, **each: Any) -> dict[str, Any]:
    """An option for each axis: a number where the layer has one axis alone."""
    return {name: values[0] if axes == 1 else tuple(values) for name, values in each.items()}


def conv(
    x: Any,
    W: Any,
    bias: Any = None,
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    group: int = 1,
    auto_pad: Any = "NOTSET",
    kernel_shape: Any = None,
) -> tuple[Any, ...]:
    axes = x.ndim - 2
    strides, dilations = strides or [1] * axes, dilations or [1] * axes
    padding = same(x, W.shape[2:], strides, dilations, text(auto_pad), pads)
    bias = np.zeros(W.shape[0], x.dtype) if bias is None else bias
    chosen = options(axes, stride=strides, padding=padding, dilation=dilations)
    return (layer(f"conv{axes}d", x, W, bias, groups=group, **chosen),)


def pool(
    name: str,
    x: Any,
    kernel_shape: Any,
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    auto_pad: Any = "NOTSET",
    ceil_mode: int = 0,
    **other: Any,
) -> Any:
    axes = x.ndim - 2
    strides, dilations = strides or [1] * axes, dilations or [1] * axes
    padding = same(x, kernel_shape, strides, dilations, text(auto_pad), pads)
    if ceil_mode:  # a last window that begins inside but ends outside: so much more padding at the end
        ends = []
        for n, (a, b), k, s, d in zip(x.shape[2:], padding, kernel_shape, strides, dilations, strict=True):
            count = -(-(n + a + b - d * (k - 1) - 1) // s) + 1
            count -= (count - 1) * s >= n + a
            ends.append((a, max(b, (count - 1) * s + d * (k - 1) + 1 - n - a)))
        if name == "avg_pool" and other.get("count_include_pad") and tuple(ends) != padding:
            raise NotCovered("a mean that counts padding but not what lies behind it")
        padding = tuple(ends)
    if name == "max_pool":
        other["dilation"] = dilations
    elif any(d != 1 for d in dilations):
        raise NotCovered("a mean of a dilated window")
    chosen = options(axes, window=kernel_shape, stride=strides, padding=padding)
    if "dilation" in other:
        chosen |= options(axes, dilation=other.pop("dilation"))
    return layer(f"{name}{axes}d", x, **chosen, **other)


def average_pool(x: Any, count_include_pad: int = 0, **attributes: Any) -> tuple[Any, ...]:
    if x.ndim == 5:  # avg_pool3d counts what lies outside: right where there is none
        if not count_include_pad and any(attributes.get("pads", ())):
            raise NotCovered("a mean in three dimensions that leaves padding out")
        if attributes.get("ceil_mode"):
            raise NotCovered("ceil_mode in three dimensions")
        return (pool("avg_pool", x, **attributes),)
    return (pool("avg_pool", x, count_include_pad=bool(count_include_pad), **attributes),)


def max_pool(x: Any, storage_order: int = 0, outputs: int = 1, **attributes: Any) -> tuple[Any, ...]:
    if outputs > 1:
        raise NotCovered("the places of the largest elements as a second output")
    return (exact(lambda a: pool("max_pool", a, **attributes), x),)


def global_pool(name: str) -> Row:
    return lambda x: (layer(name, x)[:, :, None, None],)


def upsample(x: Any, scales: Any, mode: Any = "nearest") -> tuple[Any, ...]:
    if text(mode) != "nearest" or tuple(scales[:2]) != (1, 1):
        raise NotCovered("other than nearest neighbours of two axes")
    return (layer("upsample_nearest2d", x, scale=tuple(int(s) for s in scales[2:])),)


ROWS: dict[str, Row] = {
    "Conv": conv,
    "AveragePool": average_pool,
    "MaxPool": max_pool,
    "GlobalAveragePool": global_pool("global_avg_pool2d"),
    "GlobalMaxPool": global_pool("global_max_pool2d"),
    "Upsample": upsample,
}
