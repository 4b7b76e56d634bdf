"""Fully connected layers and networks of them."""

from __future__ import annotations

from derive import layer
from derive.layers import activations as _activations  # noqa: F401


@layer(cites="S02 and S13")
def linear(x: Real[..., i], W: Real[o, i], b: Real[o]):
    """Multiply by a weight matrix and add a bias."""
    z[..., o] = sum(i, W[o, i] * x[..., i]) + b[o]
    return z


@layer(cites="S37; He et al. 2015, arXiv:1512.03385")
def residual(x: Real[..., i], skip: Real[..., o], W: Real[o, i], b: Real[o], activation: Activation = "relu"):
    """One step of a network with a connection that skips it."""
    z = linear(x, W, b)
    y[..., o] = activation(z[..., o]) + skip[..., o]
    return y


@layer(cites="S02 and S12-S20; Rumelhart, Hinton and Williams 1986")
def mlp(
    x: Real[..., i], W: Real[l][o, i], b: Real[l][o], activation: Activation = "relu", output: Activation = "identity"
):
    """A multilayer perceptron of any depth and widths."""
    h[-1, ..., i] = x[..., i]
    z[l] = linear(h[l - 1], W[l], b[l])
    h[l, ..., o] = activation(z[l, ..., o]) if l < size(l) - 1 else output(z[l, ..., o])
    y[..., o] = h[size(l) - 1, ..., o]
    return y
