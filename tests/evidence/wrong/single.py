"""Right kernels with a mistake of their layer's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from derive.notation.several import numbers, spread
from tests.evidence.wrong.kernel import numeric, single


@single("ties", "relu")
def relu_at_zero(k: Any) -> dict[str, Any]:
    """The gradient at 0 is that of what is positive."""

    def forward(x: Any) -> Any:
        y, saved = k.forward(x)
        return y, (saved, np.asarray(x))

    def backward(dy: Any, saved: Any) -> Any:
        own, x = saved
        g = k.backward(dy, own)
        return g._replace(x=np.where(x == 0, dy, g.x) if numeric(x) else g.x)

    return {"forward": forward, "backward": backward}


@single("ties", "leaky_relu")
def leaky_at_zero(k: Any) -> dict[str, Any]:
    """The tangent at 0 is that of what is positive."""

    def jvp(primals: Any, tangents: Any, **options: Any) -> Any:
        t, x, v = k.jvp(primals, tangents, **options), np.asarray(primals[0]), np.asarray(tangents[0])
        return np.where(x == 0, v, t)

    return {"jvp": jvp}


def _pooled(k: Any, share: Callable[[Any], Any]) -> dict[str, Any]:
    """Max pooling whose gradient goes to some of the equal ones of a window."""

    def forward(x: Any, window: Any = 2, stride: Any = 2, padding: Any = 0, dilation: Any = 1) -> Any:
        y, saved = k.forward(x, window=window, stride=stride, padding=padding, dilation=dilation)
        two = [spread(window, (2,)), spread(stride, (2,)), spread(padding, (2, 2)), spread(dilation, (2,))]
        return y, (saved, np.asarray(x), np.array(y), two)

    def backward(dy: Any, saved: Any) -> Any:
        own, x, y, (w, s, p, d) = saved
        right = k.backward(dy, own)
        if not numeric(x):
            return right
        dx = np.zeros(x.shape, right.x.dtype)
        for b, c, i, j in np.ndindex(*y.shape):
            at = [
                (m, n)
                for m in range(s[0] * i - p[0][0], s[0] * i - p[0][0] + w[0] * d[0], d[0])
                for n in range(s[1] * j - p[1][0], s[1] * j - p[1][0] + w[1] * d[1], d[1])
                if 0 <= m < x.shape[2] and 0 <= n < x.shape[3] and x[b, c, m, n] == y[b, c, i, j]
            ]
            chosen = share(at)
            for m, n in chosen:
                dx[b, c, m, n] += dy[b, c, i, j] / len(chosen)
        return right._replace(x=dx)

    return {"forward": forward, "backward": backward}


@single("ties", "max_pool2d")
def pool_last(k: Any) -> dict[str, Any]:
    """The last of equals has the gradient."""
    return _pooled(k, lambda at: at[-1:])


@single("ties", "max_pool2d")
def pool_split(k: Any) -> dict[str, Any]:
    """Equals share the gradient."""
    return _pooled(k, lambda at: at)


@single("padding", "max_pool2d")
def pool_zeros(k: Any) -> dict[str, Any]:
    """Zeros of the padding are among the largest."""

    def forward(x: Any, padding: Any = 0, **options: Any) -> Any:
        y, saved = k.forward(x, padding=padding, **options)
        return (np.maximum(y, 0) if any(numbers(padding)) and numeric(y) else y), saved

    return {"forward": forward}


@single("labels", "softmax_cross_entropy_labels")
def labels_shifted(k: Any) -> dict[str, Any]:
    """Labels counted from 1."""
    return {"forward": lambda z, t, **o: k.forward(z, (np.asarray(t) + 1) % np.shape(z)[-1], **o)}


@single("padding index", "embedding")
def padding_gradient(k: Any) -> dict[str, Any]:
    """The row of the padding token has a gradient."""

    def forward(E: Any, t: Any, padding_index: Any = -1) -> Any:
        y, _ = k.forward(E, t, padding_index=padding_index)
        return y, k.forward(E, t, padding_index=-1)[1]

    return {"forward": forward}


@single("mask", "attention")
def mask_ignored(k: Any) -> dict[str, Any]:
    """The mask is ignored in the gradient."""

    def forward(Q: Any, K: Any, V: Any, mask: Any = None, **options: Any) -> Any:
        y, _ = k.forward(Q, K, V, mask, **options)
        return y, k.forward(Q, K, V, None, **options)[1]

    return {"forward": forward}


def _reduced(k: Any, word: str, part: str) -> dict[str, Any]:
    def function(*args: Any, reduction: str = "mean") -> Any:
        return getattr(k, part)(*args, reduction=word)

    return {part: function}


@single("reduction", "mse")
def always_mean(k: Any) -> dict[str, Any]:
    """A mean whatever is asked for."""
    return _reduced(k, "mean", "forward")


@single("reduction", "softmax_cross_entropy")
def always_sum(k: Any) -> dict[str, Any]:
    """Tangents of the sum whatever is asked for."""
    return _reduced(k, "sum", "jvp")


@single("reduction", "cross_entropy")
def none_in_second(k: Any) -> dict[str, Any]:
    """Second gradients of the mean whatever is asked for."""

    def double_backward(dy: Any, *args: Any, reduction: str = "mean") -> Any:
        own = "mean" if np.ndim(dy) == 0 else reduction
        return k.double_backward(dy, *args, reduction=own)

    return {"double_backward": double_backward}


@single("axis", "softmax")
def always_last_axis(k: Any) -> dict[str, Any]:
    """Along the last axis whatever is asked for."""
    return {"forward": lambda z, axis=-1: k.forward(z, axis=-1)}


@single("axis", "log_softmax")
def jvp_last_axis(k: Any) -> dict[str, Any]:
    """Tangents along the last axis whatever is asked for."""
    return {"jvp": lambda primals, tangents, axis=-1: k.jvp(primals, tangents, axis=-1)}


@single("groups", "conv2d")
def groups_turned(k: Any) -> dict[str, Any]:
    """The channels of two groups are taken in turn."""

    def forward(x: Any, W: Any, bias: Any, groups: Any = 1, **options: Any) -> Any:
        x = np.asarray(x)
        if groups == 2:
            x = x.reshape(x.shape[0], -1, 2, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)
        return k.forward(x, W, bias, groups=groups, **options)

    return {"forward": forward}


@single("broadcast", "linear")
def bias_turned(k: Any) -> dict[str, Any]:
    """The bias is added along the examples where there are as many of them."""

    def forward(x: Any, W: Any, b: Any) -> Any:
        z, saved = k.forward(x, W, b)
        if z.ndim == 2 and z.shape[0] == z.shape[1]:
            z = z - b + np.asarray(b)[:, None]
        return z, saved

    return {"forward": forward}


@single("broadcast", "layer_norm")
def scale_turned(k: Any) -> dict[str, Any]:
    """The gradient of the shift is summed along the wrong axis where it fits."""

    def backward(dy: Any, saved: Any) -> Any:
        g = k.backward(dy, saved)
        dy = np.asarray(dy)
        return g._replace(beta=dy.sum(-1)) if dy.ndim == 2 and dy.shape[0] == dy.shape[1] and numeric(dy) else g

    return {"backward": backward}


@single("saved", "mse")
def last_saved(k: Any) -> dict[str, Any]:
    """The gradient is that of the last call of all."""
    last: list[Any] = []

    def forward(*args: Any, **options: Any) -> Any:
        y, saved = k.forward(*args, **options)
        last[:] = [saved]
        return y, saved

    return {"forward": forward, "backward": lambda dy, saved: k.backward(dy, last[0])}


@single("lost tangent", "linear")
def no_bias_tangent(k: Any) -> dict[str, Any]:
    """jvp ignores the bias's tangent."""
    return {"jvp": lambda primals, tangents: k.jvp(primals, (*tangents[:2], np.asarray(tangents[2]) * 0))}


