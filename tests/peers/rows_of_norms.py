"""Normalisation compared with PyTorch."""

from __future__ import annotations

from tests.peers.row import Row, normal

EPSILONS = ({}, {"epsilon": 0.3})

ROWS = {
    "layer_norm_nd": Row(
        lambda F, x, g, b, epsilon=1e-5: F.layer_norm(x, x.shape[1:], g, b, epsilon),
        normal((2, 3, 4), (3, 4), (3, 4)),
        EPSILONS,
    ),
    "rms_norm": Row(
        lambda F, x, g, epsilon=1e-6: F.rms_norm(x, x.shape[-1:], g, epsilon), normal((2, 3, 5), (5,)), EPSILONS
    ),
    "group_norm": Row(
        lambda F, x, g, b, groups=1, epsilon=1e-5: F.group_norm(x, groups, g, b, epsilon),
        normal((2, 6, 4, 3), (6,), (6,)),
        ({}, {"groups": 2}, {"groups": 3, "epsilon": 0.3}),
    ),
    "instance_norm": Row(
        lambda F, x, g, b, epsilon=1e-5: F.instance_norm(x, weight=g, bias=b, eps=epsilon),
        normal((2, 3, 4, 5), (3,), (3,)),
        EPSILONS,
    ),
    "local_response_norm": Row(
        lambda F, x, width=5, alpha=1e-4, beta=0.75, k=1.0: F.local_response_norm(x, width, alpha, beta, k),
        normal((2, 7, 3)),
        ({}, {"width": 3, "alpha": 0.5}, {"width": 4, "alpha": 2.0, "beta": 1.3, "k": 0.5}, {"width": 1}),
    ),
    "weight_norm": Row(lambda F, v, g: v * (g / v.norm(dim=1))[:, None], normal((3, 4), (3,))),
    "spectral_norm": Row(lambda F, W, u, v: W / u.dot(W.mv(v)), normal((3, 4), (3,), (4,))),
    "l2_normalize": Row(
        lambda F, x, epsilon=1e-12: F.normalize(x, dim=-1, eps=epsilon**0.5), normal((2, 3, 4)), ({}, {"epsilon": 4.0})
    ),
    "l1_normalize": Row(
        lambda F, x, epsilon=1e-12: F.normalize(x, p=1, dim=-1, eps=epsilon), normal((2, 3, 4)), ({}, {"epsilon": 3.0})
    ),
    "frobenius_normalize": Row(lambda F, x: x / x.norm(), normal((2, 3, 4))),
}
