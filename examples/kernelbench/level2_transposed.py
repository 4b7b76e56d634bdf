"""KernelBench, level 2: transposed convolutions of stride 1 and what follows them."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 2, problem 5")
def conv_transpose2d_subtract_tanh(x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], bias: Real[o]):
    """A transposed convolution, less another bias, squashed."""
    i = axis(size(p) + size(k) - 1)
    j = axis(size(q) + size(l) - 1)
    z[n, o, i, j] = b[o] + sum((c, k, l), W[c, o, k, l] * x[n, c, i - k, j - l])
    y[n, o, i, j] = tanh(z[n, o, i, j] - bias[o])
    return y


@layer(cites="KernelBench, level 2, problem 10")
def conv_transpose2d_max_pool_hardtanh_mean_tanh(x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o]):
    """The means of a transposed convolution, cropped by 1, pooled and clipped, squashed."""
    i = axis(size(p) + size(k) - 3)
    j = axis(size(q) + size(l) - 3)
    z[n, o, i, j] = b[o] + sum((c, k, l), W[c, o, k, l] * x[n, c, i + 1 - k, j + 1 - l])
    u = max_pool2d(z)
    y[n, o] = tanh(mean((v, w), hard_tanh(u[n, o, v, w])))
    return y


@layer(cites="KernelBench, level 2, problem 13")
def conv_transpose3d_mean_add_softmax_tanh_scaling(
    x: Real[n, c, p, q, r], W: Real[c, o, k, l, m], b: Real[o], bias: Real[o], scale: Scalar = 2.0
):
    """Probabilities over the channels of a transposed convolution, cropped by 1, squashed and scaled."""
    i = axis(size(p) + size(k) - 3)
    j = axis(size(q) + size(l) - 3)
    h = axis(size(r) + size(m) - 3)
    z[n, o, i, j, h] = b[o] + sum((c, k, l, m), W[c, o, k, l, m] * x[n, c, i + 1 - k, j + 1 - l, h + 1 - m])
    a[n, o, i, j, h] = exp(z[n, o, i, j, h] + bias[o])
    y[n, o, i, j, h] = tanh(a[n, o, i, j, h] / sum(o, a[n, o, i, j, h])) * scale
    return y


@layer(cites="KernelBench, level 2, problem 42")
def conv_transpose2d_global_avg_pool_bias_add_log_sum_exp_sum_multiply(
    x: Real[n, c, p, q], W: Real[c, o, k, l], b: Real[o], bias: Real[o], scale: Scalar = 10.0
):
    """The log-sum-exp of the means of a transposed convolution and another bias, scaled."""
    i = axis(size(p) + size(k) - 1)
    j = axis(size(q) + size(l) - 1)
    z[n, o, i, j] = b[o] + sum((c, k, l), W[c, o, k, l] * x[n, c, i - k, j - l])
    a[n, o] = mean((i, j), z[n, o, i, j]) + bias[o]
    y[n] = logsumexp(o, a[n, o]) * scale
    return y


@layer(cites="KernelBench, level 2, problem 77")
def conv_transpose3d_scale_batch_norm_global_avg_pool(
    x: Real[n, c, p, q, r],
    W: Real[c, o, k, l, m],
    b: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
    scale: Scalar = 2.0,
):
    """The means of a transposed convolution, scaled and normalised over the batch."""
    i = axis(size(p) + size(k) - 1)
    j = axis(size(q) + size(l) - 1)
    h = axis(size(r) + size(m) - 1)
    z[n, o, i, j, h] = (b[o] + sum((c, k, l, m), W[c, o, k, l, m] * x[n, c, i - k, j - l, h - m])) * scale
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    y[n, o] = mean((i, j, h), u[n, o, i, j, h])
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 19")
def conv_transpose2d_gelu_group_norm(
    x: Real[n, c, p, q],
    W: Real[c, g * d, k, l],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """A transposed convolution, gelu, normalised over groups of channels."""
    i = axis(size(p) + size(k) - 1)
    j = axis(size(q) + size(l) - 1)
    z[n, g, d, i, j] = b[g, d] + sum((c, k, l), W[c, g, d, k, l] * x[n, c, i - k, j - l])
    a[n, g, d, i, j] = gelu(z[n, g, d, i, j])
    y = group_norm(a, gamma, beta, groups=groups)
    return y


@layer(cites="KernelBench, level 2, problem 61")
def conv_transpose3d_relu_group_norm(
    x: Real[n, c, p, q, r],
    W: Real[c, g * d, k, l, m],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """A transposed convolution without bias, rectified, normalised over groups of channels."""
    i = axis(size(p) + size(k) - 1)
    j = axis(size(q) + size(l) - 1)
    h = axis(size(r) + size(m) - 1)
    z[n, g, d, i, j, h] = sum((c, k, l, m), W[c, g, d, k, l, m] * x[n, c, i - k, j - l, h - m])
    a[n, g, d, i, j, h] = relu(z[n, g, d, i, j, h])
    y = group_norm(a, gamma, beta, groups=groups)
    return y
