"""Elementwise functions, dense layers and networks of them."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, type-var"

import math

import numpy as np


def linear_forward(x, W, b):
    return x @ W.T + b, (x, W)


def linear_backward(dy, cache):
    x, W = cache
    rows = dy.reshape(-1, dy.shape[-1])
    dW = rows.T @ x.reshape(-1, x.shape[-1])
    return dy @ W, dW, rows.sum(axis=0)


def sigmoid_forward(x):
    y = 1 / (1 + np.exp(-x))
    return y, y


def sigmoid_backward(dy, y):
    return (dy * y * (1 - y),)


def tanh_forward(x):
    y = np.tanh(x)
    return y, y


def tanh_backward(dy, y):
    return (dy * (1 - y**2),)


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dy, x):
    return (dy * (x > 0),)


def leaky_relu_forward(x, alpha=0.01):
    return np.where(x > 0, x, alpha * x), (x, alpha)


def leaky_relu_backward(dy, cache):
    x, alpha = cache
    return (np.where(x > 0, dy, alpha * dy),)


def gelu_forward(x):
    from scipy.special import erf

    cdf = 0.5 * (1 + erf(x / math.sqrt(2)))
    return x * cdf, (x, cdf)


def gelu_backward(dy, cache):
    x, cdf = cache
    pdf = np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
    return (dy * (cdf + x * pdf),)


def identity_forward(x):
    return x, None


def identity_backward(dy, cache):
    return (dy,)


ACTIVATIONS = {
    "identity": (identity_forward, identity_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "tanh": (tanh_forward, tanh_backward),
    "relu": (relu_forward, relu_backward),
    "leaky_relu": (leaky_relu_forward, leaky_relu_backward),
    "gelu": (gelu_forward, gelu_backward),
}


def residual_forward(x, skip, W, b, activation="relu"):
    z, linear_cache = linear_forward(x, W, b)
    h, activation_cache = ACTIVATIONS[activation][0](z)
    return h + skip, (linear_cache, activation_cache, activation)


def residual_backward(dy, cache):
    linear_cache, activation_cache, activation = cache
    (dz,) = ACTIVATIONS[activation][1](dy, activation_cache)
    dx, dW, db = linear_backward(dz, linear_cache)
    return dx, dy, dW, db


def mlp_forward(x, W, b, activation="relu", output="identity"):
    h = x
    caches = []
    for layer in range(len(W)):
        name = output if layer == len(W) - 1 else activation
        z, linear_cache = linear_forward(h, W[layer], b[layer])
        h, activation_cache = ACTIVATIONS[name][0](z)
        caches.append((linear_cache, activation_cache, name))
    return h, caches


def mlp_backward(dy, caches):
    dW, db = [], []
    dh = dy
    for linear_cache, activation_cache, name in reversed(caches):
        (dz,) = ACTIVATIONS[name][1](dh, activation_cache)
        dh, dW_layer, db_layer = linear_backward(dz, linear_cache)
        dW.insert(0, dW_layer)
        db.insert(0, db_layer)
    return dh, dW, db
