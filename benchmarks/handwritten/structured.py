"""Attention, convolution, pooling, embedding, recurrence."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, type-var"

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.handwritten.dense import sigmoid_forward
from benchmarks.handwritten.losses import softmax_forward


def attention_forward(Q, K, V, mask=None, causal=False):
    scale = 1 / math.sqrt(Q.shape[-1])
    scores = scale * (Q @ K.swapaxes(-1, -2))
    if causal:
        lower = np.tri(*scores.shape[-2:], dtype=bool)
        mask = lower if mask is None else mask & lower
    if mask is not None:
        scores = np.where(mask, scores, np.finfo(scores.dtype).min)
    P, _ = softmax_forward(scores)
    if mask is not None:
        P = P * mask  # a row without a single True
    return P @ V, (Q, K, V, P, scale)


def attention_backward(dO, cache):
    Q, K, V, P, scale = cache
    dV = P.swapaxes(-1, -2) @ dO
    dP = dO @ V.swapaxes(-1, -2)
    dS = scale * P * (dP - (dP * P).sum(axis=-1, keepdims=True))
    return dS @ K, dS.swapaxes(-1, -2) @ Q, dV


def conv2d_forward(x, W, bias, stride=1, padding=0, dilation=1, groups=1):
    pad = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), pad, pad))
    reach = [dilation * (size - 1) + 1 for size in W.shape[2:]]
    windows = sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride, ::dilation, ::dilation]  # [b, g*c, q, r, k, l]
    parts = zip(np.split(windows, groups, axis=1), np.split(W, groups), strict=True)
    outputs = [np.tensordot(w, kernel, axes=((1, 4, 5), (1, 2, 3))) for w, kernel in parts]  # [b, q, r, o]
    y = np.concatenate(outputs, axis=-1) + bias
    return y.transpose(0, 3, 1, 2), (x.shape, padded.shape, windows, W, stride, padding, dilation, groups)


def conv2d_backward(dy, cache):
    shape, padded_shape, windows, W, stride, padding, dilation, groups = cache
    rows, columns = dy.shape[2:]
    dW, dpadded = [], []
    split = np.split(dy, groups, axis=1), np.split(windows, groups, axis=1), np.split(W, groups)
    for d, w, kernel in zip(*split, strict=True):
        dW.append(np.tensordot(d, w, axes=((0, 2, 3), (0, 2, 3))))
        taps = np.tensordot(kernel, d, axes=((0,), (1,)))  # [c, k, l, b, q, r]
        part = np.zeros((shape[0], kernel.shape[1], *padded_shape[2:]), dtype=dy.dtype)
        for k in range(kernel.shape[2]):
            for m in range(kernel.shape[3]):
                top, left = k * dilation, m * dilation
                across = slice(left, left + stride * columns, stride)
                part[:, :, top : top + stride * rows : stride, across] += taps[:, k, m].swapaxes(0, 1)
        dpadded.append(part)
    dx = np.concatenate(dpadded, axis=1)[:, :, padding : padding + shape[2], padding : padding + shape[3]]
    return dx, np.concatenate(dW), dy.sum(axis=(0, 2, 3))


def max_pool2d_forward(x, window=2, stride=2, padding=0):
    pad = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), pad, pad), constant_values=-np.inf)
    windows = sliding_window_view(padded, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    flat = windows.reshape(*windows.shape[:4], -1)
    winner = flat.argmax(axis=-1)
    y = np.take_along_axis(flat, winner[..., None], axis=-1)[..., 0]
    return y, (x.shape, padded.shape, winner, window, stride, padding)


def max_pool2d_backward(dy, cache):
    shape, padded_shape, winner, window, stride, padding = cache
    rows, columns = dy.shape[2:]
    dpadded = np.zeros(padded_shape, dtype=dy.dtype)
    for k in range(window):
        for m in range(window):
            target = dpadded[:, :, k : k + stride * rows : stride, m : m + stride * columns : stride]
            target += dy * (winner == k * window + m)
    return (dpadded[:, :, padding : padding + shape[2], padding : padding + shape[3]],)


def embedding_forward(E, t, padding_index=-1):
    y = E[t]
    if padding_index >= 0:
        y[t == padding_index] = 0
    return y, (E.shape, t, padding_index)


def embedding_backward(dy, cache):
    shape, t, padding_index = cache
    dE = np.zeros(shape, dtype=dy.dtype)
    np.add.at(dE, t, dy)
    if padding_index >= 0:
        dE[padding_index] = 0
    return (dE,)


def lstm_forward(x, h0, c0, W, U, b):
    h, c = h0, c0
    hs, cs, steps = [], [], []
    for x_t in x:
        z = x_t @ W.T + h @ U.T + b
        zi, zf, zg, zo = np.split(z, 4, axis=-1)
        i, f, o = (sigmoid_forward(gate)[0] for gate in (zi, zf, zo))
        g = np.tanh(zg)
        c_new = f * c + i * g
        tanh_c = np.tanh(c_new)
        steps.append((x_t, h, c, i, f, g, o, tanh_c))
        h, c = o * tanh_c, c_new
        hs.append(h)
        cs.append(c)
    return (np.stack(hs), np.stack(cs)), (W, U, steps)


def lstm_backward(doutputs, cache):
    dhs, dcs = doutputs
    W, U, steps = cache
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(W[:, 0])
    dh, dc = np.zeros_like(dhs[0]), np.zeros_like(dcs[0])
    dx = []
    for t in reversed(range(len(steps))):
        x_t, h, c, i, f, g, o, tanh_c = steps[t]
        dh = dh + dhs[t]
        dc = dc + dcs[t] + dh * o * (1 - tanh_c**2)
        dz_parts = (
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dc * i * (1 - g**2),
            dh * tanh_c * o * (1 - o),
        )
        dz = np.concatenate(dz_parts, axis=-1)
        flat = dz.reshape(-1, dz.shape[-1])
        dW += flat.T @ x_t.reshape(-1, x_t.shape[-1])
        dU += flat.T @ h.reshape(-1, h.shape[-1])
        db += flat.sum(axis=0)
        dx.append(dz @ W)
        dh, dc = dz @ U, dc * f
    return np.stack(dx[::-1]), dh, dc, dW, dU, db
