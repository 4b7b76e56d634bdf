"""Losses compared with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.peers.row import Array, Row, normal

REDUCTIONS = ({}, {"reduction": "sum"}, {"reduction": "none"})
PAIR = normal((2, 3, 5), (2, 3, 5))


def each(*options: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Every reduction without other options, and each of these with one of them."""
    return (*REDUCTIONS, *(o | REDUCTIONS[n % 3] for n, o in enumerate(options, 1)))


def in_unit(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Probabilities."""
    return lambda rng: tuple(rng.uniform(0.02, 0.98, s) for s in shapes)


def signed(real: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """So many arrays, and labels of -1 and 1."""
    return lambda rng: (*(rng.standard_normal((2, 3, 5)) for _ in range(real)), rng.choice([-1, 1], (2, 3, 5)))


def reduced(value: Any, reduction: str) -> Any:
    return {"mean": value.mean, "sum": value.sum, "none": lambda: value}[reduction]()


def bce_with_logits(F: Any, z: Any, t: Any, pos_weight: float = 1.0, reduction: str = "mean") -> Any:
    weight = z.new_tensor(pos_weight)
    return F.binary_cross_entropy_with_logits(z, t, pos_weight=weight, reduction=reduction)


def labelled(weighted: bool = False) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Scores of five classes, a label for each example, every class among them, and weights of classes."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        labels = rng.permutation(np.arange(12) % 5).reshape(3, 4)
        weights = (rng.uniform(0.2, 2, 5),) if weighted else ()
        return rng.standard_normal((3, 4, 5)), labels, *weights

    return draw


def of_classes(theirs: Any, z: Any, t: Any, reduction: str, **options: Any) -> Any:
    """A loss of PyTorch of two axes, the class last."""
    found = theirs(z.reshape(-1, z.shape[-1]), t.reshape(-1), reduction=reduction, **options)
    return found.reshape(t.shape) if reduction == "none" else found


def same(one: Any, other: Any, of: Any) -> Any:
    """The first, whose value and gradient are another's, which PyTorch cannot differentiate twice."""
    import torch

    slopes = [torch.autograd.grad(end.sum(), of, retain_graph=True)[0] for end in (one, other)]
    for ours, theirs in ((one, other), slopes):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.numpy(force=True), rtol=1e-12, atol=1e-14)
    return one


