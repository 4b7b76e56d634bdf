"""Dropout and weight decay."""

from __future__ import annotations

from derive import layer


@layer(cites="S35; Srivastava et al. 2014")
def dropout(x: Real[...], m: Real[...]):
    """Multiply by a mask of zeros and ones; at inference scale by the probability to keep."""
    y[...] = x[...] * m[...]
    return y


@layer(cites="S35; Srivastava et al. 2014, section 10")
def inverted_dropout(x: Real[...], m: Real[...], p: Probability = 0.5):
    """Multiply by a mask of zeros and ones and divide by p, the probability to keep; inference needs nothing."""
    y[...] = x[...] * m[...] / p
    return y


@layer(cites="S34; Krogh and Hertz 1992")
def l2_penalty(W: Real[l][...], weight_decay: Scalar = 1e-4):
    """Half the weight decay times the sum of all squared weights."""
    R = weight_decay / 2 * sum((l, ...), W[l, ...] ** 2)
    return R
