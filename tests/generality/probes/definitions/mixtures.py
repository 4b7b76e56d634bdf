"""Constructs side by side: options in exponents, functions of positions, conditions inside sums, recurrences of matrices."""

from __future__ import annotations

from derive import layer


@layer(cites="Patwardhan, Ingalhalikar and Walambe 2018, arXiv:1805.08878")
def aria(x: Real[...], a: Positive = 1.5, b: Positive = 2.0):
    """A power of the logistic function, times its argument."""
    y[...] = x[...] * (1 + exp(-b * x[...])) ** (-a)
    return y


@layer(cites="Klimek and Perelstein 2018, arXiv:1810.11509")
def soft_clip(x: Real[...], p: Positive = 3.0):
    """About linear between 0 and 1, and constant outside."""
    y[...] = log((1 + exp(p * x[...])) / (1 + exp(p * (x[...] - 1)))) / p
    return y


@layer(cites="Sun et al. 2020, arXiv:2002.10857")
def circle_loss(s: Real[b, i], d: Real[b, j], gamma: Positive = 4.0, m: Scalar = 0.25):
    """Similarities of pairs of one class and of two, weighted by how far they are from where they should be."""
    p[b] = sum(i, exp(-gamma * (1 + m - s[b, i]) * (s[b, i] - 1 + m)))
    q[b] = sum(j, exp(gamma * (d[b, j] + m) * (d[b, j] - m)))
    L[b] = log(1 + p[b] * q[b])
    return L


@layer(cites="Miller 2023, Attention is off by one")
def off_by_one(z: Real[..., i], v: Real[..., i, d]):
    """Softmax beside a 0, which lets all probabilities be small."""
    p[..., i] = exp(z[..., i]) / (1 + sum(j, exp(z[..., j])))
    y[..., d] = sum(i, p[..., i] * v[..., i, d])
    return y


@layer(cites="Ramapuram et al. 2024, arXiv:2409.04431")
def sigmoid_attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], causal: Flag = False):
    """Attention in which every key is looked at by itself."""
    s[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d)) - log(size(k))
    O[..., q, v] = sum(k, sigmoid(s[..., q, k]) * V[..., k, v] if k <= q or not causal else 0)
    return O


@layer(cites="Velickovic et al. 2018, arXiv:1710.10903, with the edges sorted by node")
def segment_softmax(x: Real[n, d], a: Real[n], seg: Integer[n], groups: Count[g] = 3):
    """Means of segments, of which some may be empty, weighted by a softmax in each."""
    e[n] = exp(a[n])
    Z[g] = sum(n, e[n] if seg[n] == g else 0)
    y[g, d] = sum(n, e[n] * x[n, d] if seg[n] == g else 0) / Z[g] if Z[g] > 0 else 0
    return y


@layer(cites="Stergiou, Poppe and Kalliatakis 2021, arXiv:2101.00440")
def soft_pool(x: Real[b, p], window: Count = 3, stride: Count = 2):
    """The mean of each window, weighted by a softmax."""
    k = axis(window)
    i = axis((size(p) - window) // stride + 1)
    y[b, i] = sum(k, exp(x[b, stride * i + k]) * x[b, stride * i + k]) / sum(k, exp(x[b, stride * i + k]))
    return y


@layer(cites="Ahmed, Natarajan and Rao 1974")
def cosine_transform(x: Real[..., i], keep: Count[k] = 3):
    """The first coefficients of the orthonormal discrete cosine transform."""
    y[..., k] = sum(i, x[..., i] * cos(pi * k * (2 * i + 1) / (2 * size(i)))) * (sqrt(1 / size(i)) if k == 0 else sqrt(2 / size(i)))
    return y


@layer(cites="Jarvelin and Kekalainen 2002")
def discounted_gain(s: Real[b, i], rel: 0 <= Integer[b, i]):
    """Gains of places in a list, each less by the logarithm of the place."""
    y[b] = sum(i, (2 ** rel[b, i] - 1) * sigmoid(s[b, i]) / log(i + 2))
    return y


@layer(cites="Jordan et al. 2024, Muon")
def newton_schulz(G: Real[m, n], steps: Count[t] = 3):
    """Steps towards the orthogonal factor of a matrix."""
    X[-1, m, n] = G[m, n] / sqrt(sum((m, n), G[m, n] ** 2))
    k = axis(size(m))
    l = axis(size(m))
    A[t, m, k] = sum(n, X[t - 1, m, n] * X[t - 1, k, n])
    B[t, m, k] = -4.775 * A[t, m, k] + 2.0315 * sum(l, A[t, m, l] * A[t, l, k])
    X[t, m, n] = 3.4445 * X[t - 1, m, n] + sum(k, B[t, m, k] * X[t - 1, k, n])
    y[m, n] = X[size(t) - 1, m, n]
    return y


@layer(cites="You et al. 2020, arXiv:1904.00962")
def lamb(W: Real[l][...], G: Real[l][...], m: State[l][...], lam: Scalar = 0.1, alpha: Scalar = 0.01, beta: Fraction = 0.9):
    """A step whose length is that of each array of weights."""
    M[l, ...] = beta * m[l, ...] + (1 - beta) * G[l, ...]
    u[l, ...] = M[l, ...] + lam * W[l, ...]
    a[l] = sqrt(sum(..., W[l, ...] ** 2))
    b[l] = sqrt(sum(..., u[l, ...] ** 2))
    r[l] = a[l] / b[l] if a[l] > 0 and b[l] > 0 else 1
    V[l, ...] = W[l, ...] - alpha * r[l] * u[l, ...]
    return V, state(M)


@layer(cites="Qiao et al. 2019, arXiv:1903.10520; Brock et al. 2021, arXiv:2101.08692")
def scaled_filters(W: Real[o, i, k], x: Real[b, i, p], gain: Real[o], epsilon: Positive = 1e-4):
    """Convolution whose filters have mean 0 and a given length."""
    m[o] = mean((i, k), W[o, i, k])
    v[o] = mean((i, k), (W[o, i, k] - m[o]) ** 2)
    s[o, i, k] = gain[o] * (W[o, i, k] - m[o]) / sqrt(v[o] * size(i) * size(k) + epsilon)
    j = axis(size(p) - size(k) + 1)
    z[b, o, j] = sum((i, k), s[o, i, k] * x[b, i, j + k])
    return z


@layer(cites="Wang et al. 2019, arXiv:1909.01315")
def segment_lse(x: Real[n], seg: Integer[n], groups: Count[g] = 3):
    """Log-sum-exp of each segment."""
    y[g] = log(sum(n, exp(x[n]) if seg[n] == g else 0))
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
