"""KernelBench, level 2: convolution over two axes and what follows it."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 2, problem 1")
def conv2d_relu_bias_add(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], bias: Real[o]):
    """A convolution, rectified, and another bias."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = relu(z[n, o, i, j]) + bias[o]
    return y


@layer(cites="KernelBench, level 2, problem 4")
def conv2d_mish_mish(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o]):
    """A convolution and mish, twice."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = mish(mish(z[n, o, i, j]))
    return y


@layer(cites="KernelBench, level 2, problem 17")
def conv2d_instance_norm_divide(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], divisor: Scalar = 2.0):
    """A convolution, each channel of each example normalised, divided by a number."""
    z = conv2d(x, W, b)
    one[o] = 1
    zero[o] = 0
    u = instance_norm(z, one, zero)
    y[n, o, i, j] = u[n, o, i, j] / divisor
    return y


@layer(cites="KernelBench, level 2, problem 21")
def conv2d_add_scale_sigmoid_group_norm(
    x: Real[n, c, p, q],
    W: Real[g * d, c, k, l],
    b: Real[g * d],
    bias: Real[g * d],
    scale: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """The sigmoids of a convolution, shifted and scaled, normalised over groups of channels."""
    z = conv2d(x, W, b)
    a[n, g, d, i, j] = sigmoid((z[n, g, d, i, j] + bias[g, d]) * scale[g, d])
    y = group_norm(a, gamma, beta, groups=groups)
    return y


@layer(cites="KernelBench, level 2, problem 25")
def conv2d_min_tanh_tanh(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o]):
    """The least channel of a convolution, squashed twice."""
    z = conv2d(x, W, b)
    m[n, i, j] = min(o, z[n, o, i, j])
    y[n, i, j] = tanh(tanh(m[n, i, j]))
    return y


@layer(cites="KernelBench, level 2, problem 31")
def conv2d_min_add_multiply(
    x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], bias: Real[o], constant: Scalar = 0.5, scale: Scalar = 2.0
):
    """A convolution up to a constant, another bias, scaled."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = (min(z[n, o, i, j], constant) + bias[o]) * scale
    return y


@layer(cites="KernelBench, level 2, problem 32")
def conv2d_scaling_min(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], scale: Scalar = 2.0):
    """The least channel of a convolution, scaled."""
    z = conv2d(x, W, b)
    y[n, i, j] = min(o, z[n, o, i, j] * scale)
    return y


@layer(cites="KernelBench, level 2, problem 35")
def conv2d_subtract_hard_swish_max_pool_mish(
    x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], subtract: Scalar = 0.5, window: Count[2] = 2
):
    """A convolution, shifted, a hard swish, pooled, and mish."""
    z = conv2d(x, W, b)
    a[n, o, i, j] = hard_swish(z[n, o, i, j] - subtract)
    u = max_pool2d(a, window=window, stride=window)
    y[n, o, i, j] = mish(u[n, o, i, j])
    return y


@layer(cites="KernelBench, level 2, problem 46")
def conv2d_subtract_tanh_subtract_avg_pool(
    x: Real[n, c, p, q],
    W: Real[o, c, k, l],
    b: Real[o],
    before: Scalar = 0.5,
    after: Scalar = 0.2,
    window: Count[2] = 2,
):
    """A convolution, squashed, shifted before and after, and pooled by means."""
    z = conv2d(x, W, b)
    a[n, o, i, j] = tanh(z[n, o, i, j] - before) - after
    y = avg_pool2d(a, window=window, stride=window)
    return y