@single("lost tangent", "attention")
def no_key_tangent(k: Any) -> dict[str, Any]:
    """jvp ignores the keys' tangent."""

    def jvp(primals: Any, tangents: Any, **options: Any) -> Any:
        q, key, v = tangents
        return k.jvp(primals, (q, np.asarray(key) * 0, v), **options)

    return {"jvp": jvp}


@single("lost gradient", "residual")
def no_skip_gradient(k: Any) -> dict[str, Any]:
    """The gradient of skip is missing."""
    return {"backward": lambda dy, saved: (g := k.backward(dy, saved))._replace(skip=g.skip * 0)}


@single("lost gradient", "batch_norm")
def statistics_constant(k: Any) -> dict[str, Any]:
    """Mean and variance are taken for constants."""

    def forward(x: Any, gamma: Any, beta: Any, m: Any, v: Any, momentum: Any = 0.1, epsilon: Any = 1e-5) -> Any:
        y, saved = k.forward(x, gamma, beta, m, v, momentum=momentum, epsilon=epsilon)
        x = np.asarray(x)
        axes = (0, *range(2, x.ndim))
        var = ((x - x.mean(axes, keepdims=True)) ** 2).mean(axes, keepdims=True) if x.size else None
        scale = None if var is None else np.asarray(gamma).reshape(-1, *[1] * (x.ndim - 2)) / (var + epsilon) ** 0.5
        return y, (saved, scale)

    def backward(dy: Any, saved: Any) -> Any:
        g = k.backward(dy, saved[0])
        return g if saved[1] is None or not numeric(g.x) else g._replace(x=(dy * saved[1]).astype(g.x.dtype))

    return {"forward": forward, "backward": backward}


