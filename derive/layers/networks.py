"""Blocks of networks and small networks of them, put together from layers."""

from __future__ import annotations

from derive import layer
from derive.layers import attention as _attention  # noqa: F401
from derive.layers import convolution as _convolution  # noqa: F401
from derive.layers import dense as _dense  # noqa: F401
from derive.layers import normalization as _normalization  # noqa: F401
from derive.layers import pools as _pools  # noqa: F401
from derive.layers import smooth as _smooth  # noqa: F401


@layer(cites="He et al. 2015, arXiv:1512.03385")
def residual_block(
    x: Real[b, o, p, q],
    W1: Real[m, o, k, l],
    b1: Real[m],
    gamma1: Real[m],
    beta1: Real[m],
    running_mean1: State[m],
    running_var1: State[m],
    W2: Real[o, m, k, l],
    b2: Real[o],
    gamma2: Real[o],
    beta2: Real[o],
    running_mean2: State[o],
    running_var2: State[o],
):
    """Two convolutions with batch normalisation, and a connection that skips them."""
    k = axis(3)
    l = axis(3)
    z1 = conv2d(x, W1, b1, padding=1)
    n1, mean1, var1 = batch_norm(z1, gamma1, beta1, running_mean1, running_var1)
    h[b, m, p, q] = relu(n1[b, m, p, q])
    z2 = conv2d(h, W2, b2, padding=1)
    n2, mean2, var2 = batch_norm(z2, gamma2, beta2, running_mean2, running_var2)
    y[b, o, p, q] = relu(n2[b, o, p, q] + x[b, o, p, q])
    return y, state(mean1, var1, mean2, var2)


@layer(cites="S39; He et al. 2015, arXiv:1512.03385")
def resnet(
    x: Real[b, c, p, q],
    W0: Real[o, c, k, l],
    b0: Real[o],
    W1: Real[n][m, o, k, l],
    b1: Real[n][m],
    gamma1: Real[n][m],
    beta1: Real[n][m],
    running_mean1: State[n][m],
    running_var1: State[n][m],
    W2: Real[n][o, m, k, l],
    b2: Real[n][o],
    gamma2: Real[n][o],
    beta2: Real[n][o],
    running_mean2: State[n][o],
    running_var2: State[n][o],
    V: Real[u, o],
    d: Real[u],
):
    """A convolution, residual blocks, the mean over positions and a linear layer."""
    k = axis(3)
    l = axis(3)
    z = conv2d(x, W0, b0, padding=1)
    h[-1, b, o, p, q] = relu(z[b, o, p, q])
    h[n], mean1[n], var1[n], mean2[n], var2[n] = residual_block(
        h[n - 1],
        W1[n],
        b1[n],
        gamma1[n],
        beta1[n],
        running_mean1[n],
        running_var1[n],
        W2[n],
        b2[n],
        gamma2[n],
        beta2[n],
        running_mean2[n],
        running_var2[n],
    )
    a = global_avg_pool2d(h[size(n) - 1])
    y = linear(a, V, d)
    return y, state(mean1, var1, mean2, var2)


@layer(cites="Huang et al. 2016, arXiv:1608.06993")
def dense_layer(
    x: Real[b, c, p, q],
    gamma: Real[c],
    beta: Real[c],
    running_mean: State[c],
    running_var: State[c],
    W: Real[o, c, k, l],
    bias: Real[o],
):
    """A convolution of everything before it, its channels put after those."""
    k = axis(3)
    l = axis(3)
    u = axis(size(c) + size(o))
    n, mean, var = batch_norm(x, gamma, beta, running_mean, running_var)
    a[b, c, p, q] = relu(n[b, c, p, q])
    z = conv2d(a, W, bias, padding=1)
    y[b, u, p, q] = x[b, u, p, q] if u < size(c) else z[b, u - size(c), p, q]
    return y, state(mean, var)


