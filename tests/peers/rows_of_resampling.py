"""Channels that become pixels, windows put together, or as equal as can be, and distances, compared with PyTorch."""

from __future__ import annotations

from typing import Any

from derive.notation import several
from tests.peers.row import Row, normal
from tests.peers.rows_of_structure import VECTORS, with_places


def folded(F: Any, x: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Any:
    """PyTorch has windows in one axis and places in another; what is taken away at the ends is cut off by hand."""
    b, c, *windows = x.shape
    k, places = windows[:2], windows[2:]
    s, d = several.spread(stride, (2,)), several.spread(dilation, (2,))
    whole = [(n - 1) * s[a] + d[a] * (k[a] - 1) + 1 for a, n in enumerate(places)]
    y = F.fold(x.reshape(b, c * k[0] * k[1], -1), whole, k, d, 0, s)
    for a, (before, after) in enumerate(several.spread(padding, (2, 2))):
        y = y.narrow(a + 2, before, whole[a] - before - after)
    return y


def cosine(F: Any, x: Any, y: Any, epsilon: float = 1e-8) -> Any:
    """PyTorch's value; what it differentiates where a vector is shorter than epsilon is its length all the same."""
    if epsilon == 1e-8:
        return F.cosine_similarity(x, y, dim=-1)
    lengths = [v.norm(dim=-1).clamp(min=epsilon) for v in (x, y)]
    return (x * y).sum(-1) / (lengths[0] * lengths[1])


#: By their definitions where PyTorch's own functions have no second derivative: cdist, embedding_bag.
ROWS = {
    "channel_shuffle": Row(
        lambda F, x, groups=2: F.channel_shuffle(x, groups) * 1,
        normal((2, 12, 3, 2)),
        ({}, {"groups": 1}, {"groups": 3}, {"groups": 6}),
    ),
    "pixel_shuffle": Row(
        lambda F, x, factor=2: F.pixel_shuffle(x, factor) * 1,
        normal((2, 36, 2, 3)),
        ({}, {"factor": 1}, {"factor": 3}, {"factor": 6}),
    ),
    "pixel_unshuffle": Row(
        lambda F, x, factor=2: F.pixel_unshuffle(x, factor) * 1,
        normal((2, 3, 6, 12)),
        ({}, {"factor": 1}, {"factor": 3}, {"factor": 6}),
    ),
    "fold": Row(
        folded,
        normal((2, 3, 3, 2, 4, 5)),
        (
            {},
            {"stride": (2, 1), "dilation": (1, 2)},
            {"stride": (1, 3), "padding": (2, 1)},
            {"padding": ((0, 2), (1, 0)), "dilation": (2, 1)},
        ),
    ),
    "adaptive_avg_pool1d": Row(
        lambda F, x, bins=2: F.adaptive_avg_pool1d(x, bins), normal((2, 3, 7)), ({}, *({"bins": n} for n in (1, 3, 8)))
    ),
    "cosine_similarity": Row(cosine, VECTORS, ({}, {"epsilon": 2.0})),
    "cdist": Row(lambda F, x, y: (x[..., :, None, :] - y[..., None, :, :]).norm(dim=-1), normal((2, 3, 4), (2, 5, 4))),
    "embedding_bag": Row(
        lambda F, E, t, mode="mean": E[t].sum(1) if mode == "sum" else E[t].mean(1),
        with_places((5, 4), (3, 6), 5),
        ({"mode": "mean"}, {"mode": "sum"}),
    ),
}
