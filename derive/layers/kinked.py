"""Elementwise activation functions with kinks."""

from __future__ import annotations

from derive import layer


@layer(cites="Krizhevsky and Hinton 2010, Convolutional deep belief networks on CIFAR-10")
def relu6(x: Real[...]):
    """Keep what is positive, up to 6."""
    y[...] = 0 if x[...] <= 0 else 6 if x[...] >= 6 else x[...]
    return y


@layer(cites="Tolstikhin et al. 2021; So et al. 2021, arXiv:2109.08668")
def square_relu(x: Real[...]):
    """The square of what is positive."""
    y[...] = max(0, x[...]) ** 2
    return y


@layer(cites="Collobert 2004")
def hard_tanh(x: Real[...], low: Scalar = -1.0, high: Scalar = 1.0):
    """Clip every element to an interval."""
    y[...] = low if x[...] <= low else high if x[...] >= high else x[...]
    return y


@layer(cites="Courbariaux, Bengio and David 2015, arXiv:1511.00363; slope 1/6: Howard et al. 2019, arXiv:1905.02244")
def hard_sigmoid(x: Real[...]):
    """A sigmoid of three straight lines: 0 up to -3, 1 from 3 on."""
    y[...] = 0 if x[...] <= -3 else 1 if x[...] >= 3 else (x[...] + 3) / 6
    return y


@layer(cites="Howard et al. 2019, arXiv:1905.02244")
def hard_swish(x: Real[...]):
    """Weigh every element by its hard sigmoid."""
    y[...] = 0 if x[...] <= -3 else x[...] if x[...] >= 3 else x[...] * (x[...] + 3) / 6
    return y


@layer(cites="Konda, Memisevic and Krueger 2014, arXiv:1402.3337")
def threshold(x: Real[...], level: Scalar = 1.0, other: Scalar = 0.0):
    """Keep what is above a level; the rest becomes another value."""
    y[...] = other if x[...] <= level else x[...]
    return y


@layer(cites="Donoho and Johnstone 1994")
def hard_shrink(x: Real[...], lambd: Scalar = 0.5):
    """Set to zero what is not above lambd in size."""
    y[...] = 0 if abs(x[...]) <= lambd else x[...]
    return y


@layer(cites="Donoho 1995")
def soft_shrink(x: Real[...], lambd: Scalar = 0.5):
    """Bring every element nearer to zero by lambd, as far as it goes."""
    y[...] = 0 if abs(x[...]) <= lambd else x[...] - lambd if x[...] > 0 else x[...] + lambd
    return y


@layer(cites="Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289")
def elu(x: Real[...], alpha: Scalar = 1.0):
    """Keep what is positive; the rest tends to minus alpha."""
    y[...] = x[...] if x[...] > 0 else alpha * (exp(x[...]) - 1)
    return y


@layer(cites="Klambauer et al. 2017, arXiv:1706.02515")
def selu(x: Real[...]):
    """An exponential linear unit, scaled so that normal activations stay so from layer to layer."""
    y[...] = 1.0507009873554805 * (x[...] if x[...] > 0 else 1.6732632423543772 * (exp(x[...]) - 1))
    return y


@layer(cites="Barron 2017, arXiv:1704.07483")
def celu(x: Real[...], alpha: Positive = 1.0):
    """An exponential linear unit of slope 1 at zero whatever alpha."""
    y[...] = x[...] if x[...] > 0 else alpha * (exp(x[...] / alpha) - 1)
    return y


@layer(cites="Turian, Bergstra and Bengio 2009")
def softsign(x: Real[...]):
    """Divide every element by 1 plus its size."""
    y[...] = x[...] / (1 + abs(x[...]))
    return y
