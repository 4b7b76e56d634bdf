"""What a training step does to gradients and parameters, and how parameters begin."""

from __future__ import annotations

from derive import layer


@layer(cites="S24; Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063")
def clip_by_global_norm(g: Real[l][...], tau: Positive = 1.0):
    """Scale all gradients together so that their joint norm is at most tau."""
    norm = sqrt(sum((l, ...), g[l, ...] ** 2))
    y[l, ...] = g[l, ...] if norm <= tau else tau / norm * g[l, ...]
    return y


@layer(cites="S29; Robbins and Monro 1951")
def sgd(W: Real[l][...], dW: Real[l][...], alpha: Scalar = 0.01):
    """One step of gradient descent with learning rate alpha."""
    y[l, ...] = W[l, ...] - alpha * dW[l, ...]
    return y


@layer(cites="S32; Glorot and Bengio 2010")
def xavier(noise: Real[o, i]):
    """Weights from standard normal noise, of variance 2 / (fan in + fan out)."""
    W[o, i] = sqrt(2 / (size(i) + size(o))) * noise[o, i]
    return W


@layer(cites="S33; He et al. 2015, arXiv:1502.01852")
def he(noise: Real[o, i]):
    """Weights from standard normal noise, of variance 2 / fan in."""
    W[o, i] = sqrt(2 / size(i)) * noise[o, i]
    return W


@layer(cites="Polyak 1964; the damping and order of PyTorch")
def momentum(
    W: Real[l][...],
    dW: Real[l][...],
    v: State[l][...],
    alpha: Scalar = 0.01,
    mu: Scalar = 0.9,
    damping: Scalar = 0.0,
):
    """One step of gradient descent with momentum."""
    new_v[l, ...] = mu * v[l, ...] + (1 - damping) * dW[l, ...]
    y[l, ...] = W[l, ...] - alpha * new_v[l, ...]
    return y, state(new_v)


@layer(cites="Nesterov 1983; Sutskever et al. 2013, as PyTorch has it")
def nesterov(W: Real[l][...], dW: Real[l][...], v: State[l][...], alpha: Scalar = 0.01, mu: Scalar = 0.9):
    """One step of gradient descent with Nesterov's momentum."""
    new_v[l, ...] = mu * v[l, ...] + dW[l, ...]
    y[l, ...] = W[l, ...] - alpha * (dW[l, ...] + mu * new_v[l, ...])
    return y, state(new_v)


@layer(cites="Tieleman and Hinton 2012")
def rmsprop(
    W: Real[l][...],
    dW: Real[l][...],
    s: State[l][...] >= 0,
    alpha: Scalar = 0.01,
    rho: Fraction = 0.99,
    epsilon: Positive = 1e-8,
):
    """One step along the gradient over a running root mean square of gradients."""
    new_s[l, ...] = rho * s[l, ...] + (1 - rho) * dW[l, ...] ** 2
    y[l, ...] = W[l, ...] - alpha * dW[l, ...] / (sqrt(new_s[l, ...]) + epsilon)
    return y, state(new_s)


@layer(cites="Duchi, Hazan and Singer 2011")
def adagrad(W: Real[l][...], dW: Real[l][...], s: State[l][...] >= 0, alpha: Scalar = 0.01, epsilon: Positive = 1e-10):
    """One step along the gradient over the root of the sum of all squared gradients."""
    new_s[l, ...] = s[l, ...] + dW[l, ...] ** 2
    y[l, ...] = W[l, ...] - alpha * dW[l, ...] / (sqrt(new_s[l, ...]) + epsilon)
    return y, state(new_s)


@layer(cites="Zeiler 2012, arXiv:1212.5701")
def adadelta(
    W: Real[l][...],
    dW: Real[l][...],
    s: State[l][...] >= 0,
    d: State[l][...] >= 0,
    alpha: Scalar = 1.0,
    rho: Fraction = 0.9,
    epsilon: Positive = 1e-6,
):
    """One step as long as a running root mean square of steps, over that of gradients."""
    new_s[l, ...] = rho * s[l, ...] + (1 - rho) * dW[l, ...] ** 2
    step[l, ...] = sqrt(d[l, ...] + epsilon) / sqrt(new_s[l, ...] + epsilon) * dW[l, ...]
    new_d[l, ...] = rho * d[l, ...] + (1 - rho) * step[l, ...] ** 2
    y[l, ...] = W[l, ...] - alpha * step[l, ...]
    return y, state(new_s, new_d)


@layer(cites="Kingma and Ba 2014, arXiv:1412.6980")
def adam(
    W: Real[l][...],
    dW: Real[l][...],
    m: State[l][...],
    s: State[l][...] >= 0,
    step: Count = 1,
    alpha: Scalar = 0.001,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    epsilon: Positive = 1e-8,
):
    """One step along the running mean of gradients over that of their squares, both corrected for their beginning."""
    new_m[l, ...] = beta1 * m[l, ...] + (1 - beta1) * dW[l, ...]
    rest = 1 - beta2
    new_s[l, ...] = beta2 * s[l, ...] + rest * dW[l, ...] ** 2
    y[l, ...] = W[l, ...] - alpha * new_m[l, ...] / (1 - beta1**step) / (
        sqrt(new_s[l, ...] / (1 - beta2**step)) + epsilon
    )
    return y, state(new_m, new_s)


@layer(cites="Loshchilov and Hutter 2017, arXiv:1711.05101")
def adamw(
    W: Real[l][...],
    dW: Real[l][...],
    m: State[l][...],
    s: State[l][...] >= 0,
    step: Count = 1,
    alpha: Scalar = 0.001,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    epsilon: Positive = 1e-8,
    decay: Scalar = 0.01,
):
    """One step of Adam, with weights that decay on their own."""
    new_m[l, ...] = beta1 * m[l, ...] + (1 - beta1) * dW[l, ...]
    rest = 1 - beta2
    new_s[l, ...] = beta2 * s[l, ...] + rest * dW[l, ...] ** 2
    y[l, ...] = (1 - alpha * decay) * W[l, ...] - alpha * new_m[l, ...] / (1 - beta1**step) / (
        sqrt(new_s[l, ...] / (1 - beta2**step)) + epsilon
    )
    return y, state(new_m, new_s)


@layer(cites="Chen et al. 2023, arXiv:2302.06675")
def lion(
    W: Real[l][...],
    dW: Real[l][...],
    m: State[l][...],
    alpha: Scalar = 0.0001,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.99,
    decay: Scalar = 0.01,
):
    """One step of equal length for every weight, by the sign of a running mean of gradients."""
    y[l, ...] = (1 - alpha * decay) * W[l, ...] - alpha * sign(beta1 * m[l, ...] + (1 - beta1) * dW[l, ...])
    new_m[l, ...] = beta2 * m[l, ...] + (1 - beta2) * dW[l, ...]
    return y, state(new_m)


@layer(cites="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, element by element")
def clip_by_value(g: Real[l][...], tau: Positive = 1.0):
    """Clip every element of every gradient."""
    y[l, ...] = tau if g[l, ...] > tau else -tau if g[l, ...] < -tau else g[l, ...]
    return y


@layer(cites="Polyak and Juditsky 1992")
def ema(W: Real[l][...], a: State[l][...], decay: Fraction = 0.99):
    """Move a running mean of weights towards the weights."""
    y[l, ...] = decay * a[l, ...] + (1 - decay) * W[l, ...]
    return y
