"""KernelBench in PyTorch: the network of each definition in examples/kernelbench/, by its name.

A network takes the definition's arguments, options included, as attributes of one object. An axis of one element that
the benchmark keeps after a reduction is left out, as in the definitions. Where the benchmark detaches what it adds
(problems 40 and 51), the gradient here is of the whole sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from tests.kernelbench.level3_networks import NETWORKS as LEVEL3
from tests.kernelbench.transposed import TRANSPOSED


def linear(t: Any) -> Any:
    return F.linear(t.x, t.W, t.b)


def conv2d(t: Any) -> Any:
    return F.conv2d(t.x, t.W, t.b)


def conv3d(t: Any, padding: int = 0) -> Any:
    return F.conv3d(t.x, t.W, t.b, padding=padding)


def channels(v: Any, like: Any) -> Any:
    """A number for each channel, for all positions."""
    return v.reshape(1, -1, *[1] * (like.dim() - 2))


def batch_norm(h: Any, t: Any) -> Any:
    """It moves the running statistics along, in place."""
    return F.batch_norm(h, t.mean0, t.var0, t.gamma, t.beta, training=True)


def group_norm(h: Any, t: Any) -> Any:
    return F.group_norm(h, t.groups, t.gamma, t.beta)


def features(h: Any, window: int, pool: Callable[..., Any]) -> Any:
    """Pool over features, which are the positions of one channel."""
    return pool(h.unsqueeze(1), window).squeeze(1)


def scaled(h: Any, v: Any) -> Any:
    return h * channels(v, h)


def shifted(h: Any, v: Any) -> Any:
    return h + channels(v, h)


NETWORKS: dict[str, Callable[[Any], Any]] = {
    **TRANSPOSED,
    **LEVEL3,
    "conv_transpose2d_gelu_group_norm": lambda t: group_norm(F.gelu(F.conv_transpose2d(t.x, t.W, t.b)), t),
    "conv_transpose3d_relu_group_norm": lambda t: group_norm(F.relu(F.conv_transpose3d(t.x, t.W)), t),
    "conv_transpose2d_subtract_tanh": lambda t: torch.tanh(shifted(F.conv_transpose2d(t.x, t.W, t.b), -t.bias)),
    "conv_transpose2d_max_pool_hardtanh_mean_tanh": lambda t: torch.tanh(
        F.hardtanh(F.max_pool2d(F.conv_transpose2d(t.x, t.W, t.b, padding=1), 2)).mean((2, 3))
    ),
    "conv_transpose3d_mean_add_softmax_tanh_scaling": lambda t: (
        torch.tanh(torch.softmax(shifted(F.conv_transpose3d(t.x, t.W, t.b, padding=1), t.bias), 1)) * t.scale
    ),
    "conv_transpose2d_global_avg_pool_bias_add_log_sum_exp_sum_multiply": lambda t: (
        (F.conv_transpose2d(t.x, t.W, t.b).mean((2, 3)) + t.bias).logsumexp(1) * t.scale
    ),
    "conv_transpose3d_scale_batch_norm_global_avg_pool": lambda t: batch_norm(
        F.conv_transpose3d(t.x, t.W, t.b) * t.scale, t
    ).mean((2, 3, 4)),
    "matrix_scalar_multiplication": lambda t: t.A * t.s,
    "matmul_with_transposed_both": lambda t: t.A.T @ t.B.T,
    "l1_norm": lambda t: t.x / t.x.abs().mean(1, True),
    "kl_div_loss": lambda t: F.kl_div(t.p.log(), t.t, reduction="batchmean"),
    "triplet_margin_loss": lambda t: F.triplet_margin_loss(t.a, t.p, t.q, t.margin),
    "hinge_loss": lambda t: (1 - t.y * t.t).clamp(min=0).mean(),
    "conv2d_relu_bias_add": lambda t: shifted(F.relu(conv2d(t)), t.bias),
    "conv2d_mish_mish": lambda t: F.mish(F.mish(conv2d(t))),
    "conv3d_softmax_max_pool_max_pool": lambda t: F.max_pool3d(
        F.max_pool3d(torch.softmax(conv3d(t), 1), t.window), t.window
    ),
    "conv3d_relu_leaky_relu_gelu_sigmoid_bias_add": lambda t: shifted(
        torch.sigmoid(F.gelu(F.leaky_relu(F.relu(conv3d(t))))), t.bias
    ),
    "conv3d_divide_max_global_avg_pool_bias_add_sum": lambda t: (
        F.max_pool3d(conv3d(t) / t.divisor, t.window).mean((2, 3, 4)) + t.bias
    ).sum(1),
    "matmul_subtract_multiply_relu": lambda t: F.relu((linear(t) - t.subtract) * t.multiply),
    "gemm_multiply_leaky_relu": lambda t: F.leaky_relu(linear(t) * t.multiplier, t.alpha),
    "gemm_divide_sum_scaling": lambda t: (t.x @ t.W.T / 2).sum(1) * t.scale,
    "conv2d_instance_norm_divide": lambda t: F.instance_norm(conv2d(t)) / t.divisor,
    "matmul_sum_max_avg_pool_log_sum_exp_log_sum_exp": lambda t: (
        linear(t).sum(1, True).max(1, True)[0].mean(1, True).logsumexp(1, True).logsumexp(1)
    ),
    "conv2d_add_scale_sigmoid_group_norm": lambda t: group_norm(
        torch.sigmoid(scaled(shifted(conv2d(t), t.bias), t.scale)), t
    ),
    "matmul_scale_residual_add_clamp_log_sum_exp_mish": lambda t: (lambda s: s * F.mish(s))(
        (2 * t.scale * linear(t)).clamp(t.low, t.high).logsumexp(1)
    ),
    "conv3d_group_norm_mean": lambda t: group_norm(conv3d(t), t).mean((1, 2, 3, 4)),
    "conv3d_min_softmax": lambda t: torch.softmax(conv3d(t).min(2)[0], 1),
    "conv2d_min_tanh_tanh": lambda t: torch.tanh(torch.tanh(conv2d(t).min(1)[0])),
    "conv3d_hard_swish_group_norm_mean": lambda t: group_norm(F.hardswish(conv3d(t)), t).mean((2, 3, 4)),
    "bmm_instance_norm_sum_residual_add_multiply": lambda t: (
        (F.instance_norm(linear(t)[:, None, None])[:, 0, 0] + t.y) * t.y
    ),
    "matmul_mish_mish": lambda t: F.mish(F.mish(linear(t))),
    "gemm_group_norm_hardtanh": lambda t: F.hardtanh(group_norm(linear(t), t), t.low, t.high),
    "conv2d_min_add_multiply": lambda t: shifted(conv2d(t).clamp(max=t.constant), t.bias) * t.scale,
    "conv2d_scaling_min": lambda t: (conv2d(t) * t.scale).min(1)[0],
    "gemm_scale_batch_norm": lambda t: batch_norm(linear(t) * t.scale, t),
    "conv2d_subtract_hard_swish_max_pool_mish": lambda t: F.mish(
        F.max_pool2d(F.hardswish(conv2d(t) - t.subtract), t.window)
    ),
    "matmul_swish_sum_group_norm": lambda t: group_norm(F.silu(linear(t)) + t.bias, t),
    "matmul_scaling_residual_add": lambda t: linear(t) * t.scale + linear(t),
    "gemm_batch_norm_gelu_relu": lambda t: F.relu(F.gelu(batch_norm(linear(t), t))),
    "conv3d_max_log_sum_exp_relu": lambda t: F.relu(F.max_pool3d(conv3d(t, 1), 2).logsumexp(1)),
    "gemm_sigmoid_log_sum_exp": lambda t: F.linear(torch.sigmoid(linear(t)), t.V, t.d).logsumexp(1),
    "conv2d_subtract_tanh_subtract_avg_pool": lambda t: F.avg_pool2d(
        torch.tanh(conv2d(t) - t.before) - t.after, t.window
    ),
    "conv3d_mish_tanh": lambda t: torch.tanh(F.mish(conv3d(t))),
    "conv3d_scaling_tanh_multiply_sigmoid": lambda t: torch.sigmoid(
        scaled(torch.tanh(scaled(conv3d(t), t.scale)), t.bias)
    ),
    "gemm_subtract_global_avg_pool_log_sum_exp_gelu_residual_add": lambda t: (
        F.gelu((linear(t) - t.subtract).mean(1, True).logsumexp(1, True)) + t.x
    ),
    "conv2d_activation_batch_norm": lambda t: batch_norm(torch.tanh(F.softplus(conv2d(t))) * conv2d(t), t),
    "gemm_scaling_hardtanh_gelu": lambda t: F.gelu(F.hardtanh(linear(t) * t.scale, t.low, t.high)),
    "conv2d_multiply_leaky_relu_gelu": lambda t: F.gelu(F.leaky_relu(scaled(conv2d(t), t.multiplier))),
    "matmul_max_pool_sum_scale": lambda t: features(linear(t), t.window, F.max_pool1d).sum(1) * t.scale,
    "matmul_sigmoid_sum": lambda t: torch.sigmoid(linear(t)).sum(1),
    "conv2d_relu_hard_swish": lambda t: (lambda a: a * ((a + 3) / 6).clamp(0, 1))(F.relu(conv2d(t))),
    "matmul_swish_scaling": lambda t: F.silu(linear(t)) * t.scale,
    "matmul_group_norm_leaky_relu_sum": lambda t: 2 * F.leaky_relu(group_norm(linear(t), t), t.alpha),
    "gemm_relu_divide": lambda t: F.relu(linear(t)) / t.divisor,
    "gemm_log_sum_exp_leaky_relu_leaky_relu_gelu_gelu": lambda t: F.gelu(
        F.gelu(F.leaky_relu(F.leaky_relu(linear(t).logsumexp(1))))
    ),
    "conv2d_avg_pool_sigmoid_sum": lambda t: torch.sigmoid(F.avg_pool2d(conv2d(t), t.window)).sum((1, 2, 3)),
    "matmul_dropout_softmax": lambda t: torch.softmax(linear(t) * t.mask / t.keep, 1),
    "conv2d_gelu_global_avg_pool": lambda t: F.adaptive_avg_pool2d(F.gelu(conv2d(t)), 1).flatten(1),
    "matmul_min_subtract": lambda t: torch.min(linear(t), t.constant) - t.constant,
    "conv2d_hard_swish_relu": lambda t: F.relu(F.hardswish(conv2d(t))),
    "gemm_sigmoid_scaling_residual_add": lambda t: torch.sigmoid(linear(t)) * t.scale + linear(t),
    "conv2d_divide_leaky_relu": lambda t: F.leaky_relu(conv2d(t) / t.divisor),
    "conv2d_batch_norm_scaling": lambda t: batch_norm(conv2d(t), t) * t.scale,
    "gemm_group_norm_min_bias_add": lambda t: group_norm(linear(t), t).min(1)[0] + t.bias[:, None],
    "gemm_add_relu": lambda t: F.relu(t.x @ t.W.T + t.bias),
    "conv3d_multiply_instance_norm_clamp_multiply_max": lambda t: scaled(
        F.instance_norm(scaled(conv3d(t), t.multiplier)).clamp(t.low, t.high), t.multiplier
    ).max(1)[0],
    "gemm_max_subtract_gelu": lambda t: (lambda m: F.gelu(m - m.mean(1, True)))(linear(t).max(1, True)[0]),
    "gemm_swish_divide_clamp_tanh_clamp": lambda t: torch.tanh((F.silu(linear(t)) / 2).clamp(-1, 1)).clamp(-1, 1),
    "conv2d_tanh_scaling_bias_add_max": lambda t: F.max_pool2d(
        shifted(torch.tanh(conv2d(t)) * t.scale, t.bias), t.window
    ),
    "conv3d_group_norm_min_clamp_dropout": lambda t: (
        group_norm(conv3d(t), t).clamp(max=t.low).clamp(t.low, t.high) * t.mask / t.keep
    ),
    "gemm_batch_norm_scaling_softmax": lambda t: torch.softmax(t.scale * batch_norm(linear(t), t), 1),
    "conv2d_group_norm_scale_max_pool_clamp": lambda t: F.max_pool2d(
        scaled(group_norm(conv2d(t), t), t.scale), t.window
    ).clamp(t.low, t.high),
    "matmul_divide_gelu": lambda t: F.gelu(linear(t) / t.divisor),
    "conv2d_subtract_subtract_mish": lambda t: F.mish(conv2d(t) - t.first - t.second),
    "gemm_group_norm_swish_multiply_swish": lambda t: F.silu(F.silu(group_norm(linear(t), t)) * t.multiply),
    "conv3d_leaky_relu_sum_clamp_gelu": lambda t: F.gelu(shifted(F.leaky_relu(conv3d(t), 0.2), t.bias).clamp(-1, 1)),
    "conv2d_group_norm_tanh_hard_swish_residual_add_log_sum_exp": lambda t: (
        conv2d(t) + F.hardswish(torch.tanh(group_norm(conv2d(t), t)))
    ).logsumexp(1),
    "gemm_bias_add_hardtanh_mish_group_norm": lambda t: group_norm(F.mish(F.hardtanh(linear(t) + t.bias)), t),
    "matmul_add_swish_tanh_gelu_hardtanh": lambda t: F.hardtanh(F.gelu(torch.tanh(F.silu(linear(t) + t.add)))),
    "matmul_batch_norm_bias_add_divide_swish": lambda t: F.silu((batch_norm(linear(t), t) + t.bias) / t.divisor),
    "matmul_avg_pool_gelu_scale_max": lambda t: (F.gelu(features(linear(t), t.window, F.avg_pool1d)) * t.scale).max(1)[
        0
    ],
    "matmul_gelu_softmax": lambda t: torch.softmax(F.gelu(linear(t)), 1),
}

#: Options that are not 5/4 of their default: so that something is clipped, and windows that fit small sizes.
OPTIONS: dict[str, dict[str, Any]] = {
    "matmul_scale_residual_add_clamp_log_sum_exp_mish": {"low": -0.75, "high": 1.25},
    "gemm_group_norm_hardtanh": {"low": -0.75, "high": 1.25},
    "gemm_scaling_hardtanh_gelu": {"low": -0.25, "high": 0.75},
    "conv3d_group_norm_min_clamp_dropout": {"low": -0.25, "high": 0.75},
    "matmul_avg_pool_gelu_scale_max": {"window": 2},
}
