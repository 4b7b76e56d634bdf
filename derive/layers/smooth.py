"""Smooth elementwise activation functions made of exponentials and logarithms."""

from __future__ import annotations

from derive import layer
from derive.layers import activations as _activations  # noqa: F401


@layer(cites="Elfwing, Uchibe and Doya 2017, arXiv:1702.03118")
def silu(x: Real[...]):
    """Weigh every element by its sigmoid; swish with beta 1."""
    y[...] = x[...] * sigmoid(x[...])
    return y


@layer(cites="Ramachandran, Zoph and Le 2017, arXiv:1710.05941")
def swish(x: Real[...], beta: Scalar = 1.0):
    """Weigh every element by the sigmoid of beta times it."""
    y[...] = x[...] * sigmoid(beta * x[...])
    return y


@layer(cites="Dugas et al. 2001")
def softplus(x: Real[...]):
    """A smooth rectifier: the logarithm of 1 plus the exponential."""
    y[...] = log(1 + exp(x[...]))
    return y


@layer(cites="Misra 2019, arXiv:1908.08681")
def mish(x: Real[...]):
    """Weigh every element by the hyperbolic tangent of its softplus."""
    y[...] = x[...] * tanh(log(1 + exp(x[...])))
    return y


@layer(cites="the logarithm of S03")
def log_sigmoid(x: Real[...]):
    """The logarithm of the logistic function."""
    y[...] = -log(1 + exp(-x[...]))
    return y


@layer(cites="what the hyperbolic tangent takes away")
def tanh_shrink(x: Real[...]):
    """Take its hyperbolic tangent from every element."""
    y[...] = x[...] - tanh(x[...])
    return y


@layer(cites="Hendrycks and Gimpel 2016, arXiv:1606.08415, the approximation")
def gelu_tanh(x: Real[...]):
    """The approximation of gelu by a hyperbolic tangent."""
    y[...] = x[...] / 2 * (1 + tanh(sqrt(2 / pi) * (x[...] + 0.044715 * x[...] ** 3)))
    return y
