"""Bugs that people have had, from public trackers, written again in NumPy: what was wrong, and where it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.judge.candidates import MAKERS
from tests.judge.corpus.wrong import Wrong

HISTORY: list[Wrong] = []
Pair = tuple[Any, Any]


def told(layer: str, group: str, thread: str, cause: str) -> Callable[[Callable[[], Pair]], Callable[[], Pair]]:
    """Registers what makes a kernel with somebody's bug."""

    def register(function: Callable[[], Pair]) -> Callable[[], Pair]:
        words = (function.__doc__ or "").strip().rstrip(".")
        name = f"{layer}/history/{function.__name__}"
        HISTORY.append(Wrong(name, layer, group, "history", words, cause, function, "numpy", thread))
        return function

    return register


def right(layer: str) -> Pair:
    pair: Pair = MAKERS[layer]("")
    return pair


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@told("layer_norm", "backward", "flagos-ai/FlagGems#5392", r"layout|last|two leading|index|no known|size")
def rows_of_two_axes() -> Pair:
    """Backward takes the first axis for the rows and all others for the features."""
    forward, backward = right("layer_norm")

    def wrong(dy: Any, x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        if x.ndim < 3:
            return backward(dy, x, gamma, beta, epsilon)
        flat, along = x.reshape(len(x), -1), dy.reshape(len(x), -1)
        wide = np.tile(gamma, flat.shape[1] // max(1, len(gamma)))
        dx, dg, db = backward(along, flat, wide, wide, epsilon)
        return dx.reshape(x.shape), *(d.reshape(-1, len(gamma)).sum(0) for d in (dg, db))

    return forward, wrong


@told("layer_norm", "backward", "deepspeedai/DeepSpeed#692", r"index|with .* for|no known|turned")
def gamma_at_the_wrong_place() -> Pair:
    """x_hat is recovered from y with gamma and beta at another index."""
    forward, backward = right("layer_norm")

    def wrong(dy: Any, x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        dx, _, db = backward(dy, x, gamma, beta, epsilon)
        x_hat = (forward(x, gamma, beta, epsilon) - np.roll(beta, 1)) / np.roll(gamma, 1)
        return dx, (dy * x_hat).sum(tuple(range(x.ndim - 1))), db

    return forward, wrong


@told("layer_norm", "forward", "lucidrains/triton-transformer#6", r"unbiased|N - 1|size|without the|times")
def variance_of_one_less() -> Pair:
    """The variance divided by one less than the number of features, or by a padded number of them."""
    _, backward = right("layer_norm")

    def wrong(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).sum(-1, keepdims=True) / max(1, x.shape[-1] - 1) + epsilon) * gamma + beta

    return wrong, backward


@told("softmax_cross_entropy_labels", "backward", "linkedin/Liger-Kernel#1298", r"cotangent|first")
def first_cotangent_for_all() -> Pair:
    """With reduction none every gradient is multiplied with the first cotangent."""
    forward, backward = right("softmax_cross_entropy_labels")

    def wrong(dloss: Any, z: Any, t: Any, reduction: str = "mean") -> Any:
        if reduction == "none" and dloss.size:
            dloss = np.full_like(dloss, dloss.reshape(-1)[0])
        return backward(dloss, z, t, reduction)

    return forward, wrong


@told("softmax_cross_entropy_labels", "forward", "linkedin/Liger-Kernel#421", r"shape")
def none_gives_one_number() -> Pair:
    """Reduction none gives one number."""
    forward, backward = right("softmax_cross_entropy_labels")

    def wrong(z: Any, t: Any, reduction: str = "mean") -> Any:
        return forward(z, t, "sum" if reduction == "none" else reduction)

    return wrong, backward


@told("softmax_cross_entropy_labels", "state", "linkedin/Liger-Kernel#343", r"writes to its argument z")
def gradient_written_over_the_scores() -> Pair:
    """Forward leaves the gradient in the place of the scores."""
    forward, backward = right("softmax_cross_entropy_labels")

    def wrong(z: Any, t: Any, reduction: str = "mean") -> Any:
        loss = forward(z, t, reduction)
        z[...] = backward(np.ones_like(loss), z, t, reduction)
        return loss

    return wrong, None


@told("attention", "forward", "Dao-AILab/flash-attention#436", r"causal|k <= q|k < q|size|mask|with .* for")
def causal_from_the_other_end() -> Pair:
    """The causal mask is aligned with the last query and key where there are more keys than queries."""
    right_forward, _ = right("attention")

    def wrong(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
        if causal:
            q, k = Q.shape[-2], K.shape[-2]
            lower = np.tril(np.ones((q, k), bool), k - q)
            mask = np.broadcast_to(lower if mask is None else mask & lower, (*Q.shape[:-2], q, k))
        return right_forward(Q, K, V, mask)

    return wrong, None


@told("attention", "forward", "Dao-AILab/flash-attention#1778", r"causal|last|q|0")
def no_block_for_late_queries() -> Pair:
    """Causal rows beyond the number of keys stay at their initial zeros."""
    right_forward, _ = right("attention")

    def wrong(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
        y = right_forward(Q, K, V, mask, causal)
        if causal:
            y[..., K.shape[-2] :, :] = 0
        return y

    return wrong, None


@told("attention", "backward", "triton-lang/triton#4541", r"causal")
def backward_without_causal() -> Pair:
    """Backward ignores the option causal."""

    def wrong(dO: Any, Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
        from reference.layers import attention

        _, saved = attention.forward(Q, K, V, mask, causal=True)
        return tuple(attention.backward(dO, saved))

    return right("attention")[0], wrong


@told("softmax", "forward", "NVIDIA/DeepLearningExamples#169", r"overflow")
def greatest_not_subtracted() -> Pair:
    """Scores are exponentiated as they are."""

    def wrong(z: Any, axis: int = -1) -> Any:
        return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)

    return wrong, None


@told("softmax", "forward", "tenstorrent/tt-metal#56056", r"NaN")
def nan_gives_zeros() -> Pair:
    """A row with a NaN gives zeros."""
    forward, _ = right("softmax")
    return lambda z, axis=-1: np.nan_to_num(forward(z, axis)), None


@told("batch_norm", "forward", "tenstorrent/tt-metal#55438", r"unbiased|N - 1|n|biased|size|with .* for|without")
def running_variance_biased() -> Pair:
    """The running variance moves towards the biased one."""
    return MAKERS["batch_norm"]("biased running variance")


@told("batch_norm", "forward", "tinygrad/tinygrad#807", r"with .* for|without|no known|unbiased|size")
def one_channel_subtracted() -> Pair:
    """The unbiased variance takes the number of all elements for those of a channel."""

    def wrong(
        x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, momentum: float = 0.1, epsilon: float = 1e-5
    ) -> Any:
        y, mean, _ = right("batch_norm")[0](x, gamma, beta, running_mean, running_var, momentum, epsilon)
        var = x.var((0, *range(2, x.ndim)))
        unbiased = var * x.size / (x.size - x.shape[1]) if x.size > x.shape[1] else var
        unbiased = unbiased if x.size else running_var
        return y, mean, (1 - momentum) * running_var + momentum * unbiased * 1.25

    return wrong, None


@told("embedding", "backward", "pytorch/pytorch#26302", r"padding_index|bracket|without")
def padding_row_moves() -> Pair:
    """The gradient of the padding row is not zero."""

    def forward(E: Any, t: Any, padding_index: int = -1) -> Any:
        return np.where((t == padding_index)[..., None], 0, E[t])

    def backward(dy: Any, E: Any, t: Any, padding_index: int = -1) -> Any:
        dE = np.zeros_like(E)
        np.add.at(dE, t, dy)
        return (dE,)

    return forward, backward


@told("embedding", "backward", "nntrainer/nntrainer#988", r"repeated|last|no known|with .* for|same|sum")
def repeated_tokens_assigned() -> Pair:
    """Of tokens that are repeated the last gradient stays: assigned, and not added."""

    def forward(E: Any, t: Any, padding_index: int = -1) -> Any:
        return np.where((t == padding_index)[..., None], 0, E[t])

    def backward(dy: Any, E: Any, t: Any, padding_index: int = -1) -> Any:
        dE = np.zeros_like(E)
        dE[t] = np.where((t == padding_index)[..., None], 0, dy)
        return (dE,)

    return forward, backward


def _windows(x: Any, window: int, stride: int, padding: int, fill: float) -> Any:
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (window, window), (2, 3))
    return view[:, :, ::stride, ::stride]


@told("max_pool2d", "forward", "pytorch/pytorch#41294", r"outside|padding|0|where|no known")
def padded_with_zeros() -> Pair:
    """What lies outside is zero, and the largest among negative numbers."""
    return lambda x, window=2, stride=2, padding=0: _windows(x, window, stride, padding, 0.0).max((-1, -2)), None


@told("max_pool2d", "forward", "tensorflow/tensorflow#2501", r"NaN")
def nan_is_never_largest() -> Pair:
    """A NaN is never the largest."""

    def wrong(x: Any, window: int = 2, stride: int = 2, padding: int = 0) -> Any:
        found = np.fmax.reduce(_windows(x, window, stride, padding, -np.inf), axis=(-1, -2))
        return np.where(np.isnan(found), -3.4e38, found)

    return wrong, None


@told("conv2d", "backward", "sebgao/cTensor#3", r"1/|times|mean|size")
def weights_averaged() -> Pair:
    """The weights' gradient is divided by the number of positions."""
    from reference.layers import conv2d

    def backward(dz: Any, x: Any, W: Any, bias: Any, **options: int) -> Any:
        _, saved = conv2d.forward(x, W, bias, **options)
        dx, dW, db = conv2d.backward(dz, saved)
        return dx, dW / (dz.shape[0] * dz.shape[-1] * dz.shape[-2] or 1), db

    return lambda x, W, bias, **options: conv2d.forward(x, W, bias, **options)[0], backward


@told("conv2d", "backward", "huggingface/candle#2337", r"stride|dilation|exchanged|no known")
def stride_and_dilation_exchanged() -> Pair:
    """Backward takes the stride for the dilation where shapes permit."""
    from reference.layers import conv2d

    def backward(dz: Any, x: Any, W: Any, bias: Any, **options: int) -> Any:
        swapped = {**options, "stride": options.get("dilation", 1), "dilation": options.get("stride", 1)}
        try:
            z, saved = conv2d.forward(x, W, bias, **swapped)
        except Exception:
            z = None
        if z is None or z.shape != dz.shape:
            _, saved = conv2d.forward(x, W, bias, **options)
        return tuple(conv2d.backward(dz, saved))

    return lambda x, W, bias, **options: conv2d.forward(x, W, bias, **options)[0], backward


@told("lstm", "forward", "NX-AI/xlstm#98", r"gate|index|with .* for|exchanged|no known")
def gates_exchanged() -> Pair:
    """Input and forget gates are taken for one another."""
    return partial(_lstm, (1, 0, 2, 3), True), None


@told("lstm", "forward", "ddbourgin/numpy-ml#42", r"with .* for|index|bias|no known")
def one_bias_for_three_gates() -> Pair:
    """The gates' biases are all that of the output gate."""
    return partial(_lstm, (0, 1, 2, 3), False), None


def _lstm(order: tuple[int, ...], own_bias: bool, x: Any, h0: Any, c0: Any, W: Any, U: Any, b: Any) -> Any:
    n = h0.shape[-1]
    if not own_bias:
        b = np.concatenate([b[3 * n :], b[3 * n :], b[2 * n : 3 * n], b[3 * n :]])
    h, c, hs, cs = h0, c0, [], []
    for step in x:
        s = step @ W.T + h @ U.T + b
        i, f, g, o = (s[..., k * n : (k + 1) * n] for k in order)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hs.append(h)
        cs.append(c)
    empty = np.empty((0, *h0.shape))
    return (np.stack(hs), np.stack(cs)) if hs else (empty, empty)


@told("leaky_relu", "backward", "pytorch/pytorch#31938", r"alpha|slope|negative|option|y|with .* for")
def sign_of_the_result() -> Pair:
    """Backward looks at the sign of the result, which a negative slope turns round."""
    from reference.layers import leaky_relu

    option = next(iter(leaky_relu.SIGNATURE.options))

    def forward(x: Any, **options: float) -> Any:
        return leaky_relu.forward(x, **options)[0]

    def backward(dy: Any, x: Any, **options: float) -> Any:
        slope = options.get(option, leaky_relu.SIGNATURE.options[option][1])
        return (np.where(forward(x, **options) > 0, dy, slope * dy),)

    return forward, backward


@told("clip_by_global_norm", "forward", "keras-team/keras#13575", r"norm|sum|with .* for|no known|without")
def norm_of_each() -> Pair:
    """Each array is clipped by its own norm."""

    def wrong(g: Any, tau: float = 1.0) -> Any:
        return [a * (tau / n if (n := float(np.sqrt((a * a).sum()))) > tau else 1.0) for a in g]

    return wrong, None


@told("clip_by_global_norm", "forward", "goodfire-ai/spd#643", r"epsilon|with .* for|times|1e-06|no known")
def epsilon_below_the_norm() -> Pair:
    """A millionth is added to the norm."""

    def wrong(g: Any, tau: float = 1.0) -> Any:
        n = float(np.sqrt(sum((a * a).sum() for a in g)))
        return [a * (tau / (n + 1e-6) if n > tau else 1.0) for a in g]

    return wrong, None


@told("gelu", "forward", "naive formula", r"digits|cancel")
def one_plus_erf() -> Pair:
    """x (1 + erf(x / sqrt 2)) / 2, which cancels where x is very negative."""
    from math import erf

    return lambda x: (x * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2))) / 2).astype(x.dtype), None


@told("sigmoid", "forward", "naive formula", r"digits|cancel|overflow|nan|NaN")
def exp_over_one_plus_exp() -> Pair:
    """exp(x) / (1 + exp(x)), which overflows."""
    return lambda x: np.exp(x) / (1 + np.exp(x)), None


@told("tanh", "forward", "vllm-project/vllm#56578", r"overflow|nan|NaN")
def two_exponentials() -> Pair:
    """(exp x - exp -x) / (exp x + exp -x), which overflows and cancels."""
    return lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), None
