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


@layer(cites="KernelBench, level 3, problem 46")
def net_vlad_with_ghost_clusters(
    x: Real[n, m, i],
    C: Real[i, k],
    gamma1: Real[k],
    beta1: Real[k],
    mean1: State[k],
    var1: State[k],
    D: Real[i, j],
    ghosts: Natural = 1,
):
    """The same with clusters that take a share of each feature, and are left out then."""
    j = axis(size(k) - ghosts)
    s[n, k, m] = sum(i, C[i, k] * x[n, m, i])
    u, m1, v1 = batch_norm(s, gamma1, beta1, mean1, var1)
    a[n, m, k] = u[n, k, m]
    p = softmax(a)
    v[n, i, j] = sum(m, p[n, m, j] * x[n, m, i]) - sum(m, p[n, m, j]) * D[i, j]
    w[n, i, j] = v[n, i, j] / sqrt(sum(i, v[n, i, j] ** 2))
    y[n, i, j] = w[n, i, j] / sqrt(sum((i, j), w[n, i, j] ** 2))
    return y, state(m1, v1)


@layer(cites="KernelBench, level 3, problem 31")
def vision_attention(
    x: Real[n, i, p, q],
    W: Real[three * h * d, i],
    b: Real[three * h * d],
    P: Real[i, h * d],
    c: Real[i],
    gamma: Real[i],
    beta: Real[i],
    heads: Count[h] = 2,
):
    """Attention of several heads between an image's positions, beside a connection that skips it, then a norm."""
    three = axis(3)
    z[three, n, h, p, q, d] = sum(i, W[three, h, d, i] * x[n, i, p, q]) + b[three, h, d]
    S[n, h, p, q, r, s] = sum(d, z[0, n, h, p, q, d] * z[1, n, h, r, s, d]) / sqrt(size(d))
    A[n, h, p, q, r, s] = exp(S[n, h, p, q, r, s]) / sum((u, v), exp(S[n, h, p, q, u, v]))
    O[n, h, p, q, d] = sum((r, s), A[n, h, p, q, r, s] * z[2, n, h, r, s, d])
    t[n, p, q, i] = x[n, i, p, q] + sum((h, d), P[i, h, d] * O[n, h, p, q, d]) + c[i]
    m = layer_norm(t, gamma, beta)
    y[n, i, p, q] = m[n, p, q, i]
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def transformer_encoder_layer(
    x: Real[t, n, i],
    W: Real[three * h * d, i],
    b: Real[three * h * d],
    P: Real[i, h * d],
    c: Real[i],
    gamma1: Real[i],
    beta1: Real[i],
    W1: Real[w, i],
    b1: Real[w],
    W2: Real[i, w],
    b2: Real[i],
    gamma2: Real[i],
    beta2: Real[i],
    heads: Count[h] = 2,
):
    """Attention along the first axis and a small network, each beside a connection that skips it, then a norm."""
    three = axis(3)
    z[three, n, h, t, d] = sum(i, W[three, h, d, i] * x[t, n, i]) + b[three, h, d]
    Q[n, h, t, d] = z[0, n, h, t, d]
    K[n, h, s, d] = z[1, n, h, s, d]
    V[n, h, s, d] = z[2, n, h, s, d]
    O = attention(Q, K, V)
    r[t, n, i] = x[t, n, i] + sum((h, d), P[i, h, d] * O[n, h, t, d]) + c[i]
    m = layer_norm(r, gamma1, beta1)
    f[t, n, w] = relu(sum(i, W1[w, i] * m[t, n, i]) + b1[w])
    g[t, n, i] = m[t, n, i] + sum(w, W2[i, w] * f[t, n, w]) + b2[i]
    y = layer_norm(g, gamma2, beta2)
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def patch_tokens(x: Real[n, c, r * k, s * o], E: Real[i, c * k * o], e: Real[i], patch: Count[k] = 2):
    """Tokens as the benchmark makes them: each of as many patches as there are channels, in the order of channels."""
    o = axis(size(k))
    t = axis(size(r) * size(s))
    u = axis(size(c) * size(r) * size(s))
    z[n, u, k, o] = x[n, u // (size(r) * size(s)), u // size(s) % size(r), k, u % size(s), o]
    y[n, t, i] = sum((c, k, o), E[i, c, k, o] * z[n, t * size(c) + c, k, o]) + e[i]
    return y


@layer(cites="KernelBench, level 3, problem 28")
def vision_transformer(
    x: Real[n, c, r * k, s * o],
    E: Real[i, c * k * o],
    e: Real[i],
    cls: Real[i],
    positions: Real[t, i],
    W: Real[l][three * h * d, i],
    b: Real[l][three * h * d],
    P: Real[l][i, h * d],
    p: Real[l][i],
    gain1: Real[l][i],
    c1: Real[l][i],
    W1: Real[l][w, i],
    b1: Real[l][w],
    W2: Real[l][i, w],
    b2: Real[l][i],
    gain2: Real[l][i],
    c2: Real[l][i],
    V1: Real[f, i],
    v1: Real[f],
    V2: Real[g, f],
    v2: Real[g],
    patch: Count[k] = 2,
    heads: Count[h] = 2,
):
    """Patches as tokens, attention along the first axis, which holds the images, and a small network of the first token."""
    three = axis(3)
    o = axis(size(k))
    t = axis(size(r) * size(s) + 1)
    m = patch_tokens(x, E, e, patch=patch)
    a[-1, n, t, i] = (m[n, t - 1, i] if t > 0 else cls[i]) + positions[t, i]
    q[l] = transformer_encoder_layer(
        a[l - 1], W[l], b[l], P[l], p[l], gain1[l], c1[l], W1[l], b1[l], W2[l], b2[l], gain2[l], c2[l], heads=heads
    )
    a[l, n, t, i] = q[l, n, t, i]
    j[n, f] = gelu(sum(i, V1[f, i] * a[size(l) - 1, n, 0, i]) + v1[f])
    y = linear(j, V2, v2)
    return y


@layer(cites="KernelBench, level 3, problem 32")
def convolutional_vision_transformer(
    x: Real[n, c, r * k, s * o],
    K: Real[e, c, k, o],
    b0: Real[e],
    E: Real[i, e * r * s],
    e0: Real[i],
    cls: Real[i],
    W: Real[l][three * h * d, i],
    b: Real[l][three * h * d],
    P: Real[l][i, h * d],
    p: Real[l][i],
    gain1: Real[l][i],
    c1: Real[l][i],
    W1: Real[l][w, i],
    b1: Real[l][w],
    W2: Real[l][i, w],
    b2: Real[l][i],
    gain2: Real[l][i],
    c2: Real[l][i],
    V: Real[g, i],
    v: Real[g],
    patch: Count[k] = 2,
    heads: Count[h] = 2,
):
    """An image as one token beside a learned one, attention along the first axis, which holds the images."""
    three = axis(3)
    o = axis(size(k))
    t = axis(2)
    z[n, e, r, s] = sum((c, k, o), K[e, c, k, o] * x[n, c, r, k, s, o]) + b0[e]
    m[n, i] = sum((e, r, s), E[i, e, r, s] * z[n, e, r, s]) + e0[i]
    a[-1, n, t, i] = m[n, i] if t > 0 else cls[i]
    q[l] = transformer_encoder_layer(
        a[l - 1], W[l], b[l], P[l], p[l], gain1[l], c1[l], W1[l], b1[l], W2[l], b2[l], gain2[l], c2[l], heads=heads
    )
    a[l, n, t, i] = q[l, n, t, i]
    y[n, g] = sum(i, V[g, i] * a[size(l) - 1, n, 0, i]) + v[g]
    return y
