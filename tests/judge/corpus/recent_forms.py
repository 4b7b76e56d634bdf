"""More of tests.judge.corpus.recent: reductions, structure, pooling, attention, recurrence, and of any kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.evidence.wrong.kernel import mapped, with_function
from tests.judge.corpus.recent import RECENT, torch, wrong

__all__ = ["RECENT"]


@wrong("reduce_var", "correction|size")
def var_unbiased(x: Any, correction: int = 0, axis: int = -1) -> Any:
    """A correction of 2 is taken for 1."""
    return x.var(axis, correction=min(correction, 1))


@wrong("reduce_var", "cancel|digits|excuses|narrow|no known|swallowed")
def var_of_squares(x: Any, correction: int = 0, axis: int = -1) -> Any:
    """The mean of squares less the square of the mean."""
    n = x.shape[axis]
    return ((x * x).sum(axis) - x.sum(axis) ** 2 / n) / (n - correction)


@wrong("reduce_max", "tie|equal|half|divided|convention", "backward")
def max_shared(x: Any, axis: int = -1) -> Any:
    """The gradient is shared among equals."""
    return x.amax(axis)


@wrong("reduce_max", "axis|turned|no known|wrong")
def max_of_the_last(x: Any, axis: int = -1) -> Any:
    """A negative axis beyond the last is taken for the last."""
    return x.max(-1 if axis < 0 else axis).values


@wrong("reduce_logsumexp", "overflow|inf")
def lse_clipped(x: Any, axis: int = -1) -> Any:
    """The maximum over the whole array is subtracted."""
    m = x.max().detach() if x.numel() else 0.0
    return (x - m).exp().sum(axis).log() + m


@wrong("reduce_l2", "cancel|overflow|epsilon|1 / |no known|digits|excuses|0")
def l2_with_epsilon(x: Any, axis: int = -1) -> Any:
    """1e-12 is added under the root."""
    return ((x * x).sum(axis) + 1e-12).sqrt()


@wrong("cumsum", "float32|tf32", dtype="float64")
def cumsum_single(x: Any, axis: int = -1) -> Any:
    """Added up in float32."""
    return x.float().cumsum(axis).to(x.dtype)


@wrong("reverse_cumsum", "axis")
def reverse_of_the_last(x: Any, axis: int = -1) -> Any:
    """Turned round along the last axis, whichever is added up."""
    return x.flip(-1).cumsum(axis).flip(-1)


@wrong("masked_cumsum", "swallowed|nan|NaN|mask")
def masked_by_product(x: Any, mask: Any) -> Any:
    """Everything from the first that is masked on is left out."""
    return (x * mask).cumsum(-1) * mask


@wrong("cumprod", "nan|inf|log|cancel|overflow|0|swallowed", "backward")
def cumprod_divided(x: Any) -> Any:
    """The gradient divides by x, which may be 0."""

    class Divided(torch().autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.cumprod(0)
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            x, y = ctx.saved_tensors
            return (dy * y).flip(0).cumsum(0).flip(0) / x

    return Divided.apply(x)


@wrong("gather", "times|last|add|no known|repeated|integers", "backward", "module")
def gather_assigns(kernel: Any) -> Any:
    """Places that are read twice get the last gradient alone: assigned and not added."""

    def forward(x: Any, t: Any) -> Any:
        return np.take_along_axis(x, t, -1), (x, t)

    def backward(dy: Any, saved: Any) -> Any:
        x, t = saved
        found = np.zeros_like(x)
        np.put_along_axis(found, t, dy, -1)
        return (found,)

    return with_function(kernel, forward=forward, backward=backward)


@wrong("roll", "shift|axis")
def roll_flat(x: Any, shift: int = 1, axis: int = -1) -> Any:
    """A shift longer than the axis does not go round again."""
    return x.roll(max(-x.shape[axis], min(shift, x.shape[axis] - 1)), axis) if x.shape[axis] else x * 1


@wrong("pad_constant", "value|times|with")
def pad_zero(x: Any, before: int = 1, after: int = 1, value: float = 0.0) -> Any:
    """The value is written behind alone."""
    F = torch().nn.functional
    return F.pad(F.pad(x, (before, 0)), (0, after), value=value)


@wrong("concatenate", "shares|memory|argument", "state", "module")
def concatenates_in_place(kernel: Any) -> Any:
    """Where the second array is empty, the first itself is given."""

    def forward(a: Any, b: Any) -> Any:
        y, saved = kernel.forward(a, b)
        return (a if b.shape[-1] == 0 else y), saved

    return with_function(kernel, forward=forward)


# ---- pooling, volumes ---------------------------------------------------------------------------------------------


@wrong("avg_pool2d", "count_include_pad|padding|n\\[")
def counts_the_padding(
    x: Any, window: Any = 2, stride: Any = 2, padding: Any = 0, count_include_pad: bool = True
) -> Any:
    """The number of elements inside is that of padding on both sides alike."""
    from tests.peers.rows_of_windows import mean

    return mean(torch().nn.functional, x, window, stride, padding, True)


@wrong("max_pool3d", "padding|0|largest|outside", "forward")
def pads_with_zero(x: Any, window: Any = 2, stride: Any = 2, padding: Any = 0, dilation: Any = 1) -> Any:
    """What lies outside is 0, not minus infinity."""
    from tests.peers.rows_of_windows import padded

    F = torch().nn.functional
    return F.max_pool3d(padded(F, x, padding, 0.0), window, stride=stride, dilation=dilation)


@wrong("conv3d", "axes exchanged|dilation|stride|padding")
def strides_turned(
    x: Any, W: Any, bias: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Dilations of the axes in reverse order."""
    from tests.peers.rows_of_windows import padded

    F = torch().nn.functional
    dilation = dilation[::-1] if isinstance(dilation, tuple) else dilation
    return F.conv3d(padded(F, x, padding), W, bias, stride, 0, dilation, groups)


