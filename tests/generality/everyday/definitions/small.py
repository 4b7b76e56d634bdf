"""Small definitions of the kind people type first, to run the legs of the evidence on. Read as text, never run."""

from derive import layer


@layer(cites="everyday")
def mult(x: Real[k]):
    """Sum of multiples."""
    y = sum(k, x[k] * 3)
    return y


@layer(cites="everyday")
def diag(A: Real[n, n]):
    """Norm of the diagonal."""
    y = sqrt(sum(n, A[n, n] ** 2))
    return y


@layer(cites="everyday")
def trace(A: Real[n, n], b: Real[n]):
    """Trace and a scaled diagonal."""
    t = sum(n, A[n, n])
    y[n] = A[n, n] * b[n] - t
    return y


@layer(cites="everyday")
def maxall(x: Real[..., i]):
    """Divided by the largest of all."""
    m = max((..., i), abs(x[..., i]))
    y[..., i] = x[..., i] / (m + 1)
    return y


@layer(cites="everyday")
def maxall2(x: Real[i, j]):
    """Largest of a matrix less the mean."""
    y = max((i, j), x[i, j]) - sum((i, j), x[i, j]) / (size(i) * size(j))
    return y


@layer(cites="everyday")
def const(x: Real[...]):
    """A constant weight."""
    y[...] = x[...] * 0.3 + sqrt(2 / pi)
    return y


@layer(cites="everyday")
def fixed(x: Real[k], w: Real[k]):
    """Two entries."""
    k = axis(2)
    y = sum(k, x[k] * w[k])
    return y


@layer(cites="everyday")
def two_outputs(x: Real[..., n], w: Real[n]):
    """Several outputs, one of which another uses."""
    a[...] = sum(n, x[..., n] * w[n])
    b[..., n] = x[..., n] * a[...]
    return a, b


@layer(cites="everyday")
def masked_mean(x: Real[..., n], keep: Boolean[..., n]):
    """Mean of what is kept."""
    c[...] = sum(n, 1 if keep[..., n] else 0)
    y[...] = sum(n, x[..., n] if keep[..., n] else 0) / (c[...] + 1)
    return y


@layer(cites="everyday")
def label(x: Real[..., n], t: Integer[...]):
    """The score of a label, twice."""
    y[...] = 2 * x[..., t[...]] - sum(n, x[..., n] ** 2)
    return y


@layer(cites="everyday")
def label_exp(x: Real[..., n], t: Integer[...]):
    """A label's share."""
    y[...] = exp(x[..., t[...]]) / sum(n, exp(x[..., n]))
    return y


@layer(cites="everyday")
def intopt(x: Real[..., n], k: Count = 2):
    """A whole power of an option."""
    y[...] = sum(n, x[..., n] ** k) / k
    return y


@layer(cites="everyday")
def running(x: Real[..., n], m: State[n], rate: Fraction = 0.1):
    """A running mean that another equation uses."""
    new_m[n] = (1 - rate) * m[n] + rate * sum(..., x[..., n]) / size(...)
    y[..., n] = x[..., n] - new_m[n]
    return y, state(new_m)


@layer(cites="everyday")
def list_norm(p: Real[l][n]):
    """Divided by the norm of all."""
    s = sqrt(sum((l, n), p[l, n] ** 2) + 1)
    y[l, n] = p[l, n] / s
    return y


@layer(cites="everyday")
def list_curved(p: Real[l][n], *, least: Positive = 0.5):
    """Functions of the squares of all."""
    s = sum((l, n), p[l, n] ** 2)
    c = log(2 + s) + erf(s) + exp(-s) + max(s, least) + abs(s - 30)
    y[l, n] = p[l, n] / c
    return y


@layer(cites="everyday")
def largest(x: Real[b, n]):
    """The largest of a row."""
    y[b] = max(n, x[b, n])
    return y


@layer(cites="everyday")
def which(t: Integer[b], k: Integer[n]):
    """Which positions are meant."""
    y[b, n] = 1 if t[b] == k[n] else 0
    return y


@layer(cites="everyday")
def gram(x: Real[i, k]):
    """Gram matrix less the identity."""
    G[i, j] = sum(k, x[i, k] * x[j, k])
    y = sum((i, j), (G[i, j] - (1 if i == j else 0)) ** 2)
    return y


