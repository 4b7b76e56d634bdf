"""Recurrence: cells, sequences of them, scans, and the forward algorithm."""

from __future__ import annotations

from derive import layer
from derive.layers import activations as _activations  # noqa: F401


@layer(cites="Elman 1990")
def rnn_cell(x: Real[..., i], h0: Real[..., n], W: Real[n, i], U: Real[n, m], b: Real[n]):
    """One step of a simple recurrent network, from the state h0."""
    m = axis(size(n))
    s[..., n] = sum(i, W[n, i] * x[..., i]) + sum(m, U[n, m] * h0[..., m]) + b[n]
    h[..., n] = tanh(s[..., n])
    return h


@layer(cites="Cho et al. 2014, arXiv:1406.1078")
def gru_cell(
    x: Real[..., i], h0: Real[..., n], W: Real[gate * n, i], U: Real[gate * n, m], b: Real[gate * n], c: Real[gate * n]
):
    """One step of a gated recurrent unit, from the state h0; gates in the order reset, update, new."""
    gate = axis(3)
    m = axis(size(n))
    a[..., gate, n] = sum(i, W[gate, n, i] * x[..., i]) + b[gate, n]
    s[..., gate, n] = sum(m, U[gate, n, m] * h0[..., m]) + c[gate, n]
    r[..., n] = sigmoid(a[..., 0, n] + s[..., 0, n])
    z[..., n] = sigmoid(a[..., 1, n] + s[..., 1, n])
    g[..., n] = tanh(a[..., 2, n] + r[..., n] * s[..., 2, n])
    h[..., n] = (1 - z[..., n]) * g[..., n] + z[..., n] * h0[..., n]
    return h


@layer(cites="Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000")
def lstm_cell(
    x: Real[..., j],
    h0: Real[..., n],
    c0: Real[..., n],
    W: Real[gate * n, j],
    U: Real[gate * n, m],
    b: Real[gate * n],
):
    """One step of a long short-term memory, from the states h0 and c0; gates in the order input, forget, cell, output."""
    gate = axis(4)
    m = axis(size(n))
    s[..., gate, n] = sum(j, W[gate, n, j] * x[..., j]) + sum(m, U[gate, n, m] * h0[..., m]) + b[gate, n]
    i[..., n] = sigmoid(s[..., 0, n])
    f[..., n] = sigmoid(s[..., 1, n])
    g[..., n] = tanh(s[..., 2, n])
    o[..., n] = sigmoid(s[..., 3, n])
    c[..., n] = f[..., n] * c0[..., n] + i[..., n] * g[..., n]
    h[..., n] = o[..., n] * tanh(c[..., n])
    return h, c


@layer(cites="Elman 1990; Werbos 1990")
def rnn(x: Real[t, ..., i], h0: Real[..., n], W: Real[n, i], U: Real[n, m], b: Real[n]):
    """A simple recurrent network over a sequence."""
    m = axis(size(n))
    a[t, ..., n] = sum(i, W[n, i] * x[t, ..., i]) + b[n]
    h[-1, ..., n] = h0[..., n]
    s[t, ..., n] = a[t, ..., n] + sum(m, U[n, m] * h[t - 1, ..., m])
    h[t, ..., n] = tanh(s[t, ..., n])
    return h


@layer(cites="Cho et al. 2014, arXiv:1406.1078")
def gru(
    x: Real[t, ..., i],
    h0: Real[..., n],
    W: Real[gate * n, i],
    U: Real[gate * n, m],
    b: Real[gate * n],
    c: Real[gate * n],
):
    """A gated recurrent unit over a sequence; gates in the order reset, update, new."""
    gate = axis(3)
    m = axis(size(n))
    a[t, ..., gate, n] = sum(i, W[gate, n, i] * x[t, ..., i]) + b[gate, n]
    h[-1, ..., n] = h0[..., n]
    s[t, ..., gate, n] = sum(m, U[gate, n, m] * h[t - 1, ..., m]) + c[gate, n]
    r[t, ..., n] = sigmoid(a[t, ..., 0, n] + s[t, ..., 0, n])
    z[t, ..., n] = sigmoid(a[t, ..., 1, n] + s[t, ..., 1, n])
    g[t, ..., n] = tanh(a[t, ..., 2, n] + r[t, ..., n] * s[t, ..., 2, n])
    h[t, ..., n] = (1 - z[t, ..., n]) * g[t, ..., n] + z[t, ..., n] * h[t - 1, ..., n]
    return h


@layer(cites="Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000")
def lstm(
    x: Real[t, ..., j],
    h0: Real[..., n],
    c0: Real[..., n],
    W: Real[gate * n, j],
    U: Real[gate * n, m],
    b: Real[gate * n],
):
    """Long short-term memory over a sequence; gates in the order input, forget, cell, output."""
    gate = axis(4)
    m = axis(size(n))
    a[t, ..., gate, n] = sum(j, W[gate, n, j] * x[t, ..., j]) + b[gate, n]
    h[-1, ..., n] = h0[..., n]
    c[-1, ..., n] = c0[..., n]
    s[t, ..., gate, n] = a[t, ..., gate, n] + sum(m, U[gate, n, m] * h[t - 1, ..., m])
    i[t, ..., n] = sigmoid(s[t, ..., 0, n])
    f[t, ..., n] = sigmoid(s[t, ..., 1, n])
    g[t, ..., n] = tanh(s[t, ..., 2, n])
    o[t, ..., n] = sigmoid(s[t, ..., 3, n])
    c[t, ..., n] = f[t, ..., n] * c[t - 1, ..., n] + i[t, ..., n] * g[t, ..., n]
    h[t, ..., n] = o[t, ..., n] * tanh(c[t, ..., n])
    return h, c


@layer(cites="Schuster and Paliwal 1997")
def reverse_rnn(x: Real[t, ..., i], h0: Real[..., n], W: Real[n, i], U: Real[n, m], b: Real[n]):
    """A simple recurrent network over a sequence from its end, as the second half of a bidirectional one."""
    m = axis(size(n))
    a[t, ..., n] = sum(i, W[n, i] * x[t, ..., i]) + b[n]
    h[size(t), ..., n] = h0[..., n]
    s[t, ..., n] = a[t, ..., n] + sum(m, U[n, m] * h[t + 1, ..., m])
    h[t, ..., n] = tanh(s[t, ..., n])
    return h


@layer(cites="Blelloch 1990; Martin and Cundy 2018, arXiv:1709.04057")
def linear_recurrence(a: Real[t, ...], x: Real[t, ...], h0: Real[...]):
    """A linear recurrence with a coefficient for each step."""
    h[-1, ...] = h0[...]
    h[t, ...] = a[t, ...] * h[t - 1, ...] + x[t, ...]
    return h