@wrong("conv3d", "groups|index|with|no known")
def group_order(
    x: Any, W: Any, bias: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Channels of a result lie interleaved by group."""
    from tests.peers.rows_of_windows import padded

    F = torch().nn.functional
    z = F.conv3d(padded(F, x, padding), W, bias, stride, 0, dilation, groups)
    return z.unflatten(1, (groups, -1)).swapaxes(1, 2).flatten(1, 2)


@wrong("adaptive_avg_pool2d", "bins|size|with")
def equal_bins(x: Any, bins: Any = 2) -> Any:
    """Windows of equal length, rounded down."""
    F = torch().nn.functional
    b = bins if isinstance(bins, tuple) else (bins, bins)
    k = [max(1, n // m) for n, m in zip(x.shape[2:], b, strict=True)]
    y = F.avg_pool2d(x, k, k)[:, :, : b[0], : b[1]]
    return F.pad(y, (0, b[1] - y.shape[3], 0, b[0] - y.shape[2]))


# ---- attention, recurrence, norms ---------------------------------------------------------------------------------


@wrong("softcap_attention", "cap|tanh|mask|causal")
def capped_after_the_mask(Q: Any, K: Any, V: Any, mask: Any = None, cap: float = 50.0, causal: bool = False) -> Any:
    """The mask is added before the scores are capped, so that it is -cap."""
    T = torch()
    S = Q @ K.mT / Q.shape[-1] ** 0.5
    if mask is not None:
        S = S.masked_fill(~mask, -1e9)
    if causal:
        S = S.masked_fill(~T.ones(S.shape[-2:], dtype=T.bool).tril(), -1e9)
    return (cap * (S / cap).tanh()).softmax(-1) @ V


@wrong("attention", "mask|nan|zeros|swallowed|largest|size\\(k\\)")
def masked_row_is_a_mean(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
    """A row that may look nowhere gives the mean of the values."""
    T = torch()
    S = Q @ K.mT / Q.shape[-1] ** 0.5
    if mask is not None:
        S = S.masked_fill(~mask, -1e30)
    if causal:
        S = S.masked_fill(~T.ones(S.shape[-2:], dtype=T.bool).tril(), -1e30)
    return S.softmax(-1) @ V


@wrong("sliding_window_attention", "window")
def window_of_one_side(Q: Any, K: Any, V: Any, mask: Any = None, window: Any = 1) -> Any:
    """The window behind is as long as that before."""
    T = torch()
    before = window[0] if isinstance(window, tuple) else window
    S = Q @ K.mT / Q.shape[-1] ** 0.5
    far = (T.arange(S.shape[-1]) - T.arange(S.shape[-2])[:, None]).abs() > before
    S = S.masked_fill(far if mask is None else far | ~mask, -np.inf)
    return S.softmax(-1).nan_to_num() @ V


@wrong("dropout_attention", "p|without|times")
def dropout_not_scaled(Q: Any, K: Any, V: Any, m: Any, p: float = 0.9) -> Any:
    """What is kept is divided by 0.9."""
    return ((Q @ K.mT / Q.shape[-1] ** 0.5).softmax(-1) * m / 0.9) @ V


@wrong("rotary_embedding", "first")
def first_of_one(x: Any, base: float = 10000.0, first: int = 0) -> Any:
    """first counts half."""
    T = torch()
    d = x.shape[-1] // 2
    t = T.arange(x.shape[-2], dtype=T.float64)[:, None] + first // 2
    angle = (t * base ** (-T.arange(d, dtype=T.float64) / d)).to(x.dtype)
    a, b = x[..., :d], x[..., d:]
    return T.cat((a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()), -1)


@wrong("lstm_cell", "gate|with|turned|index|no known")
def gates_in_another_order(x: Any, h0: Any, c0: Any, W: Any, U: Any, b: Any) -> Any:
    """Input, forget, output, cell."""
    i, f, o, g = (x @ W.T + h0 @ U.T + b).chunk(4, -1)
    c = f.sigmoid() * c0 + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


@wrong("gru_cell", "r\\[|with|without|no known")
def reset_before_the_product(x: Any, h0: Any, W: Any, U: Any, b: Any, c: Any) -> Any:
    """The reset gate multiplies the state before the product."""
    n = h0.shape[-1]
    a, s = x @ W.T + b, h0 @ U.T + c
    r, z = (a + s)[..., :n].sigmoid(), (a + s)[..., n : 2 * n].sigmoid()
    g = (a[..., 2 * n :] + (r * h0) @ U[2 * n :].T + c[2 * n :]).tanh()
    return (1 - z) * g + z * h0


@wrong("rnn", "h\\[|detached|without|truncat|with|no known", "backward")
def rnn_truncated(x: Any, h0: Any, W: Any, U: Any, b: Any) -> Any:
    """The gradient goes one step back alone."""
    h, out = h0, []
    for x_t in x:
        h = (x_t @ W.T + h.detach() @ U.T + b).tanh() if out else (x_t @ W.T + h @ U.T + b).tanh()
        out.append(h)
    return torch().stack(out)


@wrong("linear_recurrence", "a\\[|with|off by one|later|no known")
def scan_of_the_next(a: Any, x: Any, h0: Any) -> Any:
    """The coefficient is that of the step before."""
    h, out = h0, []
    for n in range(len(x)):
        h = a[max(0, n - 1)] * h + x[n]
        out.append(h)
    return torch().stack(out)


@wrong("rms_norm", "bfloat16|only in a large", dtype="bfloat16")
def squares_in_bfloat16(x: Any, gamma: Any, epsilon: float = 1e-6) -> Any:
    """Squares are added up in bfloat16, one after another."""
    total = torch().zeros_like(x[..., :1])
    for n in range(x.shape[-1]):
        total = total + x[..., n : n + 1] ** 2
    return x / (total / x.shape[-1] + epsilon).sqrt() * gamma


@wrong("group_norm", "groups|with|no known|index")
def groups_interleaved(x: Any, gamma: Any, beta: Any, groups: int = 1, epsilon: float = 1e-5) -> Any:
    """Channel c belongs to group c mod groups."""
    own = x.unflatten(1, (-1, groups))
    axes = (1, *range(3, own.ndim))
    mu, var = own.mean(axes, keepdim=True), own.var(axes, correction=0, keepdim=True)
    y = ((own - mu) / (var + epsilon).sqrt()).reshape(x.shape)
    shape = (-1, *[1] * (x.ndim - 2))
    return y * gamma.reshape(shape) + beta.reshape(shape)


# ---- of any kernel: memory, state, formats, tails -----------------------------------------------------------------


def of_results(kernel: Any, change: Callable[[Any], Any], part: str = "forward") -> Any:
    own = getattr(kernel, part)

    def function(*args: Any, **options: Any) -> Any:
        found = own(*args, **options)
        return (mapped(found[0], change), found[1]) if part == "forward" else mapped(found, change)

    return with_function(kernel, **{part: function})


@wrong("l1_loss", "stride|layout|memory", "backward", "module")
def cotangent_as_it_lies(kernel: Any) -> Any:
    """The cotangent is read as it lies in memory."""
    own = kernel.backward
    return with_function(
        kernel, backward=lambda dy, saved: own(np.ravel(np.asarray(dy), order="K").reshape(np.shape(dy)), saved)
    )


@wrong("reduce_sum", "tail|large|257|128|beyond|last", "forward", "module")
def sum_of_whole_blocks(kernel: Any) -> Any:
    """What is left of blocks of 256 along the axis is not added."""
    own = kernel.forward

    def forward(x: Any, axis: int = -1) -> Any:
        n = x.shape[axis]
        cut = np.take(x, np.arange(n - n % 256 if n > 256 else n), axis)
        return own(cut, axis=axis)[0], own(x, axis=axis)[1]

    return with_function(kernel, forward=forward)


@wrong("matmul", "float16|tf32|bfloat16", "forward", "module")
def product_of_tf32(kernel: Any) -> Any:
    """Factors are rounded to ten digits."""
    own = kernel.forward

    def low(a: Any) -> Any:
        bits = np.ascontiguousarray(a, np.float32).view(np.uint32) & np.uint32(0xFFFFE000)
        return bits.view(np.float32).astype(a.dtype).reshape(np.shape(a))

    def forward(A: Any, B: Any) -> Any:
        return own(low(A), low(B))[0], own(A, B)[1]

    return with_function(kernel, forward=forward)


@wrong("huber", "earlier|another answer|later|delta", "state", "module")
def options_of_the_first_call(kernel: Any) -> Any:
    """delta is that of the first call."""
    own, kept = kernel.forward, dict[str, Any]()

    def forward(y: Any, t: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
        return own(y, t, delta=kept.setdefault("delta", delta), reduction=reduction)

    return with_function(kernel, forward=forward)


@wrong("gru_cell", "writes to|argument", "state", "module")
def state_in_place(kernel: Any) -> Any:
    """The new state is written over the old one."""
    own = kernel.forward

    def forward(x: Any, h0: Any, *weights: Any) -> Any:
        y, saved = own(x, h0, *weights)
        if h0.flags.writeable:
            h0[...] = y
        return y, saved

    return with_function(kernel, forward=forward)


@wrong("adam", "step|beta|without|with|times|default")
def adam_uncorrected(
    W: Any,
    dW: Any,
    m: Any,
    v: Any,
    step: int = 1,
    alpha: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Any:
    """The second moment is not corrected for its beginning."""
    m2 = [beta1 * a + (1 - beta1) * g for a, g in zip(m, dW, strict=True)]
    v2 = [beta2 * a + (1 - beta2) * g * g for a, g in zip(v, dW, strict=True)]
    y = [w - alpha * (a / (1 - beta1**step)) / (b.sqrt() + epsilon) for w, a, b in zip(W, m2, v2, strict=True)]
    return y, m2, v2


@wrong("ema", "decay|exchanged|with|1 -")
def ema_turned(W: Any, a: Any, decay: float = 0.99) -> Any:
    """decay weighs the new weights."""
    return [x.lerp(w, decay) for w, x in zip(W, a, strict=True)]
