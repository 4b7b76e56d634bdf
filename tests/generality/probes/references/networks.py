"""What people put together of layers."""

from __future__ import annotations

import math

from tests.generality.probes.cases import F, bits, given, group, normal, positive, simplex, torch, whole

case = group("networks")


def attend(Q, K, V, mask=None):
    scores = Q @ K.mT / math.sqrt(Q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, -1) @ V


def norm(x, g, c, epsilon=1e-5):
    return F.layer_norm(x, x.shape[-1:], g, c, epsilon)


def causal(x):
    return torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()


def pre_norm(x, g, c, Wq, bq, Wk, bk, Wv, bv, Wo, bo, g2, c2, Wu, bu, Wd, bd, causal):
    n = norm(x, g, c)
    mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril() if causal else None
    r = x + F.linear(attend(F.linear(n, Wq, bq), F.linear(n, Wk, bk), F.linear(n, Wv, bv), mask), Wo, bo)
    return r + F.linear(F.gelu(F.linear(norm(r, g2, c2), Wu, bu)), Wd, bd)


def post_norm(x, mask, Wq, bq, Wk, bk, Wv, bv, g, c, Wu, bu, Wd, bd, g2, c2, epsilon):
    r = x + attend(F.linear(x, Wq, bq), F.linear(x, Wk, bk), F.linear(x, Wv, bv), mask)
    n = norm(r, g, c, epsilon)
    return norm(n + F.linear(torch.relu(F.linear(n, Wu, bu)), Wd, bd), g2, c2, epsilon)


def rms(x, g, epsilon):
    return g * x * torch.rsqrt((x**2).mean(-1, keepdim=True) + epsilon)


def turned(x, cosine, sine):
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat([-second, first], -1) * sine


def llama(x, g, Wq, Wk, Wv, Wo, cosine, sine, g2, Wg, Wu, Wd, heads, epsilon):
    n = rms(x, g, epsilon)
    Q, K, V = ((n @ W.T).unflatten(-1, (heads, -1)).transpose(1, 2) for W in (Wq, Wk, Wv))
    A = attend(turned(Q, cosine, sine), turned(K, cosine, sine), V, causal(x))
    r = x + A.transpose(1, 2).flatten(2) @ Wo.T
    n2 = rms(r, g2, epsilon)
    return r + (F.silu(n2 @ Wg.T) * (n2 @ Wu.T)) @ Wd.T


def normalised(x, g, h, m, v, momentum):
    y = F.batch_norm(x, None, None, g, h, True)
    n = x.numel() // x.shape[1]
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False) * n / (n - 1)
    return y, (1 - momentum) * m + momentum * mean.detach(), (1 - momentum) * v + momentum * var.detach()


def resnet(x, W1, b1, g1, h1, m1, v1, W2, b2, g2, h2, m2, v2, momentum):
    n1, nm1, nv1 = normalised(F.conv2d(x, W1, b1, padding=1), g1, h1, m1, v1, momentum)
    n2, nm2, nv2 = normalised(F.conv2d(torch.relu(n1), W2, b2, padding=1), g2, h2, m2, v2, momentum)
    return torch.relu(n2 + x), nm1, nv1, nm2, nv2


def unet(x, W1, b1, W2, b2, W3, W4, b3):
    a = torch.relu(F.conv2d(x, W1, b1, padding=1))
    e = torch.tanh(F.conv2d(F.max_pool2d(a, 2), W2, b2, padding=1))
    u = e.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return F.conv2d(a, W3, b3, padding=1) + F.conv2d(u, W4, padding=1)


def mixer(x, g, c, W1, a1, W2, a2, g2, c2, V1, b1, V2, b2):
    r = x + F.linear(F.gelu(F.linear(norm(x, g, c).mT, W1, a1)), W2, a2).mT
    return r + F.linear(F.gelu(F.linear(norm(r, g2, c2), V1, b1)), V2, b2)


