"""Embedding of tokens."""

from __future__ import annotations

from derive import layer


@layer(cites="Bengio et al. 2003")
def embedding(E: Real[v, d], t: Integer[...], padding_index: Integer = -1):
    """Look up the row of each token; the padding token gives zeros."""
    y[..., d] = E[t[...], d] if t[...] != padding_index else 0
    return y
