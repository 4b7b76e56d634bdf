"""Losses of probabilities of labels, or of what they are computed from."""

from __future__ import annotations

from derive import layer
from derive.layers import activations as _activations  # noqa: F401


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


@layer(cites="Bishop 2006, Pattern Recognition and Machine Learning, section 4.3")
def nll_loss(log_p: Real[..., i], t: Integer[...] < i, reduction: Choice["mean", "sum", "none"] = "mean"):
    """Negative log-likelihood: minus the log-probability of the true class t."""
    L[...] = -log_p[..., t[...]]
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Bishop 2006, section 4.3; weights and ignore_index as PyTorch has them")
def weighted_nll(
    log_p: Real[..., i],
    t: Integer[...],
    w: State[i] >= 0,
    ignore_index: Integer = -100,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Negative log-likelihood of labels t, each class with a weight, one label ignored."""
    L[...] = -w[t[...]] * log_p[..., t[...]] if t[...] != ignore_index else 0
    M[...] = (
        L[...] * size(...) / sum(..., w[t[...]] if t[...] != ignore_index else 0) if reduction == "mean" else L[...]
    )
    loss = reduced(reduction, M[...])
    return loss


@layer(cites="S16; Szegedy et al. 2015, arXiv:1512.00567; weights and ignore_index as PyTorch has them")
def weighted_cross_entropy(
    z: Real[..., i],
    t: Integer[...],
    w: State[i] >= 0,
    ignore_index: Integer = -100,
    label_smoothing: Fraction = 0.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Cross-entropy of softmax of the logits z against labels t, each class with a weight, one label ignored."""
    y[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))
    hit[...] = w[t[...]] * log(y[..., t[...]]) if t[...] != ignore_index else 0
    all[...] = mean(i, w[i] * log(y[..., i])) if t[...] != ignore_index else 0
    L[...] = -(1 - label_smoothing) * hit[...] - label_smoothing * all[...]
    M[...] = (
        L[...] * size(...) / sum(..., w[t[...]] if t[...] != ignore_index else 0) if reduction == "mean" else L[...]
    )
    loss = reduced(reduction, M[...])
    return loss


@layer(cites="Kullback and Leibler 1951; the options as PyTorch has them")
def kl_div(
    log_q: Real[..., i],
    t: Real[..., i],
    log_target: Flag = False,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Kullback-Leibler divergence of a distribution q, given by its logarithm, from a target t or exp(t)."""
    L[...] = sum(
        i,
        exp(t[..., i]) * (t[..., i] - log_q[..., i])
        if log_target
        else xlogy(t[..., i], t[..., i]) - t[..., i] * log_q[..., i],
    )
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Lin et al. 2017, arXiv:1708.02002")
def focal(
    z: Real[...],
    t: 0 <= Integer[...] <= 1,
    alpha: Fraction = 0.25,
    gamma: Positive = 2.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Cross-entropy of the sigmoid of logits z against labels t of 0 or 1, less of what is already right."""
    s[...] = z[...] if t[...] == 1 else -z[...]
    a[...] = alpha if t[...] == 1 else 1 - alpha
    L[...] = a[...] * sigmoid(-s[...]) ** gamma * log(1 + exp(-s[...]))
    loss = reduced(reduction, L[...])
    return loss
