"""Losses of probabilities of labels, or of what they are computed from."""

from __future__ import annotations

from derive import layer


@layer(cites="Good 1952")
def binary_cross_entropy(
    y: 0 <= Real[...] <= 1, t: 0 <= Real[...] <= 1, reduction: Choice["mean", "sum", "none"] = "mean"
):
    """Cross-entropy of probabilities y of yes against targets t."""
    L[...] = -xlogy(t[...], y[...]) - xlogy(1 - t[...], 1 - y[...])
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Good 1952, of the sigmoid; pos_weight as PyTorch has it")
def bce_with_logits(
    z: Real[...],
    t: Real[...],
    pos_weight: Positive = 1.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Cross-entropy of the sigmoid of logits z against targets t, of which yes counts pos_weight times."""
    p[...] = sigmoid(z[...])
    L[...] = -pos_weight * t[...] * log(p[...]) - (1 - t[...]) * log(1 - p[...])
    loss = reduced(reduction, L[...])
    return loss