def convnext(x, D, d, g, h, W1, b1, W2, b2, scale):
    z = F.conv2d(x, D[:, None], d, padding=1, groups=len(D)).movedim(1, -1)
    v = F.linear(F.gelu(F.linear(norm(z, g, h, 1e-6), W1, b1)), W2, b2)
    return x + (scale * v).movedim(-1, 1)


def lstm(x, h, c, W, U, b):
    hs, cs = [], []
    for at in x:
        i, f, g, o = (at @ W.T + h @ U.T + b).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
        cs.append(c)
    return torch.stack(hs), torch.stack(cs)


def projected_lstm(x, h0, c0, W, U, b, P, p, h1, c1, W1, U1, b1, P1, p1):
    h, cc = lstm(F.linear(lstm(x, h0, c0, W, U, b)[0], P, p), h1, c1, W1, U1, b1)
    return F.linear(h, P1, p1), cc


def vae(x, noise, W1, b1, Wm, bm, Wv, bv, W2, b2, W3, b3, beta):
    a = torch.tanh(F.linear(x, W1, b1))
    mu, logvar = F.linear(a, Wm, bm), F.linear(a, Wv, bv)
    code = mu + torch.exp(logvar / 2) * noise
    y = F.linear(torch.tanh(F.linear(code, W2, b2)), W3, b3)
    return (((y - x) ** 2).sum() - beta / 2 * (1 + logvar - mu**2 - logvar.exp()).sum()) / len(x)


def network(x, W, c, activation):
    for n, (w, b) in enumerate(zip(W, c, strict=True)):
        x = F.linear(x, w, b)
        x = activation(x) if n + 1 < len(W) else x
    return x


def siamese(x1, x2, t, W, c, margin):
    s = ((network(x1, W, c, torch.tanh) - network(x2, W, c, torch.tanh)) ** 2).sum(-1)
    d = torch.sqrt(s + 1e-12)
    return (t * s + (1 - t) * torch.relu(margin - d) ** 2).mean()


def info_nce(x1, x2, W, c, t, temperature):
    u1, u2 = (F.normalize(F.linear(x, W, c), dim=-1, eps=0) for x in (x1, x2))
    return F.cross_entropy(u1 @ u2.T / temperature, t)


def gan(x, z, G, g, D1, d1, D2, d2):
    def judged(x):
        return F.linear(F.leaky_relu(F.linear(x, D1, d1), 0.2), D2, d2)

    real, fake = judged(x), judged(F.linear(z, G, g))
    return (F.softplus(-real) + F.softplus(fake)).mean(), F.softplus(-fake).mean()


def experts(x, gates, W, a, V, c):
    y = torch.stack([F.linear(F.gelu(F.linear(x, *one[:2])), *one[2:]) for one in zip(W, a, V, c, strict=True)])
    return torch.einsum("be,ebo->bo", gates, y)


def gated_experts(x, Wg, bg, W, c):
    y = torch.einsum("bi,eoi->ebo", x, W) + c[:, None]
    return torch.einsum("be,ebo->bo", torch.softmax(F.linear(x, Wg, bg), -1), y)


def dlrm(x, t, E, W, c, Wt, Wi, a):
    dense = torch.relu(F.linear(x, W, c))
    e = torch.stack([E[f, t[:, f]] for f in range(len(E))], 1)
    pair = (e @ e.mT).tril(-1)
    return dense @ Wt.T + torch.einsum("bfg,ofg->bo", pair, Wi) + a


def classifier(x, W, c, t, noise, keep, reduction):
    return F.cross_entropy(network(x * noise / keep, W, c, F.gelu), t, reduction=reduction)


def affine(o, i):
    return normal(o, i), normal(o)


