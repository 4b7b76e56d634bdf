"""Softmax and its logarithm."""

from __future__ import annotations

from derive import layer


@layer(cites="S10; Bridle 1990")
def softmax(z: Real[..., i], axis: Axis[i] = -1):
    """Turn scores into probabilities along one axis."""
    y[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))
    return y


@layer(cites="S10; Bridle 1990")
def log_softmax(z: Real[..., i], axis: Axis[i] = -1):
    """The logarithm of softmax along one axis."""
    y[..., i] = z[..., i] - log(sum(j, exp(z[..., j])))
    return y


@layer(cites="Bridle 1990, of minus the scores")
def softmin(z: Real[..., i], axis: Axis[i] = -1):
    """Turn costs into probabilities along one axis: softmax of minus them."""
    y[..., i] = exp(-z[..., i]) / sum(j, exp(-z[..., j]))
    return y
