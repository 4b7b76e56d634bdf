"""Normalisation, losses, dropout and optimisers."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tests.peers.nodes.layers import NotCovered, Row, at_end, layer, text


def batch_normalization(
    x: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    var: Any,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> tuple[Any, ...]:
    """ONNX moves running statistics by 1 - momentum, and by the biased variance."""
    if not training_mode:
        return (layer("batch_norm_inference", x, gamma, beta, mean, var, epsilon=epsilon),)
    y, new_mean, _ = layer("batch_norm", x, gamma, beta, mean, var, epsilon=epsilon, momentum=1 - momentum)
    biased = layer("reduce_var", np.moveaxis(x, 1, 0).reshape(x.shape[1], -1), axis=-1)
    return (y, new_mean, *layer("ema", [biased], [var], decay=momentum))


def last_axes(name: str) -> Row:
    """LayerNormalization and RMSNormalization over all axes from one on, as one axis."""

    def run(
        x: Any, gamma: Any, beta: Any = None, axis: int = -1, epsilon: float = 1e-5, **other: Any
    ) -> tuple[Any, ...]:
        axis %= x.ndim
        flat = x.reshape(*x.shape[:axis], prod(x.shape[axis:]))
        weights = [np.broadcast_to(w, x.shape[axis:]).reshape(-1) for w in (gamma, beta) if w is not None]
        if name == "layer_norm" and beta is None:
            weights.append(np.zeros_like(weights[0]))
        y = layer(name, flat, *weights, epsilon=epsilon).reshape(x.shape)
        kept = (*x.shape[:axis], *[1] * (x.ndim - axis))
        std = np.sqrt(layer("reduce_var", flat, axis=-1) + epsilon)
        return (y, layer("reduce_mean", flat, axis=-1).reshape(kept), (1 / std).astype(x.dtype).reshape(kept))

    return run


def group_normalization(
    x: Any, gamma: Any, beta: Any, num_groups: int, epsilon: float = 1e-5, **other: Any
) -> tuple[Any, ...]:
    return (layer("group_norm", x, gamma, beta, groups=num_groups, epsilon=epsilon),)


def instance_normalization(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> tuple[Any, ...]:
    return (layer("instance_norm", x, gamma, beta, epsilon=epsilon),)


def mean_variance_normalization(x: Any, axes: Any = (0, 2, 3)) -> tuple[Any, ...]:
    """A batch normalisation without weights, of which the operator adds 1e-9 to the deviation."""
    if tuple(axes) != (0, 2, 3):
        raise NotCovered("other axes")
    c, one = x.shape[1], np.ones(x.shape[1], x.dtype)
    zero = np.zeros(c, x.dtype)
    return (layer("batch_norm", x, one, zero, zero, one, epsilon=1e-18).y,)


def lrn(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> tuple[Any, ...]:
    return (layer("local_response_norm", x, width=size, alpha=alpha, beta=beta, k=bias),)


def lp_normalization(x: Any, axis: int = -1, p: int = 2) -> tuple[Any, ...]:
    return (at_end(x, axis, lambda a: layer(f"l{p}_normalize", a)),)


def loss(name: str, z: Any, t: Any, weight: Any, reduction: Any, ignore_index: int | None) -> Any:
    """Classes to the end; a label out of range is ignored as well by another number."""
    classes, ignored = z.shape[1], -100 if ignore_index is None else ignore_index
    labels = t.astype(np.int64)
    if not 0 <= ignored < classes:
        labels, ignored = np.where(labels == ignored, -100, labels), -100
    w = np.ones(classes, z.dtype) if weight is None else weight
    z = np.moveaxis(z, 1, -1)
    return layer(name, z, labels, w, ignore_index=ignored, reduction=text(reduction))


def negative_log_likelihood(
    log_p: Any, t: Any, weight: Any = None, reduction: Any = "mean", ignore_index: int | None = None
) -> tuple[Any, ...]:
    return (loss("weighted_nll", log_p, t, weight, reduction, ignore_index),)


def softmax_cross_entropy(
    z: Any, t: Any, weight: Any = None, reduction: Any = "mean", ignore_index: int | None = None
) -> tuple[Any, ...]:
    found = loss("weighted_cross_entropy", z, t, weight, reduction, ignore_index)
    return (found, layer("log_softmax", z, axis=1))


def dropout(x: Any, ratio: Any = None, training: Any = None, seed: int = 0) -> tuple[Any, ...]:
    """Outside of training nothing is dropped; the draw itself is not the layer's."""
    if training is not None and bool(training) and (0.5 if ratio is None else float(ratio)) != 0.0:
        raise NotCovered("a draw of random numbers")
    kept = np.ones(x.shape, x.dtype)
    return (layer("inverted_dropout", x, kept, p=1.0), kept.astype(bool))


