"""Attention."""

from __future__ import annotations

import itertools
import math

import numpy as np

from tests.generality.probes.cases import F, flags, group, normal, torch

case = group("attention")


def attend(Q, K, V, mask=None, scale=None):
    """PyTorch's, written out: its fused one has no second derivative. A mask is added, or true where one may look."""
    scores = Q @ K.mT * (scale or Q.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch.softmax(scores, -1) @ V


def causal(q, k):
    return torch.ones(q, k, dtype=torch.bool).tril()


def split(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).flatten(2)


def many(x, q, k, v, o, bq=0, bk=0, bv=0, bo=0, heads=1, causal=False):
    Q, K, V = (split(x @ w.T + b, heads) for w, b in ((q, bq), (k, bk), (v, bv)))
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
    return joined(attend(Q, K, V, mask)) @ o.T + bo


def along_distance(Q, K, V, slope):
    p = torch.arange(K.shape[2]) - torch.arange(Q.shape[2])[:, None]
    return attend(Q, K, V, (slope[:, None, None] * p).masked_fill(p > 0, -math.inf))


def slopes(heads):
    return 2.0 ** (-8 * (torch.arange(heads, dtype=torch.float64) + 1) / heads)


def near(Q, K, V, window):
    p = torch.arange(Q.shape[-2])[:, None] - torch.arange(K.shape[-2])
    return attend(Q, K, V, (p >= 0) & (p <= window))


def by_distance(Q, K, V, B, reach):
    i = torch.arange(K.shape[2]) - torch.arange(Q.shape[2])[:, None] + reach
    inside = (i >= 0) & (i < B.shape[1])
    return attend(Q, K, V, torch.where(inside, B[:, i.clamp(0, B.shape[1] - 1)], 0.0))


def running(Q, K, V, start=None):
    S = torch.cumsum(torch.einsum("btd,btv->btdv", K, V), 1)
    return torch.einsum("btd,btdv->btv", Q, S if start is None else start[:, None] + S)


def features(x):
    return F.elu(x) + 1


def turned(x, base):
    t, half = x.shape[-2], x.shape[-1] // 2
    angle = torch.arange(t)[:, None] * base ** (-torch.arange(half, dtype=torch.float64) / half)
    return rotated(x, angle.cos(), angle.sin())


def rotated(x, c, s):
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * c - b * s, b * c + a * s], -1)


def positions(x, base):
    t, d = x.shape[-2:]
    return x + (torch.arange(t)[:, None] * base ** (-torch.arange(d, dtype=torch.float64) / d)).sin()


def merged(blocks):
    """Blocks of keys in front, side by side."""
    return torch.cat(list(blocks), -2)


def step(q, K, V, k, v):
    K, V = torch.cat([K, k[:, :, None]], 2), torch.cat([V, v[:, :, None]], 2)
    return attend(q[:, :, None], K, V)[:, :, 0], K, V


X, PROJECTIONS, BIASES = normal(2, 5, 4), [normal(6, 4)] * 3 + [normal(3, 6)], [normal(6)] * 3 + [normal(3)]
for heads, masked in itertools.product((1, 2, 3), (False, True)):
    case("mha", many, X, *PROJECTIONS, *BIASES, heads=heads, causal=masked)
for heads in (1, 2, 3):
    case(("mha_j", "mha_parts"), many, X, *PROJECTIONS, heads=heads)
case("mha_parts", many, X, *PROJECTIONS, heads=2, causal=True)
case(
    "single_head_parts",
    lambda x, q, bq, k, bk, v, bv, o, bo: many(x, q, k, v, o, bq, bk, bv, bo),
    X,
    *(normal(*s) for s in ((6, 4), (6,), (6, 4), (6,), (3, 4), (3,), (2, 3), (2,))),
)
QKV = normal(2, 3, 4, 6), normal(2, 3, 5, 6), normal(2, 3, 5, 2)
for mask in (normal(2, 3, 4, 5), lambda r: np.where(flags(2, 3, 4, 5, share=0.3)(r), -1e9, 0.0)):
    case("attn_additive", lambda Q, K, V, M, scale: attend(Q, K, V, M, scale), *QKV, mask, scale=0.7)
