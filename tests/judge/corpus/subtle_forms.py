"""More of tests.judge.corpus.subtle: reductions, scans, products, recurrence, optimisers; memory, state and order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.evidence.wrong.kernel import with_function
from tests.judge.corpus.recent import torch, wrong
from tests.judge.corpus.recent_forms import RECENT
from tests.judge.corpus.subtle import function

__all__ = ["RECENT", "function"]

# ---- in the domain of logarithms -----------------------------------------------------------------------------------


@wrong("cumprod", "logarithm|negative")
def by_logarithms(x: Any) -> Any:
    """The exponential of a running sum of logarithms: no number where one is negative."""
    return x.log().cumsum(0).exp()


@wrong("cumprod", "sign|absolute")
def by_logarithms_of_magnitudes(x: Any) -> Any:
    """The same of magnitudes: the sign is lost."""
    return x.abs().log().cumsum(0).exp()


@wrong("cumprod", "logarithm|digits|coarser|excuses|0|nan", "backward")
def by_logarithms_with_signs(x: Any) -> Any:
    """The same with signs put back: at 0 the gradient is no number."""
    return x.abs().log().cumsum(0).exp() * x.sign().cumprod(0)


@wrong("reduce_l2", "overflow|nan|0|logarithm")
def l2_by_logarithms(x: Any, axis: int = -1) -> Any:
    """The root of a sum of squares by way of log-sum-exp: no gradient at 0."""
    return ((x.abs().log() * 2).logsumexp(axis) / 2).exp()


@wrong("matmul", "logarithm")
def product_by_logarithms(A: Any, B: Any) -> Any:
    """Products as exponentials of sums of logarithms."""
    return (A.log()[..., :, :, None] + B.log()[..., None, :, :]).exp().sum(-2)


@wrong("square_relu", "logarithm|nan|no number|0", "backward")
def square_by_power(x: Any) -> Any:
    """The power 2 of what is positive by way of a logarithm: the gradient at 0 is no number."""
    return (2 * x.clamp(min=0).log()).exp()


# ---- reductions and structure --------------------------------------------------------------------------------------


@wrong("reduce_mean", "overflow|inf|accumulated|bfloat16|float16|excuses|coarser", dtype="float16")
def mean_in_half(x: Any, axis: int = -1) -> Any:
    """The sum is kept in float16 one after another."""
    n = x.shape[axis]
    total = torch().zeros_like(x.select(axis, 0))
    for k in range(n):
        total = total + x.select(axis, k)
    return total / n


@wrong("reduce_sum", "tail|beyond|1024|no known|last|long|large")
def tail_of_sum(x: Any, axis: int = -1) -> Any:
    """Of a sum longer than 1024 the rest beyond a multiple is left out."""
    n = x.shape[axis]
    return x.narrow(axis, 0, n // 1024 * 1024 if n > 1024 else n).sum(axis)


@wrong("reduce_min", "tie|equal|half|shared|convention", "backward")
def min_shared(x: Any, axis: int = -1) -> Any:
    """Equal smallest ones share the gradient."""
    return x.amin(axis)


@wrong("argmax", "tie|last|equal|place")
def last_of_equals(x: Any, axis: int = -1) -> Any:
    """Of equal largest ones the last."""
    return x.shape[axis] - 1 - x.flip(axis).argmax(axis)


@wrong("exclusive_cumsum", "later|earlier|off by one|no known|exclusive|same|cancel|digits|accum|excuses")
def by_difference(x: Any, axis: int = -1) -> Any:
    """The sum up to and with it, less itself: what is small beside it is lost."""
    return x.cumsum(axis) - x


@wrong("reduce_logsumexp", "inf|overflow|0|no known|1e|cancel|digits|excuses|error is that")
def lse_with_epsilon(x: Any, axis: int = -1) -> Any:
    """1e-10 is added in the logarithm."""
    m = x.amax(axis, keepdim=True)
    return (x - m).exp().sum(axis).add(1e-10).log() + m.squeeze(axis)


@wrong("roll", "shift")
def rolled_the_other_way(x: Any, shift: int = 1, axis: int = -1) -> Any:
    """Rolled against the direction."""
    return x.roll(-shift, axis)


@wrong("tril", "diagonal|off by one|option")
def tril_without_diagonal(x: Any, diagonal: int = 0) -> Any:
    """Beside the main diagonal one too few."""
    return x.tril(diagonal if diagonal <= 0 else diagonal - 1)


@wrong("split_heads", "exchanged indices")
def heads_innermost(x: Any, heads: int = 2) -> Any:
    """Heads vary fastest."""
    n = x.shape[-1] // heads
    return x.reshape(*x.shape[:-1], n, heads).movedim(-1, -3)


@wrong("gather", "added|again|written over", "backward")
def scattered_over(x: Any, t: Any) -> Any:
    """What is gathered twice gets the gradient of one of them."""

    class Gather(torch().autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, t: Any) -> Any:
            ctx.save_for_backward(x, t)
            return x.gather(-1, t.expand(*x.shape[:-1], t.shape[-1]))

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            x, t = ctx.saved_tensors
            return torch().zeros_like(x).scatter(-1, t.expand(dy.shape), dy), None

    return Gather.apply(x, t)


@wrong("cosine_similarity", "epsilon|max|no known")
def epsilon_of_product(x: Any, y: Any, epsilon: float = 1e-8) -> Any:
    """epsilon is added to the product of norms."""
    return (x * y).sum(-1) / (x.norm(dim=-1) * y.norm(dim=-1) + epsilon)


@wrong("cdist", "cancel|digits|nan|accumulated|excuses|coarser", dtype="float32")
def cdist_by_product(x: Any, y: Any) -> Any:
    """Distances from squares and products, which cancel."""
    d = (x * x).sum(-1)[..., :, None] + (y * y).sum(-1)[..., None, :] - 2 * x @ y.mT
    return d.clamp(min=0).sqrt()


@wrong("pairwise_distance", "epsilon|without|option")
def no_epsilon(x: Any, y: Any, epsilon: float = 1e-6) -> Any:
    """epsilon is left out."""
    return (x - y).norm(dim=-1)


@wrong("linear", "size|rows|mean|times", "backward")
def gradient_averaged(x: Any, W: Any, b: Any) -> Any:
    """The gradient of the weights is a mean over rows."""

    class Linear(torch().autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, W: Any, b: Any) -> Any:
            ctx.save_for_backward(x, W)
            return x @ W.T + b

        @staticmethod
        def backward(ctx: Any, dz: Any) -> Any:
            x, W = ctx.saved_tensors
            rows = dz.reshape(-1, dz.shape[-1])
            n = max(1, len(rows))
            return dz @ W, rows.T @ x.reshape(n, -1) / n, rows.sum(0)

    return Linear.apply(x, W, b)


@wrong("bilinear", "exchanged|transposed|wrong|order|no known|x|y")
def bilinear_turned(x: Any, y: Any, W: Any, b: Any) -> Any:
    """Where both have as many features, the first is taken for the second."""
    if x.shape[-1] == y.shape[-1]:
        x, y = y, x
    return torch().einsum("...i,...j,oij->...o", x, y, W) + b


# ---- functions of one number --------------------------------------------------------------------------------------


@wrong("gelu", "form with tanh")
def gelu_by_tanh(x: Any) -> Any:
    """The approximation by a hyperbolic tangent."""
    return torch().nn.functional.gelu(x, approximate="tanh")


@wrong("elu", "alpha|option|without|factor|times", "backward")
def elu_slope(x: Any, alpha: float = 1.0) -> Any:
    """The slope of what is negative is y + 1, and not y + alpha."""

    class Elu(torch().autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = torch().where(x > 0, x, alpha * torch().expm1(x))
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            x, y = ctx.saved_tensors
            return dy * torch().where(x > 0, 1.0, y + 1)

    return Elu.apply(x)


@wrong("prelu", "channel|a\\b|axis|no known|leading|rows|last")
def slope_of_last(x: Any, a: Any) -> Any:
    """The slope goes along the last axis where lengths allow it."""
    own = a if x.shape[-1] == len(a) else a.reshape(1, -1, *[1] * (x.ndim - 2))
    return torch().where(x > 0, x, own * x)


# ---- memory, state and order --------------------------------------------------------------------------------------


@wrong("silu", "strides|layout|memory|lie")
def strides_ignored(x: Any) -> Any:
    """The memory is read as if rows lay one after another."""
    flat = torch().as_strided(x, (x.numel(),), (1,), x.storage_offset()) if x.numel() else x.reshape(-1)
    return (flat * flat.sigmoid()).reshape(x.shape)


@wrong("flip", "shares|memory", "state", "module")
def a_view(kernel: Any) -> Any:
    """The result is a view of the argument."""
    own = kernel.forward

    def forward(x: Any, axis: int = -1) -> Any:
        return np.flip(x, axis), own(x, axis=axis)[1]

    return with_function(kernel, forward=forward)


@wrong("sgd", "writes to|argument", "state", "module")
def weights_in_place(kernel: Any) -> Any:
    """The new weights are written over the old ones."""
    own = kernel.forward

    def forward(W: Any, dW: Any, **how: Any) -> Any:
        y, saved = own(W, dW, **how)
        for w, v in zip(W, y, strict=True):
            if w.flags.writeable:
                w[...] = v
        return y, saved

    return with_function(kernel, forward=forward)


@wrong("inverted_dropout", "earlier call", "state", "module")
def mask_of_first_call(kernel: Any) -> Any:
    """The mask of the first call of a shape is kept."""
    own, kept = kernel.forward, {}

    def forward(x: Any, m: Any, **how: Any) -> Any:
        return own(x, kept.setdefault(x.shape, m.copy()), **how)

    return with_function(kernel, forward=forward)


@wrong("lstm_cell", "place", "forward", "module")
def results_in_other_order(kernel: Any) -> Any:
    """c and h change places where they are given."""
    own = kernel.forward

    def forward(*arrays: Any) -> Any:
        (h, c), saved = own(*arrays)
        return (c, h), saved

    return with_function(kernel, forward=forward)


@wrong("dot", "exchanged|other|order", "backward", "module")
def gradients_exchanged(kernel: Any) -> Any:
    """The gradients come in the wrong order."""
    own = kernel.backward

    def backward(*given: Any) -> Any:
        dx, dy = own(*given)
        return dy, dx

    return with_function(kernel, backward=backward)


@wrong("momentum", "damping|option|without|with")
def undamped(W: Any, dW: Any, v: Any, alpha: float = 0.01, mu: float = 0.9, damping: float = 0.0) -> Any:
    """damping is read and not used."""
    new = [mu * a + g for a, g in zip(v, dW, strict=True)]
    return [w - alpha * n for w, n in zip(W, new, strict=True)], new


@wrong("adamw", "decay|alpha|option|without|with|times|no known")
def decay_without_rate(
    W: Any,
    dW: Any,
    m: Any,
    s: Any,
    step: int = 1,
    alpha: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    decay: float = 0.01,
) -> Any:
    """The decay is part of the gradient, as in adam."""
    g = [a + decay * w for a, w in zip(dW, W, strict=True)]
    m2 = [beta1 * a + (1 - beta1) * b for a, b in zip(m, g, strict=True)]
    s2 = [beta2 * a + (1 - beta2) * b * b for a, b in zip(s, g, strict=True)]
    own = zip(W, m2, s2, strict=True)
    y = [w - alpha * a / (1 - beta1**step) / ((b / (1 - beta2**step)).sqrt() + epsilon) for w, a, b in own]
    return y, m2, s2


@wrong("clip_by_global_norm", "tau|global|each|no known|times")
def clipped_one_by_one(g: Any, tau: float = 1.0) -> Any:
    """Each array is clipped by its own norm."""
    return [a * min(1.0, tau / max(float(a.norm()), 1e-300)) for a in g]


@wrong("linear_attention", "epsilon|denominator|no known|option|times|eps")
def epsilon_left_out(Q: Any, K: Any, V: Any, epsilon: float = 1e-6) -> Any:
    """epsilon is left at its default."""
    q, k = (torch().nn.functional.elu(a) + 1 for a in (Q, K))
    den = q @ k.sum(-2)[..., None] + 1e-6
    return (q @ (k.mT @ V)) / den


@wrong("swiglu", "exchanged|W|V", "forward")
def gate_and_value(x: Any, W: Any, V: Any) -> Any:
    """The wrong one of two maps goes through the gate."""
    return torch().nn.functional.silu(x @ V.T) * (x @ W.T)


@wrong("fake_quantize", "even|tie|half|no known|kink", "forward")
def rounded_away(x: Any, scale: float = 0.5, zero_point: int = 0, low: int = -128, high: int = 127) -> Any:
    """Halves are rounded up."""
    q = (x / scale + 0.5).floor() + zero_point
    inside = (q >= low) & (q <= high)
    y = (q.clamp(low, high) - zero_point) * scale
    return torch().where(inside, x + (y - x).detach(), y.detach())
