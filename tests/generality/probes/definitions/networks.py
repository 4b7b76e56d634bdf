"""What people put together of layers: blocks of networks and losses, written out as calls."""
from __future__ import annotations

from derive import layer


@layer(cites="t")
def pre_norm(x: Real[..., t, i], g: Real[i], c: Real[i], Wq: Real[e, i], bq: Real[e], Wk: Real[e, i], bk: Real[e], Wv: Real[v, i], bv: Real[v], Wo: Real[i, v], bo: Real[i], g2: Real[i], c2: Real[i], Wu: Real[w, i], bu: Real[w], Wd: Real[i, w], bd: Real[i], causal: Flag = True):
    """A transformer block: norms before, sums after."""
    n = layer_norm(x, g, c)
    Q = linear(n, Wq, bq)
    K = linear(n, Wk, bk)
    V = linear(n, Wv, bv)
    A = attention(Q, K, V, causal=causal)
    O = linear(A, Wo, bo)
    r[..., t, i] = x[..., t, i] + O[..., t, i]
    m = layer_norm(r, g2, c2)
    u = linear(m, Wu, bu)
    h[..., t, w] = gelu(u[..., t, w])
    f = linear(h, Wd, bd)
    y[..., t, i] = r[..., t, i] + f[..., t, i]
    return y


@layer(cites="t")
def post_norm(x: Real[b, t, i], mask: Mask[b, q, k], Wq: Real[i, i2], bq: Real[i], Wk: Real[i, i2], bk: Real[i], Wv: Real[i, i2], bv: Real[i], g: Real[i], c: Real[i], Wu: Real[w, i], bu: Real[w], Wd: Real[i, w], bd: Real[i], g2: Real[i], c2: Real[i], epsilon: Positive = 1e-5):
    """A transformer block as first published: norms after the sums, one head, a mask of padding."""
    i2 = axis(size(i))
    q = axis(size(t))
    k = axis(size(t))
    Q = linear(x, Wq, bq)
    K = linear(x, Wk, bk)
    V = linear(x, Wv, bv)
    A = attention(Q, K, V, mask)
    r[b, t, i] = x[b, t, i] + A[b, t, i]
    n = layer_norm(r, g, c, epsilon=epsilon)
    u = linear(n, Wu, bu)
    h[b, t, w] = relu(u[b, t, w])
    f = linear(h, Wd, bd)
    s[b, t, i] = n[b, t, i] + f[b, t, i]
    y = layer_norm(s, g2, c2, epsilon=epsilon)
    return y