def with_decay(X: Any, G: Any, norm_coefficient: float) -> Any:
    """The gradient with that of a penalty on the squared weights, as the operators have it."""
    return [g + np.asarray(norm_coefficient, g.dtype) * x for x, g in zip(X, G, strict=True)]


def parts(arrays: tuple[Any, ...], count: int) -> list[list[Any]]:
    """All weights, then all gradients, then all of each state."""
    n = len(arrays) // count
    return [list(arrays[k * n : (k + 1) * n]) for k in range(count)]


def adagrad(
    R: Any, T: Any, *arrays: Any, decay_factor: float = 0.0, epsilon: float = 0.0, norm_coefficient: float = 0.0
) -> tuple[Any, ...]:
    X, G, H = parts(arrays, 3)
    rate = float(R) / (1 + int(T) * decay_factor)
    y, new = layer("adagrad", X, with_decay(X, G, norm_coefficient), H, alpha=rate, epsilon=epsilon)
    return (*y, *new)


def adam(
    R: Any,
    T: Any,
    *arrays: Any,
    alpha: float = 0.9,
    beta: float = 0.999,
    epsilon: float = 1e-6,
    norm_coefficient: float = 0.0,
    norm_coefficient_post: float = 0.0,
) -> tuple[Any, ...]:
    """ONNX corrects the rate and not the means, so that epsilon stands beside an uncorrected root: the layer's step
    so late that its own corrections are 1."""
    if norm_coefficient_post:
        raise NotCovered("a decay behind the step")
    X, G, V, H = parts(arrays, 4)
    step, late = int(T), 10**9
    rate = float(R) * (np.sqrt(1 - beta**step) / (1 - alpha**step) if step else 1.0)
    G = with_decay(X, G, norm_coefficient)
    y, v, h = layer("adam", X, G, V, H, step=late, alpha=float(rate), beta1=alpha, beta2=beta, epsilon=epsilon)
    return (*y, *v, *h)


def momentum(
    R: Any, T: Any, *arrays: Any, alpha: float, beta: float, mode: Any, norm_coefficient: float = 0.0
) -> tuple[Any, ...]:
    """In the first step, T = 0, the gradient counts whole."""
    X, G, V = parts(arrays, 3)
    G, damping = with_decay(X, G, norm_coefficient), 1 - (beta if int(T) > 0 else 1.0)
    if text(mode) == "nesterov":
        if damping:
            raise NotCovered("Nesterov's momentum with damping")
        y, new = layer("nesterov", X, G, V, alpha=float(R), mu=alpha)
    else:
        y, new = layer("momentum", X, G, V, alpha=float(R), mu=alpha, damping=damping)
    return (*y, *new)


ROWS: dict[str, Row] = {
    "BatchNormalization": batch_normalization,
    "LayerNormalization": last_axes("layer_norm"),
    "RMSNormalization": last_axes("rms_norm"),
    "GroupNormalization": group_normalization,
    "InstanceNormalization": instance_normalization,
    "MeanVarianceNormalization": mean_variance_normalization,
    "LRN": lrn,
    "LpNormalization": lp_normalization,
    "NegativeLogLikelihoodLoss": negative_log_likelihood,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
    "Dropout": dropout,
    "Adagrad": adagrad,
    "Adam": adam,
    "Momentum": momentum,
}
