"""Definitions that readers typed, each of which some leg was red on; read as text, never run."""

from derive import layer


@layer(cites="a root of a sum that is 0 in a row whose elements are all negative")
def root_relu(x: Real[..., i]):
    """The length of what is positive."""
    y[...] = sqrt(sum(i, relu(x[..., i]) ** 2) + 1e-6)
    return y


@layer(cites="Wang et al. 2019, arXiv:1909.01315")
def segment_lse(x: Real[n], seg: Integer[n], groups: Count[g] = 3):
    """Log-sum-exp of each segment, in time that grows as the number of elements does."""
    y[g] = log(sum(n, exp(x[n]) if seg[n] == g else 0))
    return y


@layer(cites="a list of numbers from a list of arrays")
def list_sq(h: Real[l][...]):
    """Squares of each array, added."""
    y[l] = sum(..., h[l, ...] ** 2)
    return y


@layer(cites="Coulomb 1785")
def coulomb(r: Real[n, d], q: Real[n]):
    """The energy of charges, each pair once; no distance of a charge from itself is read."""
    m = axis(size(n))
    D[n, m] = sqrt(sum(d, (r[n, d] - r[m, d]) ** 2))
    E = sum((n, m), q[n] * q[m] / D[n, m] if n < m else 0)
    return E


@layer(cites="Newton 1687")
def gravity(r: Real[n, d], M: Real[n]):
    """What pulls at each mass; the power of a distance is a part of a case."""
    m = axis(size(n))
    s[n, m] = sum(d, (r[n, d] - r[m, d]) ** 2)
    F[n, d] = sum(m, M[m] * (r[m, d] - r[n, d]) / s[n, m] ** 1.5 if n != m else 0)
    return F


@layer(cites="Hamilton et al. 2017, arXiv:1706.02216")
def graphsage(h: Real[n, i], A: Boolean[n, m], W: Real[o, i], U: Real[o, i], b: Real[o]):
    """A layer on a graph; in second order products of five arrays beside a condition are summed two by two."""
    m = axis(size(n))
    deg[n] = sum(m, 1 if A[n, m] else 0)
    a[n, i] = sum(m, h[m, i] if A[n, m] else 0) / max(deg[n], 1)
    y[n, o] = relu(sum(i, W[o, i] * h[n, i]) + sum(i, U[o, i] * a[n, i]) + b[o])
    return y
