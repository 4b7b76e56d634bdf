"""Logarithms of sums of exponentials over their largest term, accurate next to 0; for the generated kernels."""

from __future__ import annotations

import numpy as np

from reference.runtime.functions import FEW, TINY, Array, _log_few, exp_sum, ones_of, positive_sum, quietly, row_exp
from reference.runtime.layout import least, row_most
from reference.runtime.narrow import is_narrow

ENOUGH = 2.25  # from here on a sum's rounding is less than two units of its logarithm


def log_sum(e: Array, total: Array) -> Array:
    """log(total / max(e)) over the last axis of non-negative numbers; accurate next to 0.

    Where one element makes up most of the sum it is log1p of what the others add to it. A row of zeros gives -inf.

    Args:
        e: [..., i], every element at least 0.
        total: [...], the sum of e over i.
    """
    if e.shape[-1] == 0:
        return np.full(e.shape[:-1], -np.inf, dtype=e.dtype)
    if e.dtype == object:
        return _log_objects(e)
    if is_narrow(e):
        return _log_few(e)
    if e.dtype.char == "e":
        total = np.add.reduce(e, axis=-1, dtype=np.float64)
        ratio = total / np.maximum.reduce(e, axis=-1, initial=TINY["e"])
        return np.asarray(quietly(np.log, ratio)).astype(e.dtype)
    ratio = np.asarray(total / row_most(e, TINY[e.dtype.char]))
    if ratio.size and least(ratio) >= ENOUGH:
        np.log(ratio, out=ratio)
        return ratio
    near = np.less(ratio, ENOUGH)
    quietly(np.log, ratio, ratio)
    ratio[near] = _log_rest(e[near])
    return ratio


def log_sum_exp(below: Array, z: Array) -> Array:
    """log(sum exp(z) / max exp(z)) over the last axis; accurate next to 0.

    Where one exponent makes up most of the sum it is log1p of what the others add to it. A sum of a few or more is as
    good as its logarithm needs although z - max(z) is rounded.

    Args:
        below: [..., i], z - max(z).
        z: [..., i].
    """
    if z.dtype == object or not z.size:
        e = row_exp(z, axis=-1)
        return log_sum(e, exp_sum(e))
    if z.dtype.char == "e":
        return log_sum_exp(below.astype(np.float32), z.astype(np.float32)).astype(z.dtype)
    if is_narrow(z):
        return _log_few(row_exp(z, axis=-1))
    e = np.exp(below)
    count = e.shape[-1]
    if count <= FEW:
        total = np.asarray(e.dot(ones_of(count, e.dtype)[0]))
    else:
        total = np.asarray(np.add.reduce(e, axis=-1)) if count == 16 else exp_sum(e)
    if least(total) >= ENOUGH:
        np.log(total, out=total)
        return total
    near = ~(total >= ENOUGH)
    quietly(np.log, total, total)
    total[near] = _log_rest(row_exp(z[near], axis=-1))
    return total


def _log_rest(e: Array) -> Array:
    """log_sum of rows [n, i], which are overwritten, from what the others add to the largest."""
    at = np.arange(len(e)), e.argmax(axis=-1)
    largest = e[at]
    e[at] = 0
    ratio = positive_sum(e) / np.maximum(largest, TINY[e.dtype.char])
    np.log1p(ratio, out=ratio)
    ratio[largest == 0] = -np.inf
    return np.asarray(ratio)


def _log_objects(e: Array) -> Array:
    """log_sum of balls."""
    peak = np.asarray(np.frompyfunc(float, 1, 1)(e), np.float64).argmax(axis=-1)[..., None]
    largest = np.take_along_axis(e, peak, -1)
    rest = e.copy()
    np.put_along_axis(rest, peak, 0 * largest, -1)
    others = np.add.reduce(rest, axis=-1)
    of_one = np.frompyfunc(lambda r, m: -np.inf if m == 0 else (r / m).log1p(), 2, 1)
    return np.asarray(of_one(others, largest[..., 0]))
