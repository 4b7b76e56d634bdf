"""Normalisation."""

from __future__ import annotations

from tests.generality.probes.cases import F, group, normal, torch

case = group("normalisation")


def grouped(x, g, b, groups, epsilon):
    return F.group_norm(x, groups, g, b, epsilon)


def by_powers(x, gamma, p=3.0, epsilon=1e-6):
    return gamma * x / (x.abs().pow(p).mean(-1, keepdim=True) + epsilon) ** (1 / p)


def spectral(W, u):
    a = W.T @ u
    v = a / a.norm()
    b = W @ v
    new = b / b.norm()
    return W / (new @ W @ v), new


def spectral_held(W, u):
    a = W.detach().T @ u
    v = a / a.norm()
    b = W.detach() @ v
    new = b / b.norm()
    return W / (new @ W @ v), new


case("rms_norm", lambda x, g, epsilon: x * ((x**2).mean(-1, keepdim=True) + epsilon).rsqrt() * g, normal(2, 3, 5),
     normal(5), epsilon=1e-6)  # fmt: skip
case("rms_norm", lambda x, g, epsilon: x * ((x**2).mean(-1, keepdim=True) + epsilon).rsqrt() * g, normal(4, 4),
     normal(4), epsilon=0.5)  # fmt: skip
case("group_norm", grouped, normal(2, 6, 4, 3), normal(6), normal(6), groups=2, epsilon=1e-5)
case("group_norm", grouped, normal(3, 3, 3, 3), normal(3), normal(3), groups=3, epsilon=0.1)
for s in ((2, 3, 4, 5), (3, 3, 3)):
    case("instance_norm", lambda x, g, b, epsilon: F.instance_norm(x, weight=g, bias=b, eps=epsilon), normal(*s),
         normal(s[1]), normal(s[1]), epsilon=1e-5)  # fmt: skip
for beta in (0.75, -0.5):
    case("local_response_norm", lambda x, width, alpha, beta, k: F.local_response_norm(x, width, alpha, beta, k),
         normal(2, 5, 4), width=3, alpha=0.1, beta=beta, k=1.0)  # fmt: skip
for o, i in ((4, 5), (3, 3)):
    case("weight_norm", lambda v, g: g[:, None] * v / v.norm(dim=1, keepdim=True), normal(o, i), normal(o))
    case("l2_normalize_plain", lambda x: x / x.norm(dim=-1, keepdim=True), normal(o, i))
    case("spectral_norm_stop", spectral_held, normal(o, i), normal(o))
    case("spectral_norm_full", spectral, normal(o, i), normal(o))
    case("spectral_norm_given", lambda W, u, v: W / (u @ W @ v), normal(o, i), normal(o), normal(i))
for epsilon in (1e-12, 2.0):
    case(
        "l2_normalize",
        lambda x, epsilon: x / torch.clamp(x.norm(dim=-1, keepdim=True), min=epsilon),
        normal(4, 5),
        epsilon=epsilon,
    )
for p in (3.0, 1.5):
    case("power_norm", by_powers, normal(4, 5), normal(5), p=p, epsilon=0.1)
