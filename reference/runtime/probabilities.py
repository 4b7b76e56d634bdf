"""Differences that hide a factor 1 - p, for rows of probabilities: where p is next to 1 it is the sum of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.functions import positive_sum
from reference.runtime.layout import most, places
from reference.runtime.narrow import is_narrow, total
from reference.runtime.selection import chosen
from reference.runtime.sums import row_dot, sum_over

Array = NDArray[Any]

ALONE = 20  # numbers that are gone through in the time in which one is picked out
NEAR = 0.25  # from here on one minus a probability is the sum of the others
SURE = 0.5  # where no probability is larger, 1 - p is at least p, and nothing is lost; at most one of a row is


def _sure(p: Array) -> Array | None:
    """Where probabilities are large; None where none is, and for balls, which are exact enough."""
    if p.dtype == object or not p.size or most(p) <= SURE:
        return None
    return p > SURE


def _are_many(sure: Array) -> bool:
    """Whether it costs more to pick them out one by one than to go through all."""
    return bool(ALONE * np.count_nonzero(sure) > sure.size)


def less_mean(f: Array, p: Array) -> Array:
    """``f - sum(p f)`` over the last axis, for rows p that sum to 1 or are 0; relative to f where p is next to 1."""
    if f.shape != p.shape:
        f, p = np.broadcast_arrays(f, p)
    if p.ndim == 1:
        return less_mean(f[None], p[None])[0]  # type: ignore[no-any-return]
    sure = _sure(p)
    if sure is not None and _are_many(sure):
        f = f - np.asarray(sum_over(chosen(f, sure), axis=-1))[..., None]
    elif sure is not None:
        at = places(sure)
        shift = np.zeros((*p.shape[:-1], 1), f.dtype)
        shift[at[:-1]] = f[at][:, None]
        f = f - shift
    return np.asarray(f - row_dot(f, p)[..., None])


def less_share(g: Array, p: Array) -> Array:
    """``g - p sum(g)`` over the last axis, for such rows p; where p is next to 1, minus the sum of the others."""
    if g.shape != p.shape:
        g, p = np.broadcast_arrays(g, p)
    if p.ndim == 1:
        return less_share(g[None], p[None])[0]  # type: ignore[no-any-return]
    out: Array = np.asarray(g - p * np.asarray(sum_over(g, axis=-1))[..., None])
    sure = _sure(p)
    if sure is not None and _are_many(sure):
        sure &= np.count_nonzero(sure, axis=-1)[..., None] == 1  # of quotients that are no probabilities more may be
        out = chosen(out, ~sure)
        out -= chosen(np.asarray(sum_over(out, axis=-1))[..., None], sure)
    elif sure is not None:
        at = places(sure)
        others = out[at[:-1]]
        others[np.arange(len(others)), at[-1]] = 0
        out[at] = -sum_over(others, axis=-1)
    return out


def less_one_hot(y: Array, t: Array) -> Array:
    """``y[..., i] - [i == t]`` for rows of y that sum to 1: at t, minus the sum of the others.

    Where y is small at t the difference itself is accurate.
    """
    if is_narrow(y):
        return _less_one_of_few(y, t)
    out = y.copy()
    rows = np.arange(len(t))
    label = out[rows, t]
    near = np.greater(label, NEAR) if y.dtype != object else np.ones(len(t), dtype=bool)
    label -= 1
    if near.any():
        others = out[near]
        others[np.arange(len(others)), t[near]] = 0
        label[near] = -positive_sum(others)
    out[rows, t] = label
    return out


def _less_one_of_few(y: Array, t: Array) -> Array:
    """less_one_hot of rows of a few numbers."""
    here = [t == n for n in range(y.shape[-1])]
    others = [chosen(y[..., n], ~at) for n, at in enumerate(here)]
    label = chosen(y[..., 0], here[0])
    for n in range(1, len(here)):
        label += chosen(y[..., n], here[n])
    near = label > NEAR
    label -= 1
    label = chosen(label, ~near)
    label -= chosen(total(others), near)
    out = np.empty_like(y)
    for n, at in enumerate(here):
        np.add(others[n], chosen(label, at), out=out[..., n])
    return out
