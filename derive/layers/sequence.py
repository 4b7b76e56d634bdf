"""Attention, embedding and recurrence."""

from __future__ import annotations

from derive import layer
from derive.layers import activations as _activations  # noqa: F401


@layer(cites="S38; Vaswani et al. 2017, arXiv:1706.03762")
def attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], mask: Mask[..., q, k], causal: Flag = False):
    """Scaled dot-product attention; a row that may look nowhere gives zeros."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    E[..., q, k] = exp(S[..., q, k]) if mask[..., q, k] and (k <= q or not causal) else 0
    total[..., q] = sum(k, E[..., q, k])
    P[..., q, k] = E[..., q, k] / total[..., q] if total[..., q] != 0 else 0
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Bengio et al. 2003")
def embedding(E: Real[v, d], t: Integer[...], padding_index: Integer = -1):
    """Look up the row of each token; the padding token gives zeros."""
    y[..., d] = E[t[...], d] if t[...] != padding_index else 0
    return y


@layer(cites="Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000")
def lstm(
    x: Real[t, ..., i],
    h0: Real[..., n],
    c0: Real[..., n],
    W: Real[gate * n, i],
    U: Real[gate * n, m],
    b: Real[gate * n],
):
    """Long short-term memory over a sequence; gates in the order input, forget, cell, output."""
    gate = axis(4)
    m = axis(size(n))
    a[t, ..., gate, n] = sum(i, W[gate, n, i] * x[t, ..., i]) + b[gate, n]
    h[-1, ..., n] = h0[..., n]
    c[-1, ..., n] = c0[..., n]
    s[t, ..., gate, n] = a[t, ..., gate, n] + sum(m, U[gate, n, m] * h[t - 1, ..., m])
    c[t, ..., n] = sigmoid(s[t, ..., 1, n]) * c[t - 1, ..., n] + sigmoid(s[t, ..., 0, n]) * tanh(s[t, ..., 2, n])
    h[t, ..., n] = sigmoid(s[t, ..., 3, n]) * tanh(c[t, ..., n])
    return h, c