case("attn_dropout", lambda Q, K, V, D, keep: (torch.softmax(Q @ K.mT / Q.shape[-1] ** 0.5, -1) * D / keep) @ V, *QKV,
     lambda r: flags(2, 3, 4, 5, share=0.8)(r) * 1.0, keep=0.8)  # fmt: skip
case(
    "gqa",
    lambda Q, K, V, groups: attend(Q.unflatten(1, (groups, -1)), K[:, :, None], V[:, :, None]).flatten(1, 2),
    normal(2, 6, 4, 3),
    normal(2, 2, 5, 3),
    normal(2, 2, 5, 4),
    groups=2,
)
case("rotary", rotated, normal(2, 4, 5, 6), normal(5, 3), normal(5, 3))
case("rotary_sin", turned, normal(2, 4, 5, 6), base=100.0)
case("sinusoidal", positions, normal(2, 5, 6), base=100.0)
for b, h, n, d, v in ((2, 4, 5, 3, 2), (3, 3, 3, 3, 3)):
    Q, V = normal(b, h, n, d), normal(b, h, n, v)
    case("alibi", lambda Q, K, V: along_distance(Q, K, V, slopes(Q.shape[1])), Q, Q, V)
    case("alibi_exp", along_distance, Q, Q, V, normal(h))
    for window in (0, 2, 9):
        case("window_attn", near, Q, Q, V, window=window)
    for reach, size in ((n - 1, 2 * n - 1), (2, 4)):
        case("relpos_attn", by_distance, Q, Q, V, normal(h, size), reach=reach)
    case("linear_attention", running, normal(b, n, d), normal(b, n, d), normal(b, n, v), normal(b, d, v))
    case(
        "linear_attention_zero",
        lambda Q, K, V: (
            running(features(Q), features(K), V) / (features(Q) * features(K).cumsum(1)).sum(-1, keepdim=True)
        ),
        normal(b, n, d),
        normal(b, n, d),
        normal(b, n, v),
    )
    case("linear_attention_sum", lambda Q, K, V: (Q @ K.mT).tril() @ V, normal(b, n, d), normal(b, n, d),
         normal(b, n, v))  # fmt: skip
case(
    "cross_attn",
    lambda x, e, q, k, v, o, heads: (
        joined(attend(split(x @ q.T, heads), split(e @ k.T, heads), split(e @ v.T, heads))) @ o.T
    ),
    *(normal(*s) for s in ((2, 5, 4), (2, 3, 7), (6, 4), (6, 7), (8, 7), (3, 8))),
    heads=2,
)
case("flash", lambda Q, K, V: attend(Q, merged(K), merged(V)), normal(2, 3, 4, 6), normal(3, 2, 3, 2, 6),
     normal(3, 2, 3, 2, 5))  # fmt: skip
for blocks in (1, 2, 3):
    case(
        "flash_split",
        lambda Q, K, V, M, l, A, blocks: attend(Q, K, V),
        normal(2, 4, 6),
        normal(2, 6, 6),
        normal(2, 6, 5),
        lambda r: np.full((2, 4), -1e30),
        lambda r: np.zeros((2, 4)),
        lambda r: np.zeros((2, 4, 5)),
        blocks=blocks,
    )
for temperature in (0.5, 1.0, 3.0):
    case("softmax_temperature", lambda z, temperature: torch.softmax(z / temperature, -1), normal(2, 3, 6),
         temperature=temperature)  # fmt: skip
case("kv_cache_step", step, *(normal(*s) for s in ((2, 3, 4), (2, 3, 5, 4), (2, 3, 5, 6), (2, 3, 4), (2, 3, 6))))
