"""Losses of a real number against a target. Each is defined element by element; ``reduction`` puts elements together."""

from __future__ import annotations

from derive import layer


@layer(cites="Laplace 1774")
def l1_loss(y: Real[...], t: Real[...], reduction: Choice["mean", "sum", "none"] = "mean"):
    """Absolute error of a prediction y against a target t."""
    L[...] = abs(y[...] - t[...])
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Huber 1964")
def huber(y: Real[...], t: Real[...], delta: Positive = 1.0, reduction: Choice["mean", "sum", "none"] = "mean"):
    """Half the squared error up to delta, and a straight line beyond."""
    r[...] = y[...] - t[...]
    L[...] = (
        delta * (r[...] - delta / 2)
        if r[...] > delta
        else -delta * (r[...] + delta / 2)
        if r[...] < -delta
        else r[...] ** 2 / 2
    )
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Girshick 2015, arXiv:1504.08083; beta as PyTorch has it")
def smooth_l1(y: Real[...], t: Real[...], beta: Positive = 1.0, reduction: Choice["mean", "sum", "none"] = "mean"):
    """Absolute error, rounded off below beta."""
    r[...] = y[...] - t[...]
    L[...] = r[...] - beta / 2 if r[...] > beta else -r[...] - beta / 2 if r[...] < -beta else r[...] ** 2 / (2 * beta)
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Green 1990, IEEE Transactions on Medical Imaging 9(1)")
def log_cosh(y: Real[...], t: Real[...], reduction: Choice["mean", "sum", "none"] = "mean"):
    """The logarithm of the hyperbolic cosine of the error."""
    r[...] = y[...] - t[...]
    L[...] = log((exp(r[...]) + exp(-r[...])) / 2)
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Koenker and Bassett 1978")
def pinball(y: Real[...], t: Real[...], tau: Fraction = 0.5, reduction: Choice["mean", "sum", "none"] = "mean"):
    """Error weighed by tau where the target is above the prediction and by 1 - tau below; least at a quantile."""
    r[...] = t[...] - y[...]
    L[...] = tau * r[...] if r[...] >= 0 else (tau - 1) * r[...]
    loss = reduced(reduction, L[...])
    return loss
