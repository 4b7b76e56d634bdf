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


@layer(cites="numpy.pad with mode constant")
def pad_constant(x: Real[..., i], before: Natural = 1, after: Natural = 1, value: Scalar = 0.0):
    """A constant put before and after the last axis."""
    j = axis(size(i) + before + after)
    y[..., j] = x[..., j - before] if j >= before and j < before + size(i) else value
    return y


@layer(cites="numpy.concatenate")
def concatenate(a: Real[..., i], b: Real[..., j]):
    """One array after the other along the last axis."""
    k = axis(size(i) + size(j))
    y[..., k] = a[..., k] if k < size(i) else b[..., k - size(i)]
    return y


@layer(cites="numpy.split")
def split(x: Real[..., n], first: Natural = 1):
    """The first so many elements along the last axis, and the rest."""
    i = axis(first)
    j = axis(size(n) - first)
    a[..., i] = x[..., i]
    b[..., j] = x[..., j + first]
    return a, b


@layer(cites="numpy.stack")
def stack(a: Real[..., i], b: Real[..., i]):
    """Two vectors as the rows of a matrix."""
    s = axis(2)
    y[..., s, i] = a[..., i] if s == 0 else b[..., i]
    return y


@layer(cites="numpy.pad with mode wrap")
def pad_circular(x: Real[..., i], before: Natural = 1, after: Natural = 1):
    """The elements from the other end put before and after the last axis, round and round."""
    j = axis(size(i) + before + after)
    y[..., j] = x[..., (j - before) % size(i)]
    return y


@layer(cites="numpy.pad with mode edge; torch.nn.ReplicationPad1d")
def pad_replicate(x: Real[..., i], before: Natural = 1, after: Natural = 1):
    """The first element put before the last axis, and the last one after it, again and again."""
    j = axis(size(i) + before + after)
    y[..., j] = x[..., min(max(j - before, 0), size(i) - 1)]
    return y


@layer(cites="numpy.pad with mode reflect; torch.nn.ReflectionPad1d")
def pad_reflect(x: Real[..., i], before: Natural = 1, after: Natural = 1):
    """The elements next to the first and the last one put before and after the last axis, in reverse order."""
    j = axis(size(i) + before + after)
    y[..., j] = x[..., size(i) - 1 - abs(size(i) - 1 - abs(j - before))]
    return y


@layer(cites="numpy.reshape; torch.flatten")
def flatten(x: Real[b, c, h, w]):
    """Each image's channels, rows and columns as one row."""
    y[b, c * h * w] = x[b, c, h, w]
    return y


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762")
def split_heads(x: Real[..., t, h * d], heads: Count[h] = 2):
    """The features of each head by themselves, one head after another."""
    y[..., h, t, d] = x[..., t, h, d]
    return y


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762")
def merge_heads(x: Real[..., h, t, d]):
    """The features of all heads side by side."""
    y[..., t, h * d] = x[..., h, t, d]
    return y


@layer(cites="Dosovitskiy et al. 2021, arXiv:2010.11929")
def patches(x: Real[b, c, h * p, w * q], size: Count[p] = 2):
    """An image cut into squares, each a row of all that is in it."""
    q = axis(size)
    y[b, h * w, c * p * q] = x[b, c, h, p, w, q]
    return y
