"""KernelBench, level 3: blocks of networks, and small networks."""

from __future__ import annotations

from derive import layer


@layer(cites="a part of problems of KernelBench, level 3")
def cat_channels(a: Real[n, c, p, q], b: Real[n, d, p, q]):
    """One image's channels after another's."""
    u = axis(size(c) + size(d))
    y[n, u, p, q] = a[n, u, p, q] if u < size(c) else b[n, u - size(c), p, q]
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def linear_of_image(x: Real[n, c, p, q], W: Real[o, u], b: Real[o]):
    """A linear layer of an image's channels and positions along one axis."""
    u = axis(size(c) * size(p) * size(q))
    a[n, u] = x[n, u // (size(p) * size(q)), u // size(q) % size(p), u % size(q)]
    y = linear(a, W, b)
    return y


@layer(cites="KernelBench, level 3, problem 4")
def lenet5(
    x: Real[n, c, p, q],
    W1: Real[d, c, k, l],
    b1: Real[d],
    W2: Real[e, d, k, l],
    b2: Real[e],
    V: Real[h, g],
    v: Real[h],
    W: Real[f, h],
    w: Real[f],
    U: Real[o, f],
    u: Real[o],
):
    """Two convolutions with pools, three linear layers."""
    z1 = conv2d(x, W1, b1)
    a1[n, d, i, j] = relu(z1[n, d, i, j])
    m1 = max_pool2d(a1)
    z2 = conv2d(m1, W2, b2)
    a2[n, e, i, j] = relu(z2[n, e, i, j])
    m2 = max_pool2d(a2)
    z3 = linear_of_image(m2, V, v)
    a3[n, h] = relu(z3[n, h])
    z4 = linear(a3, W, w)
    a4[n, f] = relu(z4[n, f])
    y = linear(a4, U, u)
    return y


@layer(cites="a part of problems of KernelBench, level 3")
def reduced_conv2d(
    x: Real[n, c, p, q], R: Real[e, c], r: Real[e], W: Real[f, e, k, k], b: Real[f], padding: Natural = 1
):
    """A convolution of one, which leaves few channels, then a larger one."""
    s = pointwise_conv2d(x, R, r)
    y = conv2d(s, W, b, padding=padding)
    return y


@layer(cites="KernelBench, level 3, problem 6")
def google_net_inception_module(
    x: Real[n, c, p, q],
    W1: Real[d, c],
    b1: Real[d],
    R3: Real[e, c],
    r3: Real[e],
    W3: Real[f, e, three, three],
    b3: Real[f],
    R5: Real[g, c],
    r5: Real[g],
    W5: Real[h, g, five, five],
    b5: Real[h],
    Wp: Real[o, c],
    bp: Real[o],
):
    """Convolutions of one, three and five, and of a pool, one after the other along the channels."""
    three = axis(3)
    five = axis(5)
    y1 = pointwise_conv2d(x, W1, b1)
    y3 = reduced_conv2d(x, R3, r3, W3, b3, padding=1)
    y5 = reduced_conv2d(x, R5, r5, W5, b5, padding=2)
    m = max_pool2d(x, window=3, stride=1, padding=1)
    yp = pointwise_conv2d(m, Wp, bp)
    a13 = cat_channels(y1, y3)
    a5p = cat_channels(y5, yp)
    y = cat_channels(a13, a5p)
    return y


@layer(cites="KernelBench, level 3, problem 13")
def densenet121_transition_layer(
    x: Real[n, c, p, q], gamma1: Real[c], beta1: Real[c], mean1: State[c], var1: State[c], W: Real[o, c]
):
    """Normalised, rectified, a convolution of one, halved by averages."""
    h, m1, v1 = batch_norm(x, gamma1, beta1, mean1, var1)
    z[n, o, p, q] = sum(c, W[o, c] * relu(h[n, c, p, q]))
    y = avg_pool2d(z)
    return y, state(m1, v1)


@layer(cites="KernelBench, level 3, problem 17")
def squeeze_net_fire_module(
    x: Real[n, c, p, q],
    S: Real[d, c],
    s: Real[d],
    W1: Real[e, d],
    b1: Real[e],
    W3: Real[f, d, three, three],
    b3: Real[f],
):
    """Squeezed by a convolution of one, then convolutions of one and three beside each other."""
    three = axis(3)
    z = pointwise_conv2d(x, S, s)
    a[n, d, p, q] = relu(z[n, d, p, q])
    z1 = pointwise_conv2d(a, W1, b1)
    z3 = conv2d(a, W3, b3, padding=1)
    u = cat_channels(z1, z3)
    y[n, m, p, q] = relu(u[n, m, p, q])
    return y
