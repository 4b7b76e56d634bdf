"""Small networks of the blocks: residual, dense and attending, each trained on the digits.

``gradbook build examples/networks.py --out reference/networks --no-verify`` writes their kernels.
"""

from derive import layer


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
