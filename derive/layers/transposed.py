"""Transposed convolution."""

from __future__ import annotations

from derive import layer


@layer(cites="Zeiler et al. 2010; Dumoulin and Visin 2016, arXiv:1603.07285")
def conv_transpose1d(
    x: Real[b, g * c, p],
    W: Real[g * c, o, k],
    bias: Real[g * o],
    stride: Count = 1,
    padding: Natural[2] = 0,
    output_padding: Natural = 0,
    dilation: Count = 1,
    groups: Count[g] = 1,
):
    """Transposed convolution over one axis: what convolution's gradient for its input is, with a bias."""
    i = axis((size(p) - 1) * stride + dilation * (size(k) - 1) + 1 + output_padding - padding[0] - padding[1])
    z[b, g, o, i] = bias[g, o] + sum((c, k), W[g, c, o, k] * x[b, g, c, (i + padding[0] - dilation * k) / stride])
    return z


@layer(cites="Zeiler et al. 2010; Dumoulin and Visin 2016, arXiv:1603.07285")
def conv_transpose2d(
    x: Real[b, g * c, p, q],
    W: Real[g * c, o, k, l],
    bias: Real[g * o],
    stride: Count[2] = 1,
    padding: Natural[2, 2] = 0,
    output_padding: Natural[2] = 0,
    dilation: Count[2] = 1,
    groups: Count[g] = 1,
):
    """Transposed convolution: what convolution's gradient for its input is, with a bias."""
    i = axis(
        (size(p) - 1) * stride[0] + dilation[0] * (size(k) - 1) + 1 + output_padding[0] - padding[0, 0] - padding[0, 1]
    )
    j = axis(
        (size(q) - 1) * stride[1] + dilation[1] * (size(l) - 1) + 1 + output_padding[1] - padding[1, 0] - padding[1, 1]
    )
    z[b, g, o, i, j] = bias[g, o] + sum(
        (c, k, l),
        W[g, c, o, k, l]
        * x[
            b,
            g,
            c,
            (i + padding[0, 0] - dilation[0] * k) / stride[0],
            (j + padding[1, 0] - dilation[1] * l) / stride[1],
        ],
    )
    return z


@layer(cites="Zeiler et al. 2010; Dumoulin and Visin 2016, arXiv:1603.07285")
def conv_transpose3d(
    x: Real[b, g * c, p, q, r],
    W: Real[g * c, o, k, l, m],
    bias: Real[g * o],
    stride: Count[3] = 1,
    padding: Natural[3, 2] = 0,
    output_padding: Natural[3] = 0,
    dilation: Count[3] = 1,
    groups: Count[g] = 1,
):
    """Transposed convolution over three axes: what convolution's gradient for its input is, with a bias."""
    i = axis(
        (size(p) - 1) * stride[0] + dilation[0] * (size(k) - 1) + 1 + output_padding[0] - padding[0, 0] - padding[0, 1]
    )
    j = axis(
        (size(q) - 1) * stride[1] + dilation[1] * (size(l) - 1) + 1 + output_padding[1] - padding[1, 0] - padding[1, 1]
    )
    n = axis(
        (size(r) - 1) * stride[2] + dilation[2] * (size(m) - 1) + 1 + output_padding[2] - padding[2, 0] - padding[2, 1]
    )
    z[b, g, o, i, j, n] = bias[g, o] + sum(
        (c, k, l, m),
        W[g, c, o, k, l, m]
        * x[
            b,
            g,
            c,
            (i + padding[0, 0] - dilation[0] * k) / stride[0],
            (j + padding[1, 0] - dilation[1] * l) / stride[1],
            (n + padding[2, 0] - dilation[2] * m) / stride[2],
        ],
    )
    return z
