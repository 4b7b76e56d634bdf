"""Generated kernels whose accuracy is promised in units in the last place: activations, softmax, the label's gradient.

Wherever the true value is a normal number: within 4 units. Forward is run as a user runs it; a derivative is backward
with a cotangent of 1, which multiplies exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from flint import arb

from reference import gelu, log_softmax, sigmoid, softmax, softmax_cross_entropy_labels, tanh
from tests.enclosure.truth import enclose, precision, worst

Array = np.ndarray[Any, Any]
ACTIVATIONS = [sigmoid, tanh, gelu]
BITS = 4000  # 1 + erf(-60 / sqrt 2) cancels that many; 1/2 + 2e-308, gelu's slope at the smallest number, a thousand


@pytest.fixture(autouse=True)
def loud():
    with np.errstate(all="raise", under="ignore"):
        yield


def value(kernel: ModuleType, x: Array) -> Array:
    return kernel.forward(x)[0]


def slope(kernel: ModuleType, x: Array) -> Array:
    return kernel.backward(np.ones_like(x), kernel.forward(x)[1]).x


def line() -> Array:
    """Both signs from the smallest normal number to the largest, dense where the functions change."""
    random = np.random.default_rng(11)
    size = np.geomspace(np.finfo(float).tiny, 1, 400)
    middle = np.linspace(1e-3, 45, 1500) * (1 + 1e-3 * random.random(1500))
    tail = np.linspace(45, 745, 400)
    root = 0.7517915246935645 + np.geomspace(1e-17, 1, 200) * random.choice([-1, 1], 200)
    edges = np.array([0, 20, 40, 700, 1e4, 1e200, np.finfo(float).max])
    x = np.concatenate([size, middle, tail, root, edges])
    return np.concatenate([x, -x])


def _phi(v: arb) -> arb:
    return (-v * v / 2).exp() / (2 * arb.pi()).sqrt()


def _cdf(v: arb) -> arb:
    return (1 + (v / arb(2).sqrt()).erf()) / 2


#: The functions in Arb's own words, not the kernels': an error they share with nobody.
TRUE: dict[tuple[ModuleType, Any], Callable[[arb], arb]] = {
    (sigmoid, value): lambda v: 1 / (1 + (-v).exp()),
    (sigmoid, slope): lambda v: 1 / ((1 + (-v).exp()) * (1 + v.exp())),
    (tanh, value): lambda v: v.tanh(),
    (tanh, slope): lambda v: 1 / v.cosh() ** 2,
    (gelu, value): lambda v: v * _cdf(v),
    (gelu, slope): lambda v: _cdf(v) + v * _phi(v),
}


def enclosed(kernel: ModuleType, what: Any, x: Array) -> Array:
    """The true values.

    Arb is spared exp of 1e600: where a tail is below 1e-340 it is 0 in every format, and from 18 on gelu's slope is 1
    to within 1e-68. gelu itself is x there.
    """
    upper = np.inf if kernel is gelu and what is value else 18 if kernel is gelu else 400 if kernel is tanh else 800
    lower = -400 if kernel is tanh else -800 if kernel is sigmoid else -60
    balls = enclose(np.clip(x, lower, upper))
    with precision(BITS):
        true = TRUE[kernel, what]
        return np.array([v if kernel is gelu and v > 60 else true(v) for v in balls], dtype=object)


@pytest.mark.parametrize("what", [value, slope])
@pytest.mark.parametrize("kernel", ACTIVATIONS, ids=lambda k: k.__name__.split(".")[-1])
def test_activations_over_the_whole_line(kernel: ModuleType, what: Any) -> None:
    x = line()
    with precision(BITS):
        found = worst(what(kernel, x), enclosed(kernel, what, x))
    assert found.ulp <= 4, f"at {x[found.index]!r}: {found}"
    assert found.counted > 0.4 * x.size


@pytest.mark.parametrize(("kernel", "rate"), [(sigmoid, 1), (tanh, 2)], ids=["sigmoid", "tanh"])
def test_slopes_underflow_by_degrees(kernel: ModuleType, rate: int) -> None:
    x = np.linspace(705, 744, 40) / rate
    true = rate * rate * np.exp(-rate * x)  # to within the smallest number there is, and a few units above it
    assert np.allclose(slope(kernel, x), true, rtol=1e-15 * 744, atol=1e-323)


@pytest.mark.parametrize("what", [value, slope])
@pytest.mark.parametrize("kernel", ACTIVATIONS, ids=lambda k: k.__name__.split(".")[-1])
def test_activations_at_every_float16(kernel: ModuleType, what: Any) -> None:
    x = np.arange(65536, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    computed = what(kernel, x)
    assert computed.dtype == np.float16
    with precision(BITS):
        found = worst(computed, enclosed(kernel, what, x.astype(float)), np.float16)
    assert found.ulp <= 4, f"at {x[found.index]!r}: {found}"


def rows() -> list[Array]:
    """Rows up to 1,000 long: equal entries, one far above the rest, spread over the whole range of exp."""
    random = np.random.default_rng(5)
    found = [np.zeros((1, 127)), np.full((1, 1000), 0.1), np.array([[0.1, -40.3]]), np.array([[700.0, 0.1, -5.3]])]
    for n in (3, 5, 12, 16, 17, 100, 1000):  # equal terms beside one: their roundings agree
        pairs = [(random.normal() - far, random.normal()) for far in (0.3, math.log(n), 9.0, 30.0)]
        found += [np.append(np.full(n - 1, low), high)[None] for low, high in pairs]
    for n in (2, 3, 10, 100, 1000):
        for scale in (0.01, 1, 10, 100, 300):
            z = random.normal(size=(1, n)) * scale
            found.append(z)
            found.append(z + 30 * (np.arange(n) == 0))
    return found


def test_softmax_and_its_logarithm() -> None:
    for z in rows():
        with precision(1500):
            assert worst(softmax.forward(z)[0], softmax.forward(enclose(z))[0]).ulp <= 4
            assert worst(log_softmax.forward(z)[0], log_softmax.forward(enclose(z))[0]).ulp <= 4


def test_gradient_at_a_label_whose_probability_rounds_to_one() -> None:
    for z in rows():
        for t in (np.array([0]), np.array([z.shape[1] - 1])):
            one = np.ones(())
            got = softmax_cross_entropy_labels.backward(one, softmax_cross_entropy_labels.forward(z, t)[1]).z
            with precision(1500):
                balls = enclose(z)
                exponentials = np.exp(balls - float(z.max()))
                true = exponentials / exponentials.sum()
                true[0, t[0]] = -(exponentials.sum() - exponentials[0, t[0]]) / exponentials.sum()
                assert worst(got, true).ulp <= 4
