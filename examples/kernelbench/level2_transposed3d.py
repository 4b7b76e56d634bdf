"""KernelBench, level 2: transposed convolution over three axes with a stride, and what follows it."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 2, problem 3")
def conv_transpose3d_sum_layer_norm_avg_pool_gelu(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], shift: Real, gamma: Real[h], beta: Real[h]
):
    """A transposed convolution and a number, normalised along its last axis, pooled, gelu."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j, h] = z[n, o, i, j, h] + shift
    u = layer_norm(a, gamma, beta)
    v = avg_pool3d(u)
    y[n, o, s, t, w] = gelu(v[n, o, s, t, w])
    return y


@layer(cites="KernelBench, level 2, problem 15")
def conv_transpose3d_batch_norm_subtract(
    x: Real[n, c, p, q, r],
    W: Real[c, o, k, l, m],
    b: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
):
    """A transposed convolution normalised over the batch, less the means of its channels."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    y[n, o, i, j, h] = u[n, o, i, j, h] - mean((i, j, h), u[n, o, i, j, h])
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 20")
def conv_transpose3d_sum_residual_add_multiply_residual_add(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], bias: Real[o]
):
    """A transposed convolution and another bias, added to it, times it, and added to it again."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1, output_padding=1)
    y[n, o, i, j, h] = (2 * z[n, o, i, j, h] + bias[o]) * z[n, o, i, j, h] + z[n, o, i, j, h]
    return y


@layer(cites="KernelBench, level 2, problem 26")
def conv_transpose3d_add_hard_swish(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], add: Real[n, o, i, j, h]
):
    """A transposed convolution and another array, times its hard swish."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j, h] = z[n, o, i, j, h] + add[n, o, i, j, h]
    y[n, o, i, j, h] = a[n, o, i, j, h] * hard_swish(a[n, o, i, j, h])
    return y


@layer(cites="KernelBench, level 2, problem 34")
def conv_transpose3d_layer_norm_gelu_scaling(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], gamma: Real[h], beta: Real[h], scale: Scalar = 1.0
):
    """A transposed convolution normalised along its last axis, gelu, scaled."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    a[n, o, i, j, h] = z[n, o, i, j, h]
    u = layer_norm(a, gamma, beta)
    y[n, o, i, j, h] = gelu(u[n, o, i, j, h]) * scale
    return y


@layer(cites="KernelBench, level 2, problem 38")
def conv_transpose3d_avg_pool_clamp_softmax_multiply(
    x: Real[n, c, p, q, r],
    W: Real[c, o, k, l, m],
    b: Real[o],
    scale: Real[o],
    low: Scalar = 0.0,
    high: Scalar = 1.0,
):
    """Probabilities over the positions of a pooled array's transposed convolution, clipped, each channel scaled."""
    u = avg_pool3d(x)
    z = conv_transpose3d(u, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j, h] = exp(clip(z[n, o, i, j, h], low, high))
    y[n, o, i, j, h] = a[n, o, i, j, h] / sum((i, j, h), a[n, o, i, j, h]) * scale[o]
    return y


@layer(cites="KernelBench, level 2, problem 49")
def conv_transpose3d_softmax_sigmoid(x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o]):
    """The sigmoid of probabilities over the channels of a transposed convolution."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j, h] = exp(z[n, o, i, j, h])
    y[n, o, i, j, h] = sigmoid(a[n, o, i, j, h] / sum(o, a[n, o, i, j, h]))
    return y


@layer(cites="KernelBench, level 2, problem 50")
def conv_transpose3d_scaling_avg_pool_bias_add_scaling(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], first: Real, bias: Real[o], second: Real
):
    """A transposed convolution, scaled, pooled, another bias added, and scaled again."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    a[n, o, i, j, h] = z[n, o, i, j, h] * first
    v = avg_pool3d(a)
    y[n, o, s, t, w] = (v[n, o, s, t, w] + bias[o]) * second
    return y


@layer(cites="KernelBench, level 2, problem 58")
def conv_transpose3d_log_sum_exp_hard_swish_subtract_clamp(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], bias: Real
):
    """The log-sum-exp of the channels of a transposed convolution times its shifted sigmoid, less a bias, clipped."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    a[n, i, j, h] = logsumexp(o, z[n, o, i, j, h])
    y[n, i, j, h] = clip(a[n, i, j, h] * sigmoid(a[n, i, j, h] + 3) / 6 - bias, -1, 1)
    return y


@layer(cites="KernelBench, level 2, problem 60")
def conv_transpose3d_swish_group_norm_hard_swish(
    x: Real[n, c, p, q, r],
    W: Real[c, g * d, k, l, m],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """The swish of a transposed convolution, normalised over groups of channels, hard swish."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    a[n, g, d, i, j, h] = silu(z[n, g, d, i, j, h])
    u = group_norm(a, gamma, beta, groups=groups)
    y[n, g, d, i, j, h] = hard_swish(u[n, g, d, i, j, h])
    return y


@layer(cites="KernelBench, level 2, problem 72")
def conv_transpose3d_batch_norm_avg_pool_avg_pool(
    x: Real[n, c, p, q, r],
    W: Real[c, o, k, l, m],
    b: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
):
    """A transposed convolution normalised over the batch, pooled twice."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    v = avg_pool3d(u)
    y = avg_pool3d(v)
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 74")
def conv_transpose3d_leaky_relu_multiply_leaky_relu_max(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], multiplier: Real[o], slope: Scalar = 0.2
):
    """A transposed convolution, leaky, each channel scaled, leaky again, pooled."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1, output_padding=1)
    a[n, o, i, j, h] = leaky_relu(leaky_relu(z[n, o, i, j, h], alpha=slope) * multiplier[o], alpha=slope)
    y = max_pool3d(a)
    return y


@layer(cites="KernelBench, level 2, problem 78")
def conv_transpose3d_max_max_sum(x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o]):
    """A transposed convolution, pooled twice, summed over its channels."""
    z = conv_transpose3d(x, W, b, stride=2, padding=2)
    u = max_pool3d(z)
    v = max_pool3d(u, window=3, stride=3)
    y[n, s, t, w] = sum(o, v[n, o, s, t, w])
    return y


@layer(cites="KernelBench, level 2, problem 89")
def conv_transpose3d_max_pool_softmax_subtract_swish_max(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], subtract: Real[o]
):
    """The largest swish of probabilities over the channels of a pooled transposed convolution, less a bias each."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1, output_padding=1)
    u = max_pool3d(z)
    a[n, o, i, j, h] = exp(u[n, o, i, j, h])
    v[n, o, i, j, h] = a[n, o, i, j, h] / sum(o, a[n, o, i, j, h]) - subtract[o]
    y[n, i, j, h] = max(o, silu(v[n, o, i, j, h]))
    return y


@layer(cites="KernelBench, level 2, problem 96")
def conv_transpose3d_multiply_max_global_avg_pool_clamp(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], scale: Scalar = 0.5
):
    """The means of a transposed convolution, scaled and pooled, clipped."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    a[n, o, i, j, h] = z[n, o, i, j, h] * scale
    u = max_pool3d(a)
    y[n, o] = clip(mean((s, t, w), u[n, o, s, t, w]), 0, 1)
    return y


@layer(cites="KernelBench, level 2, problem 100")
def conv_transpose3d_clamp_min_divide(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], low: Scalar = -1.0, divisor: Scalar = 2.0
):
    """A transposed convolution, no less than a number, divided."""
    z = conv_transpose3d(x, W, b, stride=2, padding=1)
    y[n, o, i, j, h] = max(z[n, o, i, j, h], low) / divisor
    return y
