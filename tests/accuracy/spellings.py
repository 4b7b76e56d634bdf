"""Elementwise functions as textbooks spell them; taken at their word, most lose all their digits somewhere."""

from __future__ import annotations

from derive import layer


@layer(cites="sigmoid")
def sigmoid_quotient(x: Real[...]):
    """e^x / (1 + e^x)."""
    y[...] = exp(x[...]) / (1 + exp(x[...]))
    return y


@layer(cites="sigmoid")
def sigmoid_reciprocal(x: Real[...]):
    """1 / (1 + e^-x)."""
    y[...] = 1 / (1 + exp(-x[...]))
    return y


@layer(cites="sigmoid")
def sigmoid_of_tanh(x: Real[...]):
    """Through tanh."""
    y[...] = (1 + tanh(x[...] / 2)) / 2
    return y


@layer(cites="sigmoid")
def sigmoid_complement(x: Real[...]):
    """1 - sigmoid(x)."""
    y[...] = 1 - sigmoid(x[...])
    return y


@layer(cites="sigmoid")
def sigmoid_slope(x: Real[...]):
    """sigmoid(x) (1 - sigmoid(x))."""
    y[...] = sigmoid(x[...]) * (1 - sigmoid(x[...]))
    return y


@layer(cites="tanh")
def tanh_exponentials(x: Real[...]):
    """(e^x - e^-x) / (e^x + e^-x)."""
    y[...] = (exp(x[...]) - exp(-x[...])) / (exp(x[...]) + exp(-x[...]))
    return y


@layer(cites="tanh")
def tanh_of_square(x: Real[...]):
    """(e^2x - 1) / (e^2x + 1)."""
    y[...] = (exp(2 * x[...]) - 1) / (exp(2 * x[...]) + 1)
    return y


@layer(cites="tanh")
def tanh_of_sigmoid(x: Real[...]):
    """2 sigmoid(2x) - 1."""
    y[...] = 2 * sigmoid(2 * x[...]) - 1
    return y


@layer(cites="tanh")
def tanh_slope(x: Real[...]):
    """1 - tanh(x)^2."""
    y[...] = 1 - tanh(x[...]) ** 2
    return y


@layer(cites="softplus")
def softplus_of_sigmoid(x: Real[...]):
    """-log sigmoid(-x)."""
    y[...] = -log(sigmoid(-x[...]))
    return y


@layer(cites="softplus")
def softplus_scaled(x: Real[...], beta: Positive = 2.0):
    """log(1 + e^(beta x)) / beta."""
    y[...] = log(1 + exp(beta * x[...])) / beta
    return y


@layer(cites="softplus")
def softplus_shifted(x: Real[...]):
    """max(0, x) + log(1 + e^-|x|)."""
    y[...] = max(0, x[...]) + log(1 + exp(-abs(x[...])))
    return y


@layer(cites="softplus")
def softplus_centred(x: Real[...]):
    """Softplus less its value at 0."""
    y[...] = log(1 + exp(x[...])) - log(2)
    return y


@layer(cites="cross-entropy of one class")
def log_one_minus_sigmoid(x: Real[...]):
    """log(1 - sigmoid(x))."""
    y[...] = log(1 - sigmoid(x[...]))
    return y


@layer(cites="cross-entropy of one class")
def log_sigmoid_word(x: Real[...]):
    """log sigmoid(x)."""
    y[...] = log(sigmoid(x[...]))
    return y


@layer(cites="logit")
def logit(p: 0 < Real[...] < 1):
    """log(p / (1 - p))."""
    y[...] = log(p[...] / (1 - p[...]))
    return y


@layer(cites="logit")
def logit_difference(p: 0 < Real[...] < 1):
    """log p - log(1 - p)."""
    y[...] = log(p[...]) - log(1 - p[...])
    return y


@layer(cites="the inverse of tanh")
def artanh(x: -1 < Real[...] < 1):
    """log((1 + x) / (1 - x)) / 2."""
    y[...] = log((1 + x[...]) / (1 - x[...])) / 2
    return y


