"""What happens to parameters and their gradients: penalty, clipping, update, initialisation."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, type-var"

import math


def l2_penalty_forward(W, weight_decay=1e-4):
    return weight_decay / 2 * sum((w**2).sum() for w in W), (W, weight_decay)


def l2_penalty_backward(dR, cache):
    W, weight_decay = cache
    return ([dR * weight_decay * w for w in W],)


def clip_by_global_norm_forward(g, tau=1.0):
    norm = math.sqrt(sum((a**2).sum() for a in g))
    scale = tau / norm if norm > tau else 1.0
    return [scale * a for a in g], (g, norm, scale, tau)


def clip_by_global_norm_backward(dy, cache):
    g, norm, scale, tau = cache
    if norm <= tau:
        return ([d.copy() for d in dy],)
    projection = float(sum((d * a).sum() for d, a in zip(dy, g, strict=True))) / norm**2
    return ([scale * (d - projection * a) for d, a in zip(dy, g, strict=True)],)


def sgd_forward(W, dW, alpha=0.01):
    return [w - alpha * d for w, d in zip(W, dW, strict=True)], alpha


def sgd_backward(dy, alpha):
    return [d.copy() for d in dy], [-alpha * d for d in dy]


def xavier_forward(noise):
    o, i = noise.shape
    std = math.sqrt(2 / (i + o))
    return std * noise, std


def xavier_backward(dW, std):
    return (std * dW,)


def he_forward(noise):
    std = math.sqrt(2 / noise.shape[1])
    return std * noise, std


he_backward = xavier_backward
