"""Right kernels with a formula that is right on paper only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.evidence.wrong.kernel import numeric, single


@single("naive formula", "softmax")
def unshifted(k: Any) -> dict[str, Any]:
    """exp of the scores as they are."""

    def forward(z: Any, axis: int = -1) -> Any:
        y, saved = k.forward(z, axis=axis)
        if not numeric(z):
            return y, saved
        e = np.exp(z)
        return (e / e.sum(axis=axis, keepdims=True)).astype(y.dtype), saved

    return {"forward": forward}


@single("naive formula", "log_softmax")
def log_of_softmax(k: Any) -> dict[str, Any]:
    """The logarithm of softmax."""

    def forward(z: Any, axis: int = -1) -> Any:
        y, saved = k.forward(z, axis=axis)
        if not numeric(z):
            return y, saved
        e = np.exp(z - np.max(z, axis=axis, keepdims=True, initial=-np.inf))
        return np.log(e / e.sum(axis=axis, keepdims=True)).astype(y.dtype), saved

    return {"forward": forward}


@single("naive formula", "sigmoid")
def naive_sigmoid(k: Any) -> dict[str, Any]:
    """1 / (1 + exp(-x)) as it is written."""
    return {"forward": lambda x: ((1 / (1 + np.exp(-x))).astype(x.dtype) if numeric(x) else k.forward(x)[0],
                                  k.forward(x)[1])}  # fmt: skip


@single("naive formula", "tanh")
def tanh_cancels(k: Any) -> dict[str, Any]:
    """1 - 2 / (exp(2 x) + 1), which cancels next to 0."""

    def forward(x: Any) -> Any:
        y, saved = k.forward(x)
        return (np.asarray(1 - 2 / (np.exp(2 * np.clip(x, -5, 5)) + 1), y.dtype) if numeric(x) else y), saved

    return {"forward": forward}


@single("naive formula", "layer_norm")
def squares_less_square(k: Any) -> dict[str, Any]:
    """E[x^2] - E[x]^2 for the variance."""

    def forward(x: Any, gamma: Any, beta: Any, epsilon: Any = 1e-5) -> Any:
        y, saved = k.forward(x, gamma, beta, epsilon=epsilon)
        x = np.asarray(x)
        if not numeric(x) or not x.size:
            return y, saved
        mu = x.mean(-1, keepdims=True)
        var = np.maximum((x * x).mean(-1, keepdims=True) - mu * mu, 0)
        return (gamma * (x - mu) / np.sqrt(var + epsilon) + beta).astype(y.dtype), saved

    return {"forward": forward}


@single("naive formula", "clip_by_global_norm")
def plain_norm(k: Any) -> dict[str, Any]:
    """Squares that overflow."""

    def forward(g: Any, tau: Any = 1.0) -> Any:
        y, saved = k.forward(g, tau=tau)
        if not all(numeric(a) for a in g):
            return y, saved
        norm = np.sqrt(sum(np.sum(np.square(np.asarray(a))) for a in g))
        return [
            np.asarray(tau / norm * a if norm > tau else a, np.asarray(b).dtype) for a, b in zip(g, y, strict=True)
        ], saved

    return {"forward": forward}


@single("naive formula", "gelu")
def gelu_tail(k: Any) -> dict[str, Any]:
    """1 + erf cancels in the left tail."""

    def forward(x: Any) -> Any:
        y, saved = k.forward(x)
        if not numeric(x):
            return y, saved
        phi = np.vectorize(lambda v: (1 + math.erf(float(v) / math.sqrt(2))) / 2, otypes=[float])(x)
        return np.asarray(x * phi, y.dtype), saved

    return {"forward": forward}


def stagnating(a: Any, axis: Any) -> Any:
    """A sum in the format of its terms, one after another."""
    return np.take(np.add.accumulate(a, axis=axis, dtype=a.dtype), -1, axis=axis) if a.shape[axis] else a.sum(axis)


@single("narrow sums", "linear")
def narrow_weight_gradient(k: Any) -> dict[str, Any]:
    """The bias's gradient is summed in float16."""

    def backward(dy: Any, saved: Any) -> Any:
        g = k.backward(dy, saved)
        dy = np.asarray(dy)
        return g._replace(b=stagnating(dy.reshape(-1, dy.shape[-1]), 0)) if dy.dtype == np.float16 else g

    return {"backward": backward}


@single("narrow sums", "l2_penalty")
def narrow_penalty(k: Any) -> dict[str, Any]:
    """Squares are summed in float16."""

    def forward(W: Any, weight_decay: Any = 1e-4) -> Any:
        R, saved = k.forward(W, weight_decay=weight_decay)
        if np.asarray(R).dtype != np.float16:
            return R, saved
        total = sum((stagnating(np.square(np.asarray(w)).reshape(-1), 0) for w in W), np.float16(0))
        return np.asarray(np.float16(weight_decay / 2) * total, np.float16), saved

    return {"forward": forward}


@single("narrow sums", "batch_norm")
def narrow_statistics(k: Any) -> dict[str, Any]:
    """The gradient of the shift is summed in float16."""

    def backward(dy: Any, saved: Any) -> Any:
        g = k.backward(dy, saved)
        dy = np.asarray(dy)
        if dy.dtype != np.float16:
            return g
        return g._replace(beta=stagnating(np.moveaxis(dy, 1, -1).reshape(-1, dy.shape[1]), 0))

    return {"backward": backward}
