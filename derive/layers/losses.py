"""Losses. Each is defined for one example; ``reduction`` says how examples are put together."""

from __future__ import annotations

from derive import layer


@layer(cites="S11; Good 1952")
def cross_entropy(y: Real[..., i], t: Real[..., i], reduction: Choice["mean", "sum", "none"] = "mean"):
    """Cross-entropy of predicted probabilities y against targets t."""
    L[...] = -sum(i, xlogy(t[..., i], y[..., i]))
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="S10, S11 and S16")
def softmax_cross_entropy(z: Real[..., i], t: Real[..., i], reduction: Choice["mean", "sum", "none"] = "mean"):
    """Cross-entropy of softmax of the logits z against dense targets t of any sum."""
    y[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))
    L[...] = -sum(i, t[..., i] * log(y[..., i]))
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="S10, S11 and S16")
def softmax_cross_entropy_labels(z: Real[..., i], t: Integer[...], reduction: Choice["mean", "sum", "none"] = "mean"):
    """Cross-entropy of softmax of the logits z against the index t of the true class."""
    y[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))
    L[...] = -log(y[..., t[...]])
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Gauss 1809")
def mse(y: Real[...], t: Real[...], reduction: Choice["mean", "sum", "none"] = "mean"):
    """Squared error of a prediction y against a target t."""
    L[...] = (y[...] - t[...]) ** 2
    loss = reduced(reduction, L[...])
    return loss
