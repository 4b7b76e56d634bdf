"""Embedding of tokens."""

from __future__ import annotations

from derive import layer


@layer(cites="Bengio et al. 2003")
def embedding(E: Real[v, d], t: Integer[...], padding_index: Integer = -1):
    """Look up the row of each token; the padding token gives zeros."""
    y[..., d] = E[t[...], d] if t[...] != padding_index else 0
    return y


@layer(cites="Joulin et al. 2016, arXiv:1607.01759")
def embedding_bag(E: Real[v, d], t: Integer[b, n], mode: Choice["sum", "mean"] = "mean"):
    """The sum, or the mean, of the rows of each bag's tokens."""
    y[b, d] = sum(n, E[t[b, n], d]) if mode == "sum" else mean(n, E[t[b, n], d])
    return y
