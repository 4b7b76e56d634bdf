"""Elementwise activation functions."""

from __future__ import annotations

from derive import layer


@layer(cites="S03; Cybenko 1989")
def sigmoid(x: Real[...]):
    """The logistic function: squash every element into (0, 1)."""
    y[...] = 1 / (1 + exp(-x[...]))
    return y


@layer(cites="S05; LeCun et al. 1998, Efficient BackProp")
def tanh(x: Real[...]):
    """The hyperbolic tangent: squash every element into (-1, 1)."""
    y[...] = (exp(x[...]) - exp(-x[...])) / (exp(x[...]) + exp(-x[...]))
    return y


@layer(cites="S07; Nair and Hinton 2010")
def relu(x: Real[...]):
    """The rectified linear unit: keep what is positive."""
    y[...] = max(0, x[...])
    return y


@layer(cites="S09; Maas, Hannun and Ng 2013")
def leaky_relu(x: Real[...], alpha: Scalar = 0.01):
    """Keep what is positive and scale the rest by alpha."""
    y[...] = x[...] if x[...] > 0 else alpha * x[...]
    return y


@layer(cites="Hendrycks and Gimpel 2016, arXiv:1606.08415")
def gelu(x: Real[...]):
    """Weigh every element by the standard normal distribution function."""
    y[...] = x[...] * (1 + erf(x[...] / sqrt(2))) / 2
    return y


@layer(cites="the neutral activation of a network's last layer")
def identity(x: Real[...]):
    """Leave every element as it is."""
    y[...] = x[...]
    return y
