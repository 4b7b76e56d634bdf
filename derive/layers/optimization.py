"""What a training step does to gradients and parameters, and how parameters begin."""

from __future__ import annotations

from derive import layer


@layer(cites="S24; Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063")
def clip_by_global_norm(g: Real[l][...], tau: Positive = 1.0):
    """Scale all gradients together so that their joint norm is at most tau."""
    norm = sqrt(sum((l, ...), g[l, ...] ** 2))
    y[l, ...] = g[l, ...] if norm <= tau else tau / norm * g[l, ...]
    return y


@layer(cites="S29; Robbins and Monro 1951")
def sgd(W: Real[l][...], dW: Real[l][...], alpha: Scalar = 0.01):
    """One step of gradient descent with learning rate alpha."""
    y[l, ...] = W[l, ...] - alpha * dW[l, ...]
    return y


@layer(cites="S32; Glorot and Bengio 2010")
def xavier(noise: Real[o, i]):
    """Weights from standard normal noise, of variance 2 / (fan in + fan out)."""
    W[o, i] = sqrt(2 / (size(i) + size(o))) * noise[o, i]
    return W


@layer(cites="S33; He et al. 2015, arXiv:1502.01852")
def he(noise: Real[o, i]):
    """Weights from standard normal noise, of variance 2 / fan in."""
    W[o, i] = sqrt(2 / size(i)) * noise[o, i]
    return W
