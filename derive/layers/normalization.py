"""Normalisation over features or over the batch."""

from __future__ import annotations

from derive import layer


@layer(cites="S25-S28; Ioffe and Szegedy 2015, arXiv:1502.03167")
def batch_norm(
    x: Real[b, c, ...],
    gamma: Real[c],
    beta: Real[c],
    running_mean: State[c],
    running_var: State[c],
    momentum: Fraction = 0.1,
    epsilon: Positive = 1e-5,
):
    """Normalise each channel over the batch, then scale and shift; move the running statistics along."""
    mu[c] = mean((b, ...), x[b, c, ...])
    var[c] = mean((b, ...), (x[b, c, ...] - mu[c]) ** 2)
    inv_std[c] = 1 / sqrt(var[c] + epsilon)
    x_hat[b, c, ...] = (x[b, c, ...] - mu[c]) * inv_std[c]
    y[b, c, ...] = gamma[c] * x_hat[b, c, ...] + beta[c]
    n = size(b) * size(...)
    new_mean[c] = (1 - momentum) * running_mean[c] + momentum * mu[c] if n > 0 else running_mean[c]
    unbiased[c] = var[c] * n / max(1, n - 1)
    new_var[c] = (1 - momentum) * running_var[c] + momentum * unbiased[c] if n > 0 else running_var[c]
    return y, state(new_mean, new_var)


@layer(cites="S28; Ioffe and Szegedy 2015, arXiv:1502.03167")
def batch_norm_inference(
    x: Real[b, c, ...],
    gamma: Real[c],
    beta: Real[c],
    running_mean: State[c],
    running_var: State[c],
    epsilon: Positive = 1e-5,
):
    """Normalise each channel with the running statistics, then scale and shift."""
    x_hat[b, c, ...] = (x[b, c, ...] - running_mean[c]) / sqrt(running_var[c] + epsilon)
    y[b, c, ...] = gamma[c] * x_hat[b, c, ...] + beta[c]
    return y


@layer(cites="Ba, Kiros and Hinton 2016, arXiv:1607.06450")
def layer_norm(x: Real[..., i], gamma: Real[i], beta: Real[i], epsilon: Positive = 1e-5):
    """Normalise each example over its features, then scale and shift."""
    mu[...] = mean(i, x[..., i])
    var[...] = mean(i, (x[..., i] - mu[...]) ** 2)
    inv_std[...] = 1 / sqrt(var[...] + epsilon)
    x_hat[..., i] = (x[..., i] - mu[...]) * inv_std[...]
    y[..., i] = gamma[i] * x_hat[..., i] + beta[i]
    return y


@layer(cites="Ba, Kiros and Hinton 2016, arXiv:1607.06450, over every axis but the first")
def layer_norm_nd(x: Real[b, ...], gamma: Real[...], beta: Real[...], epsilon: Positive = 1e-5):
    """Normalise each example over all of its axes, then scale and shift."""
    mu[b] = mean(..., x[b, ...])
    var[b] = mean(..., (x[b, ...] - mu[b]) ** 2)
    inv_std[b] = 1 / sqrt(var[b] + epsilon)
    x_hat[b, ...] = (x[b, ...] - mu[b]) * inv_std[b]
    y[b, ...] = gamma[...] * x_hat[b, ...] + beta[...]
    return y


@layer(cites="Zhang and Sennrich 2019, arXiv:1910.07467")
def rms_norm(x: Real[..., i], gamma: Real[i], epsilon: Positive = 1e-6):
    """Divide each example by the root mean square of its features, then scale."""
    inv_rms[...] = 1 / sqrt(mean(i, x[..., i] ** 2) + epsilon)
    x_hat[..., i] = x[..., i] * inv_rms[...]
    y[..., i] = gamma[i] * x_hat[..., i]
    return y


@layer(cites="Wu and He 2018, arXiv:1803.08494")
def group_norm(
    x: Real[b, g * c, ...],
    gamma: Real[g * c],
    beta: Real[g * c],
    groups: Count[g] = 1,
    epsilon: Positive = 1e-5,
):
    """Normalise each example over each group of channels, then scale and shift."""
    mu[b, g] = mean((c, ...), x[b, g, c, ...])
    var[b, g] = mean((c, ...), (x[b, g, c, ...] - mu[b, g]) ** 2)
    inv_std[b, g] = 1 / sqrt(var[b, g] + epsilon)
    x_hat[b, g, c, ...] = (x[b, g, c, ...] - mu[b, g]) * inv_std[b, g]
    y[b, g, c, ...] = gamma[g, c] * x_hat[b, g, c, ...] + beta[g, c]
    return y


@layer(cites="Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022")
def instance_norm(x: Real[b, c, ...], gamma: Real[c], beta: Real[c], epsilon: Positive = 1e-5):
    """Normalise every channel of every example, then scale and shift."""
    mu[b, c] = mean(..., x[b, c, ...])
    var[b, c] = mean(..., (x[b, c, ...] - mu[b, c]) ** 2)
    inv_std[b, c] = 1 / sqrt(var[b, c] + epsilon)
    x_hat[b, c, ...] = (x[b, c, ...] - mu[b, c]) * inv_std[b, c]
    y[b, c, ...] = gamma[c] * x_hat[b, c, ...] + beta[c]
    return y


@layer(cites="Krizhevsky, Sutskever and Hinton 2012")
def local_response_norm(
    x: Real[b, c, ...], width: Count = 5, alpha: Positive = 1e-4, beta: Scalar = 0.75, k: Positive = 1.0
):
    """Divide by a power of the mean square of the channels nearby; there is nothing beyond the first and the last."""
    n = axis(width)
    s[b, c, ...] = sum(n, x[b, c + n - width // 2, ...] ** 2)
    y[b, c, ...] = x[b, c, ...] / (k + alpha / width * s[b, c, ...]) ** beta
    return y


@layer(cites="Salimans and Kingma 2016, arXiv:1602.07868")
def weight_norm(v: Real[o, i], g: Real[o], epsilon: Positive = 1e-12):
    """A weight of which each row has its own length and direction; a square of the length below epsilon is epsilon."""
    s[o] = sum(i, v[o, i] ** 2)
    length[o] = sqrt(max(s[o], epsilon))
    W[o, i] = g[o] * v[o, i] / length[o]
    return W


@layer(cites="Miyato et al. 2018, arXiv:1802.05957")
def spectral_norm(W: Real[o, i], u: State[o], v: State[i]):
    """Divide a weight by its largest singular value, given the singular vectors of a power step."""
    sigma = sum((o, i), u[o] * W[o, i] * v[i])
    y[o, i] = W[o, i] / sigma
    return y


@layer(cites="the unit sphere")
def l2_normalize(x: Real[..., i], epsilon: Positive = 1e-12):
    """Divide by the Euclidean norm, or by the root of epsilon where that is larger."""
    s[...] = sum(i, x[..., i] ** 2)
    length[...] = sqrt(max(s[...], epsilon))
    y[..., i] = x[..., i] / length[...]
    return y


@layer(cites="the unit ball of absolute values")
def l1_normalize(x: Real[..., i], epsilon: Positive = 1e-12):
    """Divide by the sum of absolute values, or by epsilon where that is larger."""
    norm[...] = sum(i, abs(x[..., i]))
    length[...] = max(norm[...], epsilon)
    y[..., i] = x[..., i] / length[...]
    return y


@layer(cites="Frobenius 1911; the norm of a whole array")
def frobenius_normalize(x: Real[...]):
    """Divide an array by its Frobenius norm."""
    norm = sqrt(sum(..., x[...] ** 2))
    y[...] = x[...] / norm
    return y
