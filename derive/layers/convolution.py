"""Convolution and pooling over two spatial axes."""

from __future__ import annotations

from derive import layer


@layer(cites="LeCun et al. 1989; groups: Krizhevsky, Sutskever and Hinton 2012")
def conv2d(
    x: Real[b, g * c, p, q],
    W: Real[g * o, c, k, l],
    bias: Real[g * o],
    stride: Count = 1,
    padding: Natural = 0,
    dilation: Count = 1,
    groups: Count[g] = 1,
):
    """Two-dimensional convolution with stride, zero padding, dilation and groups."""
    i = axis((size(p) + 2 * padding - dilation * (size(k) - 1) - 1) // stride + 1)
    j = axis((size(q) + 2 * padding - dilation * (size(l) - 1) - 1) // stride + 1)
    z[b, g, o, i, j] = (
        sum(
            (c, k, l),
            W[g, o, c, k, l] * x[b, g, c, stride * i + dilation * k - padding, stride * j + dilation * l - padding],
        )
        + bias[g, o]
    )
    return z


@layer(cites="Ranzato et al. 2007")
def max_pool2d(x: Real[b, c, p, q], window: Count = 2, stride: Count = 2, padding: Natural = 0):
    """The largest value in each window; what lies outside is never the largest, ties go to the first."""
    k = axis(window)
    l = axis(window)
    i = axis((size(p) + 2 * padding - window) // stride + 1)
    j = axis((size(q) + 2 * padding - window) // stride + 1)
    y[b, c, i, j] = max((k, l), x[b, c, stride * i + k - padding, stride * j + l - padding])
    return y
