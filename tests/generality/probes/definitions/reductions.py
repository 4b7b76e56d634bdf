"""Reductions."""

from __future__ import annotations

from derive import layer


@layer(cites="mean over an axis")
def mean_axis(x: Real[..., i], axis: Axis[i] = -1):
    """The mean along one axis."""
    y[...] = mean(i, x[..., i])
    return y


@layer(cites="max over an axis")
def max_axis(x: Real[..., i]):
    """The largest along one axis."""
    y[...] = max(i, x[..., i])
    return y


@layer(cites="min over an axis")
def min_axis(x: Real[..., i]):
    """The smallest along one axis."""
    y[...] = min(i, x[..., i])
    return y


@layer(cites="min over an axis, by max")
def min_axis_max(x: Real[..., i]):
    """The smallest along one axis."""
    y[...] = -max(i, -x[..., i])
    return y


@layer(cites="product over an axis")
def prod_axis(x: Real[..., i]):
    """The product along one axis."""
    y[...] = prod(i, x[..., i])
    return y


@layer(cites="product over an axis, by a recurrence")
def prod_axis_rec(x: Real[i, ...]):
    """The product along the first axis."""
    p[-1, ...] = 1
    p[i, ...] = p[i - 1, ...] * x[i, ...]
    y[...] = p[size(i) - 1, ...]
    return y


@layer(cites="log-sum-exp")
def logsumexp(x: Real[..., i]):
    """The logarithm of the sum of exponentials along one axis."""
    y[...] = log(sum(i, exp(x[..., i])))
    return y


@layer(cites="standard deviation, of a sample")
def std_axis(x: Real[..., i]):
    """The standard deviation along one axis."""
    mu[...] = mean(i, x[..., i])
    y[...] = sqrt(sum(i, (x[..., i] - mu[...]) ** 2) / (size(i) - 1))
    return y


@layer(cites="variance, of a sample")
def var_axis(x: Real[..., i]):
    """The variance along one axis."""
    mu[...] = mean(i, x[..., i])
    y[...] = sum(i, (x[..., i] - mu[...]) ** 2) / (size(i) - 1)
    return y


@layer(cites="norm along an axis")
def norm_axis(x: Real[..., i]):
    """The Euclidean norm along one axis."""
    y[...] = sqrt(sum(i, x[..., i] ** 2))
    return y


@layer(cites="cumulative sum, by a predicate")
def cumsum(x: Real[..., i]):
    """Sums of all that come before and of oneself."""
    y[..., i] = sum(j, x[..., j] if j <= i else 0)
    return y


@layer(cites="cumulative sum, by a recurrence")
def cumsum_rec(x: Real[i, ...]):
    """Sums of all that come before and of oneself."""
    y[-1, ...] = 0
    y[i, ...] = y[i - 1, ...] + x[i, ...]
    return y


@layer(cites="cumulative product, by a recurrence")
def cumprod_rec(x: Real[i, ...]):
    """Products of all that come before and of oneself."""
    y[-1, ...] = 1
    y[i, ...] = y[i - 1, ...] * x[i, ...]
    return y


@layer(cites="cosine similarity")
def cosine_similarity(a: Real[..., d], b: Real[..., d], epsilon: Positive = 1e-8):
    """The cosine of the angle."""
    na[...] = sqrt(sum(d, a[..., d] ** 2))
    nb[...] = sqrt(sum(d, b[..., d] ** 2))
    y[...] = sum(d, a[..., d] * b[..., d]) / (max(na[...], epsilon) * max(nb[...], epsilon))
    return y


@layer(cites="cosine similarity without epsilon")
def cosine_plain(a: Real[..., d], b: Real[..., d]):
    """The cosine of the angle."""
    y[...] = sum(d, a[..., d] * b[..., d]) / (sqrt(sum(d, a[..., d] ** 2)) * sqrt(sum(d, b[..., d] ** 2)))
    return y


@layer(cites="pairwise distance")
def pairwise_distance(a: Real[..., d], b: Real[..., d], p: Positive = 2.0, epsilon: Positive = 1e-6):
    """The p-norm of the difference."""
    y[...] = sum(d, abs(a[..., d] - b[..., d] + epsilon) ** p) ** (1 / p)
    return y
