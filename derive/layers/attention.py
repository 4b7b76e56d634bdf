"""Attention and positions."""

from __future__ import annotations

from derive import layer


@layer(cites="S38; Vaswani et al. 2017, arXiv:1706.03762")
def attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], mask: Mask[..., q, k], causal: Flag = False):
    """Scaled dot-product attention; a row that may look nowhere gives zeros."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    E[..., q, k] = exp(S[..., q, k]) if mask[..., q, k] and (k <= q or not causal) else 0
    total[..., q] = sum(k, E[..., q, k])
    P[..., q, k] = E[..., q, k] / total[..., q] if total[..., q] != 0 else 0
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Raffel et al. 2020, arXiv:1910.10683")
def biased_attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], B: Real[..., q, k]):
    """Attention with a bias added to its scores, which may be a mask of 0 and minus infinity."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d)) + B[..., q, k]
    P[..., q, k] = exp(S[..., q, k]) / sum(j, exp(S[..., q, j]))
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762; Srivastava et al. 2014")
def dropout_attention(
    Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], m: Real[..., q, k], p: Probability = 0.9
):
    """Attention with inverted dropout of its probabilities, by a mask m of zeros and ones; p is the probability to keep."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    P[..., q, k] = exp(S[..., q, k]) / sum(j, exp(S[..., q, j]))
    O[..., q, v] = sum(k, P[..., q, k] * m[..., q, k] / p * V[..., k, v])
    return O


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762")
def sinusoidal_positions(x: Real[..., t, d * two], base: Positive = 10000.0):
    """Add to each position the sines and cosines of its angles, in turn."""
    two = axis(2)
    angle[t, d] = t * base ** (-d / size(d))
    y[..., t, d, two] = x[..., t, d, two] + (sin(angle[t, d]) if two == 0 else cos(angle[t, d]))
    return y