MASK = [[True, False, True], [True, True, False], [False, True, True]]
FIRST = (normal(4), normal(4), *affine(3, 4), *affine(3, 4), *affine(5, 4), *affine(4, 5), normal(4), normal(4))
HEADS = (normal(4, 6), normal(4, 6), normal(4, 6), normal(6, 4))
BATCH = (normal(3), normal(3), normal(3), positive(3))
CELL = (normal(2, 3), normal(2, 3))

for switch in (True, False):
    case("pre_norm", pre_norm, normal(2, 3, 4), *FIRST, *affine(6, 4), *affine(4, 6), causal=switch)
case(
    "post_norm", post_norm, normal(2, 3, 4), given([MASK] * 2),
    *affine(4, 4) * 3, normal(4), normal(4), *affine(5, 4), *affine(4, 5), normal(4), normal(4), epsilon=1e-3,
)  # fmt: skip
case(
    "llama", llama, normal(2, 3, 6), normal(6), normal(8, 6), normal(8, 6), normal(8, 6), normal(6, 8), normal(3, 4),
    normal(3, 4), normal(6), normal(5, 6), normal(5, 6), normal(6, 5), heads=2, epsilon=1e-6,
)  # fmt: skip
case(
    "resnet", resnet, normal(2, 3, 4, 5), normal(3, 3, 3, 3), normal(3), *BATCH, normal(3, 3, 3, 3), normal(3), *BATCH,
    momentum=0.3,
)  # fmt: skip
case(
    "unet", unet, normal(2, 3, 4, 6), normal(2, 3, 3, 3), normal(2), normal(2, 2, 3, 3), normal(2), normal(4, 2, 3, 3),
    normal(4, 2, 3, 3), normal(4),
)  # fmt: skip
case(
    "mixer", mixer, normal(2, 3, 4), normal(4), normal(4), *affine(5, 3), *affine(3, 5), normal(4), normal(4),
    *affine(6, 4), *affine(4, 6),
)  # fmt: skip
case(
    "convnext", convnext, normal(2, 3, 4, 5), normal(3, 3, 3), normal(3), normal(3), normal(3), *affine(7, 3),
    *affine(3, 7), normal(3),
)  # fmt: skip
case(
    "projected_lstm", projected_lstm, normal(4, 2, 5), *CELL, normal(12, 5), normal(12, 3), normal(12), *affine(2, 3),
    *CELL, normal(12, 2), normal(12, 3), normal(12), *affine(4, 3),
)  # fmt: skip
case(
    "vae", vae, normal(3, 4), normal(3, 2), *affine(5, 4), *affine(2, 5), *affine(2, 5), *affine(5, 2), *affine(4, 5),
    beta=0.5,
)  # fmt: skip
case(
    "siamese",
    siamese,
    normal(5, 3),
    normal(5, 3),
    bits(5),
    [normal(4, 3), normal(2, 4)],
    [normal(4), normal(2)],
    margin=2.0,
)
case("info_nce", info_nce, normal(4, 3), normal(4, 3), *affine(5, 3), given([2, 0, 3, 1]), temperature=0.3)
case("gan", gan, normal(4, 3), normal(4, 2), *affine(3, 2), *affine(5, 3), *affine(1, 5))
case("experts", experts, normal(4, 3), simplex(4, 2), normal(2, 5, 3), normal(2, 5), normal(2, 6, 5), normal(2, 6))
case("gated_experts", gated_experts, normal(4, 3), *affine(2, 3), normal(2, 5, 3), normal(2, 5))
case(
    "dlrm", dlrm, normal(4, 3), whole(5, 4, 3), normal(3, 5, 2), *affine(2, 3), normal(6, 2), normal(6, 3, 3), normal(6)
)  # fmt: skip
for word in ("mean", "sum", "none"):
    case(
        "classifier", classifier, normal(4, 3), [normal(5, 3), normal(2, 5)], [normal(5), normal(2)], whole(2, 4),
        bits(4, 3), keep=0.75, reduction=word,
    )  # fmt: skip
