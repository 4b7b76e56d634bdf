"""Convolution, pooling, interpolation."""

from __future__ import annotations

import itertools

from tests.generality.probes.cases import F, between, group, normal, torch

case = group("convolution")


def conv1d(x, W, b, stride, padding, dilation, groups):
    return F.conv1d(x, W, b, stride, padding, dilation, groups)


def conv_transpose2d(x, W, b, stride, padding, output_padding, dilation, groups):
    return F.conv_transpose2d(x, W, b, stride, padding, output_padding, groups, dilation)


def unfold(x, window, stride, padding, dilation):
    b, c, p, q = x.shape
    i, j = ((n + 2 * padding - dilation * (window - 1) - 1) // stride + 1 for n in (p, q))
    return F.unfold(x, window, dilation, padding, stride).reshape(b, c, window, window, i, j)


def fold1d(x, stride, padding):
    b, c, k, i = x.shape
    size = (i - 1) * stride + k - 2 * padding
    return F.fold(x.reshape(b, c * k, i), (1, size), (1, k), 1, (0, padding), (1, stride))[:, :, 0]


def pooled(how, x, window, stride, padding=0, ceil=False):
    """A function of every window; what is outside is what ``how`` makes of NaN. PyTorch drops a last window that begins
    in the padding; the definition keeps it."""
    size = x.shape[-1]
    n = (size + 2 * padding - window + (stride - 1 if ceil else 0)) // stride + 1
    at = torch.arange(n)[:, None] * stride + torch.arange(window) - padding
    inside = (at >= 0) & (at < size)
    return how(x[..., at.clamp(0, size - 1)], inside, at)


def largest(x, window, stride, padding, dilation, ceil_mode=False):
    spread = dilation * (window - 1) + 1
    size = x.shape[-1]
    n = (size + 2 * padding - spread + (stride - 1 if ceil_mode else 0)) // stride + 1
    at = torch.arange(n)[:, None] * stride + dilation * torch.arange(window) - padding
    inside = (at >= 0) & (at < size)
    return x[..., at.clamp(0, size - 1)].masked_fill(~inside, -torch.inf).amax(-1)


def averages(x, window, stride, padding, ceil_mode, count_include_pad):
    def how(values, inside, at):
        counted = (at >= -padding) & (at < x.shape[-1] + padding) if count_include_pad else inside
        return (values * inside).sum(-1) / counted.sum(-1)

    return pooled(how, x, window, stride, padding, ceil_mode)


def norms(x, norm, window, stride):
    return pooled(lambda v, inside, at: (v.abs() ** norm).sum(-1) ** (1 / norm), x, window, stride)


def hats(x, n, align_corners):
    """Linear interpolation as PyTorch defines it."""
    if n == 1 and align_corners:
        return x[..., :1]
    return F.interpolate(x, size=n, mode="linear", align_corners=align_corners)


def sampled(x, u, v):
    p, q = (torch.arange(n) for n in x.shape[2:])
    along = F.relu(1 - (u[..., None] - p).abs()), F.relu(1 - (v[..., None] - q).abs())
    return torch.einsum("bcpq,bijp,bijq->bcij", x, *along)


def deformed(x, W, offset, stride, padding):
    n, k, p = offset.shape[1], W.shape[-1], torch.arange(x.shape[-1])
    at = torch.arange(n)[:, None] * stride + torch.arange(k) - padding + offset
    return torch.einsum("ock,bcp,bikp->boi", W, x, F.relu(1 - (at[..., None] - p).abs()))


# ---- convolution -----------------------------------------------------------------------------------------------------

for s, p, d, g in ((1, 0, 1, 1), (2, 1, 2, 2), (3, 2, 1, 2), (1, 2, 2, 1)):
    case("conv1d", conv1d, normal(2, 2 * g, 11), normal(3 * g, 2, 3), normal(3 * g), stride=s, padding=p, dilation=d,
         groups=g)  # fmt: skip
    case(
        "conv_transpose2d",
        conv_transpose2d,
        normal(2, 2 * g, 3, 4),
        normal(2 * g, 3, 3, 2),
        normal(3 * g),
        stride=s,
        padding=p % 2,
        output_padding=(s > 1) * 1,
        dilation=d,
        groups=g,
    )
for s, p, d in ((1, 0, 1), (2, 1, 2)):
    case("conv3d", lambda x, W, b, stride, padding, dilation: F.conv3d(x, W, b, stride, padding, dilation),
         normal(2, 2, 5, 6, 7), normal(3, 2, 3, 2, 2), normal(3), stride=s, padding=p, dilation=d)  # fmt: skip
for s, p in ((1, 0), (2, 1), (3, 2)):
    case("depthwise1d", lambda x, W, b, stride, padding: F.conv1d(x, W[:, None], b, stride, padding, groups=len(W)),
         normal(2, 4, 11), normal(4, 3), normal(4), stride=s, padding=p)  # fmt: skip
    case("depthwise2d", lambda x, W, b, stride, padding: F.conv2d(x, W[:, None], b, stride, padding, groups=len(W)),
         normal(2, 4, 8, 7), normal(4, 3, 2), normal(4), stride=s, padding=p)  # fmt: skip
for top, bottom, left, right in ((0, 0, 0, 0), (2, 1, 0, 3), (0, 2, 3, 1)):
    case(
        "conv2d_asym",
        lambda x, W, top, bottom, left, right: F.conv2d(F.pad(x, (left, right, top, bottom)), W),
        normal(2, 2, 5, 6),
        normal(3, 2, 3, 2),
        top=top,
        bottom=bottom,
        left=left,
        right=right,
    )
for d in (1, 2, 3):
    case("causal_conv1d", lambda x, W, dilation: F.conv1d(F.pad(x, (dilation * (W.shape[-1] - 1), 0)), W.flip(-1),
         dilation=dilation), normal(2, 2, 9), normal(3, 2, 3), dilation=d)  # fmt: skip
for s, p, o, d in ((1, 0, 0, 1), (2, 1, 1, 1), (3, 1, 0, 2), (3, 0, 2, 1)):
    case(
        ("conv_transpose1d", "conv_transpose1d_floor", "conv_transpose1d_div"),
        lambda x, W, b, stride, padding, output_padding, dilation: F.conv_transpose1d(
            x, W, b, stride, padding, output_padding, 1, dilation
        ),
        normal(2, 3, 5),
        normal(3, 4, 3),
        normal(4),
        stride=s,
        padding=p,
        output_padding=o,
        dilation=d,
    )
for w, s, p, d in ((1, 1, 0, 1), (2, 1, 1, 2), (3, 2, 1, 1), (2, 3, 0, 1)):
    case("unfold", unfold, normal(2, 3, 6, 7), window=w, stride=s, padding=p, dilation=d)
for s, p in itertools.product((1, 2, 3), (0, 1)):
    case("fold1d", fold1d, normal(2, 3, 3, 5), stride=s, padding=p)

# ---- pooling ---------------------------------------------------------------------------------------------------------

for w, s, p, d, ceil in ((2, 2, 0, 1, False), (3, 2, 1, 1, False), (3, 3, 1, 2, False), (3, 2, 0, 1, True)):
    case("max_pool1d", largest, normal(2, 3, 10), window=w, stride=s, padding=p, dilation=d, ceil_mode=ceil)
for w, s, p, d in ((2, 2, 0, 1), (3, 2, 1, 1), (2, 1, 1, 2)):
    case(
        "max_pool3d",
        lambda x, window, stride, padding, dilation: F.max_pool3d(x, window, stride, padding, dilation),
        normal(2, 2, 6, 5, 7),
        window=w,
        stride=s,
        padding=p,
        dilation=d,
    )
for w, s, p in ((2, 2, 0), (3, 2, 1), (2, 1, 1)):
    case("avg_pool2d", lambda x, window, stride, padding: F.avg_pool2d(x, window, stride, padding), normal(2, 2, 6, 5),
         window=w, stride=s, padding=p)  # fmt: skip
    for divisor in (1, 3):
        case(
            "avg_pool2d_divisor",
            lambda x, window, stride, padding, divisor: F.avg_pool2d(
                x, window, stride, padding, divisor_override=divisor
            ),
            normal(2, 2, 6, 5),
            window=w,
            stride=s,
            padding=p,
            divisor=divisor,
        )
for w, s, p, ceil in ((2, 2, 0, False), (3, 2, 1, False), (3, 2, 0, True), (2, 3, 1, False)):
    for counted in (False, True):
        case("avg_pool1d_full", averages, normal(2, 2, 10), window=w, stride=s, padding=p, ceil_mode=ceil,
             count_include_pad=counted)  # fmt: skip
for w, s in ((2, 2), (3, 1)):
    case("l2_pool1d", lambda x, window, stride: norms(x, 2, window, stride), normal(2, 2, 9), window=w, stride=s)
    for norm in (2.0, 3.0, 1.5):
        case("lp_pool1d", norms, normal(2, 2, 9), norm=norm, window=w, stride=s)
for n in (1, 2, 3, 4, 7):
    case("adaptive_avg_pool1d", lambda x, n: F.adaptive_avg_pool1d(x, n), normal(2, 2, 7), n=n)
for shape in ((2, 3, 4, 5), (3, 3, 3, 3)):
    case("global_avg_pool", lambda x: x.mean((2, 3)), normal(*shape))
    case("global_max_pool", lambda x: x.amax((2, 3)), normal(*shape))

# ---- interpolation, shuffling, sampling ------------------------------------------------------------------------------

for scale in (1, 2, 3):
    case(
        "upsample_nearest2d",
        lambda x, scale: x.repeat_interleave(scale, 2).repeat_interleave(scale, 3),
        normal(2, 3, 4, 5),
        scale=scale,
    )
for n, align in itertools.product((1, 3, 5, 8), (False, True)):
    case("upsample_bilinear1d", hats, normal(2, 3, 5), n=n, align_corners=align)
for n in (2, 3, 5, 8):
    case("upsample_linear_index", lambda x, n: hats(x, n, True), normal(2, 3, 5), n=n)
for factor in (1, 2, 3):
    case("pixel_shuffle", lambda x, factor: F.pixel_shuffle(x, factor), normal(2, 2 * factor**2, 3, 4), factor=factor)
    case(
        "pixel_unshuffle",
        lambda x, factor: F.pixel_unshuffle(x, factor).unflatten(1, (-1, factor, factor)),
        normal(2, 2, 3 * factor, 4 * factor),
        factor=factor,
    )
case("grid_sample", sampled, normal(2, 3, 5, 6), between(-1.3, 5.2, 2, 4, 3), between(-1.3, 6.2, 2, 4, 3))
for s, p, n in ((1, 0, 7), (2, 1, 5)):
    case("deform_conv1d", deformed, normal(2, 2, 9), normal(3, 2, 3), normal(2, n, 3), stride=s, padding=p)
