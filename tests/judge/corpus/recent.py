"""Wrong kernels of newer layers as people write them: options, ranks, masks, memory, state, formats, special values.

Each is right in the case that its author had in mind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from derive.evidence import kernels
from tests.judge.corpus.wrong import Wrong

RECENT: list[Wrong] = []


def torch() -> Any:
    import torch

    return torch


def wrong(
    layer: str, cause: str, group: str = "forward", framework: str = "torch", dtype: str = "float64"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a wrong function of tensors, or of a right kernel what makes a wrong one of it (module)."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        words = (function.__doc__ or "").strip().rstrip(".")
        name = f"{layer}/recent/{function.__name__}"

        def make() -> tuple[Any, Any]:
            return (function(kernels.kernel_of(layer)), None) if framework == "module" else (function, None)

        RECENT.append(Wrong(name, layer, group, "recent", words, cause, make, framework, "", dtype))
        return function

    return register


def reduced(value: Any, reduction: str) -> Any:
    return {"mean": value.mean, "sum": value.sum, "none": lambda: value}[reduction]()


# ---- losses -------------------------------------------------------------------------------------------------------


@wrong("bce_with_logits", "pos_weight|no known")
def weight_of_both(z: Any, t: Any, pos_weight: float = 1.0, reduction: str = "mean") -> Any:
    """pos_weight multiplies both terms."""
    F = torch().nn.functional
    return pos_weight * F.binary_cross_entropy_with_logits(z, t, reduction=reduction)


@wrong("bce_with_logits", "overflow|cancel|nan|inf|swallowed|accumulated in float32")
def naive_bce(z: Any, t: Any, pos_weight: float = 1.0, reduction: str = "mean") -> Any:
    """The logarithm of a rounded sigmoid, with 1e-12 added."""
    p = z.sigmoid()
    return reduced(-pos_weight * t * (p + 1e-12).log() - (1 - t) * (1 - p + 1e-12).log(), reduction)


@wrong("nll_loss", "reduction|size|times|rows")
def mean_over_the_first_axis(log_p: Any, t: Any, reduction: str = "mean") -> Any:
    """The mean divides by the length of the first axis, not by the number of rows."""
    picked = -log_p.gather(-1, t[..., None])[..., 0]
    return picked.sum() / (t.shape[0] if t.ndim else 1) if reduction == "mean" else reduced(picked, reduction)


@wrong("nll_loss", ".")
def labels_wrapped(log_p: Any, t: Any, reduction: str = "mean") -> Any:
    """The last label is taken for the first class."""
    return reduced(-log_p.gather(-1, (t % max(1, log_p.shape[-1] - 1))[..., None])[..., 0], reduction)


@wrong("weighted_cross_entropy", "reduction|size|sum|w\\[|without|with")
def mean_of_rows(
    z: Any, t: Any, w: Any, ignore_index: int = -100, label_smoothing: float = 0.0, reduction: str = "mean"
) -> Any:
    """The mean is over rows and not over their weights."""
    F = torch().nn.functional
    own = F.cross_entropy(
        z.reshape(-1, z.shape[-1]), t.reshape(-1), w, ignore_index=ignore_index, label_smoothing=label_smoothing,
        reduction="none",
    )  # fmt: skip
    return reduced(own.reshape(t.shape), reduction)


@wrong("weighted_cross_entropy", "label_smoothing|w\\[")
def smoothing_without_weights(
    z: Any, t: Any, w: Any, ignore_index: int = -100, label_smoothing: float = 0.0, reduction: str = "mean"
) -> Any:
    """What is smoothed is not weighed."""
    log_p = z.log_softmax(-1)
    keep = t != ignore_index
    at = t.where(keep, 0 * t)
    hit = w[at] * log_p.gather(-1, at[..., None])[..., 0]
    own = (-(1 - label_smoothing) * hit - label_smoothing * log_p.mean(-1)) * keep
    return own.sum() / (w[at] * keep).sum() if reduction == "mean" else reduced(own, reduction)


@wrong("kl_div", "log_target|size|without|with")
def mean_of_elements(log_q: Any, t: Any, log_target: bool = False, reduction: str = "mean") -> Any:
    """PyTorch's mean: over every element."""
    F = torch().nn.functional
    own = F.kl_div(log_q, t, log_target=log_target, reduction="none")
    return own.mean() if reduction == "mean" else reduced(own.sum(-1), reduction)


@wrong("kl_div", "nan|swallowed|xlogy|where|= 0|log|0")
def without_zero(log_q: Any, t: Any, log_target: bool = False, reduction: str = "mean") -> Any:
    """0 log 0 is made a small number by 1e-8."""
    own = t.exp() * (t - log_q) if log_target else t * ((t + 1e-8).log() - log_q)
    return reduced(own.sum(-1), reduction)