@layer(cites="the inverse of sinh")
def arsinh(x: Real[...]):
    """log(x + sqrt(x^2 + 1))."""
    y[...] = log(x[...] + sqrt(x[...] ** 2 + 1))
    return y


@layer(cites="sinh")
def sinh(x: Real[...]):
    """(e^x - e^-x) / 2."""
    y[...] = (exp(x[...]) - exp(-x[...])) / 2
    return y


@layer(cites="log-cosh loss")
def log_cosh(x: Real[...]):
    """log((e^x + e^-x) / 2)."""
    y[...] = log((exp(x[...]) + exp(-x[...])) / 2)
    return y


@layer(cites="pseudo-Huber loss")
def pseudo_huber(x: Real[...], delta: Positive = 1.0):
    """delta^2 (sqrt(1 + (x/delta)^2) - 1)."""
    y[...] = delta**2 * (sqrt(1 + (x[...] / delta) ** 2) - 1)
    return y


@layer(cites="bent identity")
def bent(x: Real[...]):
    """(sqrt(x^2 + 1) - 1) / 2 + x."""
    y[...] = (sqrt(x[...] ** 2 + 1) - 1) / 2 + x[...]
    return y


@layer(cites="squareplus")
def squareplus(x: Real[...], b: Positive = 4.0):
    """(x + sqrt(x^2 + b)) / 2."""
    y[...] = (x[...] + sqrt(x[...] ** 2 + b)) / 2
    return y


@layer(cites="Carlile et al. 2017")
def isru(x: Real[...], a: Positive = 1.0):
    """x / sqrt(1 + a x^2)."""
    y[...] = x[...] / sqrt(1 + a * x[...] ** 2)
    return y


@layer(cites="exponentials")
def exp_less_one(x: Real[...]):
    """e^x - 1."""
    y[...] = exp(x[...]) - 1
    return y


@layer(cites="exponentials")
def saturating(x: Real[...], rate: Positive = 1.0):
    """1 - e^(-rate x)."""
    y[...] = 1 - exp(-rate * x[...])
    return y


@layer(cites="logarithms")
def log_of_more_than_one(x: Real[...] > -1):
    """log(1 + x)."""
    y[...] = log(1 + x[...])
    return y


@layer(cites="symmetric logarithm")
def symlog(x: Real[...]):
    """sign(x) log(1 + |x|)."""
    y[...] = log(1 + x[...]) if x[...] > 0 else -log(1 - x[...])
    return y


@layer(cites="Gauss")
def bell(x: Real[...], s: Positive = 1.0):
    """A Gaussian of any width."""
    y[...] = exp(-(x[...] ** 2) / (2 * s**2))
    return y


@layer(cites="Gauss")
def tail_of_erf(x: Real[...]):
    """1 - erf(x)."""
    y[...] = 1 - erf(x[...])
    return y


@layer(cites="Gauss")
def log_of_cdf(x: Real[...]):
    """The logarithm of the normal distribution function."""
    y[...] = log((1 + erf(x[...] / sqrt(2))) / 2)
    return y


@layer(cites="Gauss")
def gelu_quick(x: Real[...]):
    """x sigmoid(1.702 x)."""
    y[...] = x[...] * sigmoid(1.702 * x[...])
    return y


@layer(cites="Geman and McClure 1985")
def geman_mcclure(x: Real[...]):
    """x^2 / (1 + x^2)."""
    y[...] = x[...] ** 2 / (1 + x[...] ** 2)
    return y


@layer(cites="Cauchy loss")
def cauchy(x: Real[...], c: Positive = 1.0):
    """log(1 + (x/c)^2)."""
    y[...] = log(1 + (x[...] / c) ** 2)
    return y


@layer(cites="Liu and Di 2020")
def tanh_exp(x: Real[...]):
    """x tanh(e^x)."""
    y[...] = x[...] * tanh(exp(x[...]))
    return y


@layer(cites="Nag and Bhattacharyya 2021")
def serf(x: Real[...]):
    """x erf(log(1 + e^x))."""
    y[...] = x[...] * erf(log(1 + exp(x[...])))
    return y


