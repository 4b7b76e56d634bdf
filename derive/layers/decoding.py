"""Attention whose keys and values are kept, or summed."""

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


@layer(cites="Katharopoulos et al. 2020, arXiv:2006.16236")
def linear_attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], epsilon: Positive = 1e-6):
    """Attention by products of features, elu plus 1, of queries and of keys: keys and values are summed once."""
    f[..., q, d] = Q[..., q, d] + 1 if Q[..., q, d] > 0 else exp(Q[..., q, d])
    g[..., k, d] = K[..., k, d] + 1 if K[..., k, d] > 0 else exp(K[..., k, d])
    S[..., d, v] = sum(k, g[..., k, d] * V[..., k, v])
    Z[..., d] = sum(k, g[..., k, d])
    A[..., q, v] = sum(d, f[..., q, d] * S[..., d, v])
    total[..., q] = sum(d, f[..., q, d] * Z[..., d]) + epsilon
    O[..., q, v] = A[..., q, v] / total[..., q]
    return O


@layer(cites="Katharopoulos et al. 2020, arXiv:2006.16236")
def causal_linear_attention(Q: Real[t, ..., d], K: Real[t, ..., d], V: Real[t, ..., v], epsilon: Positive = 1e-6):
    """Linear attention to what came before, as a recurrence."""
    f[t, ..., d] = Q[t, ..., d] + 1 if Q[t, ..., d] > 0 else exp(Q[t, ..., d])
    g[t, ..., d] = K[t, ..., d] + 1 if K[t, ..., d] > 0 else exp(K[t, ..., d])
    S[-1, ..., d, v] = 0
    Z[-1, ..., d] = 0
    S[t, ..., d, v] = S[t - 1, ..., d, v] + g[t, ..., d] * V[t, ..., v]
    Z[t, ..., d] = Z[t - 1, ..., d] + g[t, ..., d]
    O[t, ..., v] = sum(d, f[t, ..., d] * S[t, ..., d, v]) / (sum(d, f[t, ..., d] * Z[t, ..., d]) + epsilon)
    return O
