"""Normalisation and dropout."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, type-var"

import numpy as np


def layer_norm_forward(x, gamma, beta, epsilon=1e-5):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + epsilon)
    return gamma * x_hat + beta, (x_hat, var, gamma, epsilon)


def layer_norm_backward(dy, cache):
    x_hat, var, gamma, epsilon = cache
    leading = tuple(range(dy.ndim - 1))
    g = dy * gamma
    mean_g = g.mean(axis=-1, keepdims=True)
    mean_gx = (g * x_hat).mean(axis=-1, keepdims=True)
    dx = (g - mean_g - x_hat * mean_gx) / np.sqrt(var + epsilon)
    return dx, (dy * x_hat).sum(axis=leading), dy.sum(axis=leading)


def per_channel(v, x):
    """v[c] so that it broadcasts against x[b, c, ...]."""
    return v.reshape(-1, *[1] * (x.ndim - 2))


def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum=0.1, epsilon=1e-5):
    axes = (0, *range(2, x.ndim))
    n = x.size // x.shape[1]
    mu = x.mean(axis=axes)
    var = x.var(axis=axes)
    std = per_channel(np.sqrt(var + epsilon), x)
    x_hat = (x - per_channel(mu, x)) / std
    y = per_channel(gamma, x) * x_hat + per_channel(beta, x)
    new_mean = (1 - momentum) * running_mean + momentum * mu
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return (y, new_mean, new_var), (x_hat, std, gamma)


def batch_norm_backward(dy, cache):
    x_hat, std, gamma = cache
    axes = (0, *range(2, dy.ndim))
    g = dy * per_channel(gamma, dy)
    mean_g = g.mean(axis=axes, keepdims=True)
    mean_gx = (g * x_hat).mean(axis=axes, keepdims=True)
    dx = (g - mean_g - x_hat * mean_gx) / std
    return dx, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def batch_norm_inference_forward(x, gamma, beta, running_mean, running_var, epsilon=1e-5):
    std = per_channel(np.sqrt(running_var + epsilon), x)
    x_hat = (x - per_channel(running_mean, x)) / std
    return per_channel(gamma, x) * x_hat + per_channel(beta, x), (x_hat, std, gamma)


def batch_norm_inference_backward(dy, cache):
    x_hat, std, gamma = cache
    axes = (0, *range(2, dy.ndim))
    return dy * per_channel(gamma, dy) / std, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def dropout_forward(x, m):
    return x * m, (x, m)


def dropout_backward(dy, cache):
    x, m = cache
    return dy * m, dy * x


def inverted_dropout_forward(x, m, p=0.5):
    return x * m / p, (x, m, p)


def inverted_dropout_backward(dy, cache):
    x, m, p = cache
    return dy * m / p, dy * x / p
