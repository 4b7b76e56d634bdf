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
