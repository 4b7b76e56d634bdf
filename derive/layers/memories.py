"""Relatives of long short-term memory, and recurrence of several lengths."""

from __future__ import annotations

from derive import layer


@layer(cites="Sak, Senior and Beaufays 2014, arXiv:1402.1128")
def projected_lstm(
    x: Real[t, ..., i],
    h0: Real[..., r],
    c0: Real[..., n],
    W: Real[gate * n, i],
    U: Real[gate * n, r],
    b: Real[gate * n],
    P: Real[r, n],
):
    """Long short-term memory whose output is projected before it is handed on."""
    gate = axis(4)
    a[t, ..., gate, n] = sum(i, W[gate, n, i] * x[t, ..., i]) + b[gate, n]
    h[-1, ..., r] = h0[..., r]
    c[-1, ..., n] = c0[..., n]
    s[t, ..., gate, n] = a[t, ..., gate, n] + sum(r, U[gate, n, r] * h[t - 1, ..., r])
    c[t, ..., n] = sigmoid(s[t, ..., 1, n]) * c[t - 1, ..., n] + sigmoid(s[t, ..., 0, n]) * tanh(s[t, ..., 2, n])
    o[t, ..., n] = sigmoid(s[t, ..., 3, n]) * tanh(c[t, ..., n])
    h[t, ..., r] = sum(n, P[r, n] * o[t, ..., n])
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
