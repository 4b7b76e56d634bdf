"""KernelBench in PyTorch: the networks that begin with a transposed convolution with a stride; see networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F


def twice(t: Any) -> Any:
    """A transposed convolution that doubles the lengths with a kernel of 3: stride 2, cropped and lengthened by 1."""
    return F.conv_transpose2d(t.x, t.W, t.b, stride=2, padding=1, output_padding=1)


def each(v: Any, h: Any) -> Any:
    """A number for each channel, for all positions."""
    return v.reshape(1, -1, *[1] * (h.dim() - 2))


TRANSPOSED: dict[str, Callable[[Any], Any]] = {
    "conv_transpose2d_bias_add_clamp_scaling_clamp_divide": lambda t: (
        ((twice(t) + each(t.bias, t.x)).clamp(0, 1) * t.scale).clamp(0, 1) / t.scale
    ),
    "conv_transpose2d_mish_add_hardtanh_scaling": lambda t: F.hardtanh(F.mish(twice(t)) + t.add) * t.scale,
    "conv_transpose2d_min_sum_gelu_add": lambda t: F.gelu(twice(t).min(1)[0].sum(1)) + t.bias,
    "conv_transpose2d_multiply_global_avg_pool_global_avg_pool_mean": lambda t: (twice(t) * t.multiplier).mean((2, 3)),
    "conv_transpose2d_softmax_bias_add_scaling_sigmoid": lambda t: torch.sigmoid(
        (torch.softmax(twice(t), 1) + each(t.bias, t.x)) * t.scale
    ),
    "conv_transpose2d_add_min_gelu_multiply": lambda t: (
        F.gelu((F.conv_transpose2d(t.x, t.W, t.b, stride=2) + t.add).clamp(max=0)) * t.scale
    ),
}
