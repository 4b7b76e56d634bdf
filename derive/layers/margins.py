"""Losses of margins: what is on the right side by far enough costs nothing, or little."""

from __future__ import annotations

from derive import layer


@layer(cites="Crammer and Singer 2001; over all wrong classes as PyTorch has it")
def multi_margin(
    z: Real[..., i],
    t: Integer[...] < i,
    margin: Scalar = 1.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """What the score of the true class t lacks of a margin over each other class, averaged over the classes."""
    L[...] = mean(i, max(0, margin - z[..., t[...]] + z[..., i]) if i != t[...] else 0)
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832; distances as PyTorch has them")
def triplet_margin(
    a: Real[..., d],
    p: Real[..., d],
    n: Real[..., d],
    margin: Scalar = 1.0,
    epsilon: Positive = 1e-6,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """What an anchor a lacks of being nearer to p, of its class, than to n, of another, by a margin."""
    u[..., d] = a[..., d] - p[..., d] + epsilon
    v[..., d] = a[..., d] - n[..., d] + epsilon
    near[...] = sqrt(sum(d, u[..., d] ** 2))
    far[...] = sqrt(sum(d, v[..., d] ** 2))
    L[...] = max(0, near[...] - far[...] + margin)
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Cortes and Vapnik 1995")
def hinge(y: Real[...], t: abs(Integer[...]) == 1, reduction: Choice["mean", "sum", "none"] = "mean"):
    """What a score y lacks of a margin of 1 on the side of its label t, which is 1 or -1."""
    L[...] = max(0, 1 - t[...] * y[...])
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Friedman, Hastie and Tibshirani 2000")
def soft_margin(y: Real[...], t: abs(Integer[...]) == 1, reduction: Choice["mean", "sum", "none"] = "mean"):
    """Logistic loss of a score y against its label t, which is 1 or -1."""
    L[...] = log(1 + exp(-t[...] * y[...]))
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Hadsell, Chopra and LeCun 2006, of given distances")
def hinge_embedding(
    d: Real[...],
    t: abs(Integer[...]) == 1,
    margin: Scalar = 1.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """The distance d of a pair that belongs together, t = 1; of others what it lacks of the margin."""
    L[...] = d[...] if t[...] == 1 else max(0, margin - d[...])
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Herbrich, Graepel and Obermayer 2000")
def margin_ranking(
    a: Real[...],
    b: Real[...],
    t: abs(Integer[...]) == 1,
    margin: Scalar = 0.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """How far a is from being above b by a margin where t is 1, or below it where t is -1."""
    L[...] = max(0, margin - t[...] * (a[...] - b[...]))
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Bishop 2006, section 4.3, of each label on its own; the mean as PyTorch has it")
def multi_label_soft_margin(
    z: Real[..., i],
    t: 0 <= Integer[..., i] <= 1,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Logistic loss of scores z against labels t of 0 or 1, of which an example may have several, averaged over the labels."""
    L[...] = mean(i, log(1 + exp(-z[..., i])) if t[..., i] == 1 else log(1 + exp(z[..., i])))
    loss = reduced(reduction, L[...])
    return loss
