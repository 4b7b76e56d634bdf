"""Relatives of long short-term memory and of gated units, recurrence of several lengths and in both directions."""

from __future__ import annotations

from derive import layer
from derive.layers import recurrent as _recurrent  # noqa: F401


@layer(cites="Sak, Senior and Beaufays 2014, arXiv:1402.1128")
def projected_lstm(
    x: Real[t, ..., j],
    h0: Real[..., r],
    c0: Real[..., n],
    W: Real[gate * n, j],
    U: Real[gate * n, r],
    b: Real[gate * n],
    P: Real[r, n],
):
    """Long short-term memory whose output is projected before it is handed on."""
    gate = axis(4)
    a[t, ..., gate, n] = sum(j, W[gate, n, j] * x[t, ..., j]) + b[gate, n]
    h[-1, ..., r] = h0[..., r]
    c[-1, ..., n] = c0[..., n]
    s[t, ..., gate, n] = a[t, ..., gate, n] + sum(r, U[gate, n, r] * h[t - 1, ..., r])
    i[t, ..., n] = sigmoid(s[t, ..., 0, n])
    f[t, ..., n] = sigmoid(s[t, ..., 1, n])
    g[t, ..., n] = tanh(s[t, ..., 2, n])
    o[t, ..., n] = sigmoid(s[t, ..., 3, n])
    c[t, ..., n] = f[t, ..., n] * c[t - 1, ..., n] + i[t, ..., n] * g[t, ..., n]
    h[t, ..., r] = sum(n, P[r, n] * (o[t, ..., n] * tanh(c[t, ..., n])))
    return h, c


@layer(cites="Hochreiter and Schmidhuber 1997; PyTorch's pack_padded_sequence")
def lstm_lengths(
    x: Real[t, b, j],
    length: Integer[b],
    h0: Real[b, n],
    c0: Real[b, n],
    W: Real[gate * n, j],
    U: Real[gate * n, m],
    bias: Real[gate * n],
):
    """Long short-term memory that stands still from each example's length on."""
    gate = axis(4)
    m = axis(size(n))
    a[t, b, gate, n] = sum(j, W[gate, n, j] * x[t, b, j]) + bias[gate, n]
    h[-1, b, n] = h0[b, n]
    c[-1, b, n] = c0[b, n]
    s[t, b, gate, n] = a[t, b, gate, n] + sum(m, U[gate, n, m] * h[t - 1, b, m])
    i[t, b, n] = sigmoid(s[t, b, 0, n])
    f[t, b, n] = sigmoid(s[t, b, 1, n])
    g[t, b, n] = tanh(s[t, b, 2, n])
    o[t, b, n] = sigmoid(s[t, b, 3, n])
    c[t, b, n] = f[t, b, n] * c[t - 1, b, n] + i[t, b, n] * g[t, b, n] if t < length[b] else c[t - 1, b, n]
    h[t, b, n] = o[t, b, n] * tanh(c[t, b, n]) if t < length[b] else h[t - 1, b, n]
    return h, c


@layer(cites="Hochreiter and Schmidhuber 1997; PyTorch's pack_padded_sequence")
def rnn_lengths(x: Real[t, b, i], length: Integer[b], h0: Real[b, n], W: Real[n, i], U: Real[n, m], c: Real[n]):
    """A simple recurrent network that stands still from each example's length on."""
    m = axis(size(n))
    a[t, b, n] = sum(i, W[n, i] * x[t, b, i]) + c[n]
    h[-1, b, n] = h0[b, n]
    s[t, b, n] = a[t, b, n] + sum(m, U[n, m] * h[t - 1, b, m])
    h[t, b, n] = tanh(s[t, b, n]) if t < length[b] else h[t - 1, b, n]
    return h


@layer(cites="Gers, Schraudolph and Schmidhuber 2002")
def peephole_lstm(
    x: Real[t, ..., j],
    h0: Real[..., n],
    c0: Real[..., n],
    W: Real[gate * n, j],
    U: Real[gate * n, m],
    b: Real[gate * n],
    p: Real[three * n],
):
    """Long short-term memory whose gates see the cell: input and forget the one before, output the new one."""
    gate = axis(4)
    three = axis(3)
    m = axis(size(n))
    a[t, ..., gate, n] = sum(j, W[gate, n, j] * x[t, ..., j]) + b[gate, n]
    h[-1, ..., n] = h0[..., n]
    c[-1, ..., n] = c0[..., n]
    s[t, ..., gate, n] = a[t, ..., gate, n] + sum(m, U[gate, n, m] * h[t - 1, ..., m])
    i[t, ..., n] = sigmoid(s[t, ..., 0, n] + p[0, n] * c[t - 1, ..., n])
    f[t, ..., n] = sigmoid(s[t, ..., 1, n] + p[1, n] * c[t - 1, ..., n])
    g[t, ..., n] = tanh(s[t, ..., 2, n])
    c[t, ..., n] = f[t, ..., n] * c[t - 1, ..., n] + i[t, ..., n] * g[t, ..., n]
    o[t, ..., n] = sigmoid(s[t, ..., 3, n] + p[2, n] * c[t, ..., n])
    h[t, ..., n] = o[t, ..., n] * tanh(c[t, ..., n])
    return h, c


@layer(cites="Cho et al. 2014, arXiv:1406.1078; ONNX's GRU")
def gru_reset_before(
    x: Real[t, ..., i],
    h0: Real[..., n],
    W: Real[gate * n, i],
    U: Real[gate * n, m],
    b: Real[gate * n],
):
    """A gated recurrent unit whose reset gate weighs the state before the product; gates in the order reset, update, new."""
    gate = axis(3)
    m = axis(size(n))
    a[t, ..., gate, n] = sum(i, W[gate, n, i] * x[t, ..., i]) + b[gate, n]
    h[-1, ..., n] = h0[..., n]
    r[t, ..., n] = sigmoid(a[t, ..., 0, n] + sum(m, U[0, n, m] * h[t - 1, ..., m]))
    z[t, ..., n] = sigmoid(a[t, ..., 1, n] + sum(m, U[1, n, m] * h[t - 1, ..., m]))
    u[t, ..., n] = r[t, ..., n] * h[t - 1, ..., n]
    g[t, ..., n] = tanh(a[t, ..., 2, n] + sum(m, U[2, n, m] * u[t, ..., m]))
    h[t, ..., n] = (1 - z[t, ..., n]) * g[t, ..., n] + z[t, ..., n] * h[t - 1, ..., n]
    return h


@layer(cites="Schuster and Paliwal 1997")
def bidirectional_rnn(
    x: Real[t, ..., i],
    h0: Real[..., n],
    W: Real[n, i],
    U: Real[n, m],
    b: Real[n],
    g0: Real[..., n],
    V: Real[n, i],
    R: Real[n, m],
    c: Real[n],
):
    """A simple recurrent network over a sequence and one from its end; the features of both, one after the other."""
    m = axis(size(n))
    u = axis(2 * size(n))
    h = rnn(x, h0, W, U, b)
    g = reverse_rnn(x, g0, V, R, c)
    y[t, ..., u] = h[t, ..., u] if u < size(n) else g[t, ..., u - size(n)]
    return y
