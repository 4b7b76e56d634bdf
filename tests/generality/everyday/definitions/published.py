"""Definitions of a few lines that papers give; read as text, never imported."""

from derive import layer


@layer(cites="Cox 1975")
def cox(eta: Real[n], time: State[n], event: Boolean[n]):
    """Minus the partial log-likelihood of proportional hazards; a risk set is who has been seen as long."""
    m = axis(size(n))
    s[n] = log(sum(m, exp(eta[m]) if time[m] >= time[n] else 0))
    loss = sum(n, s[n] - eta[n] if event[n] else 0)
    return loss


@layer(cites="Velickovic et al. 2018, arXiv:1710.10903")
def gat(h: Real[n, i], A: Boolean[n, m], W: Real[o, i], a: Real[o], b: Real[o], alpha: Scalar = 0.2):
    """Attention along the edges of a graph."""
    m = axis(size(n))
    z[n, o] = sum(i, W[o, i] * h[n, i])
    u[n, m] = sum(o, a[o] * z[n, o]) + sum(o, b[o] * z[m, o])
    e[n, m] = u[n, m] if u[n, m] > 0 else alpha * u[n, m]
    P[n, m] = exp(e[n, m]) / sum(m, exp(e[n, m]) if A[n, m] else 0) if A[n, m] else 0
    y[n, o] = sum(m, P[n, m] * z[m, o])
    return y


@layer(cites="Arandjelovic et al. 2016, arXiv:1511.07247")
def netvlad(x: Real[b, n, d], W: Real[k, d], c: Real[k], C: Real[k, d]):
    """Residuals to each centre, weighed and added, of unit length for each centre and then as a whole."""
    s[b, n, k] = sum(d, W[k, d] * x[b, n, d]) + c[k]
    a[b, n, k] = exp(s[b, n, k]) / sum(k, exp(s[b, n, k]))
    V[b, k, d] = sum(n, a[b, n, k] * (x[b, n, d] - C[k, d]))
    r[b, k] = sqrt(sum(d, V[b, k, d] ** 2))
    u[b, k, d] = V[b, k, d] / r[b, k]
    R[b] = sqrt(sum((k, d), u[b, k, d] ** 2))
    y[b, k, d] = u[b, k, d] / R[b]
    return y


@layer(cites="Rasmussen and Williams 2006")
def matern32(x: Real[n, d], z: Real[m, d], ell: Positive = 1.0):
    """A kernel of distances that is twice differentiable where they are 0, though they are not."""
    r[n, m] = sqrt(3 * sum(d, (x[n, d] - z[m, d]) ** 2)) / ell
    k[n, m] = (1 + r[n, m]) * exp(-r[n, m])
    return k


@layer(cites="Wang et al. 2019, arXiv:1904.06627")
def multi_similarity(S: Real[n, m], t: Integer[n], alpha: Positive = 2.0, beta: Positive = 50.0, lam: Scalar = 0.5):
    """Sums of exponentials over those of the same class and of others, either of which may be nobody."""
    m = axis(size(n))
    p[n] = sum(m, exp(-alpha * (S[n, m] - lam)) if t[n] == t[m] and n != m else 0)
    q[n] = sum(m, exp(beta * (S[n, m] - lam)) if t[n] != t[m] else 0)
    L = mean(n, log(1 + p[n]) / alpha + log(1 + q[n]) / beta)
    return L


@layer(cites="Sun et al. 2020, arXiv:2002.10857")
def circle(p: Real[i], q: Real[j], m: Fraction = 0.25, gamma: Positive = 80.0):
    """Of one row each sum is a number, among balls as well."""
    a[i] = max(0, 1 + m - p[i])
    b[j] = max(0, q[j] + m)
    L = log(1 + sum(j, exp(gamma * b[j] * (q[j] - m))) * sum(i, exp(-gamma * a[i] * (p[i] - 1 + m))))
    return L


@layer(cites="Wang et al. 2019, arXiv:1909.01315")
def segment_softmax(x: Real[n], seg: Integer[n], groups: Count[g] = 3):
    """Shares of a segment's sum; a segment that has no element divides nothing."""
    Z[g] = sum(n, exp(x[n]) if seg[n] == g else 0)
    y[n] = exp(x[n]) / Z[seg[n]]
    return y


@layer(cites="Radford et al. 2021, arXiv:2103.00020")
def clip_loss(u: Real[b, d], v: Real[b, d], t: Real):
    """Symmetric contrastive loss of normalised embeddings."""
    c = axis(size(b))
    nu[b] = sqrt(sum(d, u[b, d] ** 2))
    nv[b] = sqrt(sum(d, v[b, d] ** 2))
    s[b, c] = exp(t) * sum(d, u[b, d] * v[c, d]) / (nu[b] * nv[c])
    rows = mean(b, log(sum(c, exp(s[b, c]))) - s[b, b])
    cols = mean(c, log(sum(b, exp(s[b, c]))) - s[c, c])
    loss = (rows + cols) / 2
    return loss
