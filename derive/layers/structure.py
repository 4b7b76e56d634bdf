"""Elements picked, moved and put together."""

from __future__ import annotations

from derive import layer


@layer(cites="numpy.take_along_axis")
def gather(x: Real[..., i], t: Integer[..., n]):
    """The elements at the given places along the last axis."""
    y[..., n] = x[..., t[..., n]]
    return y


@layer(cites="numpy.take along the first axis; torch.index_select")
def gather_rows(x: Real[i, ...], t: Integer[n]):
    """The rows at the given places along the first axis."""
    y[n, ...] = x[t[n], ...]
    return y


@layer(cites="numpy.flip")
def flip(x: Real[..., i], axis: Axis[i] = -1):
    """The elements in reverse order along one axis."""
    y[..., i] = x[..., size(i) - 1 - i]
    return y


@layer(cites="numpy.roll")
def roll(x: Real[..., i], shift: Integer = 1, axis: Axis[i] = -1):
    """Every element moved along one axis by a number of places, round the end."""
    y[..., i] = x[..., (i - shift) % size(i)]
    return y
