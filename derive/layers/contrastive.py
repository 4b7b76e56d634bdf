"""Losses of cosines."""

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
