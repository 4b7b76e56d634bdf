"""Numbers that are rounded on the way forward, and gradients that pass as if they were not."""

from __future__ import annotations

from derive import layer


@layer(cites="Bengio, Leonard and Courville 2013, arXiv:1308.3432")
def straight_through_round(x: Real[...]):
    """Round to whole numbers, ties to even ones; the gradient passes as if nothing had been rounded."""
    y[...] = x[...] + stop_gradient(round(x[...]) - x[...])
    return y


@layer(cites="Hubara, Courbariaux, Soudry, El-Yaniv and Bengio 2016, arXiv:1602.02830")
def straight_through_sign(x: Real[...]):
    """The sign, as in a binary network; the gradient is that of clipping to [-1, 1]."""
    y[...] = clip(x[...], -1, 1) + stop_gradient(sign(x[...]) - clip(x[...], -1, 1))
    return y


@layer(cites="Jacob et al. 2018, arXiv:1712.05877; torch.fake_quantize_per_tensor_affine")
def fake_quantize(
    x: Real[...], scale: Positive = 0.5, zero_point: Integer = 0, low: Integer = -128, high: Integer = 127
):
    """Round to the numbers that an integer format has; the gradient passes where these reach."""
    q[...] = round(x[...] / scale) + zero_point
    kept[...] = x[...] if q[...] >= low and q[...] <= high else 0
    y[...] = kept[...] + stop_gradient(scale * (clip(q[...], low, high) - zero_point) - kept[...])
    return y


@layer(cites="van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937")
def vector_quantize(z: Real[..., d], E: Real[k, d], beta: Positive = 0.25):
    """The nearest row of a codebook, through which the gradient passes straight; the codebook and commitment loss."""
    distance[..., k] = sum(d, (z[..., d] - E[k, d]) ** 2)
    nearest[...] = argmin(k, distance[..., k])
    y[..., d] = z[..., d] + stop_gradient(E[nearest[...], d] - z[..., d])
    moved[...] = mean(d, (stop_gradient(z[..., d]) - E[nearest[...], d]) ** 2)
    committed[...] = mean(d, (z[..., d] - stop_gradient(E[nearest[...], d])) ** 2)
    loss[...] = moved[...] + beta * committed[...]
    return y, loss
