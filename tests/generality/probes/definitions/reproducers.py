"""Smallest reproducers."""
from __future__ import annotations

from derive import layer


@layer(cites="t")
def r_reversed(x: Real[t, b]):
    """A recurrence's result read backwards."""
    y[-1, b] = 0
    y[t, b] = y[t - 1, b] + x[t, b]
    r[t, b] = y[size(t) - 1 - t, b]
    return r


@layer(cites="t")
def r_strided(x: Real[t, b]):
    """A recurrence's result read at every second place."""
    u = axis((size(t) + 1) // 2)
    y[-1, b] = 0
    y[t, b] = y[t - 1, b] + x[t, b]
    r[u, b] = y[2 * u, b]
    return r


@layer(cites="t")
def r_gather_state(x: Real[t, b], last: Integer[b]):
    """A recurrence's result read at a place that is data."""
    y[-1, b] = 0
    y[t, b] = y[t - 1, b] + x[t, b]
    r[b] = y[last[b], b]
    return r


@layer(cites="t")
def r_hankel(B: Real[r], n: Count[q] = 3, m: Count[k] = 2):
    """A matrix that is constant along its diagonals."""
    y[q, k] = B[k + q]
    return y


@layer(cites="t")
def r_gather(B: Real[i, v], s: Integer[t]):
    """Looks up columns."""
    e[t, i] = B[i, s[t]]
    return e


@layer(cites="t")
def r_gather_same(B: Real[b, v], s: Integer[b]):
    """Each row looks up its own element."""
    e[b] = B[b, s[b]]
    return e


@layer(cites="t")
def r_gather_rows(B: Real[b, v], s: Integer[b, k]):
    """Each row looks up elements of its own."""
    e[b, k] = B[b, s[b, k]]
    return e


@layer(cites="t")
def r_concat(x: Real[i], y: Real[j]):
    """Side by side."""
    k = axis(size(i) + size(j))
    z[k] = x[k] if k < size(i) else y[k - size(i)]
    return z


@layer(cites="t")
def r_pad(x: Real[i], n: Natural = 1):
    """Zeros behind."""
    k = axis(size(i) + n)
    z[k] = x[k]
    return z


@layer(cites="t")
def r_power(x: Real[i], p: Positive = 3.0):
    """A power of the absolute value."""
    y[i] = abs(x[i]) ** p
    return y


@layer(cites="t")
def r_max_window(x: Real[p], window: Count = 2):
    """The largest of each window along one axis."""
    k = axis(window)
    i = axis(size(p) - window + 1)
    y[i] = max(k, x[i + k])
    return y


@layer(cites="t")
def r_norm_window(x: Real[p], window: Count = 2):
    """The norm of each window along one axis."""
    k = axis(window)
    i = axis(size(p) - window + 1)
    y[i] = sqrt(sum(k, x[i + k] ** 2))
    return y


@layer(cites="t")
def r_var_window(x: Real[p], window: Count = 2):
    """The mean square of each window along one axis."""
    k = axis(window)
    i = axis(size(p) - window + 1)
    y[i] = mean(k, x[i + k] ** 2)
    return y


@layer(cites="t")
def r_logsumexp_window(x: Real[p], window: Count = 2):
    """A soft maximum of each window."""
    k = axis(window)
    i = axis(size(p) - window + 1)
    y[i] = log(sum(k, exp(x[i + k])))
    return y


@layer(cites="t")
def r_two_gathers(U: Real[v, d], V: Real[v, d], s: Integer[b], t: Integer[b]):
    """The product of two rows looked up."""
    y[b] = sum(d, U[s[b], d] * V[t[b], d])
    return y


@layer(cites="t")
def r_two_gathers_named(U: Real[v, d], V: Real[v, d], s: Integer[b], t: Integer[b]):
    """The product of two rows looked up, each named."""
    u[b, d] = U[s[b], d]
    w[b, d] = V[t[b], d]
    y[b] = sum(d, u[b, d] * w[b, d])
    return y


@layer(cites="t")
def r_log_prob(A: Real[i, j], x: Real[j]):
    """A logarithm of what must be positive, through a sum."""
    y[i] = log(sum(j, A[i, j] * x[j]))
    return y


@layer(cites="t")
def r_begin_zero(x: Real[t, b]):
    """Begins at position 0."""
    y[0, b] = x[0, b]
    y[t, b] = y[t - 1, b] / 2 + x[t, b]
    return y


@layer(cites="t")
def r_begin_end(x: Real[t, b]):
    """Runs from the end."""
    y[size(t), b] = 0
    y[t, b] = y[t + 1, b] / 2 + x[t, b]
    return y


@layer(cites="t")
def r_logsumexp_recurrence(e: Real[t, i], s0: Real[i], A: Real[j, i]):
    """A soft maximum along a recurrence."""
    j = axis(size(i))
    f[-1, i] = s0[i]
    f[t, i] = log(sum(j, exp(f[t - 1, j] + A[j, i]))) + e[t, i]
    return f


@layer(cites="t")
def r_last(x: Real[t, b]):
    """The last of a recurrence."""
    y[-1, b] = 0
    y[t, b] = y[t - 1, b] / 2 + x[t, b]
    z[b] = y[size(t) - 1, b]
    return z


@layer(cites="t")
def r_gather_2d(E: Real[v, d], s: Integer[b, n]):
    """Looks up rows by an index of two axes."""
    y[b, n, d] = E[s[b, n], d]
    return y


@layer(cites="t")
def r_concat_sum(x: Real[i], y: Real[j]):
    """Side by side, by a condition."""
    k = axis(size(i) + size(j))
    z[k] = sum(i, x[i] if i == k else 0) + y[k - size(i)]
    return z


@layer(cites="t")
def r_axis_ignored(x: Real[i]):
    """Twice as long."""
    k = axis(2 * size(i))
    z[k] = x[k]
    return z


@layer(cites="t")
def r_causal(x: Real[p], W: Real[k]):
    """Looks back."""
    y[p] = sum(k, W[k] * x[p - 2 * k])
    return y


@layer(cites="t")
def r_heads_list(x: Real[m], W: Real[l][h * d, m], heads: Count[h] = 2):
    """A list of matrices whose first axis is split."""
    y[l, h, d] = sum(m, W[l, h, d, m] * x[m])
    s = sum((l, h, d), y[l, h, d])
    return s


@layer(cites="t")
def r_sum_log(x: Real[b, i]):
    """A logarithm of a mean."""
    m[b] = mean(i, x[b, i])
    y[b] = log(m[b])
    return y


@layer(cites="t")
def r_digit_axis(x: Real[i], z: Real[i2]):
    """An outer product; the second axis has a name that ends in a digit."""
    y[i, i2] = x[i] * z[i2]
    return y


@layer(cites="t")
def r_digit_mean(x: Real[i], z: Real[i2]):
    """A mean over an axis whose name ends in a digit."""
    y = mean(i, x[i]) * mean(i2, z[i2])
    return y


@layer(cites="t")
def r_digit_matmul(x: Real[b, c], W: Real[c2, c], V: Real[c3, c2]):
    """Two matrices; the widths are called c, c2 and c3."""
    h[b, c2] = max(0, sum(c, W[c2, c] * x[b, c]))
    y[b, c3] = sum(c2, V[c3, c2] * h[b, c2])
    return y


@layer(cites="t")
def r_digit_position(x: Real[i], z: Real[i2]):
    """Positions along an axis whose name ends in a digit."""
    y[i, i2] = x[i] * z[i2] if i2 <= i else z[size(i2) - 1 - i2]
    return y


@layer(cites="t")
def r_digit12(x: Real[b, c1], W: Real[c2, c1]):
    """A matrix; the widths are called c1 and c2."""
    y[b, c2] = sum(c1, W[c2, c1] * x[b, c1])
    return y


@layer(cites="t")
def r_digit_relu(x: Real[b, c1], W1: Real[h1, c1], W2: Real[h2, h1]):
    """Two layers; the widths are called c1, h1, h2."""
    u[b, h1] = max(0, sum(c1, W1[h1, c1] * x[b, c1]))
    y[b, h2] = sum(h1, W2[h2, h1] * u[b, h1])
    return y


@layer(cites="t")
def r_negative_relu(x: Real[i]):
    """What is negative, as a positive number."""
    y[i] = max(0, -x[i])
    return y


@layer(cites="t")
def r_negative_relu_sum(x: Real[b]):
    """A sum of two pieces of the same number."""
    y[b] = max(0, -x[b]) + x[b] ** 2
    return y


@layer(cites="t")
def r_abs_twice(x: Real[i]):
    """A function of the absolute value."""
    y[i] = exp(-abs(x[i]))
    return y


@layer(cites="t")
def r_centred(x: Real[p], W: Real[k]):
    """A window about each place."""
    y[p] = sum(k, W[k] * x[p + k - (size(k) - 1) // 2])
    return y


@layer(cites="t")
def r_top(s: Real[b, e]):
    """The largest probability alone."""
    q[b, e] = exp(s[b, e]) / sum(j, exp(s[b, j]))
    m[b] = max(e, q[b, e])
    y[b, e] = q[b, e] if q[b, e] == m[b] else 0
    return y
