"""Reductions along one axis, and cumulative sums."""

from __future__ import annotations

from derive import layer


@layer(cites="numpy.sum")
def reduce_sum(x: Real[..., i], axis: Axis[i] = -1):
    """The sum along one axis."""
    y[...] = sum(i, x[..., i])
    return y


@layer(cites="numpy.mean")
def reduce_mean(x: Real[..., i], axis: Axis[i] = -1):
    """The mean along one axis."""
    y[...] = mean(i, x[..., i])
    return y


@layer(cites="numpy.max")
def reduce_max(x: Real[..., i], axis: Axis[i] = -1):
    """The largest element along one axis; the first of several gets the gradient."""
    y[...] = max(i, x[..., i])
    return y


@layer(cites="numpy.min")
def reduce_min(x: Real[..., i], axis: Axis[i] = -1):
    """The smallest element along one axis; the first of several gets the gradient."""
    y[...] = min(i, x[..., i])
    return y


@layer(cites="numpy.argmax")
def argmax(x: Real[..., i], axis: Axis[i] = -1):
    """Where along one axis the largest element is, the first of several; it does not move with x, so has no slope."""
    y[...] = argmax(i, x[..., i])
    return y


@layer(cites="numpy.argmin")
def argmin(x: Real[..., i], axis: Axis[i] = -1):
    """Where along one axis the smallest element is, the first of several; it does not move with x, so has no slope."""
    y[...] = argmin(i, x[..., i])
    return y


@layer(cites="scipy.special.logsumexp")
def reduce_logsumexp(x: Real[..., i], axis: Axis[i] = -1):
    """The logarithm of the sum of exponentials along one axis."""
    y[...] = log(sum(i, exp(x[..., i])))
    return y


@layer(cites="the Euclidean norm; numpy.linalg.norm")
def reduce_l2(x: Real[..., i], axis: Axis[i] = -1):
    """The Euclidean norm along one axis."""
    y[...] = sqrt(sum(i, x[..., i] ** 2))
    return y


@layer(cites="ONNX ReduceSumSquare")
def reduce_sum_square(x: Real[..., i], axis: Axis[i] = -1):
    """The sum of squares along one axis."""
    y[...] = sum(i, x[..., i] ** 2)
    return y


@layer(cites="ONNX ReduceLogSum")
def reduce_log_sum(x: Real[..., i] >= 0, axis: Axis[i] = -1):
    """The logarithm of the sum along one axis."""
    y[...] = log(sum(i, x[..., i]))
    return y


@layer(cites="Blelloch 1990, inclusive scan; numpy.cumsum")
def cumsum(x: Real[..., i], axis: Axis[i] = -1):
    """The sums of every element and all before it."""
    y[..., i] = sum(j, x[..., j] if j <= i else 0)
    return y


@layer(cites="Blelloch 1990, inclusive scan from the end")
def reverse_cumsum(x: Real[..., i], axis: Axis[i] = -1):
    """The sums of every element and all behind it."""
    y[..., i] = sum(j, x[..., j] if j >= i else 0)
    return y


@layer(cites="Blelloch 1990, exclusive scan")
def exclusive_cumsum(x: Real[..., i], axis: Axis[i] = -1):
    """The sums of all before every element; the first is zero."""
    y[..., i] = sum(j, x[..., j] if j < i else 0)
    return y


@layer(cites="Blelloch 1990, inclusive scan of what a mask keeps")
def masked_cumsum(x: Real[..., i], mask: Mask[..., i]):
    """The sums of every element and all before it that the mask keeps."""
    kept[..., i] = x[..., i] if mask[..., i] else 0
    y[..., i] = sum(j, kept[..., j] if j <= i else 0)
    return y


@layer(cites="Blelloch 1990, inclusive scan of products; numpy.cumprod along the first axis")
def cumprod(x: Real[i, ...]):
    """The products of every element and all before it, along the first axis."""
    y[-1, ...] = 1
    y[i, ...] = y[i - 1, ...] * x[i, ...]
    return y


@layer(cites="Fisher 1918; numpy.var")
def reduce_var(x: Real[..., i], correction: Natural = 0, axis: Axis[i] = -1):
    """The mean square of deviations from the mean along one axis; divided by the length less the correction."""
    mu[...] = mean(i, x[..., i])
    y[...] = sum(i, (x[..., i] - mu[...]) ** 2) / (size(i) - correction)
    return y


@layer(cites="Fisher 1918; numpy.std")
def reduce_std(x: Real[..., i], correction: Natural = 0, axis: Axis[i] = -1):
    """The root of the mean square of deviations from the mean along one axis."""
    mu[...] = mean(i, x[..., i])
    y[...] = sqrt(sum(i, (x[..., i] - mu[...]) ** 2) / (size(i) - correction))
    return y


@layer(cites="numpy.prod")
def reduce_prod(x: Real[i, ...]):
    """The product of all elements along the first axis; of none it is 1."""
    p[-1, ...] = 1
    p[i, ...] = p[i - 1, ...] * x[i, ...]
    y[...] = p[size(i) - 1, ...]
    return y


@layer(cites="the norm of absolute values; numpy.linalg.norm with ord=1")
def reduce_l1(x: Real[..., i], axis: Axis[i] = -1):
    """The sum of absolute values along one axis."""
    y[...] = sum(i, abs(x[..., i]))
    return y


@layer(cites="numpy.diff")
def difference(x: Real[..., i]):
    """The differences of neighbours along the last axis."""
    j = axis(size(i) - 1)
    y[..., j] = x[..., j + 1] - x[..., j]
    return y


@layer(cites="Gauss 1809; z-scores without a scale")
def center(x: Real[..., i], axis: Axis[i] = -1):
    """The deviations from the mean along one axis."""
    y[..., i] = x[..., i] - mean(i, x[..., i])
    return y
