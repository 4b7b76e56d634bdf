"""KernelBench, level 2: convolution over three axes and what follows it."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 2, problem 6")
def conv3d_softmax_max_pool_max_pool(x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o], window: Count = 2):
    """Probabilities over the channels of a convolution, pooled twice."""
    z = conv3d(x, W, b)
    s[n, o, i, j, h] = exp(z[n, o, i, j, h]) / sum(o, exp(z[n, o, i, j, h]))
    u = max_pool3d(s, window=window, stride=window)
    y = max_pool3d(u, window=window, stride=window)
    return y


@layer(cites="KernelBench, level 2, problem 7")
def conv3d_relu_leaky_relu_gelu_sigmoid_bias_add(
    x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o], bias: Real[o]
):
    """A convolution, four activations one after another, and another bias."""
    z = conv3d(x, W, b)
    a[n, o, i, j, h] = gelu(leaky_relu(relu(z[n, o, i, j, h])))
    y[n, o, i, j, h] = sigmoid(a[n, o, i, j, h]) + bias[o]
    return y


@layer(cites="KernelBench, level 2, problem 8")
def conv3d_divide_max_global_avg_pool_bias_add_sum(
    x: Real[n, c, p, q, r],
    W: Real[o, c, k, l, m],
    b: Real[o],
    bias: Real[o],
    divisor: Scalar = 2.0,
    window: Count[3] = 2,
):
    """The means of a pooled convolution and another bias, summed over the channels."""
    z = conv3d(x, W, b)
    a[n, o, i, j, h] = z[n, o, i, j, h] / divisor
    u = max_pool3d(a, window=window, stride=window)
    y[n] = sum(o, mean((i, j, h), u[n, o, i, j, h]) + bias[o])
    return y


@layer(cites="KernelBench, level 2, problem 23")
def conv3d_group_norm_mean(
    x: Real[n, c, p, q, r],
    W: Real[g * d, c, k, l, m],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """The mean of a convolution normalised over groups of channels."""
    z = conv3d(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    y[n] = mean((g, d, i, j, h), u[n, g, d, i, j, h])
    return y


@layer(cites="KernelBench, level 2, problem 24")
def conv3d_min_softmax(x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o]):
    """Probabilities over the channels of the least of a convolution along its first axis."""
    z = conv3d(x, W, b)
    a[n, o, j, h] = exp(min(i, z[n, o, i, j, h]))
    y[n, o, j, h] = a[n, o, j, h] / sum(o, a[n, o, j, h])
    return y


@layer(cites="KernelBench, level 2, problem 27")
def conv3d_hard_swish_group_norm_mean(
    x: Real[n, c, p, q, r],
    W: Real[g * d, c, k, l, m],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """The means of the hard swish of a convolution, normalised over groups of channels."""
    z = conv3d(x, W, b)
    a[n, g, d, i, j, h] = hard_swish(z[n, g, d, i, j, h])
    u = group_norm(a, gamma, beta, groups=groups)
    y[n, g, d] = mean((i, j, h), u[n, g, d, i, j, h])
    return y


@layer(cites="KernelBench, level 2, problem 43")
def conv3d_max_log_sum_exp_relu(x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o]):
    """A padded convolution, pooled, and the log-sum-exp of its channels, rectified."""
    z = conv3d(x, W, b, padding=1)
    u = max_pool3d(z)
    y[n, i, j, h] = relu(logsumexp(o, u[n, o, i, j, h]))
    return y


@layer(cites="KernelBench, level 2, problem 47")
def conv3d_mish_tanh(x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o]):
    """A convolution, mish, squashed."""
    z = conv3d(x, W, b)
    y[n, o, i, j, h] = tanh(mish(z[n, o, i, j, h]))
    return y


@layer(cites="KernelBench, level 2, problem 48")
def conv3d_scaling_tanh_multiply_sigmoid(
    x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o], scale: Real[o], bias: Real[o]
):
    """A convolution, each channel scaled, squashed, scaled again, and its sigmoid."""
    z = conv3d(x, W, b)
    y[n, o, i, j, h] = sigmoid(tanh(z[n, o, i, j, h] * scale[o]) * bias[o])
    return y


@layer(cites="KernelBench, level 2, problem 79")
def conv3d_multiply_instance_norm_clamp_multiply_max(
    x: Real[n, c, p, q, r],
    W: Real[o, c, k, l, m],
    b: Real[o],
    multiplier: Real[o],
    low: Scalar = -1.0,
    high: Scalar = 1.0,
):
    """The largest channel of a convolution, scaled, normalised, clipped and scaled again."""
    z = conv3d(x, W, b)
    a[n, o, i, j, h] = z[n, o, i, j, h] * multiplier[o]
    one[o] = 1
    zero[o] = 0
    u = instance_norm(a, one, zero)
    y[n, i, j, h] = max(o, clip(u[n, o, i, j, h], low, high) * multiplier[o])
    return y


@layer(cites="KernelBench, level 2, problem 83")
def conv3d_group_norm_min_clamp_dropout(
    x: Real[n, c, p, q, r],
    W: Real[g * d, c, k, l, m],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    mask: Real[n, g * d, i, j, h],
    groups: Count[g] = 2,
    low: Scalar = 0.0,
    high: Scalar = 1.0,
    keep: Probability = 0.8,
):
    """A convolution, normalised over groups of channels, up to a number, clipped, some of it dropped."""
    z = conv3d(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    a[n, g, d, i, j, h] = clip(min(u[n, g, d, i, j, h], low), low, high)
    y = inverted_dropout(a, mask, p=keep)
    return y


@layer(cites="KernelBench, level 2, problem 90")
def conv3d_leaky_relu_sum_clamp_gelu(x: Real[n, c, p, q, r], W: Real[o, c, k, l, m], b: Real[o], bias: Real[o]):
    """A convolution, a leaky rectifier, another bias, clipped, gelu."""
    z = conv3d(x, W, b)
    a[n, o, i, j, h] = leaky_relu(z[n, o, i, j, h], alpha=0.2) + bias[o]
    y[n, o, i, j, h] = gelu(clip(a[n, o, i, j, h], -1, 1))
    return y
