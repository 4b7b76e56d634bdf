"""Losses of cosines: of pairs, and of all queries of a batch with all keys."""

from __future__ import annotations

from derive import layer


@layer(cites="Hadsell, Chopra and LeCun 2006, of cosines; margin and epsilon as PyTorch has them")
def cosine_embedding(
    a: Real[..., d],
    b: Real[..., d],
    t: abs(Integer[...]) == 1,
    margin: Scalar = 0.0,
    epsilon: Positive = 1e-12,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """One minus the cosine of a pair that belongs together, t = 1; of others what it is above the margin."""
    u[...] = sqrt(sum(d, a[..., d] ** 2) + epsilon)
    v[...] = sqrt(sum(d, b[..., d] ** 2) + epsilon)
    c[...] = sum(d, a[..., d] * b[..., d]) / (u[...] * v[...])
    L[...] = 1 - c[...] if t[...] == 1 else max(0, c[...] - margin)
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="van den Oord, Li and Vinyals 2018, arXiv:1807.03748; of cosines: Chen et al. 2020, arXiv:2002.05709")
def info_nce(
    q: Real[b, d],
    k: Real[b, d],
    temperature: Positive = 0.1,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Cross-entropy of which key of a batch belongs to each query, by the cosines of all queries with all keys."""
    c = axis(size(b))
    u[b, d] = q[b, d] / sqrt(sum(d, q[b, d] ** 2))
    v[c, d] = k[c, d] / sqrt(sum(d, k[c, d] ** 2))
    S[b, c] = sum(d, u[b, d] * v[c, d]) / temperature
    L[b] = log(sum(c, exp(S[b, c] - S[b, b])))
    loss = reduced(reduction, L[b])
    return loss