@single("second order", "sigmoid")
def second_ignores_dy(k: Any) -> dict[str, Any]:
    """double_backward ignores the cotangent."""

    def double_backward(dy: Any, primals: Any, along: Any) -> Any:
        ones = np.asarray(dy) * 0 + 1
        return k.double_backward(ones, primals, along)

    return {"double_backward": double_backward}


@single("second order", "softmax")
def second_of_cotangent(k: Any) -> dict[str, Any]:
    """The second gradient of the cotangent is 0."""
    return {"double_backward": lambda *a, **o: (s := k.double_backward(*a, **o))._replace(dy=s.dy * 0)}


@single("second order", "linear")
def second_cross_term(k: Any) -> dict[str, Any]:
    """The second gradient of the weights is missing."""
    return {"double_backward": lambda *a, **o: (s := k.double_backward(*a, **o))._replace(W=s.W * 0)}


@single("second order", "lstm")
def second_of_beginning(k: Any) -> dict[str, Any]:
    """The second gradient of the first state is missing."""
    return {"double_backward": lambda *a, **o: (s := k.double_backward(*a, **o))._replace(h0=s.h0 * 0)}


@single("lists", "sgd")
def first_for_all(k: Any) -> dict[str, Any]:
    """Each array is stepped along the first gradient where the shapes agree."""

    def forward(W: Any, dW: Any, **options: Any) -> Any:
        own = [dW[0] if np.shape(d) == np.shape(dW[0]) else d for d in dW]
        return k.forward(W, own, **options)

    return {"forward": forward}


@single("lists", "clip_by_global_norm")
def norm_of_each(k: Any) -> dict[str, Any]:
    """Each array is clipped by its own norm."""

    def forward(g: Any, tau: Any = 1.0) -> Any:
        _, saved = k.forward(g, tau=tau)
        return [k.forward([a], tau=tau)[0][0] for a in g], saved

    return {"forward": forward}


@single("empty", "mse")
def empty_is_zero(k: Any) -> dict[str, Any]:
    """The sum over nothing is an error."""

    def forward(y: Any, t: Any, reduction: str = "mean") -> Any:
        if np.size(y) == 0:
            raise ValueError("zero-size array to reduction operation")
        return k.forward(y, t, reduction=reduction)

    return {"forward": forward}


@single("layouts", "linear")
def needs_rows(k: Any) -> dict[str, Any]:
    """An array whose rows do not lie one after another is read as if they did."""

    def forward(x: Any, W: Any, b: Any) -> Any:
        x = np.asarray(x)
        if x.dtype != object and x.flags.f_contiguous and not x.flags.c_contiguous:
            x = x.T.reshape(x.shape)
        return k.forward(x, W, b)

    return {"forward": forward}


@single("exact numbers", "linear")
def rounded_fractions(k: Any) -> dict[str, Any]:
    """Gradients of fractions are rounded."""
    return {"backward": lambda dy, saved: (g := k.backward(dy, saved))._replace(b=g.b * (1 + 2.0**-52))}
