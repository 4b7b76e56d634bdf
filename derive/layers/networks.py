"""Blocks of networks, put together from layers."""

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
