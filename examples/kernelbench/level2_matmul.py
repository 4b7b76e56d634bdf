"""KernelBench, level 2: linear maps and what follows them."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 2, problem 9")
def matmul_subtract_multiply_relu(
    x: Real[n, i], W: Real[o, i], b: Real[o], subtract: Scalar = 2.0, multiply: Scalar = 1.5
):
    """A linear map, shifted, scaled and rectified."""
    z = linear(x, W, b)
    y[n, o] = relu((z[n, o] - subtract) * multiply)
    return y


@layer(cites="KernelBench, level 2, problem 12")
def gemm_multiply_leaky_relu(x: Real[n, i], W: Real[o, i], b: Real[o], multiplier: Scalar = 2.0, alpha: Scalar = 0.1):
    """A linear map, scaled, and a leaky rectifier."""
    z = linear(x, W, b)
    y[n, o] = leaky_relu(z[n, o] * multiplier, alpha=alpha)
    return y


@layer(cites="KernelBench, level 2, problem 14")
def gemm_divide_sum_scaling(x: Real[n, i], W: Real[o, i], scale: Scalar = 1.5):
    """Half the sum of the features of a product, scaled."""
    z[n, o] = sum(i, W[o, i] * x[n, i])
    y[n] = scale * sum(o, z[n, o] / 2)
    return y


@layer(cites="KernelBench, level 2, problem 18")
def matmul_sum_max_avg_pool_log_sum_exp_log_sum_exp(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """The sum of the features of a linear map; the reductions that follow go over this one number."""
    z = linear(x, W, b)
    t = axis(1)
    s[n, t] = sum(o, z[n, o])
    m[n] = max(t, s[n, t])
    a[n, t] = m[n]
    y[n] = log(exp(log(exp(mean(t, a[n, t])))))
    return y


@layer(cites="KernelBench, level 2, problem 22")
def matmul_scale_residual_add_clamp_log_sum_exp_mish(
    x: Real[n, i], W: Real[o, i], b: Real[o], scale: Scalar = 2.0, low: Scalar = -10.0, high: Scalar = 10.0
):
    """A linear map, scaled, doubled and clipped, and mish of its log-sum-exp, weighed by that."""
    z = linear(x, W, b)
    a[n, o] = z[n, o] * scale
    h[n, o] = clip(a[n, o] + a[n, o], low, high)
    s[n] = logsumexp(o, h[n, o])
    y[n] = s[n] * mish(s[n])
    return y


@layer(cites="KernelBench, level 2, problem 28")
def bmm_instance_norm_sum_residual_add_multiply(x: Real[n, i], W: Real[o, i], b: Real[o], y: Real[n, o]):
    """A linear map, each example normalised, plus another input and times it."""
    z = linear(x, W, b)
    one[o] = 1
    zero[o] = 0
    u = layer_norm(z, one, zero)
    v[n, o] = (u[n, o] + y[n, o]) * y[n, o]
    return v


@layer(cites="KernelBench, level 2, problem 29")
def matmul_mish_mish(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """A linear map and mish, twice."""
    z = linear(x, W, b)
    y[n, o] = mish(mish(z[n, o]))
    return y


@layer(cites="KernelBench, level 2, problem 30")
def gemm_group_norm_hardtanh(
    x: Real[n, i],
    W: Real[g * d, i],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
    low: Scalar = -2.0,
    high: Scalar = 2.0,
):
    """A linear map, normalised over groups of features and clipped."""
    z = linear(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    y[n, g, d] = clip(u[n, g, d], low, high)
    return y


@layer(cites="KernelBench, level 2, problems 33 and 39")
def gemm_scale_batch_norm(
    x: Real[n, i],
    W: Real[o, i],
    b: Real[o],
    scale: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
):
    """A linear map, each feature scaled and normalised over the batch."""
    z = linear(x, W, b)
    a[n, o] = z[n, o] * scale[o]
    y, mean1, var1 = batch_norm(a, gamma, beta, mean0, var0)
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 37")
def matmul_swish_sum_group_norm(
    x: Real[n, i],
    W: Real[g * d, i],
    b: Real[g * d],
    bias: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """A linear map, weighed by its sigmoid, another bias, normalised over groups of features."""
    z = linear(x, W, b)
    a[n, g, d] = silu(z[n, g, d]) + bias[g, d]
    y = group_norm(a, gamma, beta, groups=groups)
    return y


@layer(cites="KernelBench, level 2, problem 40")
def matmul_scaling_residual_add(x: Real[n, i], W: Real[o, i], b: Real[o], scale: Scalar = 0.5):
    """A linear map, scaled, plus itself."""
    z = linear(x, W, b)
    y[n, o] = z[n, o] * scale + z[n, o]
    return y


@layer(cites="KernelBench, level 2, problem 41")
def gemm_batch_norm_gelu_relu(
    x: Real[n, i], W: Real[o, i], b: Real[o], gamma: Real[o], beta: Real[o], mean0: State[o], var0: State[o]
):
    """A linear map, normalised over the batch, gelu, rectified."""
    z = linear(x, W, b)
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    y[n, o] = relu(gelu(u[n, o]))
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 45")
def gemm_sigmoid_log_sum_exp(x: Real[n, i], W: Real[h, i], b: Real[h], V: Real[o, h], d: Real[o]):
    """The log-sum-exp of two linear maps with a sigmoid between."""
    z = linear(x, W, b)
    a[n, h] = sigmoid(z[n, h])
    u = linear(a, V, d)
    y[n] = logsumexp(o, u[n, o])
    return y


@layer(cites="KernelBench, level 2, problem 51")
def gemm_subtract_global_avg_pool_log_sum_exp_gelu_residual_add(
    x: Real[n, i], W: Real[o, i], b: Real[o], subtract: Real[o]
):
    """The mean feature of a linear map, of which the log-sum-exp is itself, gelu, added to the input."""
    z = linear(x, W, b)
    a[n] = mean(o, z[n, o] - subtract[o])
    y[n, i] = gelu(log(exp(a[n]))) + x[n, i]
    return y


@layer(cites="KernelBench, level 2, problem 53")
def gemm_scaling_hardtanh_gelu(
    x: Real[n, i], W: Real[o, i], b: Real[o], scale: Scalar = 0.5, low: Scalar = -2.0, high: Scalar = 2.0
):
    """A linear map, scaled and clipped, gelu."""
    z = linear(x, W, b)
    y[n, o] = gelu(clip(z[n, o] * scale, low, high))
    return y


@layer(cites="KernelBench, level 2, problem 55")
def matmul_max_pool_sum_scale(x: Real[n, i], W: Real[o, i], b: Real[o], window: Count = 2, scale: Scalar = 0.5):
    """The sum of the largest of each window of features of a linear map, scaled."""
    z = linear(x, W, b)
    j = axis(size(o) // window)
    k = axis(window)
    m[n, j] = max(k, z[n, window * j + k])
    y[n] = scale * sum(j, m[n, j])
    return y


@layer(cites="KernelBench, level 2, problem 56")
def matmul_sigmoid_sum(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """The sum of the sigmoids of a linear map."""
    z = linear(x, W, b)
    y[n] = sum(o, sigmoid(z[n, o]))
    return y


@layer(cites="KernelBench, level 2, problem 59")
def matmul_swish_scaling(x: Real[n, i], W: Real[o, i], b: Real[o], scale: Scalar = 2.0):
    """A linear map, weighed by its sigmoid, scaled."""
    z = linear(x, W, b)
    y[n, o] = silu(z[n, o]) * scale
    return y


@layer(cites="KernelBench, level 2, problem 62")
def matmul_group_norm_leaky_relu_sum(
    x: Real[n, i],
    W: Real[g * d, i],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
    alpha: Scalar = 0.01,
):
    """A linear map, normalised over groups of features, a leaky rectifier, doubled."""
    z = linear(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    a[n, g, d] = leaky_relu(u[n, g, d], alpha=alpha)
    y[n, g, d] = a[n, g, d] + a[n, g, d]
    return y


@layer(cites="KernelBench, level 2, problem 63")
def gemm_relu_divide(x: Real[n, i], W: Real[o, i], b: Real[o], divisor: Scalar = 2.0):
    """A linear map, rectified, divided by a number."""
    z = linear(x, W, b)
    y[n, o] = relu(z[n, o]) / divisor
    return y


@layer(cites="KernelBench, level 2, problem 64")
def gemm_log_sum_exp_leaky_relu_leaky_relu_gelu_gelu(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """The log-sum-exp of a linear map, two leaky rectifiers, gelu twice."""
    z = linear(x, W, b)
    s[n] = logsumexp(o, z[n, o])
    y[n] = gelu(gelu(leaky_relu(leaky_relu(s[n]))))
    return y


@layer(cites="KernelBench, level 2, problem 66")
def matmul_dropout_softmax(x: Real[n, i], W: Real[o, i], b: Real[o], mask: Real[n, o], keep: Probability = 0.8):
    """A linear map, some features dropped and the kept ones divided by their probability, and probabilities."""
    z = linear(x, W, b)
    u = inverted_dropout(z, mask, p=keep)
    y = softmax(u)
    return y


@layer(cites="KernelBench, level 2, problem 68")
def matmul_min_subtract(x: Real[n, i], W: Real[o, i], b: Real[o], constant: Real):
    """A linear map up to a trained constant, less that."""
    z = linear(x, W, b)
    y[n, o] = min(z[n, o], constant) - constant
    return y


@layer(cites="KernelBench, level 2, problem 70")
def gemm_sigmoid_scaling_residual_add(x: Real[n, i], W: Real[o, i], b: Real[o], scale: Scalar = 2.0):
    """A linear map plus its sigmoid, scaled."""
    z = linear(x, W, b)
    y[n, o] = sigmoid(z[n, o]) * scale + z[n, o]
    return y


@layer(cites="KernelBench, level 2, problem 75")
def gemm_group_norm_min_bias_add(
    x: Real[n, i],
    W: Real[g * d, i],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    bias: Real[v],
    groups: Count[g] = 2,
):
    """The least feature of a linear map normalised over groups of features, and every element of another bias."""
    z = linear(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    m[n] = min((g, d), u[n, g, d])
    y[v, n] = m[n] + bias[v]
    return y


@layer(cites="KernelBench, level 2, problem 76")
def gemm_add_relu(x: Real[n, i], W: Real[o, i], bias: Real[o]):
    """A linear map, rectified."""
    z = linear(x, W, bias)
    y[n, o] = relu(z[n, o])
    return y


@layer(cites="KernelBench, level 2, problem 80")
def gemm_max_subtract_gelu(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """The largest feature of a linear map, less its mean, which is itself, gelu: zeros."""
    z = linear(x, W, b)
    t = axis(1)
    m[n, t] = max(o, z[n, o])
    y[n, t] = gelu(m[n, t] - mean(t, m[n, t]))
    return y


@layer(cites="KernelBench, level 2, problem 81")
def gemm_swish_divide_clamp_tanh_clamp(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """A linear map, weighed by its sigmoid, halved, clipped, squashed and clipped again."""
    z = linear(x, W, b)
    y[n, o] = clip(tanh(clip(silu(z[n, o]) / 2, -1, 1)), -1, 1)
    return y


@layer(cites="KernelBench, level 2, problem 84")
def gemm_batch_norm_scaling_softmax(
    x: Real[n, i],
    W: Real[o, i],
    b: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
    scale: Real,
):
    """Probabilities of a linear map, normalised over the batch and scaled."""
    z = linear(x, W, b)
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    a[n, o] = scale * u[n, o]
    y = softmax(a)
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 86")
def matmul_divide_gelu(x: Real[n, i], W: Real[o, i], b: Real[o], divisor: Scalar = 10.0):
    """A linear map, divided by a number, gelu."""
    z = linear(x, W, b)
    y[n, o] = gelu(z[n, o] / divisor)
    return y


@layer(cites="KernelBench, level 2, problem 88")
def gemm_group_norm_swish_multiply_swish(
    x: Real[n, i],
    W: Real[g * d, i],
    b: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    multiply: Real[g * d],
    groups: Count[g] = 2,
):
    """A linear map, normalised over groups of features, weighed by its sigmoid, scaled, weighed again."""
    z = linear(x, W, b)
    u = group_norm(z, gamma, beta, groups=groups)
    y[n, g, d] = silu(silu(u[n, g, d]) * multiply[g, d])
    return y


@layer(cites="KernelBench, level 2, problem 94")
def gemm_bias_add_hardtanh_mish_group_norm(
    x: Real[n, i],
    W: Real[g * d, i],
    b: Real[g * d],
    bias: Real[g * d],
    gamma: Real[g * d],
    beta: Real[g * d],
    groups: Count[g] = 2,
):
    """A linear map, another bias, clipped, mish, normalised over groups of features."""
    z = linear(x, W, b)
    a[n, g, d] = mish(hard_tanh(z[n, g, d] + bias[g, d]))
    y = group_norm(a, gamma, beta, groups=groups)
    return y


@layer(cites="KernelBench, level 2, problem 95")
def matmul_add_swish_tanh_gelu_hardtanh(x: Real[n, i], W: Real[o, i], b: Real[o], add: Real[o]):
    """A linear map, another bias, and four activations one after another."""
    z = linear(x, W, b)
    a[n, o] = silu(z[n, o] + add[o])
    y[n, o] = hard_tanh(gelu(tanh(a[n, o])))
    return y


@layer(cites="KernelBench, level 2, problem 97")
def matmul_batch_norm_bias_add_divide_swish(
    x: Real[n, i],
    W: Real[o, i],
    b: Real[o],
    gamma: Real[o],
    beta: Real[o],
    mean0: State[o],
    var0: State[o],
    bias: Real,
    divisor: Scalar = 1.0,
):
    """A linear map, normalised over the batch, a bias, divided by a number, weighed by its sigmoid."""
    z = linear(x, W, b)
    u, mean1, var1 = batch_norm(z, gamma, beta, mean0, var0)
    y[n, o] = silu((u[n, o] + bias) / divisor)
    return y, state(mean1, var1)


@layer(cites="KernelBench, level 2, problem 98")
def matmul_avg_pool_gelu_scale_max(x: Real[n, i], W: Real[o, i], b: Real[o], window: Count = 4, scale: Scalar = 2.0):
    """The largest of the means of each window of features of a linear map, gelu, scaled."""
    z = linear(x, W, b)
    j = axis(size(o) // window)
    k = axis(window)
    m[n, j] = mean(k, z[n, window * j + k])
    y[n] = max(j, gelu(m[n, j]) * scale)
    return y


@layer(cites="KernelBench, level 2, problem 99")
def matmul_gelu_softmax(x: Real[n, i], W: Real[o, i], b: Real[o]):
    """Probabilities of the gelu of a linear map."""
    z = linear(x, W, b)
    a[n, o] = gelu(z[n, o])
    y = softmax(a)
    return y
