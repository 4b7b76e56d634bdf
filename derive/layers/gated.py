"""Activations with parameters, and with gates."""

from __future__ import annotations

from derive import layer
from derive.layers import activations as _activations  # noqa: F401


@layer(cites="He et al. 2015, arXiv:1502.01852")
def prelu(x: Real[b, c, ...], a: Real[c]):
    """Keep what is positive and scale the rest by a trained slope for each channel."""
    y[b, c, ...] = x[b, c, ...] if x[b, c, ...] > 0 else a[c] * x[b, c, ...]
    return y


@layer(cites="Dauphin et al. 2017, arXiv:1612.08083")
def glu(x: Real[..., two * h]):
    """The first half of the features, weighed by the sigmoid of the second."""
    two = axis(2)
    y[..., h] = x[..., 0, h] * sigmoid(x[..., 1, h])
    return y


@layer(cites="Shazeer 2020, arXiv:2002.05202")
def swiglu(x: Real[..., i], W: Real[o, i], V: Real[o, i]):
    """A linear map, weighed by the silu of another one."""
    u[..., o] = sum(i, W[o, i] * x[..., i])
    v[..., o] = sum(i, V[o, i] * x[..., i])
    y[..., o] = u[..., o] * sigmoid(u[..., o]) * v[..., o]
    return y


@layer(cites="Shazeer 2020, arXiv:2002.05202")
def geglu(x: Real[..., i], W: Real[o, i], V: Real[o, i]):
    """A linear map, weighed by the gelu of another one."""
    u[..., o] = sum(i, W[o, i] * x[..., i])
    v[..., o] = sum(i, V[o, i] * x[..., i])
    y[..., o] = gelu(u[..., o]) * v[..., o]
    return y


@layer(cites="Shazeer 2020, arXiv:2002.05202")
def reglu(x: Real[..., i], W: Real[o, i], V: Real[o, i]):
    """A linear map, weighed by the relu of another one."""
    u[..., o] = sum(i, W[o, i] * x[..., i])
    v[..., o] = sum(i, V[o, i] * x[..., i])
    y[..., o] = max(0, u[..., o]) * v[..., o]
    return y


@layer(cites="Goodfellow et al. 2013, arXiv:1302.4389")
def maxout(x: Real[..., i], W: Real[o, k, i], b: Real[o, k]):
    """The largest of several affine maps."""
    z[..., o, k] = sum(i, W[o, k, i] * x[..., i]) + b[o, k]
    y[..., o] = max(k, z[..., o, k])
    return y
