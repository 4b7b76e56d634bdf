"""Definitions that readers typed, each of which some leg was red on; read as text, never run."""

from derive import layer


@layer(cites="a root of a sum that is 0 in a row whose elements are all negative")
def root_relu(x: Real[..., i]):
    """The length of what is positive."""
    y[...] = sqrt(sum(i, relu(x[..., i]) ** 2) + 1e-6)
    return y


@layer(cites="a list of numbers from a list of arrays")
def list_sq(h: Real[l][...]):
    """Squares of each array, added."""
    y[l] = sum(..., h[l, ...] ** 2)
    return y


@layer(cites="a number that is the entry's position in a list")
def list_counted(h: Real[l][...], a: Real[l][...]):
    """Each array of a list times how far it is from the second, and another one."""
    y[l, ...] = 2 * a[l, ...] + (1 - l) * h[l, ...]
    return y


@layer(cites="one number of an array for each entry of a list")
def list_weighted(h: Real[l][i], w: Real[l]):
    """A weighted sum of what the arrays of a list add up to."""
    y = sum(l, w[l] * sum(i, h[l, i]))
    return y
