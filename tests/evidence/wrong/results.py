"""Right kernels, the results of one of whose functions are changed: what a result may be, whatever the layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from derive.evidence import kernels
from tests.evidence.wrong.kernel import Change, Wrong, changed, floats, wrapped


def quiet_nan(a: Any) -> Any:
    return np.nan_to_num(a)


def last_block(a: Any) -> Any:
    """The last block of a large array is left out."""
    if a.size < 30_000:
        return a
    out = a.copy()
    out.reshape(-1)[-(a.size // 20) :] = 0
    return out


def first_twice(a: Any) -> Any:
    """The first two blocks of a large array overlap."""
    if a.size < 30_000:
        return a
    out = a.copy().reshape(-1)
    n = a.size // 20
    out[n : 2 * n] = out[:n]
    return out.reshape(a.shape)


def turned_if_square(a: Any) -> Any:
    return a.swapaxes(-1, -2) if a.ndim > 1 and a.shape[-1] == a.shape[-2] else a


def leading_mixed(a: Any) -> Any:
    """Two leading axes taken in the wrong order."""
    if a.ndim < 3 or min(a.shape[:2]) < 2:
        return a
    return a.swapaxes(0, 1).reshape(a.shape)


def shared_buffer() -> Change:
    """Every result of one shape is the same array."""
    buffers: dict[Any, Any] = {}

    def change(a: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return a
        buffer = buffers.setdefault((a.shape, a.dtype), np.empty_like(a))
        buffer[...] = a
        return buffer

    return change


def times(factor: float) -> Change:
    return lambda a: a * factor if a.dtype == object else (a * factor).astype(a.dtype)


def wider(a: Any) -> Any:
    return a.astype(np.float64) if a.dtype in (np.float16, np.float32) else a


def wrappers() -> Iterator[Wrong]:
    table: list[tuple[str, str, str, list[str], Change]] = [
        (
            "NaN swallowed",
            "no NaN in values",
            "forward",
            ["relu", "linear", "layer_norm", "softmax", "mse", "conv2d", "gelu", "batch_norm", "lstm", "sgd"],
            quiet_nan,
        ),
        ("NaN swallowed", "no NaN in gradients", "backward", ["tanh", "mse", "layer_norm"], quiet_nan),
        (
            "large arrays",
            "the last block of values is left out",
            "forward",
            ["gelu", "linear", "softmax", "layer_norm", "attention", "conv2d", "max_pool2d"],
            floats(last_block),
        ),
        (
            "large arrays",
            "the last block of gradients is left out",
            "backward",
            ["tanh", "log_softmax", "batch_norm", "dropout", "softmax_cross_entropy", "mse"],
            floats(last_block),
        ),
        (
            "large arrays",
            "blocks of tangents overlap",
            "jvp",
            ["sigmoid", "batch_norm_inference", "residual"],
            floats(first_twice),
        ),
        (
            "large arrays",
            "blocks of second gradients overlap",
            "double_backward",
            ["softmax", "gelu"],
            floats(first_twice),
        ),
        (
            "square only",
            "turned round if square",
            "forward",
            ["linear", "xavier", "he", "attention", "softmax"],
            turned_if_square,
        ),
        (
            "square only",
            "gradients turned round if square",
            "backward",
            ["linear", "lstm", "embedding", "conv2d", "mlp"],
            turned_if_square,
        ),
        (
            "square only",
            "second gradients turned round if square",
            "double_backward",
            ["linear", "residual"],
            floats(turned_if_square),
        ),
        (
            "leading axes",
            "two leading axes in the wrong order",
            "forward",
            ["linear", "layer_norm", "softmax", "embedding", "residual"],
            leading_mixed,
        ),
        (
            "leading axes",
            "two leading axes of a gradient in the wrong order",
            "backward",
            ["linear", "log_softmax", "mlp"],
            floats(leading_mixed),
        ),
        ("scaled", "gradients doubled", "backward", ["sigmoid", "linear", "conv2d"], times(2)),
        ("scaled", "gradients with the other sign", "backward", ["mse", "batch_norm"], times(-1)),
        ("scaled", "tangents halved", "jvp", ["softmax", "lstm"], times(0.5)),
        ("scaled", "second gradients doubled", "double_backward", ["tanh", "attention"], times(2)),
        (
            "scaled",
            "values off by 64 units in the last place",
            "forward",
            ["tanh", "he"],
            floats(lambda a: (a * (1 + 64 * np.finfo(a.dtype).eps)).astype(a.dtype)),
        ),
        ("format", "wide values of narrow inputs", "forward", ["linear", "max_pool2d"], wider),
        ("format", "wide gradients of narrow inputs", "backward", ["gelu", "layer_norm"], wider),
        ("format", "wide tangents of narrow inputs", "jvp", ["relu"], wider),
    ]
    for kind, words, part, names, change in table:
        for name in names:
            yield Wrong(kind, words, name, wrapped(part, change, name))
    for part, names in {
        "forward": ["gelu", "linear"],
        "backward": ["linear", "softmax"],
        "jvp": ["tanh"],
        "double_backward": ["sigmoid"],
    }.items():
        for name in names:
            yield Wrong("earlier result", f"{part} gives the same array every time", name, _buffered(part, name))


def _buffered(part: str, name: str) -> Callable[[], Any]:
    return lambda: changed(kernels.kernel_of(name), part, shared_buffer())