@layer(cites="everyday")
def quadratic(x: Real[i], A: Real[i, i]):
    """Quadratic form."""
    y = sum((i, j), x[i] * A[i, j] * x[j]) / 2
    return y


@layer(cites="everyday")
def hinge(z: Real[..., n], t: Integer[...], margin: Positive = 1.0):
    """Hinge over classes."""
    y = sum((..., n), max(0, margin + z[..., n] - z[..., t[...]]) if n != t[...] else 0) / size(...)
    return y


@layer(cites="everyday")
def poly(x: Real[...], a: Real, b: Real):
    """A line through learned numbers."""
    y[...] = a * x[...] ** 2 + b * x[...] + 0.5
    return y


@layer(cites="everyday")
def logcosh(x: Real[...]):
    """Mean of log cosh."""
    y = sum(..., log((exp(x[...]) + exp(-x[...])) / 2)) / size(...)
    return y


@layer(cites="everyday")
def var(x: Real[..., n]):
    """Variance with Bessel's correction and its root."""
    m[...] = sum(n, x[..., n]) / size(n)
    v[...] = sum(n, (x[..., n] - m[...]) ** 2) / (size(n) - 1 + 1)
    s[...] = sqrt(v[...] + 0.001)
    return v, s


@layer(cites="everyday")
def pairs(x: Real[n, d], tau: Positive = 0.5):
    """Distances of all pairs."""
    i = axis(size(n))
    j = axis(size(n))
    D[i, j] = sum(d, (x[i, d] - x[j, d]) ** 2)
    y = sum((i, j), exp(-D[i, j] / tau) if i != j else 0)
    return y


@layer(cites="everyday")
def cumsum(x: Real[t, b]):
    """A running sum with decay."""
    s[-1, b] = 0
    s[t, b] = 0.9 * s[t - 1, b] + x[t, b]
    return s


@layer(cites="everyday")
def rnn(x: Real[t, b, i], W: Real[h, i], U: Real[h, h]):
    """A recurrence of one's own."""
    y[-1, b, h] = 0
    y[t, b, h] = tanh(sum(i, W[h, i] * x[t, b, i]) + sum(k, U[h, k] * y[t - 1, b, k]))
    return y


@layer(cites="everyday")
def shift(x: Real[..., n]):
    """Differences of neighbours, squared."""
    y = sum((..., n), (x[..., n] - x[..., n - 1]) ** 2)
    return y


@layer(cites="everyday")
def flag(x: Real[..., n], w: Real[n], square: Flag = False):
    """Two forms of a penalty."""
    y = sum((..., n), w[n] * (x[..., n] ** 2 if square else abs(x[..., n])))
    return y


@layer(cites="everyday")
def gate(x: Real[..., n], a: Real[..., n]):
    """A gate that is a maximum."""
    y[..., n] = max(x[..., n], a[..., n]) * sigmoid(a[..., n]) - max(0, x[..., n])
    return y


@layer(cites="everyday")
def entropy(p: Real[..., n] > 0):
    """Entropy."""
    y[...] = -sum(n, p[..., n] * log(p[..., n]))
    return y


@layer(cites="everyday")
def geo(x: Real[..., n] > 0):
    """Geometric mean."""
    y[...] = exp(sum(n, log(x[..., n])) / size(n))
    return y


@layer(cites="everyday")
def harm(x: Real[..., n] > 0):
    """Harmonic mean."""
    y[...] = size(n) / sum(n, 1 / x[..., n])
    return y


@layer(cites="everyday")
def softthresh(x: Real[..., n], lam: Positive = 0.5):
    """Soft threshold of rows by their norm."""
    r[...] = sqrt(sum(n, x[..., n] ** 2))
    y[..., n] = x[..., n] * max(0, 1 - lam / (r[...] + 0.01))
    return y


@layer(cites="everyday")
def bilinear(x: Real[..., i], W: Real[k, i, j], y: Real[..., j]):
    """Bilinear."""
    z[..., k] = sum((i, j), x[..., i] * W[k, i, j] * y[..., j])
    return z


