"""Convolution and pooling over two spatial axes."""

from __future__ import annotations

from derive import layer


@layer(cites="LeCun et al. 1989; groups: Krizhevsky, Sutskever and Hinton 2012")
def conv2d(
    x: Real[b, g * c, p, q],
    W: Real[g * o, c, k, l],
    bias: Real[g * o],
    stride: Count[2] = 1,
    padding: Natural[2, 2] = 0,
    dilation: Count[2] = 1,
    groups: Count[g] = 1,
):
    """Two-dimensional convolution with stride, dilation and zero padding for each axis, and groups."""
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - dilation[0] * (size(k) - 1) - 1) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - dilation[1] * (size(l) - 1) - 1) // stride[1] + 1)
    z[b, g, o, i, j] = bias[g, o] + sum(
        (c, k, l),
        W[g, o, c, k, l]
        * x[b, g, c, stride[0] * i + dilation[0] * k - padding[0, 0], stride[1] * j + dilation[1] * l - padding[1, 0]],
    )
    return z


@layer(cites="Ranzato et al. 2007")
def max_pool2d(
    x: Real[b, c, p, q],
    window: Count[2] = 2,
    stride: Count[2] = 2,
    padding: Natural[2, 2] = 0,
    dilation: Count[2] = 1,
):
    """The largest value in each window; what lies outside is never the largest, ties go to the first."""
    k = axis(window[0])
    l = axis(window[1])
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - dilation[0] * (window[0] - 1) - 1) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - dilation[1] * (window[1] - 1) - 1) // stride[1] + 1)
    y[b, c, i, j] = max(
        (k, l),
        x[b, c, stride[0] * i + dilation[0] * k - padding[0, 0], stride[1] * j + dilation[1] * l - padding[1, 0]],
    )
    return y
