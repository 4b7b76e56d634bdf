"""Softmax and losses."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, type-var"

import math

import numpy as np


def softmax_forward(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    y = e / e.sum(axis=axis, keepdims=True)
    return y, (y, axis)


def softmax_backward(dy, cache):
    y, axis = cache
    return (y * (dy - (dy * y).sum(axis=axis, keepdims=True)),)


def log_softmax_forward(z, axis=-1):
    shifted = z - z.max(axis=axis, keepdims=True)
    y = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return y, (y, axis)


def log_softmax_backward(dy, cache):
    y, axis = cache
    return (dy - np.exp(y) * dy.sum(axis=axis, keepdims=True),)


def reduce_forward(loss, reduction):
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    return loss


def reduce_backward(dloss, shape, reduction):
    if reduction == "mean":
        dloss = dloss / math.prod(shape)
    return np.broadcast_to(dloss, shape)


def cross_entropy_forward(y, t, reduction="mean"):
    loss = -(t * np.log(y)).sum(axis=-1)
    return reduce_forward(loss, reduction), (y, t, reduction)


def cross_entropy_backward(dloss, cache):
    y, t, reduction = cache
    d = reduce_backward(dloss, y.shape[:-1], reduction)[..., None]
    return -d * t / y, -d * np.log(y)


def softmax_cross_entropy_forward(z, t, reduction="mean"):
    log_y, _ = log_softmax_forward(z)
    loss = -(t * log_y).sum(axis=-1)
    return reduce_forward(loss, reduction), (log_y, t, reduction)


def softmax_cross_entropy_backward(dloss, cache):
    log_y, t, reduction = cache
    d = reduce_backward(dloss, t.shape[:-1], reduction)[..., None]
    dz = d * (np.exp(log_y) * t.sum(axis=-1, keepdims=True) - t)
    return dz, -d * log_y


def softmax_cross_entropy_labels_forward(z, t, reduction="mean"):
    log_y, _ = log_softmax_forward(z)
    loss = -np.take_along_axis(log_y, t[..., None], axis=-1)[..., 0]
    return reduce_forward(loss, reduction), (log_y, t, reduction)


def softmax_cross_entropy_labels_backward(dloss, cache):
    log_y, t, reduction = cache
    dz = np.exp(log_y)
    at_label = np.take_along_axis(dz, t[..., None], axis=-1)
    np.put_along_axis(dz, t[..., None], at_label - 1, axis=-1)
    return (reduce_backward(dloss, t.shape, reduction)[..., None] * dz,)


def mse_forward(y, t, reduction="mean"):
    return reduce_forward((y - t) ** 2, reduction), (y, t, reduction)


def mse_backward(dloss, cache):
    y, t, reduction = cache
    dy = reduce_backward(dloss, y.shape, reduction) * 2 * (y - t)
    return dy, -dy
