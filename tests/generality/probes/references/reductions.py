"""Sums, products, maxima and norms along an axis."""

from __future__ import annotations

from tests.generality.probes.cases import F, given, group, normal, torch

case = group("reductions")
WITH_ZERO = given([[1.5, -0.5, 2.0], [0.0, 1.25, -2.0], [0.5, 0.75, -1.0], [2.0, -3.0, 0.25]])

for axis in (-1, 1, 0):
    case("mean_axis", lambda x, axis: x.mean(axis), normal(3, 4, 5), axis=axis)
for n, i in ((3, 4), (3, 3)):
    case("max_axis", lambda x: x.amax(-1), normal(n, i))
    case(("min_axis", "min_axis_max"), lambda x: x.amin(-1), normal(n, i))
    case("std_axis", lambda x: x.std(-1), normal(n, i))
    case("var_axis", lambda x: x.var(-1), normal(n, i))
    case("norm_axis", lambda x: x.norm(dim=-1), normal(n, i))
    case("cosine_similarity", lambda a, b, epsilon: F.cosine_similarity(a, b, eps=epsilon), normal(n, i), normal(n, i),
         epsilon=1e-8)  # fmt: skip
    case("cosine_plain", lambda a, b: F.cosine_similarity(a, b), normal(n, i), normal(n, i))
    for p in (2.0, 1.0, 3.0):
        case("pairwise_distance", lambda a, b, p, epsilon: ((a - b + epsilon).abs() ** p).sum(-1) ** (1 / p),
             normal(n, i), normal(n, i), p=p, epsilon=1e-6)  # fmt: skip
    for scale in (1, 800):
        case("logsumexp", lambda x: x.logsumexp(-1), normal(n, i, scale=scale))
case("norm_axis", lambda x: x.norm(dim=-1), given([[0.0, 0.0, 0.0], [1.0, 2.0, -2.0]]), second=False)
case("prod_axis", lambda x: x.prod(-1), WITH_ZERO)
for draw in (normal(4, 3), normal(3, 3), WITH_ZERO):
    case("prod_axis_rec", lambda x: x.prod(0), draw)
    case("cumprod_rec", lambda x: torch.stack([x[: n + 1].prod(0) for n in range(len(x))]), draw)
    case("cumsum", lambda x: x.cumsum(-1), draw)
    case("cumsum_rec", lambda x: x.cumsum(0), draw)
