"""KernelBench, level 3: blocks of convolutions and norms, and small networks of convolutions."""

from __future__ import annotations

from derive import layer


@layer(cites="a part of problems of KernelBench, level 3")
def conv2d_norm(
    x: Real[n, c, p, q],
    W: Real[o, c, k, l],
    gamma: Real[o],
    beta: Real[o],
    mean: State[o],
    var: State[o],
    stride: Count = 1,
    padding: Natural = 1,
):
    """A convolution without a bias, then batch normalisation."""
    zero[o] = 0
    z = conv2d(x, W, zero, stride=stride, padding=padding)
    y, m, v = batch_norm(z, gamma, beta, mean, var)
    return y, state(m, v)


@layer(cites="a part of problems of KernelBench, level 3")
def pointwise_norm(
    x: Real[n, c, p, q], W: Real[o, c], gamma: Real[o], beta: Real[o], mean: State[o], var: State[o], stride: Count = 1
):
    """A convolution of one without a bias, then batch normalisation."""
    i = axis((size(p) - 1) // stride + 1)
    j = axis((size(q) - 1) // stride + 1)
    z[n, o, i, j] = sum(c, W[o, c] * x[n, c, stride * i, stride * j])
    y, m, v = batch_norm(z, gamma, beta, mean, var)
    return y, state(m, v)


@layer(cites="a part of problems of KernelBench, level 3")
def depthwise_norm(
    x: Real[n, c, p, q],
    W: Real[c, k, l],
    gamma: Real[c],
    beta: Real[c],
    mean: State[c],
    var: State[c],
    stride: Count = 1,
    padding: Natural = 1,
):
    """A convolution of each channel without a bias, then batch normalisation."""
    zero[c] = 0
    z = depthwise_conv2d(x, W, zero, stride=stride, padding=padding)
    y, m, v = batch_norm(z, gamma, beta, mean, var)
    return y, state(m, v)


@layer(cites="KernelBench, level 3, problem 8")
def res_net_basic_block(
    x: Real[n, c, p, q],
    W1: Real[m, c, three, three],
    gamma1: Real[m],
    beta1: Real[m],
    mean1: State[m],
    var1: State[m],
    W2: Real[o, m, three, three],
    gamma2: Real[o],
    beta2: Real[o],
    mean2: State[o],
    var2: State[o],
    W3: Real[o, c],
    gamma3: Real[o],
    beta3: Real[o],
    mean3: State[o],
    var3: State[o],
):
    """Two convolutions with norms, beside one of one."""
    three = axis(3)
    z1, m1, v1 = conv2d_norm(x, W1, gamma1, beta1, mean1, var1)
    a[n, m, p, q] = relu(z1[n, m, p, q])
    z2, m2, v2 = conv2d_norm(a, W2, gamma2, beta2, mean2, var2)
    z3, m3, v3 = pointwise_norm(x, W3, gamma3, beta3, mean3, var3)
    y[n, o, p, q] = relu(z2[n, o, p, q] + z3[n, o, p, q])
    return y, state(m1, v1, m2, v2, m3, v3)


@layer(cites="KernelBench, level 3, problem 21")
def efficient_net_mb_conv(
    x: Real[n, c, p, q],
    W1: Real[m, c],
    gamma1: Real[m],
    beta1: Real[m],
    mean1: State[m],
    var1: State[m],
    W2: Real[m, k, l],
    gamma2: Real[m],
    beta2: Real[m],
    mean2: State[m],
    var2: State[m],
    W3: Real[o, m],
    gamma3: Real[o],
    beta3: Real[o],
    mean3: State[o],
    var3: State[o],
    stride: Count = 2,
    padding: Natural = 2,
):
    """Widened by a convolution of one, a convolution of each channel, narrowed by a convolution of one."""
    z1, m1, v1 = pointwise_norm(x, W1, gamma1, beta1, mean1, var1)
    a1[n, m, p, q] = relu6(z1[n, m, p, q])
    z2, m2, v2 = depthwise_norm(a1, W2, gamma2, beta2, mean2, var2, stride=stride, padding=padding)
    a2[n, m, i, j] = relu6(z2[n, m, i, j])
    y, m3, v3 = pointwise_norm(a2, W3, gamma3, beta3, mean3, var3)
    return y, state(m1, v1, m2, v2, m3, v3)


@layer(cites="a part of problems of KernelBench, level 3")
def conv2d_relu(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], stride: Count = 1, padding: Natural = 1):
    """A convolution, rectified."""
    z = conv2d(x, W, b, stride=stride, padding=padding)
    y[n, o, i, j] = relu(z[n, o, i, j])
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def classifier(x: Real[n, c, p, q], U: Real[g, u], u0: Real[g], V: Real[h, g], v0: Real[h], W: Real[o, h], w0: Real[o]):
    """Three linear layers of an image's channels and positions along one axis."""
    u = axis(size(c) * size(p) * size(q))
    a[n, u] = x[n, u // (size(p) * size(q)), u // size(q) % size(p), u % size(q)]
    f[n, g] = relu(sum(u, U[g, u] * a[n, u]) + u0[g])
    e[n, h] = relu(sum(g, V[h, g] * f[n, g]) + v0[h])
    y = linear(e, W, w0)
    return y


@layer(cites="KernelBench, level 3, problem 5")
def alex_net(
    x: Real[n, c, p, q],
    W1: Real[d, c, k, l],
    b1: Real[d],
    W2: Real[e, d, r, s],
    b2: Real[e],
    W3: Real[f, e, three, three],
    b3: Real[f],
    W4: Real[m, f, three, three],
    b4: Real[m],
    W5: Real[t, m, three, three],
    b5: Real[t],
    U: Real[g, u],
    u0: Real[g],
    V: Real[h, g],
    v0: Real[h],
    W: Real[o, h],
    w0: Real[o],
):
    """Five convolutions with three pools, then three linear layers."""
    three = axis(3)
    a1 = conv2d_relu(x, W1, b1, stride=4, padding=2)
    m1 = max_pool2d(a1, window=3, stride=2)
    a2 = conv2d_relu(m1, W2, b2, padding=2)
    m2 = max_pool2d(a2, window=3, stride=2)
    a3 = conv2d_relu(m2, W3, b3)
    a4 = conv2d_relu(a3, W4, b4)
    a5 = conv2d_relu(a4, W5, b5)
    m5 = max_pool2d(a5, window=3, stride=2)
    y = classifier(m5, U, u0, V, v0, W, w0)
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def stage2(
    x: Real[n, c0, p, q],
    W1: Real[c1, c0, three, three],
    b1: Real[c1],
    W2: Real[c2, c1, three, three],
    b2: Real[c2],
):
    """Two convolutions and a pool."""
    three = axis(3)
    a1 = conv2d_relu(x, W1, b1)
    a2 = conv2d_relu(a1, W2, b2)
    y = max_pool2d(a2)
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def stage3(
    x: Real[n, c0, p, q],
    W1: Real[c1, c0, three, three],
    b1: Real[c1],
    W2: Real[c2, c1, three, three],
    b2: Real[c2],
    W3: Real[c3, c2, three, three],
    b3: Real[c3],
):
    """Three convolutions and a pool."""
    three = axis(3)
    a1 = conv2d_relu(x, W1, b1)
    a2 = conv2d_relu(a1, W2, b2)
    a3 = conv2d_relu(a2, W3, b3)
    y = max_pool2d(a3)
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def stage4(
    x: Real[n, c0, p, q],
    W1: Real[c1, c0, three, three],
    b1: Real[c1],
    W2: Real[c2, c1, three, three],
    b2: Real[c2],
    W3: Real[c3, c2, three, three],
    b3: Real[c3],
    W4: Real[c4, c3, three, three],
    b4: Real[c4],
):
    """Four convolutions and a pool."""
    three = axis(3)
    a1 = conv2d_relu(x, W1, b1)
    a2 = conv2d_relu(a1, W2, b2)
    a3 = conv2d_relu(a2, W3, b3)
    a4 = conv2d_relu(a3, W4, b4)
    y = max_pool2d(a4)
    return y


@layer(cites="KernelBench, level 3, problem 11")
def vgg16(
    x: Real[n, c0, p, q],
    W1: Real[c1, c0, three, three],
    b1: Real[c1],
    W2: Real[c2, c1, three, three],
    b2: Real[c2],
    W3: Real[c3, c2, three, three],
    b3: Real[c3],
    W4: Real[c4, c3, three, three],
    b4: Real[c4],
    W5: Real[c5, c4, three, three],
    b5: Real[c5],
    W6: Real[c6, c5, three, three],
    b6: Real[c6],
    W7: Real[c7, c6, three, three],
    b7: Real[c7],
    W8: Real[c8, c7, three, three],
    b8: Real[c8],
    W9: Real[c9, c8, three, three],
    b9: Real[c9],
    W10: Real[c10, c9, three, three],
    b10: Real[c10],
    W11: Real[c11, c10, three, three],
    b11: Real[c11],
    W12: Real[c12, c11, three, three],
    b12: Real[c12],
    W13: Real[c13, c12, three, three],
    b13: Real[c13],
    U: Real[g, u],
    u0: Real[g],
    V: Real[h, g],
    v0: Real[h],
    W: Real[o, h],
    w0: Real[o],
):
    """Thirteen convolutions in five stages, then three linear layers."""
    three = axis(3)
    s1 = stage2(x, W1, b1, W2, b2)
    s2 = stage2(s1, W3, b3, W4, b4)
    s3 = stage3(s2, W5, b5, W6, b6, W7, b7)
    s4 = stage3(s3, W8, b8, W9, b9, W10, b10)
    s5 = stage3(s4, W11, b11, W12, b12, W13, b13)
    y = classifier(s5, U, u0, V, v0, W, w0)
    return y


@layer(cites="KernelBench, level 3, problem 12")
def vgg19(
    x: Real[n, c0, p, q],
    W1: Real[c1, c0, three, three],
    b1: Real[c1],
    W2: Real[c2, c1, three, three],
    b2: Real[c2],
    W3: Real[c3, c2, three, three],
    b3: Real[c3],
    W4: Real[c4, c3, three, three],
    b4: Real[c4],
    W5: Real[c5, c4, three, three],
    b5: Real[c5],
    W6: Real[c6, c5, three, three],
    b6: Real[c6],
    W7: Real[c7, c6, three, three],
    b7: Real[c7],
    W8: Real[c8, c7, three, three],
    b8: Real[c8],
    W9: Real[c9, c8, three, three],
    b9: Real[c9],
    W10: Real[c10, c9, three, three],
    b10: Real[c10],
    W11: Real[c11, c10, three, three],
    b11: Real[c11],
    W12: Real[c12, c11, three, three],
    b12: Real[c12],
    W13: Real[c13, c12, three, three],
    b13: Real[c13],
    W14: Real[c14, c13, three, three],
    b14: Real[c14],
    W15: Real[c15, c14, three, three],
    b15: Real[c15],
    W16: Real[c16, c15, three, three],
    b16: Real[c16],
    U: Real[g, u],
    u0: Real[g],
    V: Real[h, g],
    v0: Real[h],
    W: Real[o, h],
    w0: Real[o],
):
    """Sixteen convolutions in five stages, then three linear layers."""
    three = axis(3)
    s1 = stage2(x, W1, b1, W2, b2)
    s2 = stage2(s1, W3, b3, W4, b4)
    s3 = stage4(s2, W5, b5, W6, b6, W7, b7, W8, b8)
    s4 = stage4(s3, W9, b9, W10, b10, W11, b11, W12, b12)
    s5 = stage4(s4, W13, b13, W14, b14, W15, b15, W16, b16)
    y = classifier(s5, U, u0, V, v0, W, w0)
    return y
