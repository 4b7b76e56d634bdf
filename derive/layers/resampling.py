"""Windows taken apart, resampling, and channels that become pixels."""

from __future__ import annotations

from derive import layer


@layer(cites="Chellapilla, Puri and Simard 2006")
def unfold(
    x: Real[b, c, p, q],
    window: Count[2] = 2,
    stride: Count[2] = 1,
    padding: Natural[2, 2] = 0,
    dilation: Count[2] = 1,
):
    """Every window, taken out (im2col); what lies outside is zero."""
    k = axis(window[0])
    l = axis(window[1])
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - dilation[0] * (window[0] - 1) - 1) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - dilation[1] * (window[1] - 1) - 1) // stride[1] + 1)
    y[b, c, k, l, i, j] = x[
        b, c, stride[0] * i + dilation[0] * k - padding[0, 0], stride[1] * j + dilation[1] * l - padding[1, 0]
    ]
    return y


@layer(cites="Odena, Dumoulin and Olah 2016, doi:10.23915/distill.00003")
def upsample_nearest2d(x: Real[b, c, p, q], scale: Count[2] = 2):
    """Every pixel repeated as a rectangle of pixels."""
    i = axis(size(p) * scale[0])
    j = axis(size(q) * scale[1])
    y[b, c, i, j] = x[b, c, i // scale[0], j // scale[1]]
    return y


@layer(cites="Chellapilla, Puri and Simard 2006")
def fold(x: Real[b, c, k, l, i, j], stride: Count[2] = 1, padding: Natural[2, 2] = 0, dilation: Count[2] = 1):
    """Windows added up in their places (col2im), the inverse of unfold where windows do not overlap."""
    p = axis((size(i) - 1) * stride[0] + dilation[0] * (size(k) - 1) + 1 - padding[0, 0] - padding[0, 1])
    q = axis((size(j) - 1) * stride[1] + dilation[1] * (size(l) - 1) + 1 - padding[1, 0] - padding[1, 1])
    y[b, c, p, q] = sum(
        (k, l),
        x[
            b,
            c,
            k,
            l,
            (p + padding[0, 0] - dilation[0] * k) / stride[0],
            (q + padding[1, 0] - dilation[1] * l) / stride[1],
        ],
    )
    return y


@layer(cites="Shi et al. 2016, arXiv:1609.05158")
def pixel_shuffle(x: Real[b, c * r * s, p, q], factor: Count[r] = 2):
    """Groups of channels become squares of pixels (depth to space), row by row."""
    s = axis(factor)
    y[b, c, p * r, q * s] = x[b, c, r, s, p, q]
    return y


@layer(cites="Shi et al. 2016, arXiv:1609.05158")
def pixel_unshuffle(x: Real[b, c, p * r, q * s], factor: Count[r] = 2):
    """Squares of pixels become groups of channels (space to depth), row by row."""
    s = axis(factor)
    y[b, c * r * s, p, q] = x[b, c, p, r, q, s]
    return y


@layer(cites="Zhang et al. 2018, arXiv:1707.01083")
def channel_shuffle(x: Real[b, g * c, ...], groups: Count[g] = 2):
    """The channels of all groups in turn: the first of each, then the second of each."""
    y[b, c * g, ...] = x[b, g, c, ...]
    return y
