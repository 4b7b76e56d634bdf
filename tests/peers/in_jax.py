"""Every layer as JAX computes it, with JAX's own operator where there is one. Its derivatives are all JAX's.

Where a convention differs, a comment says how, and the function states ours on top of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax, nn

Array = Any  # jax.Array; jax is an extra, so its types are not there for everybody


def relu(x: Array) -> Array:
    return nn.relu(x)


def gelu(x: Array) -> Array:
    return nn.gelu(x, approximate=False)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "sigmoid": nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": relu,
    "leaky_relu": nn.leaky_relu,  # slope 0.01 in both
    "gelu": gelu,
}


def reduced(loss: Array, reduction: str) -> Array:
    return {"mean": jnp.mean, "sum": jnp.sum, "none": lambda x: x}[reduction](loss)


def linear(x: Array, W: Array, b: Array) -> Array:
    return x @ W.T + b


def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    return nn.leaky_relu(x, alpha)


def softmax(z: Array, *, axis: int = -1) -> Array:
    return nn.softmax(z, axis=axis)


def log_softmax(z: Array, *, axis: int = -1) -> Array:
    return nn.log_softmax(z, axis=axis)


def cross_entropy(y: Array, t: Array, *, reduction: str = "mean") -> Array:
    return reduced(-jax.scipy.special.xlogy(t, y).sum(axis=-1), reduction)


def softmax_cross_entropy(z: Array, t: Array, *, reduction: str = "mean") -> Array:
    return reduced(-(t * nn.log_softmax(z)).sum(axis=-1), reduction)


def softmax_cross_entropy_labels(z: Array, t: Array, *, reduction: str = "mean") -> Array:
    rows = jnp.take_along_axis(nn.log_softmax(z), t[..., None], axis=-1)
    return reduced(-rows[..., 0], reduction)


def mse(y: Array, t: Array, *, reduction: str = "mean") -> Array:
    return reduced((y - t) ** 2, reduction)


def layer_norm(x: Array, gamma: Array, beta: Array, *, epsilon: float = 1e-5) -> Array:
    return gamma * nn.standardize(x, axis=-1, epsilon=epsilon) + beta


def per_channel(v: Array, x: Array) -> Array:
    """v[c] against x[b, c, ...]."""
    return v.reshape(-1, *[1] * (x.ndim - 2))


def batch_norm(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> tuple[Array, Array, Array]:
    axes = (0, *range(2, x.ndim))
    y = per_channel(gamma, x) * nn.standardize(x, axis=axes, epsilon=epsilon) + per_channel(beta, x)
    statistics = x.mean(axis=axes), x.var(axis=axes, ddof=1)
    new = (old * (1 - momentum) + momentum * s for old, s in zip((running_mean, running_var), statistics, strict=True))
    return y, *map(lax.stop_gradient, new)


def batch_norm_inference(
    x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, *, epsilon: float = 1e-5
) -> Array:
    x_hat = (x - per_channel(running_mean, x)) * lax.rsqrt(per_channel(running_var, x) + epsilon)
    return per_channel(gamma, x) * x_hat + per_channel(beta, x)


def dropout(x: Array, m: Array) -> Array:
    return x * m


def inverted_dropout(x: Array, m: Array, *, p: float = 0.5) -> Array:
    return x * m / p


def l2_penalty(W: Sequence[Array], *, weight_decay: float = 1e-4) -> Array:
    return weight_decay / 2 * sum((w**2).sum() for w in W)


def clip_by_global_norm(g: Sequence[Array], *, tau: float = 1.0) -> list[Array]:
    norm = jnp.linalg.norm(jnp.concatenate([a.reshape(-1) for a in g]))
    return [a * jnp.where(norm > tau, tau / norm, 1.0) for a in g]


def sgd(W: Sequence[Array], dW: Sequence[Array], *, alpha: float = 0.01) -> list[Array]:
    return [w - alpha * d for w, d in zip(W, dW, strict=True)]


def xavier(noise: Array) -> Array:
    o, i = noise.shape  # nn.initializers.glorot_normal draws its own noise; this is its standard deviation
    return noise * math.sqrt(2 / (i + o))


def he(noise: Array) -> Array:
    return noise * math.sqrt(2 / noise.shape[1])  # nn.initializers.he_normal, likewise


def mlp(
    x: Array, W: Sequence[Array], b: Sequence[Array], *, activation: str = "relu", output: str = "identity"
) -> Array:
    for layer, (weight, bias) in enumerate(zip(W, b, strict=True)):
        x = ACTIVATIONS[output if layer == len(W) - 1 else activation](linear(x, weight, bias))
    return x


def residual(x: Array, skip: Array, W: Array, b: Array, *, activation: str = "relu") -> Array:
    return ACTIVATIONS[activation](linear(x, W, b)) + skip


def attention(Q: Array, K: Array, V: Array, mask: Array | None = None, *, causal: bool = False) -> Array:
    # nn.dot_product_attention averages V where a row may look nowhere; ours is zero there
    S = Q @ K.swapaxes(-1, -2) / math.sqrt(Q.shape[-1])
    allowed = jnp.tril(jnp.ones(S.shape[-2:], bool)) if causal else jnp.ones(S.shape[-2:], bool)
    allowed = allowed if mask is None else allowed & mask
    P = nn.softmax(jnp.where(allowed, S, -1e300), axis=-1)
    return jnp.where(allowed, P, 0.0) @ V


def conv2d(
    x: Array, W: Array, bias: Array, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Array:
    y = lax.conv_general_dilated(
        x,
        W,
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
    )
    return y + bias[:, None, None]


def max_pool2d(x: Array, *, window: int = 2, stride: int = 2, padding: int = 0) -> Array:
    # lax.reduce_window with lax.max is differentiable once only; the largest of the window's slices is it too
    padded = jnp.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * 2], constant_values=-jnp.inf)
    rows, columns = ((size - window) // stride + 1 for size in padded.shape[2:])
    taps = [
        padded[:, :, k : k + stride * (rows - 1) + 1 : stride, m : m + stride * (columns - 1) + 1 : stride]
        for k in range(window)
        for m in range(window)
    ]
    return jnp.stack(taps).max(axis=0)


def embedding(E: Array, t: Array, *, padding_index: int = -1) -> Array:
    return jnp.where((t == padding_index)[..., None], 0.0, E[t])


def lstm(x: Array, h0: Array, c0: Array, W: Array, U: Array, b: Array) -> tuple[Array, Array]:
    def step(state: tuple[Array, Array], x_t: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        h, c = state
        i, f, g, o = jnp.split(x_t @ W.T + h @ U.T + b, 4, axis=-1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), (h, c)

    return lax.scan(step, (h0, c0), x)[1]


LAYERS: dict[str, Callable[..., Any]] = {
    **ACTIVATIONS,
    **{
        f.__name__: f
        for f in (
            linear,
            leaky_relu,
            softmax,
            log_softmax,
            cross_entropy,
            softmax_cross_entropy,
            softmax_cross_entropy_labels,
            mse,
            layer_norm,
            batch_norm,
            batch_norm_inference,
            dropout,
            inverted_dropout,
            l2_penalty,
            clip_by_global_norm,
            sgd,
            xavier,
            he,
            mlp,
            residual,
            attention,
            conv2d,
            max_pool2d,
            embedding,
            lstm,
        )
    },
}
