"""Constructs side by side."""

from __future__ import annotations

import math

from tests.generality.probes.cases import F, flags, given, group, normal, torch, whole

case = group("mixtures")
ENDS = given([-800.0, -40.0, -1.0, 0.5, 1.0, 40.0, 800.0])


def growth(x):
    return torch.logaddexp(x, torch.zeros_like(x))


def clipped(x, p=3.0):
    return (growth(p * x) - growth(p * (x - 1))) / p


def circle(s, d, gamma=4.0, m=0.25):
    near = torch.logsumexp(-gamma * (1 + m - s) * (s - 1 + m), -1)
    return growth(near + torch.logsumexp(gamma * (d + m) * (d - m), -1))


def beside_0(z, v):
    p = torch.softmax(torch.cat([z, torch.zeros_like(z[..., :1])], -1), -1)[..., :-1]
    return (p[..., None] * v).sum(-2)


def each_key(Q, K, V, causal=False):
    s = Q @ K.mT / math.sqrt(Q.shape[-1]) - math.log(K.shape[-2])
    return (torch.sigmoid(s) * (torch.ones_like(s).tril() if causal else 1)) @ V


def segments(x, a, seg, groups=3):
    rows = (seg == g for g in range(groups))
    return torch.stack([torch.softmax(a[s], 0) @ x[s] if s.any() else 0 * x.sum(0) for s in rows])


def soft_windows(x, window=3, stride=2):
    u = x.unfold(-1, window, stride)
    return (torch.softmax(u, -1) * u).sum(-1)


def cosines(x, keep=3):
    n = x.shape[-1]
    places = torch.arange(n, dtype=x.dtype)
    rows = [
        torch.cos(math.pi * k * (2 * places + 1) / (2 * n)) * math.sqrt((1 if k == 0 else 2) / n) for k in range(keep)
    ]
    return x @ torch.stack(rows).T


def discounted(s, rel):
    return ((2.0**rel - 1) * torch.sigmoid(s) / torch.log(torch.arange(s.shape[-1], dtype=s.dtype) + 2)).sum(-1)


def orthogonal(G, steps=3):
    X = G / G.square().sum().sqrt()
    for _ in range(steps):
        A = X @ X.T
        X = 3.4445 * X + (2.0315 * A @ A - 4.775 * A) @ X
    return X


def lamb_step(W, G, m, lam=0.1, alpha=0.01, beta=0.9):
    M = [beta * a + (1 - beta) * g for a, g in zip(m, G, strict=True)]
    u = [a + lam * w for a, w in zip(M, W, strict=True)]
    return [w - alpha * w.norm() / a.norm() * a for w, a in zip(W, u, strict=True)], M


def filters(W, x, gain, epsilon=1e-4):
    mean, var = W.mean((1, 2), keepdim=True), W.var((1, 2), unbiased=False, keepdim=True)
    return F.conv1d(x, gain[:, None, None] * (W - mean) / (var * W[0].numel() + epsilon).sqrt())


def pairs(r, q):
    i, j = torch.triu_indices(len(r), len(r), 1)
    return (q[i] * q[j] / (r[i] - r[j]).norm(dim=-1)).sum()


def pulled(r, M):
    d, self = r[None] - r[:, None], torch.eye(len(r), dtype=r.dtype)
    return (M[None, :, None] * d * ((1 - self) / (d.square().sum(-1) + self) ** 1.5)[..., None]).sum(1)


def sage(h, A, W, U, b):
    A = A.to(h)
    return F.relu(h @ W.T + A @ h / A.sum(1, keepdim=True).clamp(min=1) @ U.T + b)


case("coulomb", pairs, normal(4, 3), normal(4))
case("gravity", pulled, normal(4, 3), normal(4))
case("graphsage", sage, normal(4, 3), flags(4, 4), normal(2, 3), normal(2, 3), normal(2))
for options in ({}, {"a": 0.3, "b": 1.0}):
    case("aria", lambda x, a=1.5, b=2.0: x * torch.exp(-a * growth(-b * x)), normal(4, 6), **options)
case("aria", lambda x, a, b: x * torch.exp(-a * growth(-b * x)), ENDS, each=True, second=False, a=0.3, b=1.0)
case("soft_clip", clipped, normal(4, 6))
case("soft_clip", clipped, normal(4, 6), p=20.0)
case("circle_loss", circle, normal(3, 4), normal(3, 5))
case("circle_loss", circle, normal(3, 4), normal(3, 5), gamma=20.0)
case("off_by_one", beside_0, normal(3, 4), normal(3, 4, 2))
case("off_by_one", beside_0, normal(3, 4, scale=3e4), normal(3, 4, 2))
for causal in (False, True):
    case("sigmoid_attention", each_key, normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 2), causal=causal)
case("segment_softmax", segments, normal(6, 2), normal(6), given([0, 2, 0, 2, 2, 0]))
case(
    "segment_lse",
    lambda x, seg, groups: torch.stack([torch.logsumexp(x[seg == g], 0) for g in range(groups)]),
    normal(6),
    given([0, 2, 0, 1, 2, 0]),
    groups=3,
)
case("soft_pool", soft_windows, normal(2, 7))
case("soft_pool", soft_windows, normal(2, 8), window=2, stride=3)
for keep in (3, 5):
    case("cosine_transform", cosines, normal(3, 5), keep=keep)
case("discounted_gain", discounted, normal(3, 5), whole(4, 3, 5))
for steps in (1, 3):
    case("newton_schulz", orthogonal, normal(3, 4), steps=steps)
case("lamb", lamb_step, *(3 * [[normal(3, 4), normal(2)]]))
case("scaled_filters", filters, normal(3, 2, 3), normal(2, 2, 6), normal(3))
