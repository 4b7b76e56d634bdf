"""KernelBench in PyTorch: the networks that begin with a transposed convolution with a stride; see networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F


def twice(t: Any) -> Any:
    """A transposed convolution that doubles the lengths with a kernel of 3: stride 2, cropped and lengthened by 1."""
    convolve = F.conv_transpose2d if t.x.dim() == 4 else F.conv_transpose3d
    return convolve(t.x, t.W, t.b, stride=2, padding=1, output_padding=1)


def cropped(t: Any, padding: int = 1) -> Any:
    return F.conv_transpose3d(t.x, t.W, t.b, stride=2, padding=padding)


def each(v: Any, h: Any) -> Any:
    """A number for each channel, for all positions."""
    return v.reshape(1, -1, *[1] * (h.dim() - 2))


def batch_norm(h: Any, t: Any, gamma: Any, beta: Any) -> Any:
    """It moves the running statistics along, in place."""
    return F.batch_norm(h, t.mean0, t.var0, gamma, beta, training=True)


def layer_norm(h: Any, t: Any) -> Any:
    return F.layer_norm(h, t.gamma.shape, t.gamma, t.beta)


def residual(z: Any, bias: Any) -> Any:
    return (z + each(bias, z) + z) * z + z


def spread(h: Any) -> Any:
    """Probabilities over all positions."""
    return torch.softmax(h.flatten(2), 2).reshape(h.shape)


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
    "conv_transpose3d_sum_layer_norm_avg_pool_gelu": lambda t: F.gelu(
        F.avg_pool3d(layer_norm(twice(t) + t.shift, t), 2)
    ),
    "conv_transpose3d_batch_norm_subtract": lambda t: (lambda u: u - u.mean((2, 3, 4), True))(
        batch_norm(cropped(t), t, t.gamma, t.beta)
    ),
    "conv_transpose3d_sum_residual_add_multiply_residual_add": lambda t: residual(twice(t), t.bias),
    "conv_transpose3d_add_hard_swish": lambda t: (lambda a: a * F.hardswish(a))(twice(t) + t.add),
    "conv_transpose3d_layer_norm_gelu_scaling": lambda t: F.gelu(layer_norm(cropped(t), t)) * t.scale,
    "conv_transpose3d_avg_pool_clamp_softmax_multiply": lambda t: (
        spread(
            F.conv_transpose3d(F.avg_pool3d(t.x, 2), t.W, t.b, stride=2, padding=1, output_padding=1).clamp(
                t.low, t.high
            )
        )
        * t.scale.reshape(1, -1, 1, 1, 1)
    ),
    "conv_transpose3d_softmax_sigmoid": lambda t: torch.sigmoid(torch.softmax(twice(t), 1)),
    "conv_transpose3d_scaling_avg_pool_bias_add_scaling": lambda t: (
        (F.avg_pool3d(cropped(t) * t.first, 2) + each(t.bias, t.x)) * t.second
    ),
    "conv_transpose3d_log_sum_exp_hard_swish_subtract_clamp": lambda t: (
        lambda a: (a * torch.sigmoid(a + 3) / 6 - t.bias).clamp(-1, 1)
    )(cropped(t).logsumexp(1)),
    "conv_transpose3d_swish_group_norm_hard_swish": lambda t: F.hardswish(
        F.group_norm(F.silu(cropped(t)), t.groups, t.gamma, t.beta)
    ),
    "conv_transpose3d_batch_norm_avg_pool_avg_pool": lambda t: F.avg_pool3d(
        F.avg_pool3d(batch_norm(cropped(t), t, t.gamma, t.beta), 2), 2
    ),
    "conv_transpose3d_leaky_relu_multiply_leaky_relu_max": lambda t: F.max_pool3d(
        F.leaky_relu(F.leaky_relu(twice(t), t.slope) * each(t.multiplier, t.x), t.slope), 2
    ),
    "conv_transpose3d_max_max_sum": lambda t: F.max_pool3d(F.max_pool3d(cropped(t, 2), 2), 3).sum(1),
    "conv_transpose3d_max_pool_softmax_subtract_swish_max": lambda t: F.silu(
        torch.softmax(F.max_pool3d(twice(t), 2), 1) - each(t.subtract, t.x)
    ).max(1)[0],
    "conv_transpose3d_multiply_max_global_avg_pool_clamp": lambda t: (
        F.max_pool3d(cropped(t) * t.scale, 2).mean((2, 3, 4)).clamp(0, 1)
    ),
    "conv_transpose3d_clamp_min_divide": lambda t: cropped(t).clamp(min=t.low) / t.divisor,
}

#: Lengths of axes of these: of what the convolution makes where an argument has them, and windows that fit.
LENGTHS: dict[str, dict[str, int]] = {
    **{name: {"n": 2, "c": 3, "k": 3, "l": 4, "m": 2, "p": 5, "q": 4, "r": 3} for name in TRANSPOSED},
    "conv_transpose3d_sum_layer_norm_avg_pool_gelu": {"k": 3, "l": 4, "m": 2, "p": 4, "q": 3, "r": 5, "h": 9},
    "conv_transpose3d_layer_norm_gelu_scaling": {"k": 3, "l": 4, "m": 2, "p": 4, "q": 3, "r": 5, "h": 8},
    "conv_transpose3d_add_hard_swish": {"k": 3, "l": 4, "m": 2, "p": 4, "q": 3, "r": 5, "i": 8, "j": 7, "h": 9},
    "conv_transpose3d_max_max_sum": {"k": 3, "l": 4, "m": 2, "p": 8, "q": 9, "r": 7},
    "conv_transpose3d_avg_pool_clamp_softmax_multiply": {"k": 3, "l": 4, "m": 2, "p": 4, "q": 6, "r": 5},
}