@layer(cites="Zhu et al. 2021")
def logish(x: Real[...]):
    """x log(1 + sigmoid(x))."""
    y[...] = x[...] * log(1 + sigmoid(x[...]))
    return y


@layer(cites="Basirat and Roth 2018")
def elish(x: Real[...]):
    """x sigmoid(x) above 0, (e^x - 1) sigmoid(x) below."""
    y[...] = x[...] * sigmoid(x[...]) if x[...] >= 0 else (exp(x[...]) - 1) * sigmoid(x[...])
    return y


@layer(cites="powers")
def power_of_absolute(x: Real[...], p: Positive = 0.5):
    """|x|^(1 + p), which has a slope at 0."""
    y[...] = abs(x[...]) ** (1 + p)
    return y


@layer(cites="powers")
def cube_root(x: Real[...] > 0):
    """x^(1/3)."""
    y[...] = x[...] ** (1 / 3)
    return y


@layer(cites="powers")
def power_of_two(x: Real[...]):
    """2^x."""
    y[...] = 2 ** x[...]
    return y


@layer(cites="Box and Cox 1964")
def box_cox(x: Real[...] > 0, p: Positive = 0.5):
    """(x^p - 1) / p."""
    y[...] = (x[...] ** p - 1) / p
    return y


@layer(cites="cosh")
def cosh_less_one(x: Real[...]):
    """(e^x + e^-x) / 2 - 1."""
    y[...] = (exp(x[...]) + exp(-x[...])) / 2 - 1
    return y


@layer(cites="Varian 1975")
def linex(x: Real[...], a: Positive = 1.0):
    """e^(ax) - ax - 1."""
    y[...] = exp(a * x[...]) - a * x[...] - 1
    return y


@layer(cites="logarithms")
def less_log(x: Real[...] > 0):
    """x - log(1 + x)."""
    y[...] = x[...] - log(1 + x[...])
    return y


@layer(cites="hyperbolas")
def hyperbola_complement(x: Real[...]):
    """1 - 1 / sqrt(1 + x^2)."""
    y[...] = 1 - 1 / sqrt(1 + x[...] ** 2)
    return y


@layer(cites="squares")
def square_of_more_than_one(x: Real[...]):
    """(x + 1)^2 - 1."""
    y[...] = (x[...] + 1) ** 2 - 1
    return y


@layer(cites="Gumbel")
def gumbel(x: Real[...]):
    """exp(-exp(-x))."""
    y[...] = exp(-exp(-x[...]))
    return y


@layer(cites="Gumbel")
def complementary_log_log(x: Real[...]):
    """1 - exp(-exp(x))."""
    y[...] = 1 - exp(-exp(x[...]))
    return y


@layer(cites="roots")
def difference_of_roots(x: Real[...] > 0):
    """sqrt(x + 1) - sqrt(x)."""
    y[...] = sqrt(x[...] + 1) - sqrt(x[...])
    return y


@layer(cites="tanh")
def tanh_of_less(x: Real[...]):
    """1 - 2 / (e^2x + 1)."""
    y[...] = 1 - 2 / (exp(2 * x[...]) + 1)
    return y


@layer(cites="Dugas et al. 2001")
def softplus_negative(x: Real[...]):
    """-log(1 / (1 + e^x))."""
    y[...] = -log(1 / (1 + exp(x[...])))
    return y


@layer(cites="Dugas et al. 2001")
def softplus_inverse(x: Real[...] > 0):
    """log(e^x - 1)."""
    y[...] = log(exp(x[...]) - 1)
    return y


@layer(cites="tanh")
def sech_squared(x: Real[...]):
    """4 / (e^x + e^-x)^2."""
    y[...] = 4 / (exp(x[...]) + exp(-x[...])) ** 2
    return y


@layer(cites="Welsch")
def welsch(x: Real[...], c: Positive = 2.0):
    """c^2/2 (1 - exp(-(x/c)^2))."""
    y[...] = c**2 / 2 * (1 - exp(-((x[...] / c) ** 2)))
    return y
