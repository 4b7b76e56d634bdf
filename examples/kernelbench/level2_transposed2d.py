"""KernelBench, level 2: transposed convolution over two axes with a stride, and what follows it."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 2, problem 2")
def conv_transpose2d_bias_add_clamp_scaling_clamp_divide(
    x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], bias: Real[o], scale: Scalar = 2.0
):
    """A transposed convolution and another bias, clipped, scaled, clipped again and scaled back."""
    z = conv_transpose2d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j] = clip(z[n, o, i, j] + bias[o], 0, 1) * scale
    y[n, o, i, j] = clip(a[n, o, i, j], 0, 1) / scale
    return y


@layer(cites="KernelBench, level 2, problem 16")
def conv_transpose2d_mish_add_hardtanh_scaling(
    x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], add: Scalar = 0.5, scale: Scalar = 2.0
):
    """The mish of a transposed convolution and a number, clipped and scaled."""
    z = conv_transpose2d(x, W, b, stride=2, padding=1, output_padding=1)
    y[n, o, i, j] = hard_tanh(mish(z[n, o, i, j]) + add) * scale
    return y


@layer(cites="KernelBench, level 2, problem 36")
def conv_transpose2d_min_sum_gelu_add(x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], bias: Real):
    """The least channel of a transposed convolution, summed along columns, gelu, and another bias."""
    z = conv_transpose2d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, j] = sum(i, min(o, z[n, o, i, j]))
    y[n, j] = gelu(a[n, j]) + bias
    return y


@layer(cites="KernelBench, level 2, problem 44")
def conv_transpose2d_multiply_global_avg_pool_global_avg_pool_mean(
    x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], multiplier: Scalar = 0.5
):
    """The means of a transposed convolution, scaled; means of them once more change nothing."""
    z = conv_transpose2d(x, W, b, stride=2, padding=1, output_padding=1)
    y[n, o] = mean((i, j), z[n, o, i, j] * multiplier)
    return y


@layer(cites="KernelBench, level 2, problem 91")
def conv_transpose2d_softmax_bias_add_scaling_sigmoid(
    x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], bias: Real[o], scale: Scalar = 2.0
):
    """Probabilities over the channels of a transposed convolution and another bias, scaled, and their sigmoid."""
    z = conv_transpose2d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j] = exp(z[n, o, i, j])
    y[n, o, i, j] = sigmoid((a[n, o, i, j] / sum(o, a[n, o, i, j]) + bias[o]) * scale)
    return y


@layer(cites="KernelBench, level 2, problem 93")
def conv_transpose2d_add_min_gelu_multiply(
    x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], add: Scalar = 0.5, scale: Scalar = 2.0
):
    """A transposed convolution and a number, at most 0, gelu, scaled."""
    z = conv_transpose2d(x, W, b, stride=2)
    y[n, o, i, j] = gelu(min(z[n, o, i, j] + add, 0)) * scale
    return y
