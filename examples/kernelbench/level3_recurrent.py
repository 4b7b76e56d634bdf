"""KernelBench, level 3: recurrent networks of any number of layers; of the LSTM's two biases b is the sum."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 3, problem 33")
def vanilla_rnn(x: Real[n, i], h0: Real[n, h], W: Real[h, i], U: Real[h, m], b: Real[h], V: Real[o, h], d: Real[o]):
    """One step of a recurrent network and a linear layer."""
    m = axis(size(h))
    s = rnn_cell(x, h0, W, U, b)
    y = linear(s, V, d)
    return y


@layer(cites="KernelBench, level 3, problem 34")
def vanilla_rnn_hidden(
    x: Real[t, n, i], h0: Real[n, h], W: Real[h, i], U: Real[h, m], b: Real[h], V: Real[o, h], d: Real[o]
):
    """A recurrent network over a sequence, and a linear layer at each step."""
    m = axis(size(h))
    s = rnn(x, h0, W, U, b)
    y = linear(s, V, d)
    return y


@layer(cites="KernelBench, level 3, problem 35")
def lstm_(
    x: Real[n, t, i],
    h0: Real[l][n, h],
    c0: Real[l][n, h],
    W: Real[l][gate * h, i],
    U: Real[l][gate * h, m],
    b: Real[l][gate * h],
    V: Real[o, h],
    v: Real[o],
):
    """Layers of long short-term memory, and a linear layer of the last step."""
    gate = axis(4)
    m = axis(size(h))
    a[-1, t, n, i] = x[n, t, i]
    s[l], c[l] = lstm(a[l - 1], h0[l], c0[l], W[l], U[l], b[l])
    a[l, t, n, h] = s[l, t, n, h]
    e[n, h] = a[size(l) - 1, size(t) - 1, n, h]
    y = linear(e, V, v)
    return y


@layer(cites="KernelBench, level 3, problem 36")
def lstm_hn(
    x: Real[n, t, i],
    h0: Real[l][n, h],
    c0: Real[l][n, h],
    W: Real[l][gate * h, i],
    U: Real[l][gate * h, m],
    b: Real[l][gate * h],
):
    """Layers of long short-term memory: what each gives at the last step."""
    gate = axis(4)
    m = axis(size(h))
    a[-1, t, n, i] = x[n, t, i]
    s[l], c[l] = lstm(a[l - 1], h0[l], c0[l], W[l], U[l], b[l])
    a[l, t, n, h] = s[l, t, n, h]
    y[l, n, h] = a[l, size(t) - 1, n, h]
    return y


@layer(cites="KernelBench, level 3, problem 37")
def lstm_cn(
    x: Real[n, t, i],
    h0: Real[l][n, h],
    c0: Real[l][n, h],
    W: Real[l][gate * h, i],
    U: Real[l][gate * h, m],
    b: Real[l][gate * h],
):
    """Layers of long short-term memory: the cell of each after the last step."""
    gate = axis(4)
    m = axis(size(h))
    a[-1, t, n, i] = x[n, t, i]
    s[l], c[l] = lstm(a[l - 1], h0[l], c0[l], W[l], U[l], b[l])
    a[l, t, n, h] = s[l, t, n, h]
    y[l, n, h] = c[l, size(t) - 1, n, h]
    return y


@layer(cites="KernelBench, level 3, problem 39")
def gru_(
    x: Real[t, n, i],
    h0: Real[l][n, h],
    W: Real[l][gate * h, i],
    U: Real[l][gate * h, m],
    b: Real[l][gate * h],
    c: Real[l][gate * h],
):
    """Layers of gated recurrent units: what the last gives at each step."""
    gate = axis(3)
    m = axis(size(h))
    a[-1, t, n, i] = x[t, n, i]
    s[l] = gru(a[l - 1], h0[l], W[l], U[l], b[l], c[l])
    a[l, t, n, h] = s[l, t, n, h]
    y[t, n, h] = a[size(l) - 1, t, n, h]
    return y


@layer(cites="KernelBench, level 3, problem 40")
def gru_hidden(
    x: Real[t, n, i],
    h0: Real[l][n, h],
    W: Real[l][gate * h, i],
    U: Real[l][gate * h, m],
    b: Real[l][gate * h],
    c: Real[l][gate * h],
):
    """Layers of gated recurrent units: what each gives at the last step."""
    gate = axis(3)
    m = axis(size(h))
    a[-1, t, n, i] = x[t, n, i]
    s[l] = gru(a[l - 1], h0[l], W[l], U[l], b[l], c[l])
    a[l, t, n, h] = s[l, t, n, h]
    y[l, n, h] = a[l, size(t) - 1, n, h]
    return y


@layer(cites="KernelBench, level 3, problem 48")
def mamba2_return_y(
    X: Real[n, t, h, p], A: Real[n, t, h], B: Real[n, t, h, s], C: Real[n, t, h, s], S0: Real[n, h, p, s]
):
    """A state space model whose decay is a number for each head and step: what it gives."""
    S[-1, n, h, p, s] = S0[n, h, p, s]
    S[t, n, h, p, s] = exp(A[n, t, h]) * S[t - 1, n, h, p, s] + X[n, t, h, p] * B[n, t, h, s]
    y[n, t, h, p] = sum(s, C[n, t, h, s] * S[t, n, h, p, s])
    return y


@layer(cites="KernelBench, level 3, problem 49")
def mamba2_return_final_state(X: Real[n, t, h, p], A: Real[n, t, h], B: Real[n, t, h, s], S0: Real[n, h, p, s]):
    """A state space model whose decay is a number for each head and step: its state after the last."""
    S[-1, n, h, p, s] = S0[n, h, p, s]
    S[t, n, h, p, s] = exp(A[n, t, h]) * S[t - 1, n, h, p, s] + X[n, t, h, p] * B[n, t, h, s]
    y[n, h, p, s] = S[size(t) - 1, n, h, p, s]
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def bidirectional_gru(
    x: Real[t, n, i],
    h0: Real[n, h],
    h1: Real[n, h],
    W0: Real[gate * h, i],
    U0: Real[gate * h, m],
    b0: Real[gate * h],
    c0: Real[gate * h],
    W1: Real[gate * h, i],
    U1: Real[gate * h, m],
    b1: Real[gate * h],
    c1: Real[gate * h],
):
    """Gated recurrent units from the first step to the last and from the last to the first, beside each other; where each ends."""
    gate = axis(3)
    m = axis(size(h))
    d = axis(2)
    u = axis(2 * size(h))
    r[t, n, i] = x[size(t) - 1 - t, n, i]
    f = gru(x, h0, W0, U0, b0, c0)
    g = gru(r, h1, W1, U1, b1, c1)
    y[t, n, u] = f[t, n, u] if u < size(h) else g[size(t) - 1 - t, n, u - size(h)]
    e[d, n, h] = f[size(t) - 1, n, h] if d == 0 else g[size(t) - 1, n, h]
    return y, e


@layer(cites="KernelBench, level 3, problem 41")
def gru_bidirectional(
    x: Real[t, n, i],
    h0: Real[l][n, h],
    h1: Real[l][n, h],
    W0: Real[l][gate * h, i],
    U0: Real[l][gate * h, m],
    b0: Real[l][gate * h],
    c0: Real[l][gate * h],
    W1: Real[l][gate * h, i],
    U1: Real[l][gate * h, m],
    b1: Real[l][gate * h],
    c1: Real[l][gate * h],
):
    """Layers of gated recurrent units in both directions: what the last gives at each step."""
    gate = axis(3)
    m = axis(size(h))
    a[-1, t, n, i] = x[t, n, i]
    s[l], e[l] = bidirectional_gru(a[l - 1], h0[l], h1[l], W0[l], U0[l], b0[l], c0[l], W1[l], U1[l], b1[l], c1[l])
    a[l, t, n, u] = s[l, t, n, u]
    y[t, n, u] = a[size(l) - 1, t, n, u]
    return y


@layer(cites="KernelBench, level 3, problem 42")
def gru_bidirectional_hidden(
    x: Real[t, n, i],
    h0: Real[l][n, h],
    h1: Real[l][n, h],
    W0: Real[l][gate * h, i],
    U0: Real[l][gate * h, m],
    b0: Real[l][gate * h],
    c0: Real[l][gate * h],
    W1: Real[l][gate * h, i],
    U1: Real[l][gate * h, m],
    b1: Real[l][gate * h],
    c1: Real[l][gate * h],
):
    """Layers of gated recurrent units in both directions: what each gives at its last step."""
    gate = axis(3)
    d = axis(2)
    m = axis(size(h))
    a[-1, t, n, i] = x[t, n, i]
    s[l], e[l] = bidirectional_gru(a[l - 1], h0[l], h1[l], W0[l], U0[l], b0[l], c0[l], W1[l], U1[l], b1[l], c1[l])
    a[l, t, n, u] = s[l, t, n, u]
    y[l, d, n, h] = e[l, d, n, h]
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def bidirectional_lstm(
    x: Real[t, n, i],
    h0: Real[n, h],
    h1: Real[n, h],
    c0: Real[n, h],
    c1: Real[n, h],
    W0: Real[gate * h, i],
    U0: Real[gate * h, m],
    b0: Real[gate * h],
    W1: Real[gate * h, i],
    U1: Real[gate * h, m],
    b1: Real[gate * h],
):
    """Long short-term memory from the first step to the last and from the last to the first, beside each other."""
    gate = axis(4)
    m = axis(size(h))
    u = axis(2 * size(h))
    r[t, n, i] = x[size(t) - 1 - t, n, i]
    f = lstm(x, h0, c0, W0, U0, b0)
    g = lstm(r, h1, c1, W1, U1, b1)
    y[t, n, u] = f[t, n, u] if u < size(h) else g[size(t) - 1 - t, n, u - size(h)]
    return y


@layer(cites="KernelBench, level 3, problem 38")
def lstm_bidirectional(
    x: Real[n, t, i],
    h0: Real[l][n, h],
    h1: Real[l][n, h],
    c0: Real[l][n, h],
    c1: Real[l][n, h],
    W0: Real[l][gate * h, i],
    U0: Real[l][gate * h, m],
    b0: Real[l][gate * h],
    W1: Real[l][gate * h, i],
    U1: Real[l][gate * h, m],
    b1: Real[l][gate * h],
    V: Real[o, d * h],
    v: Real[o],
):
    """Layers of long short-term memory in both directions, and a linear layer of the last step."""
    gate = axis(4)
    m = axis(size(h))
    d = axis(2)
    a[-1, t, n, i] = x[n, t, i]
    s[l] = bidirectional_lstm(a[l - 1], h0[l], h1[l], c0[l], c1[l], W0[l], U0[l], b0[l], W1[l], U1[l], b1[l])
    a[l, t, n, u] = s[l, t, n, u]
    e[n, d, h] = a[size(l) - 1, size(t) - 1, n, size(h) * d + h]
    y[n, o] = sum((d, h), V[o, d, h] * e[n, d, h]) + v[o]
    return y
