"""Attention whose keys and values are kept."""

from __future__ import annotations

from derive import layer


@layer(cites="Shazeer 2019, arXiv:1911.02150; Pope et al. 2022, arXiv:2211.05102")
def cached_attention(q: Real[..., d], K: Real[..., n, d], V: Real[..., n, v], key: Real[..., d], value: Real[..., v]):
    """One step of decoding: a key and a value are put behind those of the cache, and the query attends to all."""
    i = axis(size(n) + 1)
    keys[..., i, d] = K[..., i, d] if i < size(n) else key[..., d]
    values[..., i, v] = V[..., i, v] if i < size(n) else value[..., v]
    S[..., i] = sum(d, q[..., d] * keys[..., i, d]) / sqrt(size(d))
    P[..., i] = exp(S[..., i]) / sum(j, exp(S[..., j]))
    O[..., v] = sum(i, P[..., i] * values[..., i, v])
    return O, keys, values


@layer(cites="Schmidhuber 1992; Schlag, Irie and Schmidhuber 2021, arXiv:2102.11174")
def fast_weights(Q: Real[t, ..., d], K: Real[t, ..., d], V: Real[t, ..., v], S0: Real[..., d, v]):
    """Causal attention without a softmax, as a recurrence: the state sums products of keys and values."""
    S[-1, ..., d, v] = S0[..., d, v]
    S[t, ..., d, v] = S[t - 1, ..., d, v] + K[t, ..., d] * V[t, ..., v]
    O[t, ..., v] = sum(d, Q[t, ..., d] * S[t, ..., d, v])
    return O
