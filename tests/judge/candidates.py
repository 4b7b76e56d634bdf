"""Strangers' kernels, written as people write them: each right, and wrong in many ways.

A function takes the name of a mistake, which it makes; ``""`` is none. ``WRONG`` lists them, with a word of the
diagnosis that names the cause ("" where the state or the form is what is wrong).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def linear(mistake: str) -> tuple[Any, Any]:
    def forward(x: Any, W: Any, b: Any) -> Any:
        if mistake == "no bias":
            return x @ W.T
        if mistake == "bias twice":
            return x @ W.T + 2 * b
        if mistake == "transposed if square":
            return x @ (W if W.shape[0] == W.shape[1] else W.T) + b
        if mistake == "in float32":
            return (x.astype(np.float32) @ W.T.astype(np.float32) + b).astype(x.dtype)
        if mistake == "in float16":
            return (x.astype(np.float16) @ W.T.astype(np.float16)).astype(x.dtype) + b
        if mistake == "last feature left out":
            return x[..., :-1] @ W[:, :-1].T + b
        if mistake == "tail left out":
            n = x.shape[-1] // 32 * 32 or x.shape[-1]
            return x[..., :n] @ W[:, :n].T + b
        if mistake == "one row short":
            return (x @ W.T + b)[..., :-1]
        if mistake == "only matrices":
            return (x.reshape(-1, x.shape[-1]) @ W.T + b).astype(x.dtype)
        if mistake == "adds in place":
            b += x @ W.T if x.ndim == 1 else 0
            b *= 2
            return x @ W.T + b / 2
        return x @ W.T + b

    def backward(dz: Any, x: Any, W: Any, b: Any) -> Any:
        rows, flat = dz.reshape(-1, dz.shape[-1]), x.reshape(-1, x.shape[-1])
        dW = rows.T @ flat
        if mistake == "mean over rows in dW":
            dW = dW / max(1, len(rows))
        if mistake == "dW transposed":
            dW = dW.T
        if mistake == "W transposed in dx if square":
            return dz @ (W.T if W.shape[0] == W.shape[1] else W), dW, rows.sum(0)
        if mistake == "bias gradient of ones":
            return dz @ W, dW, np.ones_like(b) * len(rows)
        if mistake == "cotangent ignored in dW":
            return dz @ W, np.ones_like(rows).T @ flat, rows.sum(0)
        if mistake == "dx is its cotangent":
            return dz @ W * 0, dW, rows.sum(0)
        if mistake == "gradient mean of the bias":
            return dz @ W, dW, rows.mean(0) if len(rows) else rows.sum(0)
        if mistake == "two gradients":
            return dz @ W, dW
        return dz @ W, dW, rows.sum(0)

    return forward, backward


def relu(mistake: str) -> tuple[Any, Any]:
    def forward(x: Any) -> Any:
        if mistake == "cut off at 6":
            return np.clip(x, 0, 6)
        if mistake == "absolute value":
            return np.abs(x)
        if mistake == "leaks":
            return np.where(x > 0, x, 0.01 * x).astype(x.dtype)
        if mistake == "in place":
            return np.maximum(x, 0, out=x)
        if mistake == "the identity":
            return x
        if mistake == "wide":
            return np.maximum(x, 0).astype(np.longdouble)
        return np.maximum(x, 0)

    def backward(dy: Any, x: Any) -> Any:
        if mistake == "one at 0":
            return dy * (x >= 0)
        if mistake == "half at 0":
            return dy * np.heaviside(x, 0.5)
        if mistake == "the value for the sign":
            return dy * np.maximum(x, 0)
        if mistake == "its cotangent":
            return dy.copy()
        if mistake == "cotangent ignored":
            return (x > 0).astype(x.dtype)
        if mistake == "sign":
            return -dy * (x > 0)
        return dy * (x > 0)

    return forward, backward


def softmax(mistake: str) -> tuple[Any, Any]:
    kept: dict[Any, Any] = {}

    def forward(z: Any, axis: int = -1) -> Any:
        if mistake == "last axis":
            axis = -1
        if mistake == "all axes":
            e = np.exp(z - z.max())
            return e / e.sum()
        shift = 0 if mistake == "unshifted" else z.max(axis=axis, keepdims=True)
        e = np.exp(z - shift)
        if mistake == "one buffer":
            out = kept.setdefault(z.shape, np.empty_like(z))
            return np.divide(e, e.sum(axis=axis, keepdims=True), out=out)
        if mistake == "an answer of before":
            return kept.setdefault(z.shape, e / e.sum(axis=axis, keepdims=True))
        if mistake == "epsilon":
            return e / (e.sum(axis=axis, keepdims=True) + 1e-6)
        if mistake == "the logarithm":
            return np.log(e / e.sum(axis=axis, keepdims=True))
        if mistake == "base 2":
            return np.exp2(z - shift) / np.exp2(z - shift).sum(axis=axis, keepdims=True)
        return e / e.sum(axis=axis, keepdims=True)

    def backward(dy: Any, z: Any, axis: int = -1) -> Any:
        e = np.exp(z - z.max(axis=axis, keepdims=True))
        y = e / e.sum(axis=axis, keepdims=True)
        if mistake == "the diagonal alone":
            return y * dy * (1 - y)
        if mistake == "no sum":
            return y * dy
        if mistake == "sum along the last axis":
            return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
        if mistake == "mean for the sum":
            return y * (dy - (dy * y).mean(axis=axis, keepdims=True))
        if mistake == "plus":
            return y * (dy + (dy * y).sum(axis=axis, keepdims=True))
        if mistake == "no y in the sum":
            return y * (dy - dy.sum(axis=axis, keepdims=True))
        if mistake == "takes ones":
            return y * (1 - (np.ones_like(dy) * y).sum(axis=axis, keepdims=True))
        return y * (dy - (dy * y).sum(axis=axis, keepdims=True))

    return forward, backward


def layer_norm(mistake: str) -> tuple[Any, Any]:
    def parts(x: Any, epsilon: float) -> tuple[Any, Any]:
        mu = x.mean(-1, keepdims=True)
        var = x.var(-1, keepdims=True)
        return (x - mu) / np.sqrt(var + epsilon), 1 / np.sqrt(var + epsilon)

    def forward(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        n = x.shape[-1]
        if mistake == "epsilon beside the root":
            return (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + epsilon) * gamma + beta
        if mistake == "unbiased":
            var = x.var(-1, keepdims=True) * n / max(1, n - 1)
            return (x - x.mean(-1, keepdims=True)) / np.sqrt(var + epsilon) * gamma + beta
        if mistake == "one pass":
            mu = x.mean(-1, keepdims=True)
            var = np.maximum((x * x).mean(-1, keepdims=True) - mu * mu, 0)
            return (x - mu) / np.sqrt(var + epsilon) * gamma + beta
        if mistake == "mean not subtracted":
            return x * parts(x, epsilon)[1] * gamma + beta
        if mistake == "epsilon's default":
            epsilon = 1e-5
        if mistake == "1 + gamma":
            gamma = 1 + gamma
        if mistake == "epsilon left out":
            epsilon = 0.0
        if mistake == "gamma and beta exchanged":
            gamma, beta = beta, gamma
        x_hat, _ = parts(x, epsilon)
        if mistake == "shift scaled, too":
            return (x_hat + beta) * gamma
        return x_hat * gamma + beta

    def backward(dy: Any, x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        if mistake == "backward with epsilon's default":
            epsilon = 1e-5
        x_hat, r = parts(x, epsilon)
        g = dy * gamma
        rows = tuple(range(x.ndim - 1))
        first, second = g.mean(-1, keepdims=True), x_hat * (g * x_hat).mean(-1, keepdims=True)
        if mistake == "without the term with x_hat":
            second = 0
        if mistake == "without the mean":
            first = 0
        if mistake == "statistics constant":
            first = second = 0
        if mistake == "sums for means":
            first, second = g.sum(-1, keepdims=True), x_hat * (g * x_hat).sum(-1, keepdims=True)
        if mistake == "no gamma":
            g = dy
            first, second = g.mean(-1, keepdims=True), x_hat * (g * x_hat).mean(-1, keepdims=True)
        dx = (g - first - second) * (r * r if mistake == "r squared" else r)
        dgamma = (dy * (x if mistake == "x for x_hat in dgamma" else x_hat)).sum(rows)
        return dx, dgamma, (dy.mean(rows) if mistake == "mean in dbeta" else dy.sum(rows))

    return forward, backward


def softmax_cross_entropy_labels(mistake: str) -> tuple[Any, Any]:
    def forward(z: Any, t: Any, reduction: str = "mean") -> Any:
        top = z.max(-1, keepdims=True)
        log_sum = np.log(np.exp(z - top).sum(-1)) + top[..., 0]
        if mistake == "labels from 1":
            t = (t + 1) % z.shape[-1]
        loss = log_sum - np.take_along_axis(z, t[..., None], -1)[..., 0]
        if mistake == "sign of the loss":
            loss = -loss
        if mistake == "always the mean":
            return np.asarray(loss.mean())
        if mistake == "sum for the mean" and reduction == "mean":
            return np.asarray(loss.sum())
        if mistake == "mean over classes, too" and reduction == "mean":
            return np.asarray(loss.mean() / z.shape[-1])
        return loss if reduction == "none" else np.asarray(getattr(loss, reduction)())

    def backward(dloss: Any, z: Any, t: Any, reduction: str = "mean") -> Any:
        e = np.exp(z - z.max(-1, keepdims=True))
        y = e / e.sum(-1, keepdims=True)
        one = np.arange(z.shape[-1]) == t[..., None]
        scale = dloss[..., None] if reduction == "none" else dloss
        if mistake == "cotangent of the loss ignored":
            scale = np.ones_like(scale)
        count = t.size if reduction == "mean" and mistake != "1/N missing" else 1
        if mistake == "target not subtracted":
            one = 0
        return ((y - one) * scale / count).astype(z.dtype)

    return forward, backward


def attention(mistake: str) -> tuple[Any, Any]:
    def forward(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
        d = Q.shape[-1]
        scale = {"d for its root": d, "no scale": 1.0, "root of the values' width": V.shape[-1] ** 0.5}.get(
            mistake, d**0.5
        )
        S = Q @ np.swapaxes(K, -1, -2) / scale
        keep = np.ones(S.shape, bool)
        if causal and mistake != "causal ignored":
            offset = {"causal without the diagonal": -1, "one key too many": 1}.get(mistake, 0)
            keep = keep & np.tril(np.ones(S.shape[-2:], bool), offset)
        if mask is not None and mistake != "mask ignored":
            keep = keep & (~mask if mistake == "mask the other way" else mask)
        low = np.where(keep, S, -np.inf)
        top = low.max(-1, keepdims=True)
        E = np.where(keep, np.exp(S - np.where(np.isfinite(top), top, 0)), 0)
        total = E.sum(-1, keepdims=True)
        P = E / total if mistake == "NaN where all is masked" else E / np.where(total == 0, 1, total)
        return (P @ V).astype(Q.dtype)

    return forward, None


def batch_norm(mistake: str) -> tuple[Any, Any]:
    def forward(
        x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, momentum: float = 0.1, epsilon: float = 1e-5
    ) -> Any:
        axes = (0, *range(2, x.ndim))
        along = (-1, *[1] * (x.ndim - 2))
        n = x.size // x.shape[1]
        mu, var = x.mean(axes), x.var(axes)
        unbiased = var * n / max(1, n - 1)
        if mistake == "biased running variance":
            unbiased = var
        if mistake == "momentum the other way":
            momentum = 1 - momentum
        if mistake == "statistics of each example":
            mu, var = x.mean(axes[1:]).mean(0), x.var(axes[1:]).mean(0)
        scale = gamma / np.sqrt(var + epsilon)
        y = (x - mu.reshape(along)) * scale.reshape(along) + beta.reshape(along)
        new_mean = (1 - momentum) * running_mean + momentum * mu
        new_var = (1 - momentum) * running_var + momentum * unbiased
        if mistake == "running mean stands still":
            new_mean = running_mean.copy()
        if mistake == "written into the state":
            running_mean[...] = new_mean
            return y, running_mean, new_var
        return y, new_mean, new_var

    return forward, None


MAKERS = {
    f.__name__: f for f in (linear, relu, softmax, layer_norm, softmax_cross_entropy_labels, attention, batch_norm)
}

#: Layer, mistake, and a word that the diagnosis must hold.
WRONG: tuple[tuple[str, str, str], ...] = (
    ("linear", "no bias", "b"),
    ("linear", "bias twice", ""),
    ("linear", "transposed if square", ""),
    ("linear", "in float32", "float32"),
    ("linear", "in float16", "float16"),
    ("linear", "last feature left out", ""),
    ("linear", "tail left out", ""),
    ("linear", "one row short", "shape"),
    ("linear", "only matrices", "shape"),
    ("linear", "adds in place", "writes to its argument b"),
    ("linear", "mean over rows in dW", "1/"),
    ("linear", "dW transposed", ""),
    ("linear", "W transposed in dx if square", ""),
    ("linear", "bias gradient of ones", "ones"),
    ("linear", "cotangent ignored in dW", "ones"),
    ("linear", "dx is its cotangent", "0 everywhere"),
    ("linear", "gradient mean of the bias", "1/"),
    ("linear", "two gradients", "2 gradients"),
    ("relu", "cut off at 6", ""),
    ("relu", "absolute value", ""),
    ("relu", "leaks", ""),
    ("relu", "in place", "writes to its argument x"),
    ("relu", "the identity", "copy of x"),
    ("relu", "wide", "longdouble"),
    ("relu", "one at 0", "convention"),
    ("relu", "half at 0", "convention"),
    ("relu", "the value for the sign", ""),
    ("relu", "its cotangent", "without the factor"),
    ("relu", "cotangent ignored", "ones"),
    ("relu", "sign", "-1"),
    ("softmax", "last axis", "axis"),
    ("softmax", "all axes", ""),
    ("softmax", "unshifted", "overflows"),
    ("softmax", "one buffer", "earlier result"),
    ("softmax", "an answer of before", ""),
    ("softmax", "epsilon", ""),
    ("softmax", "the logarithm", ""),
    ("softmax", "base 2", ""),
    ("softmax", "the diagonal alone", ""),
    ("softmax", "no sum", "without the term"),
    ("softmax", "sum along the last axis", ""),
    ("softmax", "mean for the sum", "mean for sum"),
    ("softmax", "plus", "sign"),
    ("softmax", "no y in the sum", "without the factor y"),
    ("softmax", "takes ones", "ones"),
    ("layer_norm", "epsilon beside the root", "epsilon beside the root"),
    ("layer_norm", "unbiased", "N - 1"),
    ("layer_norm", "one pass", "digits are lost"),
    ("layer_norm", "mean not subtracted", "without the term -mu"),
    ("layer_norm", "epsilon's default", "default"),
    ("layer_norm", "1 + gamma", "1 + it"),
    ("layer_norm", "epsilon left out", "epsilon"),
    ("layer_norm", "gamma and beta exchanged", "exchanged"),
    ("layer_norm", "shift scaled, too", ""),
    ("layer_norm", "backward with epsilon's default", "default"),
    ("layer_norm", "without the term with x_hat", "without the term -x_hat"),
    ("layer_norm", "without the mean", "without the term -sum"),
    ("layer_norm", "statistics constant", "without the terms"),
    ("layer_norm", "sums for means", ""),
    ("layer_norm", "no gamma", "gamma"),
    ("layer_norm", "r squared", "inv_std"),
    ("layer_norm", "x for x_hat in dgamma", ""),
    ("layer_norm", "mean in dbeta", "1/"),
    ("softmax_cross_entropy_labels", "labels from 1", ""),
    ("softmax_cross_entropy_labels", "sign of the loss", "-1"),
    ("softmax_cross_entropy_labels", "always the mean", ""),
    ("softmax_cross_entropy_labels", "sum for the mean", "times size(...)"),
    ("softmax_cross_entropy_labels", "mean over classes, too", "1/size(i)"),
    ("softmax_cross_entropy_labels", "cotangent of the loss ignored", "ones"),
    ("softmax_cross_entropy_labels", "1/N missing", "times size(...)"),
    ("softmax_cross_entropy_labels", "target not subtracted", "without the factor"),
    ("attention", "d for its root", "size(d)"),
    ("attention", "no scale", ""),
    ("attention", "root of the values' width", ""),
    ("attention", "causal ignored", "causal"),
    ("attention", "causal without the diagonal", "k < q"),
    ("attention", "one key too many", ""),
    ("attention", "mask ignored", "mask"),
    ("attention", "mask the other way", "mask"),
    ("attention", "NaN where all is masked", ""),
    ("batch_norm", "biased running variance", ""),
    ("batch_norm", "momentum the other way", "1 - it"),
    ("batch_norm", "statistics of each example", ""),
    ("batch_norm", "running mean stands still", "copy of running_mean"),
    ("batch_norm", "written into the state", "writes to its argument running_mean"),
)
