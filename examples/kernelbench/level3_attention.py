"""KernelBench, level 3: attention, and what is made of it."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 3, problem 43")
def min_gpt_causal_attention(
    x: Real[n, t, i],
    W: Real[three * h * d, i],
    b: Real[three * h * d],
    P: Real[i, h * d],
    c: Real[i],
    heads: Count[h] = 2,
):
    """Causal attention of several heads, from one projection to queries, keys and values; another of the result."""
    three = axis(3)
    z[three, n, h, t, d] = sum(i, W[three, h, d, i] * x[n, t, i]) + b[three, h, d]
    Q[n, h, t, d] = z[0, n, h, t, d]
    K[n, h, s, d] = z[1, n, h, s, d]
    V[n, h, s, d] = z[2, n, h, s, d]
    O = attention(Q, K, V, causal=True)
    y[n, t, i] = sum((h, d), P[i, h, d] * O[n, h, t, d]) + c[i]
    return y


@layer(cites="KernelBench, level 3, problem 44")
def mini_gpt_block(
    x: Real[n, t, i],
    gamma1: Real[i],
    beta1: Real[i],
    W: Real[three * h * d, i],
    b: Real[three * h * d],
    P: Real[i, h * d],
    c: Real[i],
    gamma2: Real[i],
    beta2: Real[i],
    W1: Real[w, i],
    b1: Real[w],
    W2: Real[i, w],
    b2: Real[i],
    heads: Count[h] = 2,
):
    """Causal attention of several heads and a small network, each after a norm and beside a connection that skips it."""
    three = axis(3)
    u = layer_norm(x, gamma1, beta1)
    a = min_gpt_causal_attention(u, W, b, P, c, heads=heads)
    r[n, t, i] = x[n, t, i] + a[n, t, i]
    m = layer_norm(r, gamma2, beta2)
    z = linear(m, W1, b1)
    g[n, t, w] = gelu_tanh(z[n, t, w])
    f = linear(g, W2, b2)
    y[n, t, i] = r[n, t, i] + f[n, t, i]
    return y


@layer(cites="KernelBench, level 3, problem 50")
def relu_self_attention(x: Real[n, t, i], W: Real[three * h * d, i], b: Real[three * h * d], heads: Count[h] = 2):
    """Causal attention whose scores are rectified in place of a softmax."""
    three = axis(3)
    z[three, n, h, t, d] = sum(i, W[three, h, d, i] * x[n, t, i]) + b[three, h, d]
    S[n, h, t, s] = relu(sum(d, z[0, n, h, t, d] * z[1, n, h, s, d]) / sqrt(size(d))) if s <= t else 0
    y[n, t, h, d] = sum(s, S[n, h, t, s] * z[2, n, h, s, d])
    return y


@layer(cites="KernelBench, level 3, problem 47")
def net_vlad_no_ghost_clusters(
    x: Real[n, m, i], C: Real[i, k], gamma1: Real[k], beta1: Real[k], mean1: State[k], var1: State[k], D: Real[i, k]
):
    """How far the features of a set are from clusters, each by how much it belongs to one; of unit length, twice."""
    s[n, k, m] = sum(i, C[i, k] * x[n, m, i])
    u, m1, v1 = batch_norm(s, gamma1, beta1, mean1, var1)
    a[n, m, k] = u[n, k, m]
    p = softmax(a)
    v[n, i, k] = sum(m, p[n, m, k] * x[n, m, i]) - sum(m, p[n, m, k]) * D[i, k]
    r[n, k] = sqrt(sum(i, v[n, i, k] ** 2))
    w[n, i, k] = v[n, i, k] / r[n, k]
    l[n] = sqrt(sum((i, k), w[n, i, k] ** 2))
    y[n, i, k] = w[n, i, k] / l[n]
    return y, state(m1, v1)
