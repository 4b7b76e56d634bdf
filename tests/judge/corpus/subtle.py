"""Subtly wrong functions of tensors: options, ranks, masks, ties, tails, windows, statistics, gradients left out.

Each agrees with the definition on the inputs that its author tried.
"""

from __future__ import annotations

import math
from typing import Any

from tests.judge.corpus.recent import reduced, torch, wrong


def function() -> Any:
    return torch().nn.functional


# ---- normalisation ------------------------------------------------------------------------------------------------


@wrong("layer_norm", "N - 1|size\\(i\\)")
def unbiased(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """The variance is divided by one less."""
    var = x.var(-1, keepdim=True) if x.shape[-1] > 1 else x.var(-1, keepdim=True, correction=0)
    return gamma * (x - x.mean(-1, keepdim=True)) / (var + epsilon).sqrt() + beta


@wrong("layer_norm", "epsilon")
def epsilon_beside_root(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """epsilon is added to the root of the variance."""
    c = x - x.mean(-1, keepdim=True)
    return gamma * c / ((c * c).mean(-1, keepdim=True).sqrt() + epsilon) + beta


@wrong("layer_norm", "cancel|digits|accumulated|excuses", dtype="float32")
def one_pass(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """The variance is the mean of squares less the square of the mean."""
    m = x.mean(-1, keepdim=True)
    var = ((x * x).mean(-1, keepdim=True) - m * m).clamp(min=0)
    return gamma * (x - m) / (var + epsilon).sqrt() + beta


@wrong("layer_norm", "mean|term|without", "backward")
def statistics_held(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """No gradient goes through the variance."""
    c = x - x.mean(-1, keepdim=True)
    return gamma * c / ((c * c).mean(-1, keepdim=True) + epsilon).sqrt().detach() + beta


@wrong("rms_norm", "float32|narrow|coarser|accumulated|bfloat16|float16", dtype="float64")
def rms_in_float(x: Any, gamma: Any, epsilon: float = 1e-6) -> Any:
    """The root mean square is computed in float32 whatever is given."""
    r = (x.float() ** 2).mean(-1, keepdim=True).add(epsilon).rsqrt()
    return gamma * (x * r.to(x.dtype))


@wrong("rms_norm", "x|gamma|1 \\+", "forward")
def rms_one_plus(x: Any, gamma: Any, epsilon: float = 1e-6) -> Any:
    """The scale is 1 + gamma, as in Gemma."""
    return (1 + gamma) * x * (x * x).mean(-1, keepdim=True).add(epsilon).rsqrt()


@wrong("batch_norm_inference", "epsilon")
def epsilon_forgotten(x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, epsilon: float = 1e-5) -> Any:
    """epsilon is left at its default."""
    return function().batch_norm(x, running_mean, running_var, gamma, beta, False)


@wrong("instance_norm", "epsilon|beside|root")
def instance_epsilon(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """epsilon is squared."""
    return function().instance_norm(x, None, None, gamma, beta, eps=epsilon * epsilon)


@wrong("l2_normalize", "epsilon")
def l2_added(x: Any, epsilon: float = 1e-12) -> Any:
    """epsilon is added to the norm."""
    return x / (x.norm(dim=-1, keepdim=True) + epsilon)


@wrong("local_response_norm", "width|size|alpha|mean|sum")
def alpha_of_sum(x: Any, width: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """alpha multiplies the sum of squares and not their mean."""
    return function().local_response_norm(x, width, alpha * width, beta, k)


# ---- softmax and attention ------------------------------------------------------------------------------------------


@wrong("softmax", "overflow|nan|inf|digits are lost")
def shifted_by_all(z: Any, axis: int = -1) -> Any:
    """The maximum of the whole array is subtracted."""
    e = (z - z.max()).exp()
    return e / e.sum(axis, keepdim=True)


@wrong("softmax", "1e-0?[0-9]|swallow|no known|cancel|constant|added|excuses|error is that")
def denominator_with_epsilon(z: Any, axis: int = -1) -> Any:
    """1e-8 is added to the denominator."""
    e = (z - z.amax(axis, keepdim=True)).exp()
    return e / (e.sum(axis, keepdim=True) + 1e-8)


@wrong("log_softmax", "inf|overflow|digits|cancel|nan")
def log_of_softmax(z: Any, axis: int = -1) -> Any:
    """The logarithm of a probability that may be 0."""
    return z.softmax(axis).log()


@wrong("attention", "all alike where there is nothing")
def masked_with_large(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
    """What is masked is -1e9, so that a row masked wholly is a mean."""
    s = Q @ K.mT / math.sqrt(Q.shape[-1])
    if mask is not None:
        s = s.masked_fill(~mask, -1e9)
    if causal:
        s = s.masked_fill(~torch().ones(s.shape[-2:], dtype=torch().bool).tril(), -1e9)
    return s.softmax(-1) @ V


@wrong("attention", "causal|row|mask|no known")
def causal_at_the_end(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
    """Where there are more keys than queries the last ones are aligned."""
    s = Q @ K.mT / math.sqrt(Q.shape[-1])
    own = torch().ones(s.shape, dtype=torch().bool)
    if mask is not None:
        own = own & mask
    if causal:
        own = own & torch().ones(s.shape[-2:], dtype=torch().bool).tril(K.shape[-2] - Q.shape[-2])
    p = s.masked_fill(~own, -math.inf).softmax(-1)
    return torch().where(own.any(-1, keepdim=True), p, 0.0) @ V


@wrong("attention", "size|root|scale|times|d\\b")
def scaled_by_values(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
    """The scale is the root of the length of values."""
    s = Q @ K.mT / math.sqrt(V.shape[-1])
    own = torch().ones(s.shape, dtype=torch().bool)
    if mask is not None:
        own = own & mask
    if causal:
        own = own & own.tril()
    p = s.masked_fill(~own, -math.inf).softmax(-1)
    return torch().where(own.any(-1, keepdim=True), p, 0.0) @ V


@wrong("scaled_attention", "mean|without|term|no known|p\\[|sum", "backward")
def probabilities_held(Q: Any, K: Any, V: Any, scale: float = 1.0) -> Any:
    """The denominator of softmax is held: its gradient is left out."""
    s = Q @ K.mT * scale
    e = (s - s.amax(-1, keepdim=True).detach()).exp()
    return (e / e.sum(-1, keepdim=True).detach()) @ V


@wrong("sliding_window_attention", "window|off by one|larger|smaller|exchanged")
def window_exchanged(Q: Any, K: Any, V: Any, mask: Any = None, window: Any = (1, 1)) -> Any:
    """The window looks as far ahead as it should look back."""
    q, k = torch().arange(Q.shape[-2])[:, None], torch().arange(K.shape[-2])
    own = (k - q <= window[0]) & (q - k <= window[1])
    own = own.expand(*Q.shape[:-1], K.shape[-2])
    if mask is not None:
        own = own & mask
    p = (Q @ K.mT / math.sqrt(Q.shape[-1])).masked_fill(~own, -math.inf).softmax(-1)
    return torch().where(own.any(-1, keepdim=True), p, 0.0) @ V


# ---- losses ----------------------------------------------------------------------------------------------------------


@wrong("softmax_cross_entropy_labels", "rows|reduction|size|times|batch")
def mean_over_batch(z: Any, t: Any, reduction: str = "mean") -> Any:
    """The mean divides by the first axis alone."""
    own = -z.log_softmax(-1).gather(-1, t[..., None])[..., 0]
    return own.sum() / max(1, len(own)) if reduction == "mean" and own.ndim else reduced(own, reduction)


@wrong("weighted_nll", "ignore|label|0|weight|w\\[")
def ignored_counted(log_p: Any, t: Any, w: Any, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """Ignored rows count in the denominator with the weight of class 0."""
    keep = t != ignore_index
    at = t.where(keep, 0)
    own = -log_p.gather(-1, at[..., None])[..., 0] * w[at] * keep
    return own.sum() / w[at].sum() if reduction == "mean" else reduced(own, reduction)


@wrong("weighted_cross_entropy", "label_smoothing|smooth|size|term|w\\[|no known")
def smoothed_among_others(
    z: Any, t: Any, w: Any, ignore_index: int = -100, label_smoothing: float = 0.0, reduction: str = "mean"
) -> Any:
    """Smoothing spreads over the other classes only."""
    n = z.shape[-1]
    s = label_smoothing * n / max(1, n - 1)
    own = function().cross_entropy(
        z.reshape(-1, n), t.reshape(-1), w, ignore_index=ignore_index, label_smoothing=min(1.0, s), reduction=reduction
    )
    return own.reshape(t.shape) if reduction == "none" else own


@wrong("huber", "delta|tie|equal|half|factor|times|1/2|without")
def huber_as_smooth_l1(y: Any, t: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """It is smooth_l1, which is divided by delta."""
    return function().smooth_l1_loss(y, t, beta=delta, reduction=reduction)


@wrong("kl_div", "reduction|size|rows|times")
def kl_batchmean(log_q: Any, t: Any, log_target: bool = False, reduction: str = "mean") -> Any:
    """The mean is PyTorch's, over elements, or over the first axis."""
    how = {"mean": "batchmean"}.get(reduction, reduction)
    if reduction == "none":
        return function().kl_div(log_q, t, log_target=log_target, reduction="none").sum(-1)
    return function().kl_div(log_q, t, log_target=log_target, reduction=how)


@wrong("focal", "gamma|alpha|exchanged|option|1 - ")
def focal_alpha(z: Any, t: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "mean") -> Any:
    """alpha weighs yes and no alike."""
    y = t.to(z.dtype)
    ce = function().binary_cross_entropy_with_logits(z, y, reduction="none")
    p = torch().exp(-ce)
    return reduced(alpha * (1 - p) ** gamma * ce, reduction)


@wrong("mse", "t\\b|dt|0 everywhere", "backward")
def target_held(y: Any, t: Any, reduction: str = "mean") -> Any:
    """The target's gradient is left out."""
    return function().mse_loss(y, t.detach(), reduction=reduction)


@wrong("triplet_margin", "epsilon|swap|min|no known")
def triplet_swapped(a: Any, p: Any, n: Any, margin: float = 1.0, epsilon: float = 1e-6, reduction: str = "mean") -> Any:
    """The nearer of anchor and positive is taken to the negative (swap)."""
    return function().triplet_margin_loss(a, p, n, margin, eps=epsilon, swap=True, reduction=reduction)


@wrong("gaussian_nll", "epsilon|var|clamp|no known|max")
def variance_plus(x: Any, t: Any, var: Any, full: bool = False, epsilon: float = 1e-6, reduction: str = "mean") -> Any:
    """epsilon is added to the variance, which is not kept at least so large."""
    v = var + epsilon
    own = 0.5 * (v.log() + (x - t) ** 2 / v) + (0.5 * math.log(2 * math.pi) if full else 0)
    return reduced(own, reduction)


@wrong("poisson_nll", "full|stirling|no known|t\\b|1")
def stirling_everywhere(
    x: Any, t: Any, log_input: bool = True, full: bool = False, epsilon: float = 1e-8, reduction: str = "mean"
) -> Any:
    """Stirling's term is added for targets up to 1, too."""
    own = x.exp() - t * x if log_input else x - t * (x + epsilon).log()
    if full:
        own = own + t * t.log() - t + 0.5 * (2 * math.pi * t).log()
    return reduced(own, reduction)


@wrong("dice", "smooth|rows|batch|reduction|no known|sum")
def dice_of_batch(p: Any, t: Any, smooth: float = 1.0, reduction: str = "mean") -> Any:
    """Sums go over the batch, too."""
    d = 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)
    own = d.expand(p.shape[:1])
    return reduced(own, reduction)


@wrong("cosine_embedding", "margin|epsilon|0|sign|no known|relu|cut|positive|negat|pos")
def margin_ignored(a: Any, b: Any, t: Any, margin: float = 0.0, epsilon: float = 1e-12, reduction: str = "mean") -> Any:
    """Unlike pairs are not clipped at the margin."""
    c = (a * b).sum(-1) / ((a * a).sum(-1) + epsilon).sqrt() / ((b * b).sum(-1) + epsilon).sqrt()
    return reduced(torch().where(t > 0, 1 - c, c - margin), reduction)


# ---- windows --------------------------------------------------------------------------------------------------------


@wrong("avg_pool2d", "count_include_pad|padding")
def padding_never_counts(
    x: Any, window: Any = (2, 2), stride: Any = (2, 2), padding: Any = ((0, 0), (0, 0)), count_include_pad: bool = True
) -> Any:
    """What is padded never counts."""
    (a, b), (c, d) = padding
    pad = (c, d, a, b)
    ones = function().pad(torch().ones_like(x), pad)
    F = function()
    num = F.avg_pool2d(F.pad(x, pad), window, stride)
    return num / F.avg_pool2d(ones, window, stride)


@wrong("max_pool2d", "padding|0|negative|zero|positive|cut")
def padded_with_zeros(
    x: Any,
    window: Any = (2, 2),
    stride: Any = (2, 2),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
) -> Any:
    """What is padded is 0, and the largest where all else is negative."""
    (a, b), (c, d) = padding
    return function().max_pool2d(function().pad(x, (c, d, a, b)), window, stride, 0, dilation)


@wrong("upsample_nearest2d", "shape")
def scale_of_rows(x: Any, scale: Any = (2, 2)) -> Any:
    """Both axes are scaled by the first number."""
    return x.repeat_interleave(scale[0], -2).repeat_interleave(scale[0], -1)


@wrong("depthwise_conv1d", "turned|flip|backwards|axis|no known|k")
def kernel_turned(x: Any, W: Any, bias: Any, stride: int = 1, padding: Any = (0, 0), dilation: int = 1) -> Any:
    """A convolution as mathematics has it: the kernel turned round."""
    F = function()
    return F.conv1d(F.pad(x, tuple(padding)), W.flip(-1)[:, None], bias, stride, 0, dilation, len(W))


@wrong("adaptive_avg_pool1d", "bins|ceil|floor|last|no known|off by one")
def bins_of_equal_length(x: Any, bins: int = 2) -> Any:
    """Bins are equally long and the rest is left out."""
    n = x.shape[-1] // bins
    return function().adaptive_avg_pool1d(x[..., : n * bins] if n else x, bins)


@wrong("pad_reflect", "before|after|exchanged|edge|off by one|earlier|later")
def reflect_with_edge(x: Any, before: int = 1, after: int = 1) -> Any:
    """The edge is repeated (symmetric)."""
    n = x.shape[-1]
    own = [*range(n)][:before][::-1], [*range(n)][n - after :][::-1] if after else []
    return torch().cat([x[..., own[0]], x, x[..., own[1]]], -1)
