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


@layer(cites="Nelder and Wedderburn 1972; the options as PyTorch has them")
def poisson_nll(
    x: Real[...],
    t: Real[...] >= 0,
    log_input: Flag = True,
    full: Flag = False,
    epsilon: Positive = 1e-8,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Negative log-likelihood of counts t under a Poisson law of rate x, or exp(x); full adds Stirling's formula."""
    rate[...] = exp(x[...]) - t[...] * x[...] if log_input else x[...] - t[...] * log(x[...] + epsilon)
    stirling[...] = t[...] * log(t[...]) - t[...] + log(2 * pi * t[...]) / 2 if full and t[...] > 1 else 0
    L[...] = rate[...] + stirling[...]
    loss = reduced(reduction, L[...])
    return loss


@layer(cites="Nix and Weigend 1994")
def gaussian_nll(
    x: Real[...],
    t: Real[...],
    var: Real[...] >= 0,
    full: Flag = False,
    epsilon: Positive = 1e-6,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """Negative log-likelihood of t under a normal law of mean x and variance var, of which epsilon is the least."""
    v[...] = max(var[...], epsilon)
    constant = log(2 * pi) / 2 if full else 0
    L[...] = (log(v[...]) + (x[...] - t[...]) ** 2 / v[...]) / 2 + constant
    loss = reduced(reduction, L[...])
    return loss