@wrong("huber", "delta")
def huber_of_beta(y: Any, t: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """smooth_l1 for huber: right at delta = 1."""
    return torch().nn.functional.smooth_l1_loss(y, t, beta=delta, reduction=reduction)


@wrong("huber", "delta|times|with")
def huber_slope(y: Any, t: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """The line begins at delta / 2."""
    r = (y - t).abs()
    return reduced(torch().where(r <= delta, r * r / 2, delta * (r - delta / 4)), reduction)


@wrong("log_cosh", "cancel|overflow|digits|excuses|0 everywhere|no known")
def log_cosh_half(y: Any, t: Any, reduction: str = "mean") -> Any:
    """The usual form, which has no digits next to 0."""
    r = y - t
    F = torch().nn.functional
    return reduced(r + F.softplus(-2 * r, threshold=1e9) - np.log(2.0), reduction)


@wrong("pinball", "tau|tie|with|convention")
def pinball_turned(y: Any, t: Any, tau: float = 0.5, reduction: str = "mean") -> Any:
    """tau and 1 - tau exchanged: right at the median."""
    r = y - t
    return reduced((tau * r).maximum((tau - 1) * r), reduction)


@wrong("poisson_nll", "full|pi|t\\[|with|without")
def stirling_of_all(
    x: Any, t: Any, log_input: bool = True, full: bool = False, epsilon: float = 1e-8, reduction: str = "mean"
) -> Any:
    """Stirling's formula for counts up to 1, too."""
    own = x.exp() - t * x if log_input else x - t * (x + epsilon).log()
    if full:
        own = own + torch().where(t > 0, t * t.log() - t + 0.5 * (2 * np.pi * t).log(), 0 * t)
    return reduced(own, reduction)


@wrong("gaussian_nll", "epsilon|max|with|without")
def epsilon_added(x: Any, t: Any, var: Any, full: bool = False, epsilon: float = 1e-6, reduction: str = "mean") -> Any:
    """epsilon is added to the variance."""
    v = var + epsilon
    return reduced((v.log() + (x - t) ** 2 / v) / 2 + (0.5 * np.log(2 * np.pi) if full else 0), reduction)


@wrong("multi_margin", "size|N|times|mean|sum|without|with")
def true_class_counted(z: Any, t: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """The true class itself costs the margin."""
    short = (margin - z.gather(-1, t[..., None]) + z).clamp(min=0)
    return reduced(short.mean(-1), reduction)


@wrong("triplet_margin", "epsilon")
def epsilon_under_the_root(
    a: Any, p: Any, n: Any, margin: float = 1.0, epsilon: float = 1e-6, reduction: str = "mean"
) -> Any:
    """epsilon is added to the sum of squares."""
    near, far = (((a - o) ** 2).sum(-1).add(epsilon).sqrt() for o in (p, n))
    return reduced((near - far + margin).clamp(min=0), reduction)


@wrong("focal", "gamma|without|with|alpha|factor")
def focal_detached(z: Any, t: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "mean") -> Any:
    """No gradient through the modulating factor."""
    F = torch().nn.functional
    s = torch().where(t == 1, z, -z)
    a = torch().where(t == 1, alpha + 0 * z, 1 - alpha + 0 * z).detach()
    return reduced(a * (-s).sigmoid().detach() ** gamma * F.softplus(-s, threshold=1e9), reduction)


@wrong("soft_margin", "overflow|inf")
def soft_margin_naive(y: Any, t: Any, reduction: str = "mean") -> Any:
    """log(1 + exp) as it is written."""
    return reduced((1 + (-t * y).exp()).log(), reduction)


@wrong("margin_ranking", "margin|t\\[|with")
def margin_signed(a: Any, b: Any, t: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """The margin has the label's sign."""
    return reduced((t * (margin - (a - b))).clamp(min=0), reduction)


@wrong("dice", "rows|b|sum|size|batch|with|no known")
def dice_of_the_batch(p: Any, t: Any, smooth: float = 1.0, reduction: str = "mean") -> Any:
    """One coefficient for the whole batch, where it is averaged or added up."""
    axes = tuple(range(1, p.ndim)) if reduction == "none" else tuple(range(p.ndim))
    s = lambda v: v.sum(axes) if axes else v  # noqa: E731
    own = 1 - (2 * s(p * t) + smooth) / (s(p) + s(t) + smooth)
    return own * p.shape[0] if reduction == "sum" else own