@layer(cites="t")
def llama(x: Real[b, t, i], g: Real[i], Wq: Real[h * d, i], Wk: Real[h * d, i], Wv: Real[h * d, i], Wo: Real[i, h * d], cosine: State[t, d], sine: State[t, d], g2: Real[i], Wg: Real[w, i], Wu: Real[w, i], Wd: Real[i, w], heads: Count[h] = 2, epsilon: Positive = 1e-6):
    """RMS norm, rotary positions given as cosines and sines, causal attention of several heads, SwiGLU."""
    m[b, t] = mean(i, x[b, t, i] ** 2)
    n[b, t, i] = g[i] * x[b, t, i] / sqrt(m[b, t] + epsilon)
    Q[b, h, t, d] = sum(i, Wq[h, d, i] * n[b, t, i])
    K[b, h, t, d] = sum(i, Wk[h, d, i] * n[b, t, i])
    V[b, h, t, d] = sum(i, Wv[h, d, i] * n[b, t, i])
    Qr[b, h, t, d] = Q[b, h, t, d] * cosine[t, d] + (Q[b, h, t, d - size(d) // 2] if d >= size(d) // 2 else -Q[b, h, t, d + size(d) // 2]) * sine[t, d]
    Kr[b, h, t, d] = K[b, h, t, d] * cosine[t, d] + (K[b, h, t, d - size(d) // 2] if d >= size(d) // 2 else -K[b, h, t, d + size(d) // 2]) * sine[t, d]
    A = attention(Qr, Kr, V, causal=True)
    r[b, t, i] = x[b, t, i] + sum((h, d), Wo[i, h, d] * A[b, h, t, d])
    m2[b, t] = mean(i, r[b, t, i] ** 2)
    n2[b, t, i] = g2[i] * r[b, t, i] / sqrt(m2[b, t] + epsilon)
    a[b, t, w] = sum(i, Wg[w, i] * n2[b, t, i])
    u[b, t, w] = a[b, t, w] * sigmoid(a[b, t, w]) * sum(i, Wu[w, i] * n2[b, t, i])
    y[b, t, i] = r[b, t, i] + sum(w, Wd[i, w] * u[b, t, w])
    return y


@layer(cites="t")
def resnet(x: Real[b, c, p, q], W1: Real[o, c, k, l], b1: Real[o], g1: Real[o], h1: Real[o], m1: State[o], v1: State[o], W2: Real[o, c2, k, l], b2: Real[o], g2: Real[o], h2: Real[o], m2: State[o], v2: State[o], momentum: Fraction = 0.1):
    """A residual block: two convolutions with batch norms, which keep their statistics."""
    c = axis(size(o))
    c2 = axis(size(o))
    z1 = conv2d(x, W1, b1, padding=1)
    n1, nm1, nv1 = batch_norm(z1, g1, h1, m1, v1, momentum=momentum)
    a[b, o, i, j] = relu(n1[b, o, i, j])
    z2 = conv2d(a, W2, b2, padding=1)
    n2, nm2, nv2 = batch_norm(z2, g2, h2, m2, v2, momentum=momentum)
    y[b, o, i, j] = relu(n2[b, o, i, j] + x[b, o, i, j])
    return y, state(nm1, nv1, nm2, nv2)


@layer(cites="t")
def unet(x: Real[b, c, p, q], W1: Real[o, c, k, l], b1: Real[o], W2: Real[o, o2, k, l], b2: Real[o], W3: Real[f, o, k, l], W4: Real[f, o, k, l], b3: Real[f]):
    """One level of a U-Net: down by pooling, up by repeating, and what was there beside it."""
    o2 = axis(size(o))
    z = conv2d(x, W1, b1, padding=1)
    a[b, o, i, j] = relu(z[b, o, i, j])
    d = max_pool2d(a)
    e = conv2d(d, W2, b2, padding=1)
    u[b, o, i, j] = tanh(e[b, o, i // 2, j // 2])
    y[b, f, i, j] = sum((o, k, l), W3[f, o, k, l] * a[b, o, i + k - 1, j + l - 1] + W4[f, o, k, l] * u[b, o, i + k - 1, j + l - 1]) + b3[f]
    return y


@layer(cites="t")
def mixer(x: Real[b, t, i], g: Real[i], c: Real[i], W1: Real[s, t], a1: Real[s], W2: Real[t, s], a2: Real[t], g2: Real[i], c2: Real[i], V1: Real[w, i], b1: Real[w], V2: Real[i, w], b2: Real[i]):
    """An MLP-Mixer block: over tokens, then over channels."""
    n = layer_norm(x, g, c)
    nt[b, i, t] = n[b, t, i]
    u = linear(nt, W1, a1)
    h[b, i, s] = gelu(u[b, i, s])
    v = linear(h, W2, a2)
    r[b, t, i] = x[b, t, i] + v[b, i, t]
    m = layer_norm(r, g2, c2)
    u2 = linear(m, V1, b1)
    h2[b, t, w] = gelu(u2[b, t, w])
    v2 = linear(h2, V2, b2)
    y[b, t, i] = r[b, t, i] + v2[b, t, i]
    return y


@layer(cites="t")
def convnext(x: Real[b, c, p, q], D: Real[c, k, l], d: Real[c], g: Real[c], h: Real[c], W1: Real[w, c], b1: Real[w], W2: Real[c, w], b2: Real[c], scale: Real[c]):
    """A ConvNeXt block: a depthwise convolution, a norm over channels, two linear layers, a scale of its own."""
    z[b, p, q, c] = sum((k, l), D[c, k, l] * x[b, c, p + k - 1, q + l - 1]) + d[c]
    n = layer_norm(z, g, h, epsilon=1e-6)
    u = linear(n, W1, b1)
    a[b, p, q, w] = gelu(u[b, p, q, w])
    v = linear(a, W2, b2)
    y[b, c, p, q] = x[b, c, p, q] + scale[c] * v[b, p, q, c]
    return y


@layer(cites="t")
def projected_lstm(x: Real[t, ..., i], h0: Real[..., n], c0: Real[..., n], W: Real[gate * n, i], U: Real[gate * n, m], b: Real[gate * n], P: Real[k, n], p: Real[k], h1: Real[..., n], c1: Real[..., n], W1: Real[gate * n, k], U1: Real[gate * n, m], b1: Real[gate * n], P1: Real[o, n], p1: Real[o]):
    """Two LSTMs, each with a projection."""
    gate = axis(4)
    m = axis(size(n))
    h, c = lstm(x, h0, c0, W, U, b)
    s = linear(h, P, p)
    hh, cc = lstm(s, h1, c1, W1, U1, b1)
    y = linear(hh, P1, p1)
    return y, cc


@layer(cites="t")
def vae(x: Real[b, i], noise: State[b, z], W1: Real[h, i], b1: Real[h], Wm: Real[z, h], bm: Real[z], Wv: Real[z, h], bv: Real[z], W2: Real[h, z], b2: Real[h], W3: Real[i, h], b3: Real[i], beta: Positive = 1.0):
    """A variational autoencoder's loss: squares, and the divergence from a normal distribution."""
    u = linear(x, W1, b1)
    a[b, h] = tanh(u[b, h])
    mu = linear(a, Wm, bm)
    logvar = linear(a, Wv, bv)
    code[b, z] = mu[b, z] + exp(logvar[b, z] / 2) * noise[b, z]
    u2 = linear(code, W2, b2)
    a2[b, h] = tanh(u2[b, h])
    y = linear(a2, W3, b3)
    e = mse(y, x, reduction="sum")
    L = (e - beta / 2 * sum((b, z), 1 + logvar[b, z] - mu[b, z] ** 2 - exp(logvar[b, z]))) / size(b)
    return L


@layer(cites="t")
def siamese(x1: Real[b, i], x2: Real[b, i], t: Real[b], W: Real[l][o, i], c: Real[l][o], margin: Positive = 1.0):
    """A contrastive loss of two embeddings by one network."""
    e1 = mlp(x1, W, c, activation="tanh")
    e2 = mlp(x2, W, c, activation="tanh")
    s[b] = sum(o, (e1[b, o] - e2[b, o]) ** 2)
    d[b] = sqrt(s[b] + 1e-12)
    L = mean(b, t[b] * s[b] + (1 - t[b]) * max(0, margin - d[b]) ** 2)
    return L


@layer(cites="t")
def info_nce(x1: Real[b, i], x2: Real[b, i], W: Real[o, i], c: Real[o], t: Integer[b], temperature: Positive = 0.5):
    """A contrastive loss over a batch: rows of unit length, all against all."""
    e1 = linear(x1, W, c)
    e2 = linear(x2, W, c)
    n1[b] = sqrt(sum(o, e1[b, o] ** 2))
    n2[b] = sqrt(sum(o, e2[b, o] ** 2))
    u1[b, o] = e1[b, o] / n1[b]
    u2[b, o] = e2[b, o] / n2[b]
    S[b, j] = sum(o, u1[b, o] * u2[j, o]) / temperature
    L = softmax_cross_entropy_labels(S, t)
    return L


@layer(cites="t")
def gan(x: Real[b, i], z: Real[b, k], G: Real[i, k], g: Real[i], D1: Real[h, i], d1: Real[h], D2: Real[o, h], d2: Real[o]):
    """Both losses of a generative adversarial network, from logits."""
    o = axis(1)
    fake = linear(z, G, g)
    ur = linear(x, D1, d1)
    ar[b, h] = leaky_relu(ur[b, h], alpha=0.2)
    lr = linear(ar, D2, d2)
    uf = linear(fake, D1, d1)
    af[b, h] = leaky_relu(uf[b, h], alpha=0.2)
    lf = linear(af, D2, d2)
    discriminator = mean((b, o), log(1 + exp(-lr[b, o])) + log(1 + exp(lf[b, o])))
    generator = mean((b, o), log(1 + exp(-lf[b, o])))
    return discriminator, generator


@layer(cites="t")
def experts(x: Real[b, i], gates: Real[b, e], W: Real[e, h, i], a: Real[e, h], V: Real[e, o, h], c: Real[e, o]):
    """A mixture of experts, gates given."""
    u[e] = linear(x, W[e], a[e])
    s[e, b, h] = gelu(u[e, b, h])
    y[e] = linear(s[e], V[e], c[e])
    z[b, o] = sum(e, gates[b, e] * y[e, b, o])
    return z


@layer(cites="t")
def gated_experts(x: Real[b, i], Wg: Real[e, i], bg: Real[e], W: Real[e, o, i], c: Real[e, o]):
    """A mixture of linear experts, the gates a softmax."""
    s = linear(x, Wg, bg)
    p = softmax(s)
    u[e] = linear(x, W[e], c[e])
    z[b, o] = sum(e, p[b, e] * u[e, b, o])
    return z


@layer(cites="t")
def dlrm(x: Real[b, i], t: Integer[b, f], E: Real[f, v, d], W: Real[d, i], c: Real[d], Wt: Real[o, p], Wi: Real[o, f, g], a: Real[o]):
    """A recommender: embeddings of categories and a dense feature, their products in pairs, a linear layer on top."""
    p = axis(size(d))
    g = axis(size(f))
    u = linear(x, W, c)
    dense[b, d] = relu(u[b, d])
    e[b, f, d] = E[f, t[b, f], d]
    pair[b, f, g] = sum(d, e[b, f, d] * e[b, g, d]) if g < f else 0
    y[b, o] = sum(p, Wt[o, p] * dense[b, p]) + sum((f, g), Wi[o, f, g] * pair[b, f, g]) + a[o]
    return y


@layer(cites="t")
def classifier(x: Real[b, i], W: Real[l][o, i], c: Real[l][o], t: Integer[b], noise: State[b, i], keep: Probability = 0.75, reduction: Choice["mean", "sum", "none"] = "mean"):
    """Dropout, a network, the loss of its labels."""
    d = inverted_dropout(x, noise, p=keep)
    z = mlp(d, W, c, activation="gelu")
    L = softmax_cross_entropy_labels(z, t, reduction=reduction)
    return L
