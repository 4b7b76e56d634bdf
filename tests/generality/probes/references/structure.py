"""Products, gathers, padding, reductions."""

from __future__ import annotations

from tests.generality.probes.cases import F, given, group, normal, torch, whole

case = group("structure")


def picked(E, t, mode):
    rows = E[t]
    return rows.amax(1) if mode == "max" else getattr(rows, mode)(1)


def padded(mode):
    return lambda x, left, right: F.pad(x, (left, right), mode)


def kept(x, k):
    return torch.where(x >= x.topk(k, -1).values[..., -1:], x, 0)


def distances(a, b):
    return ((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1)


def distinct(random, below, b, n):
    """Labels without a pair in a row, as many as there are: the largest of two equal rows has two gradients."""
    rows = [sorted(range(below), key=lambda _: random.random())[: min(n, below)] for _ in range(b)]
    return given(rows)(random)


for s in ((2, 3, 4, 5), (3, 3, 3, 3)):
    b, i, j, k = s
    case("matmul", lambda A, B: A @ B, normal(b, i, k), normal(b, k, j))
    case("matmul_broadcast", lambda A, B: A @ B, normal(b, i, k), normal(k, j))
    case("bilinear", lambda x, y, A, b: torch.einsum("ni,kij,nj->nk", x, A, y) + b, normal(b, i), normal(b, j),
         normal(k, i, j), normal(k))  # fmt: skip
    case("outer", lambda x, y: x[..., None] * y[:, None], normal(b, i), normal(b, j))
    case("cdist", lambda a, b: distances(a, b).sqrt(), normal(b, i, k), normal(b, j, k))
    case("cdist_squared", distances, normal(b, i, k), normal(b, j, k))
    case("transpose", lambda x: x.mT, normal(b, i, j))
    case("global_average_pool", lambda x: x.mean((2, 3)), normal(*s))
    for diagonal in (0, -1, 2):
        case("tril", lambda x, diagonal: x.tril(diagonal), normal(b, i, j), diagonal=diagonal)
for v, d, b, n in ((6, 3, 4, 5), (3, 3, 3, 3)):
    E, t = normal(v, d), whole(v, b, n)
    case("embedding_bag_sum", lambda E, t: picked(E, t, "sum"), E, t)
    case("embedding_bag_mean", lambda E, t: picked(E, t, "mean"), E, t)
    case("embedding_bag_max", lambda E, t: picked(E, t, "max"), E, lambda r, v=v, b=b, n=n: distinct(r, v, b, n))
    for mode in ("sum", "mean"):
        case("embedding_bag_choice", picked, E, t, mode=mode)
    case("gather", lambda x, t: torch.gather(x, 0, t), normal(v, n), whole(v, b, n))


for i, j in ((4, 2), (3, 3)):
    case(("concat", "concat_case"), lambda a, b: torch.cat((a, b), -1), normal(3, i), normal(3, j))
    case("stack", lambda a, b: torch.stack((a, b), -2), normal(j, i), normal(j, i))
for first in (3, 1):
    case("split", lambda x, first: (x[..., :first], x[..., first:]), normal(3, 7), first=first)
for left, right in ((2, 1), (0, 3), (1, 0)):
    option = {"left": left, "right": right}
    case("pad_zero", padded("constant"), normal(3, 5), **option)
    for value in (0.3, -1.0):
        case("pad_constant", lambda x, left, right, value: F.pad(x, (left, right), value=value), normal(3, 5), **option,
             value=value)  # fmt: skip
    case(("pad_reflect", "pad_reflect_case"), padded("reflect"), normal(3, 5), **option)
    case(("pad_replicate", "pad_replicate_max"), padded("replicate"), normal(3, 5), **option)
    case(("pad_circular", "pad_circular_case"), padded("circular"), normal(3, 5), **option)
case("cdist", lambda a, b: torch.cdist(a, b), given([[[1.0, 2], [3, 1]]]), given([[[3.0, 1], [0, 2]]]), second=False)
for n in (4, 5):
    case("flip", lambda x: x.flip(-1), normal(3, n))
    for shift in (2, 0):
        case(("roll", "roll_sum"), lambda x, shift: x.roll(shift, -1), normal(3, n), shift=shift)
    case("diagonal", lambda x: x.diagonal(dim1=-2, dim2=-1), normal(2, n, n))
    case("trace", lambda x: x.trace(), normal(n, n))
case("one_hot", lambda t, classes: F.one_hot(t, classes), whole(5, 3, 2), classes=5)
case("broadcast_to", lambda x, times: x.expand(times, -1), normal(4), times=3)
for window, stride in ((3, 2), (2, 2), (4, 1)):
    case("avg_pool1d", lambda x, window, stride: F.avg_pool1d(x, window, stride), normal(2, 3, 9), window=window,
         stride=stride)  # fmt: skip
for stride, padding, dilation in ((2, 1, 2), (1, 0, 1), (3, 2, 1)):
    case(
        "conv1d",
        lambda x, W, b, stride, padding, dilation: F.conv1d(x, W, b, stride, padding, dilation),
        normal(2, 3, 9),
        normal(4, 3, 3),
        normal(4),
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
case("conv_transpose1d", lambda x, W, b: F.conv_transpose1d(x, W, b), normal(2, 3, 6), normal(3, 4, 3), normal(4))
case("conv_transpose1d", lambda x, W, b: F.conv_transpose1d(x, W, b), normal(3, 3, 3), normal(3, 3, 3), normal(3))
for up in (2, 1):
    # the definition leaves the two axes of each side apart
    case("pixel_shuffle", lambda x, up: F.pixel_shuffle(x, up).unflatten(3, (-1, up)).unflatten(2, (-1, up)),
         normal(2, 8, 3, 4), up=up)  # fmt: skip
for scale in (2, 3):
    case("upsample_nearest", lambda x, scale: x.repeat_interleave(scale, -1), normal(2, 3, 4), scale=scale)
for k in (2, 1):
    case("topk_mask", kept, normal(3, 6), k=k)
