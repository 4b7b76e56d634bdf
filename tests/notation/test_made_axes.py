"""Axes that a part makes: what they are called, how long they are where an index is used again, and that they fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import generic, text, use
from derive.evidence.result import Tally
from derive.notation.text import show_equation
from derive.targets.latex import Latex
from derive.targets.symbols import Symbols
from tests.evidence.shared import own

ONE = """
def one(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], scale: Real[o]):
    z = conv2d(x, W, b)
    y[n, o, i, j] = tanh(z[n, o, i, j]) * scale[o]
    return y
"""
TWO = """
def two(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], V: Real[m, o, k, l], d: Real[m]):
    z = conv2d(x, W, b)
    a[n, o, i, j] = tanh(z[n, o, i, j])
    u = conv2d(a, V, d)
    y[n, m, i, j] = tanh(u[n, m, i, j])
    return y
"""
THROUGH = """
def through(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o], gamma: Real[o], beta: Real[o]):
    z = conv2d(x, W, b)
    u = instance_norm(z, gamma, beta)
    y[n, o, i, j] = u[n, o, i, j] / 2
    return y
"""


def test_they_are_called_as_the_definition_calls_them(tmp_path: Path) -> None:
    with own(tmp_path, ONE + THROUGH) as found:
        for name, tensor in (("one", "z"), ("through", "u")):
            (derivation, *_), _ = found[name]
            assert derivation.layer.tensors[tensor].axes == ("n", "o", "i", "j")
            assert list(derivation.layer.sizes) == ["i", "j"]


def test_an_index_is_as_long_as_each_equation_says(tmp_path: Path) -> None:
    """The second convolution's result is shorter than the first's, which has the same indices in the text."""
    with own(tmp_path, TWO) as found:
        (derivation, *_), kernel = found["two"]
        rng = np.random.default_rng(0)
        x, W, V = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=(5, 4, 3, 2))
        y, _ = kernel.forward(x, W, np.zeros(4), V, np.zeros(5))
        assert y.shape == (2, 5, 3, 4)
        a = np.tanh(np.einsum("ncpqkl,ockl->nopq", np.lib.stride_tricks.sliding_window_view(x, (3, 2), (2, 3)), W))
        u = np.tanh(np.einsum("nopqkl,mokl->nmpq", np.lib.stride_tricks.sliding_window_view(a, (3, 2), (2, 3)), V))
        assert np.allclose(y, u, rtol=1e-12)
        shown = show_equation(derivation.layer.equations[-1])
        assert shown == "y[n, m, conv2d_i2, conv2d_j2] = tanh(u[n, m, conv2d_i2, conv2d_j2])"


@pytest.mark.parametrize("source", [ONE, TWO, THROUGH])
def test_the_second_reader_draws_arrays_into_which_the_windows_fit(source: str, tmp_path: Path) -> None:
    """It took lengths with which a part refuses its arguments, and called the kernel wrong."""
    with own(tmp_path, source) as found:
        for (derivation, *_), kernel in found.values():
            result = text.text(derivation, kernel)
            assert result.passed, result
            assert result.checks > 20, result


def test_numbers_given_to_parts_are_printed_as_they_are_written(tmp_path: Path) -> None:
    """A stride of 1 divides nothing, and epsilon is one part in a hundred thousand."""
    with own(tmp_path, THROUGH) as found:
        layer = found["through"][0][0].layer
        printer = Latex(Symbols([derive(layer)]))
        sizes = [printer.show(printer.prepare(e)) for e in layer.sizes.values()]
        assert sizes == ["N_{p} - N_{k} + 1", "N_{q} - N_{l} + 1"]
        assert any(r"\frac{1}{100000}" in printer.equation(e) for e in layer.equations)


LARGEST = """
def least(x: Real[n, i], W: Real[o, i]):
    z[n, o] = sum(i, x[n, i] * W[o, i])
    m[n] = min(o, z[n, o])
    return m


def least_of_a_window(x: Real[n, c, p, q], W: Real[o, c, k, l], b: Real[o]):
    z = conv2d(x, W, b)
    m[n, i, j] = min(o, z[n, o, i, j])
    y[n, i, j] = tanh(tanh(m[n, i, j]))
    return y
"""


def test_the_least_of_what_is_computed(tmp_path: Path) -> None:
    """Its gradient over an empty axis is no IndexError, and rounding may choose another of numbers almost alike."""
    with own(tmp_path, LARGEST) as found:
        (derivation, *_), kernel = found["least"]
        assert generic.generic(derivation, kernel).passed
        (derivation, *_), kernel = found["least_of_a_window"]
        tally = Tally("generic", "least_of_a_window", 0)
        for seed in range(4):
            use.coarse(derivation, kernel, np.float16, use.COARSE[np.float16], seed, tally)
        assert tally.checks
        assert not tally.wrong, tally.wrong


ALONG = """
def along(z: Real[n, o]):
    t = axis(2)
    m[n, t] = max(o, z[n, o])
    y[n, t] = tanh(m[n, t])
    return y
"""


def test_the_largest_of_what_is_the_same_along_another_axis(tmp_path: Path) -> None:
    """Its place has one axis less: both were taken from one call, and the tangent had axes of other lengths."""
    with own(tmp_path, ALONG) as found:
        (derivation, *_), kernel = found["along"]
        assert generic.generic(derivation, kernel).passed
        z = np.random.default_rng(0).normal(size=(4, 3))
        tangent = kernel.jvp((z,), (np.ones_like(z),))
        assert np.allclose(tangent, 1 / np.cosh(z.max(1))[:, None] ** 2 * np.ones(2), rtol=1e-12)


POOLED = """
def pooled(x: Real[n, c, p], W: Real[o, c, k], b: Real[o]):
    z = conv1d(x, W, b)
    a[n, o, i] = z[n, o, i] / 2
    u = max_pool1d(a)
    y[n] = sum(o, mean(i, u[n, o, i])) + max((o, i), u[n, o, i])
    return y
"""


def test_an_index_of_a_reduction_is_as_long_as_its_equation_says(tmp_path: Path) -> None:
    """Only those on the left were: the mean of what was pooled was its sum over the length before pooling."""
    with own(tmp_path, POOLED) as found:
        _, kernel = found["pooled"]
        rng = np.random.default_rng(0)
        x, W, b = rng.normal(size=(2, 3, 10)), rng.normal(size=(4, 3, 3)), rng.normal(size=4)
        z = np.einsum("ncik,ock->noi", np.lib.stride_tricks.sliding_window_view(x, 3, 2), W) + b[:, None]
        u = (z / 2).reshape(2, 4, 4, 2).max(3)
        assert np.allclose(kernel.forward(x, W, b)[0], u.mean(2).sum(1) + u.max((1, 2)), rtol=1e-12)
