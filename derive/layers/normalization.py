"""Normalisation over features or over the batch."""

from __future__ import annotations

from derive import layer


@layer(cites="S25-S28; Ioffe and Szegedy 2015, arXiv:1502.03167")
def batch_norm(
    x: Real[b, c, ...],
    gamma: Real[c],
    beta: Real[c],
    running_mean: State[c],
    running_var: State[c],
    momentum: Fraction = 0.1,
    epsilon: Positive = 1e-5,
):
    """Normalise each channel over the batch, then scale and shift; move the running statistics along."""
    mu[c] = mean((b, ...), x[b, c, ...])
    var[c] = mean((b, ...), (x[b, c, ...] - mu[c]) ** 2)
    inv_std[c] = 1 / sqrt(var[c] + epsilon)
    x_hat[b, c, ...] = (x[b, c, ...] - mu[c]) * inv_std[c]
    y[b, c, ...] = gamma[c] * x_hat[b, c, ...] + beta[c]
    n = size(b) * size(...)
    new_mean[c] = (1 - momentum) * running_mean[c] + momentum * mu[c] if n > 0 else running_mean[c]
    unbiased[c] = var[c] * n / max(1, n - 1)
    new_var[c] = (1 - momentum) * running_var[c] + momentum * unbiased[c] if n > 0 else running_var[c]
    return y, state(new_mean, new_var)


@layer(cites="S28; Ioffe and Szegedy 2015, arXiv:1502.03167")
def batch_norm_inference(
    x: Real[b, c, ...],
    gamma: Real[c],
    beta: Real[c],
    running_mean: State[c],
    running_var: State[c],
    epsilon: Positive = 1e-5,
):
    """Normalise each channel with the running statistics, then scale and shift."""
    x_hat[b, c, ...] = (x[b, c, ...] - running_mean[c]) / sqrt(running_var[c] + epsilon)
    y[b, c, ...] = gamma[c] * x_hat[b, c, ...] + beta[c]
    return y


@layer(cites="Ba, Kiros and Hinton 2016, arXiv:1607.06450")
def layer_norm(x: Real[..., i], gamma: Real[i], beta: Real[i], epsilon: Positive = 1e-5):
    """Normalise each example over its features, then scale and shift."""
    mu[...] = mean(i, x[..., i])
    var[...] = mean(i, (x[..., i] - mu[...]) ** 2)
    inv_std[...] = 1 / sqrt(var[...] + epsilon)
    x_hat[..., i] = (x[..., i] - mu[...]) * inv_std[...]
    y[..., i] = gamma[i] * x_hat[..., i] + beta[i]
    return y
