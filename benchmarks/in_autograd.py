"""Every layer as one writes its forward pass for HIPS autograd, which finds the backward pass while running.

`import autograd.numpy as np` and ordinary NumPy code: that is how the library is meant to be used.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd.builtins import list as traced_list
from autograd.builtins import tuple as traced_tuple
from autograd.scipy.special import erf


def linear(x, W, b):
    return np.dot(x, W.T) + b


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x, alpha=0.01):
    return np.where(x > 0, x, alpha * x)


def gelu(x):
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "gelu": gelu,
}


def softmax(z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(z, axis=-1):
    shifted = z - np.max(z, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def reduced(loss, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": lambda x: x}[reduction](loss)


def cross_entropy(y, t, reduction="mean"):
    return reduced(-np.sum(t * np.log(y), axis=-1), reduction)


def softmax_cross_entropy(z, t, reduction="mean"):
    return reduced(-np.sum(t * log_softmax(z), axis=-1), reduction)


def softmax_cross_entropy_labels(z, t, reduction="mean"):
    log_y = np.reshape(log_softmax(z), (-1, z.shape[-1]))
    picked = log_y[np.arange(t.size), np.ravel(t)]
    return reduced(-np.reshape(picked, t.shape), reduction)


def mse(y, t, reduction="mean"):
    return reduced((y - t) ** 2, reduction)


def layer_norm(x, gamma, beta, epsilon=1e-5):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    var = np.mean(centred**2, axis=-1, keepdims=True)
    return gamma * centred / np.sqrt(var + epsilon) + beta


def per_channel(v, x):
    return np.reshape(v, (-1,) + (1,) * (x.ndim - 2))


def batch_norm(x, gamma, beta, running_mean, running_var, momentum=0.1, epsilon=1e-5):
    # the running statistics are left out: autograd has no output without a gradient
    axes = (0, *range(2, x.ndim))
    centred = x - np.mean(x, axis=axes, keepdims=True)
    var = np.mean(centred**2, axis=axes, keepdims=True)
    return per_channel(gamma, x) * centred / np.sqrt(var + epsilon) + per_channel(beta, x)


def batch_norm_inference(x, gamma, beta, running_mean, running_var, epsilon=1e-5):
    centred = x - per_channel(running_mean, x)
    return per_channel(gamma, x) * centred / per_channel(np.sqrt(running_var + epsilon), x) + per_channel(beta, x)


def dropout(x, m):
    return x * m


def inverted_dropout(x, m, p=0.5):
    return x * m / p


def l2_penalty(W, weight_decay=1e-4):
    return weight_decay / 2 * sum(np.sum(w**2) for w in W)


def clip_by_global_norm(g, tau=1.0):
    norm = np.sqrt(sum(np.sum(a**2) for a in g))
    scale = tau / norm if norm > tau else 1.0
    return traced_list([scale * a for a in g])


def sgd(W, dW, alpha=0.01):
    return traced_list([w - alpha * d for w, d in zip(W, dW, strict=True)])


def xavier(noise):
    return math.sqrt(2 / sum(noise.shape)) * noise


def he(noise):
    return math.sqrt(2 / noise.shape[1]) * noise


def mlp(x, W, b, activation="relu", output="identity"):
    h = x
    for layer in range(len(W)):
        h = ACTIVATIONS[output if layer == len(W) - 1 else activation](linear(h, W[layer], b[layer]))
    return h


def residual(x, skip, W, b, activation="relu"):
    return ACTIVATIONS[activation](linear(x, W, b)) + skip


def attention(Q, K, V, mask=None, causal=False):
    scores = np.matmul(Q, np.swapaxes(K, -1, -2)) / math.sqrt(Q.shape[-1])
    if causal:
        lower = np.tri(*scores.shape[-2:], dtype=bool)
        mask = lower if mask is None else mask & lower
    if mask is None:
        return np.matmul(softmax(scores), V)
    return np.matmul(softmax(np.where(mask, scores, -1e30)) * mask, V)


def conv2d(x, W, bias, stride=1, padding=0, dilation=1, groups=1):
    pad = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), pad, pad), mode="constant")
    k, m = W.shape[2:]
    rows = (padded.shape[2] - dilation * (k - 1) - 1) // stride + 1
    columns = (padded.shape[3] - dilation * (m - 1) - 1) // stride + 1
    c, o = W.shape[1], W.shape[0] // groups
    outputs = []
    for group in range(groups):
        part = padded[:, group * c : (group + 1) * c]
        y = 0.0
        for i in range(k):
            for j in range(m):
                down = slice(i * dilation, i * dilation + stride * rows, stride)
                across = slice(j * dilation, j * dilation + stride * columns, stride)
                tap = part[:, :, down, across]
                y = y + np.tensordot(tap, W[group * o : (group + 1) * o, :, i, j], axes=((1,), (1,)))
        outputs.append(y)
    return np.transpose(np.concatenate(outputs, axis=-1) + bias, (0, 3, 1, 2))


def max_pool2d(x, window=2, stride=2, padding=0):
    pad = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), pad, pad), mode="constant", constant_values=-math.inf)
    rows, columns = ((size - window) // stride + 1 for size in padded.shape[2:])
    taps = [
        padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
        for i in range(window)
        for j in range(window)
    ]
    return np.max(np.stack(taps), axis=0)


def embedding(E, t, padding_index=-1):
    y = E[t]
    return y if padding_index < 0 else np.where((t != padding_index)[..., None], y, 0)


def lstm(x, h0, c0, W, U, b):
    h, c = h0, c0
    hs, cs = [], []
    for t in range(x.shape[0]):
        z = np.dot(x[t], W.T) + np.dot(h, U.T) + b
        zi, zf, zg, zo = np.split(z, 4, axis=-1)
        c = sigmoid(zf) * c + sigmoid(zi) * np.tanh(zg)
        h = sigmoid(zo) * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return traced_tuple((np.stack(hs), np.stack(cs)))


LAYERS: dict[str, Callable[..., Any]] = {
    layer.__name__: layer
    for layer in (
        linear, sigmoid, relu, leaky_relu, gelu, softmax, log_softmax,
        cross_entropy, softmax_cross_entropy, softmax_cross_entropy_labels, mse,
        layer_norm, batch_norm, batch_norm_inference, dropout, inverted_dropout,
        l2_penalty, clip_by_global_norm, sgd, xavier, he, mlp, residual,
        attention, conv2d, max_pool2d, embedding, lstm,
    )
} | {"identity": ACTIVATIONS["identity"], "tanh": np.tanh}  # fmt: skip
