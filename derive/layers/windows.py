"""Convolution and pooling over one axis, and depthwise convolution."""

from __future__ import annotations

from derive import layer


@layer(cites="Waibel et al. 1989; groups: Krizhevsky, Sutskever and Hinton 2012")
def conv1d(
    x: Real[b, g * c, p],
    W: Real[g * o, c, k],
    bias: Real[g * o],
    stride: Count = 1,
    padding: Natural[2] = 0,
    dilation: Count = 1,
    groups: Count[g] = 1,
):
    """One-dimensional convolution with stride, dilation, zero padding before and after, and groups."""
    i = axis((size(p) + padding[0] + padding[1] - dilation * (size(k) - 1) - 1) // stride + 1)
    z[b, g, o, i] = bias[g, o] + sum((c, k), W[g, o, c, k] * x[b, g, c, stride * i + dilation * k - padding[0]])
    return z


@layer(cites="Sifre and Mallat 2014; Howard et al. 2017, arXiv:1704.04861")
def depthwise_conv2d(
    x: Real[b, c, p, q],
    W: Real[c, k, l],
    bias: Real[c],
    stride: Count[2] = 1,
    padding: Natural[2, 2] = 0,
    dilation: Count[2] = 1,
):
    """Two-dimensional convolution of each channel with a filter of its own."""
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - dilation[0] * (size(k) - 1) - 1) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - dilation[1] * (size(l) - 1) - 1) // stride[1] + 1)
    z[b, c, i, j] = bias[c] + sum(
        (k, l),
        W[c, k, l]
        * x[b, c, stride[0] * i + dilation[0] * k - padding[0, 0], stride[1] * j + dilation[1] * l - padding[1, 0]],
    )
    return z


@layer(cites="Sifre and Mallat 2014; Chollet 2017, arXiv:1610.02357")
def depthwise_conv1d(
    x: Real[b, c, p],
    W: Real[c, k],
    bias: Real[c],
    stride: Count = 1,
    padding: Natural[2] = 0,
    dilation: Count = 1,
):
    """One-dimensional convolution of each channel with a filter of its own."""
    i = axis((size(p) + padding[0] + padding[1] - dilation * (size(k) - 1) - 1) // stride + 1)
    z[b, c, i] = bias[c] + sum(k, W[c, k] * x[b, c, stride * i + dilation * k - padding[0]])
    return z


@layer(cites="Lin, Chen and Yan 2014, arXiv:1312.4400")
def pointwise_conv2d(x: Real[b, c, p, q], W: Real[o, c], bias: Real[o]):
    """One-by-one convolution: the same linear map of the channels at every position."""
    z[b, o, p, q] = bias[o] + sum(c, W[o, c] * x[b, c, p, q])
    return z


@layer(cites="Ranzato et al. 2007")
def max_pool1d(x: Real[b, c, p], window: Count = 2, stride: Count = 2, padding: Natural[2] = 0, dilation: Count = 1):
    """The largest value in each window of one axis; what lies outside is never the largest, ties go to the first."""
    k = axis(window)
    i = axis((size(p) + padding[0] + padding[1] - dilation * (window - 1) - 1) // stride + 1)
    y[b, c, i] = max(k, x[b, c, stride * i + dilation * k - padding[0]])
    return y
