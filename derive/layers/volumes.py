"""Convolution and pooling over three spatial axes."""

from __future__ import annotations

from derive import layer


@layer(cites="Tran et al. 2015, arXiv:1412.0767")
def conv3d(
    x: Real[b, g * c, p, q, r],
    W: Real[g * o, c, k, l, m],
    bias: Real[g * o],
    stride: Count[3] = 1,
    padding: Natural[3, 2] = 0,
    dilation: Count[3] = 1,
    groups: Count[g] = 1,
):
    """Three-dimensional convolution with stride, dilation and zero padding for each axis, and groups."""
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - dilation[0] * (size(k) - 1) - 1) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - dilation[1] * (size(l) - 1) - 1) // stride[1] + 1)
    n = axis((size(r) + padding[2, 0] + padding[2, 1] - dilation[2] * (size(m) - 1) - 1) // stride[2] + 1)
    z[b, g, o, i, j, n] = bias[g, o] + sum(
        (c, k, l, m),
        W[g, o, c, k, l, m]
        * x[
            b,
            g,
            c,
            stride[0] * i + dilation[0] * k - padding[0, 0],
            stride[1] * j + dilation[1] * l - padding[1, 0],
            stride[2] * n + dilation[2] * m - padding[2, 0],
        ],
    )
    return z


@layer(cites="Tran et al. 2015, arXiv:1412.0767")
def max_pool3d(
    x: Real[b, c, p, q, r],
    window: Count[3] = 2,
    stride: Count[3] = 2,
    padding: Natural[3, 2] = 0,
    dilation: Count[3] = 1,
):
    """The largest value in each window of three axes; what lies outside is never the largest, ties go to the first."""
    k = axis(window[0])
    l = axis(window[1])
    m = axis(window[2])
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - dilation[0] * (window[0] - 1) - 1) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - dilation[1] * (window[1] - 1) - 1) // stride[1] + 1)
    n = axis((size(r) + padding[2, 0] + padding[2, 1] - dilation[2] * (window[2] - 1) - 1) // stride[2] + 1)
    y[b, c, i, j, n] = max(
        (k, l, m),
        x[
            b,
            c,
            stride[0] * i + dilation[0] * k - padding[0, 0],
            stride[1] * j + dilation[1] * l - padding[1, 0],
            stride[2] * n + dilation[2] * m - padding[2, 0],
        ],
    )
    return y


@layer(cites="Tran et al. 2015, arXiv:1412.0767")
def avg_pool3d(x: Real[b, c, p, q, r], window: Count[3] = 2, stride: Count[3] = 2, padding: Natural[3, 2] = 0):
    """The mean of each window of three axes; what lies outside is zero, and counts."""
    k = axis(window[0])
    l = axis(window[1])
    m = axis(window[2])
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - window[0]) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - window[1]) // stride[1] + 1)
    n = axis((size(r) + padding[2, 0] + padding[2, 1] - window[2]) // stride[2] + 1)
    y[b, c, i, j, n] = mean(
        (k, l, m),
        x[
            b,
            c,
            stride[0] * i + k - padding[0, 0],
            stride[1] * j + l - padding[1, 0],
            stride[2] * n + m - padding[2, 0],
        ],
    )
    return y