def multi_margin(F: Any, z: Any, t: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """Written out: PyTorch's own has no second order."""
    own = of_classes(F.multi_margin_loss, z, t, reduction, margin=margin)
    short = (margin - z.gather(-1, t[..., None]) + z).clamp(min=0)
    found = (short.sum(-1) - margin) / z.shape[-1]  # the true class itself lacks the margin
    return same(reduced(found, reduction), own, z)


def kl_div(F: Any, q: Any, t: Any, log_target: bool = False, reduction: str = "mean") -> Any:
    """Sums over the classes: what PyTorch calls batchmean is the mean of these."""
    if reduction == "none":
        return F.kl_div(q, t, log_target=log_target, reduction="none").sum(-1)
    return F.kl_div(q, t, log_target=log_target, reduction={"mean": "batchmean"}.get(reduction, reduction))


def binary(rng: np.random.Generator) -> tuple[Array, ...]:
    return rng.standard_normal((3, 5)), rng.integers(0, 2, (3, 5))


def focal(F: Any, z: Any, t: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "mean") -> Any:
    """As torchvision has it."""
    t = t.double()
    p = z.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    wrong = 1 - (p * t + (1 - p) * (1 - t))
    return reduced((alpha * t + (1 - alpha) * (1 - t)) * wrong**gamma * entropy, reduction)


def cosine_embedding(
    F: Any, a: Any, b: Any, t: Any, margin: float = 0.0, epsilon: float = 1e-12, reduction: str = "mean"
) -> Any:
    """Written out, for PyTorch's epsilon is fixed; its own is the same there."""
    c = (a * b).sum(-1) / (((a * a).sum(-1) + epsilon) * ((b * b).sum(-1) + epsilon)).sqrt()
    found = reduced((1 - c).where(t == 1, (c - margin).clamp(min=0)), reduction)
    if epsilon == 1e-12:
        return same(found, F.cosine_embedding_loss(a, b, t, margin, reduction=reduction), a)
    return found


def info_nce(F: Any, q: Any, k: Any, temperature: float = 0.1, reduction: str = "mean") -> Any:
    S = F.cosine_similarity(q[:, None], k[None], -1, 0.0) / temperature
    return F.cross_entropy(S, S.new_tensor(range(len(S))).long(), reduction=reduction)


def several(F: Any, z: Any, t: Any, reduction: str = "mean") -> Any:
    """PyTorch's, of two axes."""
    found = F.multilabel_soft_margin_loss(z.flatten(0, -2), t.flatten(0, -2).double(), reduction=reduction)
    return found.reshape(t.shape[:-1]) if reduction == "none" else found


def tversky(
    F: Any, p: Any, t: Any, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0, reduction: str = "mean"
) -> Any:
    hit, extra, missed = (v.sum((1, 2)) for v in (p * t, p * (1 - t), (1 - p) * t))
    return reduced(1 - (hit + smooth) / (hit + alpha * extra + beta * missed + smooth), reduction)


ROWS = {
    "binary_cross_entropy": Row(
        # its own adds 1e-12 to what its tangents divide by
        lambda F, y, t, reduction="mean": reduced(-t.xlogy(y) - (1 - t).xlogy(1 - y), reduction),
        in_unit((2, 3, 5), (2, 3, 5)),
        REDUCTIONS,
    ),
    "bce_with_logits": Row(bce_with_logits, PAIR, each({"pos_weight": 2.5}, {"pos_weight": 0.3}, {"pos_weight": 4.0})),
    "l1_loss": Row(lambda F, y, t, reduction="mean": F.l1_loss(y, t, reduction=reduction), PAIR, REDUCTIONS),
    "huber": Row(
        lambda F, y, t, delta=1.0, reduction="mean": F.huber_loss(y, t, delta=delta, reduction=reduction),
        PAIR,
        each({"delta": 0.3}, {"delta": 2.5}, {"delta": 0.7}),
    ),
    "smooth_l1": Row(
        lambda F, y, t, beta=1.0, reduction="mean": F.smooth_l1_loss(y, t, beta=beta, reduction=reduction),
        PAIR,
        each({"beta": 0.3}, {"beta": 2.5}, {"beta": 0.7}),
    ),
    "log_cosh": Row(lambda F, y, t, reduction="mean": reduced((y - t).cosh().log(), reduction), PAIR, REDUCTIONS),
    "pinball": Row(
        lambda F, y, t, tau=0.5, reduction="mean": reduced((tau * (t - y)).maximum((tau - 1) * (t - y)), reduction),
        PAIR,
        each({"tau": 0.1}, {"tau": 0.9}, {"tau": 0.75}),
    ),
    "nll_loss": Row(
        lambda F, log_p, t, reduction="mean": of_classes(F.nll_loss, log_p, t, reduction), labelled(), REDUCTIONS
    ),
    "weighted_nll": Row(
        lambda F, log_p, t, w, reduction="mean", **options: of_classes(
            F.nll_loss, log_p, t, reduction, weight=w, **options
        ),
        labelled(True),
        each({"ignore_index": 2}, {"ignore_index": 1}, {"ignore_index": -1}),
    ),
    "weighted_cross_entropy": Row(
        lambda F, z, t, w, reduction="mean", **options: of_classes(
            F.cross_entropy, z, t, reduction, weight=w, **options
        ),
        labelled(True),
        (
            *each({"label_smoothing": 0.3}, {"ignore_index": 2}, {"label_smoothing": 0.6, "ignore_index": 2}),
            {"label_smoothing": 0.3, "ignore_index": 1},
        ),
    ),
    "kl_div": Row(
        kl_div,
        in_unit((4, 5), (4, 5)),
        each({"log_target": True}, {"log_target": True}, {"log_target": True}),
    ),
    "focal": Row(focal, binary, each({"alpha": 0.6, "gamma": 1.5}, {"gamma": 0.5}, {"alpha": 1.0, "gamma": 3.0})),
    "poisson_nll": Row(
        lambda F, x, t, log_input=True, full=False, epsilon=1e-8, reduction="mean": F.poisson_nll_loss(
            x, t, log_input, full, eps=epsilon, reduction=reduction
        ),
        lambda rng: (rng.uniform(0.1, 3, (3, 5)), rng.uniform(0, 6, (3, 5))),
        each(
            {"full": True},
            {"log_input": False, "epsilon": 0.1},
            {"log_input": False, "full": True},
        ),
    ),
    "gaussian_nll": Row(
        lambda F, x, t, var, full=False, epsilon=1e-6, reduction="mean": F.gaussian_nll_loss(
            x, t, var, full, epsilon, reduction
        ),
        lambda rng: (*(rng.standard_normal((3, 5)) for _ in range(2)), rng.uniform(0.1, 3, (3, 5))),
        each({"full": True}, {"epsilon": 0.05}, {"full": True}),
    ),
    "multi_margin": Row(multi_margin, labelled(), each({"margin": 0.3}, {"margin": 2.0}, {"margin": 1.3})),
    "triplet_margin": Row(
        lambda F, a, p, n, margin=1.0, epsilon=1e-6, reduction="mean": F.triplet_margin_loss(
            a, p, n, margin, eps=epsilon, reduction=reduction
        ),
        normal((7, 3), (7, 3), (7, 3)),
        each({"margin": 0.3}, {"margin": 2.0, "epsilon": 0.1}, {"margin": 3.0}),
    ),
    "dice": Row(
        lambda F, p, t, smooth=1.0, reduction="mean": reduced(
            1 - (2 * (p * t).sum((1, 2)) + smooth) / (p.sum((1, 2)) + t.sum((1, 2)) + smooth), reduction
        ),
        in_unit((4, 3, 5), (4, 3, 5)),
        each({"smooth": 0.1}, {"smooth": 3.0}, {"smooth": 1e-6}),
    ),
    "tversky": Row(
        tversky,
        in_unit((4, 3, 5), (4, 3, 5)),
        each({"alpha": 0.3, "beta": 0.7}, {"smooth": 3.0, "alpha": 0.9}, {"beta": 0.1}),
    ),
    "hinge": Row(lambda F, y, t, reduction="mean": reduced((1 - t * y).clamp(min=0), reduction), signed(1), REDUCTIONS),
    "soft_margin": Row(
        lambda F, y, t, reduction="mean": F.soft_margin_loss(y, t.double(), reduction=reduction), signed(1), REDUCTIONS
    ),
    "multi_label_soft_margin": Row(
        several, lambda rng: (rng.standard_normal((2, 3, 5)), rng.integers(0, 2, (2, 3, 5))), REDUCTIONS
    ),
    "cosine_embedding": Row(
        cosine_embedding,
        lambda rng: (*(rng.standard_normal((7, 4)) for _ in range(2)), np.array([1, -1, -1, 1, 1, -1, -1])),
        each({"margin": 0.3}, {"margin": -0.5, "epsilon": 0.1}, {"margin": 0.9}),
    ),
    "info_nce": Row(info_nce, normal((5, 4), (5, 4)), each({"temperature": 0.5}, {"temperature": 2.0})),
    "hinge_embedding": Row(
        lambda F, d, t, margin=1.0, reduction="mean": F.hinge_embedding_loss(d, t, margin, reduction=reduction),
        signed(1),
        each({"margin": 0.3}, {"margin": 2.0}, {"margin": -0.5}),
    ),
    "margin_ranking": Row(
        lambda F, a, b, t, margin=0.0, reduction="mean": F.margin_ranking_loss(a, b, t, margin, reduction=reduction),
        signed(2),
        each({"margin": 0.3}, {"margin": 2.0}, {"margin": -0.5}),
    ),
}