@layer(cites="S40; Huang et al. 2016, arXiv:1608.06993")
def densenet(
    x: Real[b, c, p, q],
    W0: Real[o, c, k, l],
    b0: Real[o],
    gamma1: Real[o],
    beta1: Real[o],
    running_mean1: State[o],
    running_var1: State[o],
    W1: Real[g, o, k, l],
    b1: Real[g],
    gamma2: Real[d],
    beta2: Real[d],
    running_mean2: State[d],
    running_var2: State[d],
    W2: Real[g, d, k, l],
    b2: Real[g],
    gamma3: Real[e],
    beta3: Real[e],
    running_mean3: State[e],
    running_var3: State[e],
    V: Real[u, e],
    v: Real[u],
):
    """A convolution, a dense block of two layers, a normalisation, the mean over positions and a linear layer."""
    k = axis(3)
    l = axis(3)
    d = axis(size(o) + size(g))
    e = axis(size(d) + size(g))
    z = conv2d(x, W0, b0, padding=1)
    h1, mean1, var1 = dense_layer(z, gamma1, beta1, running_mean1, running_var1, W1, b1)
    h2, mean2, var2 = dense_layer(h1, gamma2, beta2, running_mean2, running_var2, W2, b2)
    s, mean3, var3 = batch_norm(h2, gamma3, beta3, running_mean3, running_var3)
    a[b, e, p, q] = relu(s[b, e, p, q])
    m = global_avg_pool2d(a)
    y = linear(m, V, v)
    return y, state(mean1, var1, mean2, var2, mean3, var3)


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762; norms first: Xiong et al. 2020, arXiv:2002.04745")
def encoder_block(
    x: Real[b, t, i],
    gamma1: Real[i],
    beta1: Real[i],
    Wq: Real[h * d, i],
    bq: Real[h * d],
    Wk: Real[h * d, i],
    bk: Real[h * d],
    Wv: Real[h * v, i],
    bv: Real[h * v],
    Wo: Real[i, h * v],
    bo: Real[i],
    gamma2: Real[i],
    beta2: Real[i],
    W1: Real[w, i],
    b1: Real[w],
    W2: Real[i, w],
    b2: Real[i],
    heads: Count[h] = 1,
):
    """Attention between positions, then two linear layers at each; norms before both and connections that skip them."""
    n = layer_norm(x, gamma1, beta1)
    Q[b, h, t, d] = sum(i, Wq[h, d, i] * n[b, t, i]) + bq[h, d]
    K[b, h, s, d] = sum(i, Wk[h, d, i] * n[b, s, i]) + bk[h, d]
    V[b, h, s, v] = sum(i, Wv[h, v, i] * n[b, s, i]) + bv[h, v]
    A = attention(Q, K, V)
    r[b, t, i] = x[b, t, i] + sum((h, v), Wo[i, h, v] * A[b, h, t, v]) + bo[i]
    m = layer_norm(r, gamma2, beta2)
    u = linear(m, W1, b1)
    a[b, t, w] = gelu(u[b, t, w])
    f = linear(a, W2, b2)
    y[b, t, i] = r[b, t, i] + f[b, t, i]
    return y


@layer(cites="S41; Dosovitskiy et al. 2020, arXiv:2010.11929, with the mean over positions")
def transformer(
    x: Real[b, t, p],
    E: Real[i, p],
    P: Real[t, i],
    gamma1: Real[n][i],
    beta1: Real[n][i],
    Wq: Real[n][h * d, i],
    bq: Real[n][h * d],
    Wk: Real[n][h * d, i],
    bk: Real[n][h * d],
    Wv: Real[n][h * v, i],
    bv: Real[n][h * v],
    Wo: Real[n][i, h * v],
    bo: Real[n][i],
    gamma2: Real[n][i],
    beta2: Real[n][i],
    W1: Real[n][w, i],
    b1: Real[n][w],
    W2: Real[n][i, w],
    b2: Real[n][i],
    gamma: Real[i],
    beta: Real[i],
    V: Real[u, i],
    c: Real[u],
    heads: Count[h] = 1,
):
    """Embedded patches with positions, encoder blocks, a norm, the mean over positions and a linear layer."""
    r[-1, b, t, i] = sum(p, E[i, p] * x[b, t, p]) + P[t, i]
    r[n] = encoder_block(
        r[n - 1],
        gamma1[n],
        beta1[n],
        Wq[n],
        bq[n],
        Wk[n],
        bk[n],
        Wv[n],
        bv[n],
        Wo[n],
        bo[n],
        gamma2[n],
        beta2[n],
        W1[n],
        b1[n],
        W2[n],
        b2[n],
        heads=heads,
    )
    s = layer_norm(r[size(n) - 1], gamma, beta)
    a[b, i] = mean(t, s[b, t, i])
    y = linear(a, V, c)
    return y