@layer(cites="everyday")
def position(x: Real[..., n], w: Real):
    """Weights by position."""
    y[...] = sum(n, x[..., n] * exp(-w * n)) / 2
    return y


@layer(cites="everyday")
def onehot(t: Integer[...], W: Real[n, d]):
    """A label's row less the mean row."""
    y[..., d] = W[t[...], d] - sum(n, W[n, d]) / size(n)
    return y


@layer(cites="everyday")
def gated_rms(x: Real[..., n], g: Real[..., n], w: Real[n], epsilon: Positive = 1e-6):
    """A gated RMS norm."""
    r[...] = sqrt(sum(n, x[..., n] ** 2) / size(n) + epsilon)
    s[..., n] = g[..., n] * sigmoid(g[..., n])
    y[..., n] = w[n] * x[..., n] / r[...] * s[..., n]
    return y


@layer(cites="everyday")
def clamp(x: Real[..., n]):
    """Logarithm of a clamped number."""
    y[..., n] = log(max(x[..., n], 1)) + sqrt(max(x[..., n], 0.25))
    return y


@layer(cites="everyday")
def safe_log(x: Real[..., n]):
    """Logarithm where there is one."""
    y[..., n] = log(x[..., n]) if x[..., n] > 1 else 0.5
    return y


@layer(cites="everyday")
def flat_exp(x: Real[..., n]):
    """An exponential of a case."""
    y[..., n] = exp(1 if x[..., n] > 0 else x[..., n])
    return y


@layer(cites="everyday")
def scalar_case(x: Real[n], lr: Positive = 0.1):
    """A step that is clipped to a ball."""
    r = sum(n, x[n] ** 2)
    y[n] = x[n] / sqrt(r) if r > 1 else x[n]
    return y


@layer(cites="everyday")
def scalar_max(x: Real[n], t: Real[n]):
    """A loss that is no less than zero."""
    d = sum(n, x[n] * t[n])
    loss = log(1 + max(0, 1 - d)) + exp(-d if d > 0 else 0)
    return loss


@layer(cites="everyday")
def shifted_exp(x: Real[..., n]):
    """An exponential of the neighbour."""
    y[..., n] = exp(-x[..., n + 1])
    return y


@layer(cites="everyday")
def log_relu(x: Real[..., n], t: Real[..., n]):
    """Logarithm of a sum of a half-wave."""
    y[..., n] = exp(max(0, x[..., n] - t[..., n]))
    return y


@layer(cites="everyday")
def option_power(x: Real[...], t: State[...], q: Positive = 0.5):
    """An option to a power that is data, beside 1."""
    y[...] = x[...] * log(1 + q ** t[...]) / (1 + q ** t[...])
    return y


@layer(cites="everyday")
def of_positions(x: Real[..., i], t: Integer[..., i] < i):
    """Functions of positions and labels alone, and of pi."""
    y[...] = sum(i, x[..., i] * cos(2 * pi * i / size(i)) / log(i + 2) + exp(-t[..., i] / 3) * sqrt(i // 2 + 1))
    return y


@layer(cites="everyday")
def clipped_ratio(x: Real[b], old: State[b], a: State[b], c: Positive = 0.25):
    """Two sides that are one number wherever nothing is clipped."""
    r[b] = exp(x[b] - old[b])
    y = -mean(b, min(r[b] * a[b], clip(r[b], 1 - c, 1 + c) * a[b]))
    return y


@layer(cites="everyday")
def gated_pool(x: Real[b, t, i], m: Mask[b, t], W: Real[i]):
    """A mean over time by scores, of the steps that a mask keeps."""
    s[b, t] = sum(i, W[i] * tanh(x[b, t, i]))
    e[b, t] = exp(s[b, t]) if m[b, t] else 0
    n[b] = sum(t, e[b, t])
    y[b, i] = sum(t, e[b, t] * x[b, t, i]) / n[b] if n[b] > 0 else 0
    return y


@layer(cites="a mean of nothing, of a number of Python's own")
def mean_squares(r: Real[b, j], L: Real[i]):
    """Half the mean square of rows, and a logarithm."""
    nll = mean(b, sum(j, r[b, j] ** 2) / 2) - sum(i, log(abs(L[i])))
    return nll