@layer(cites="KernelBench, level 2, problem 52")
def conv2d_activation_batch_norm(
    x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], gamma: Real[o], beta: Real[o], mean0: State[o], var0: State[o]
):
    """A convolution, weighed by the tanh of its softplus, normalised over the batch."""
    z = conv2d(x, W, b)
    a[n, o, i, j] = tanh(softplus(z[n, o, i, j])) * z[n, o, i, j]
    y, mean1, var1 = batch_norm(a, gamma, beta, mean0, var0)
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 54")
def conv2d_multiply_leaky_relu_gelu(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], multiplier: Real[o]):
    """A convolution, each channel scaled, a leaky rectifier, gelu."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = gelu(leaky_relu(z[n, o, i, j] * multiplier[o]))
    return y


@layer(cites="KernelBench, level 2, problem 57")
def conv2d_relu_hard_swish(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o]):
    """A convolution, rectified, a hard swish."""
    z = conv2d(x, W, b)
    a[n, o, i, j] = relu(z[n, o, i, j])
    y[n, o, i, j] = a[n, o, i, j] * clip((a[n, o, i, j] + 3) / 6, 0, 1)
    return y


@layer(cites="KernelBench, level 2, problem 65")
def conv2d_avg_pool_sigmoid_sum(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], window: Count[2] = 2):
    """The sum of the sigmoids of a convolution pooled by means."""
    z = conv2d(x, W, b)
    u = avg_pool2d(z, window=window, stride=window)
    y[n] = sum((o, i, j), sigmoid(u[n, o, i, j]))
    return y


@layer(cites="KernelBench, level 2, problem 67")
def conv2d_gelu_global_avg_pool(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o]):
    """The mean of each channel of a convolution after gelu."""
    z = conv2d(x, W, b)
    y[n, o] = mean((i, j), gelu(z[n, o, i, j]))
    return y


@layer(cites="KernelBench, level 2, problem 69")
def conv2d_hard_swish_relu(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o]):
    """A convolution, a hard swish, rectified."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = relu(hard_swish(z[n, o, i, j]))
    return y


@layer(cites="KernelBench, level 2, problem 71")
def conv2d_divide_leaky_relu(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], divisor: Scalar = 2.0):
    """A convolution, divided by a number, and a leaky rectifier."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = leaky_relu(z[n, o, i, j] / divisor)
    return y


@layer(cites="KernelBench, level 2, problem 73")
def conv2d_batch_norm_scaling(
    x: Real[n, c, p, q],
    W: Real[o, c, k, l],
    b: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
    scale: Scalar = 2.0,
):
    """A convolution, normalised over the batch, scaled."""
    z = conv2d(x, W, b)
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    y[n, o, i, j] = u[n, o, i, j] * scale
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 82")
def conv2d_tanh_scaling_bias_add_max(
    x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], bias: Real[o], scale: Scalar = 2.0, window: Count[2] = 4
):
    """A convolution, squashed, scaled, another bias, pooled."""
    z = conv2d(x, W, b)
    a[n, o, i, j] = tanh(z[n, o, i, j]) * scale + bias[o]
    y = max_pool2d(a, window=window, stride=window)
    return y


@layer(cites="KernelBench, level 2, problem 85")
def conv2d_group_norm_scale_max_pool_clamp(
    x: Real[n, c, p, q],
    W: Real[g * d, c, k, l],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    scale: Real[g * d],
    groups: Count[g] = 2,
    window: Count[2] = 4,
    low: Scalar = 0.0,
    high: Scalar = 1.0,
):
    """A convolution, normalised over groups of channels, each scaled, pooled and clipped."""
    z = conv2d(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    a[n, g, d, i, j] = u[n, g, d, i, j] * scale[g, d]
    v = max_pool2d(a, window=window, stride=window)
    y[n, g, d, i, j] = clip(v[n, g, d, i, j], low, high)
    return y


@layer(cites="KernelBench, level 2, problem 87")
def conv2d_subtract_subtract_mish(
    x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], first: Scalar = 0.5, second: Scalar = 0.2
):
    """A convolution, shifted twice, mish."""
    z = conv2d(x, W, b)
    y[n, o, i, j] = mish(z[n, o, i, j] - first - second)
    return y


@layer(cites="KernelBench, level 2, problem 92")
def conv2d_group_norm_tanh_hard_swish_residual_add_log_sum_exp(
    x: Real[n, c, p, q],
    W: Real[g * d, c, k, l],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """The log-sum-exp of a convolution plus the hard swish of it, normalised over groups of channels and squashed."""
    z = conv2d(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    a[n, g, d, i, j] = z[n, g, d, i, j] + hard_swish(tanh(u[n, g, d, i, j]))
    y[n, i, j] = logsumexp((g, d), a[n, g, d, i, j])
    return y
