"""What a part makes is added to a whole array: the two are equally long, and nothing is cropped without a word."""

from __future__ import annotations

import numpy as np
import pytest

import derive
from derive.notation import expr as x
from derive.notation.errors import DefinitionError
from derive.notation.expr import Opt, Size
from derive.notation.layer import Layer
from derive.notation.lengths import expanded, made_equal
from tests.notation.reading import defined

BLOCK = "x: Real[b, c, p, q], W: Real[o, d, k, l], bias: Real[o]"
SQUARE = "c = axis(size(o))\nd = axis(size(o))\n"
ADDED = {
    "indices of its own": "y[b, o, u, v] = relu(z[b, o, u, v]) + x[b, o, u, v]",
    "those of the input": "y[b, c, p, q] = relu(z[b, c, p, q]) + x[b, c, p, q]",
    "through an equation": "a[b, o, u, v] = relu(z[b, o, u, v])\ny[b, o, u, v] = a[b, o, u, v] + x[b, o, u, v]",
}


def block(added: str, padding: str = "1", more: str = "") -> Layer:
    body = f"{SQUARE}z = conv2d(x, W, bias, padding={padding})\n{added}\nreturn y"
    (layer,) = defined(BLOCK + more, body, name="skip")
    return layer


@pytest.mark.parametrize("added", ADDED.values(), ids=ADDED)
def test_a_window_has_the_size_that_makes_them_equal(added: str) -> None:
    kernel = derive.kernel(block(added))
    a, W, bias = np.ones((1, 2, 5, 5)), np.ones((2, 2, 3, 3)), np.zeros(2)
    y, _ = kernel.forward(a, W, bias)
    assert y.shape == a.shape
    assert y[0, 0, 0, 0] == 1 + 2 * 2 * 2
    with pytest.raises(ValueError, match="axis k has to be 3 long, and is 5"):
        kernel.forward(a, np.ones((2, 2, 5, 5)), bias)


def test_without_padding_a_window_of_3_is_refused() -> None:
    kernel = derive.kernel(block(ADDED["indices of its own"], "0"))
    with pytest.raises(ValueError, match="axis k has to be 1 long, and is 3"):
        kernel.forward(np.ones((1, 2, 5, 5)), np.ones((2, 2, 3, 3)), np.zeros(2))


def test_an_option_says_it_too() -> None:
    kernel = derive.kernel(block(ADDED["indices of its own"], "half", ", half: Natural = 1"))
    y, _ = kernel.forward(np.ones((1, 2, 6, 6)), np.ones((2, 2, 5, 5)), np.zeros(2), half=2)
    assert y.shape == (1, 2, 6, 6)


def test_the_part_that_there_is_is_read_where_that_is_written() -> None:
    layer = block("y[b, o, u, v] = z[b, o, u, v] + x[b, o, u + 0, v + 0]", "0")
    y, _ = derive.kernel(layer).forward(np.ones((1, 2, 5, 5)), np.ones((2, 2, 3, 3)), np.zeros(2))
    assert y.shape == (1, 2, 3, 3)


def test_what_nothing_makes_equal_is_an_error_that_says_what_to_write() -> None:
    body = "d = max_pool1d(x)\ny[b, c, u] = d[b, c, u] + x[b, c, u]\nreturn y"
    with pytest.raises(DefinitionError, match=r"u is .* long, and x has size\(p\) there") as caught:
        defined("x: Real[b, c, p]", body)
    assert "x[u + 0]" in str(caught.value)


def test_lengths() -> None:
    p, k, m = Size("p"), Size("k"), Opt("m")
    made = x.add(x.Op("floordiv", (x.add(p, x.mul(x.num(2), m), x.neg(x.add(k, x.num(-1))), x.num(-1)), x.ONE)), x.ONE)
    assert made_equal(made, p, ["k"]) == ("k", x.add(x.mul(x.num(2), m), x.ONE))
    assert made_equal(x.mul(x.num(2), k), x.add(p, x.ONE), ["k"]) is None  # p may be even
    assert made_equal(x.mul(x.num(2), k), x.mul(x.num(4), p), ["k"]) == ("k", x.mul(x.num(2), p))
    assert expanded(x.sub(made, made)) == x.ZERO


def test_a_layer_called_on_an_element_is_answered_with_the_call_on_the_array() -> None:
    with pytest.raises(DefinitionError, match=r"of whole arrays: y = cumsum\(x\)"):
        defined("x: Real[i]", "y[i] = cumsum(x[i])\nreturn y")


def test_an_array_of_no_axes_is_answered() -> None:
    with pytest.raises(DefinitionError, match=r"Real\[...\] has any number of axes, none too"):
        defined("x: Real[i], a: Real[]", "y[i] = a * x[i]\nreturn y")
