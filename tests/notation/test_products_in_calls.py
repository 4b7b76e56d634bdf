"""A layer whose axes are products, ``x[b, g * c, p, q]``, takes arrays with one axis there, where g is one long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from derive.evidence import text
from derive.notation.define import read_source
from derive.notation.errors import DefinitionError
from tests.generality.support import built, check, definition, own_registry

SIGNATURE = "x: Real[b, c, p, q], W: Real[o, c, k, l], a: Real[o]"
CALLS = {
    "plain": "z = conv2d(x, W, a, padding=1)\ny[b, o, i, j] = tanh(z[b, o, i, j])\nreturn y",
    "said": "z = conv2d(x, W, a, groups=1)\ny[b, o, i, j] = z[b, o, i, j] ** 2\nreturn y",
    "sizes of sizes": (
        "z = conv2d(x, W, a, padding=1)\nd = max_pool2d(z)\ns = size(p)\n"
        "y[b, o, i, j] = d[b, o, i, j] ** 2 + sum((f, g), z[b, o, f, g]) / s\nreturn y"
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_convolutions_of_plain_images(call: str, tmp_path: Path) -> None:
    with own_registry():
        check(*built(tmp_path, definition(SIGNATURE, CALLS[call])), 2)


GROUPS = "W: Real[g * d, i], a: Real[g * d], gamma: Real[g * d], beta: Real[g * d], groups: Count[g] = 2"
PRODUCTS = {
    "linear": (
        f"x: Real[n, i], {GROUPS}",
        "z = linear(x, W, a)\nu = group_norm(z, gamma, beta, groups=groups)\n"
        "y[n, g, d] = u[n, g, d] * sigmoid(z[n, g, d])\nreturn y",
    ),
    "conv1d": (
        f"x: Real[n, c, p], {GROUPS}".replace("W: Real[g * d, i]", "W: Real[g * d, c, k]"),
        "z = conv1d(x, W, a)\ns[n, g, d, i] = z[n, g, d, i] ** 2 + gamma[g, d]\n"
        "y = group_norm(s, gamma, beta, groups=groups)\nreturn y",
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_two_axes_that_are_one_stand_where_a_part_has_one(name: str, tmp_path: Path) -> None:
    """``W[g * d, i]`` for linear's ``W[o, i]``: what it gives has both axes, and group_norm takes them."""
    with own_registry():
        derivations, kernel = built(tmp_path, definition(*PRODUCTS[name]))
        check(derivations, kernel, 2)
        compared = text.text(derivations[0], kernel)  # the second reader knows of both axes by itself
        assert compared.passed, compared
        assert compared.checks > 50, compared
        rng = np.random.default_rng(0)
        x, W = (rng.normal(size=s) for s in (((3, 5), (6, 5)) if name == "linear" else ((3, 2, 5), (6, 2, 3))))
        vectors = [rng.normal(size=6) for _ in range(3)]
        y, saved = kernel.forward(x, W, *vectors, groups=3)
        assert y.shape == ((3, 6) if name == "linear" else (3, 6, 3))
        assert [g.shape for g in kernel.backward(np.ones_like(y), saved)] == [x.shape, W.shape, (6,), (6,), (6,)]


def test_several_groups_need_the_product() -> None:
    source = definition(SIGNATURE, "z = conv2d(x, W, a, groups=2)\ny[b, o] = z[b, o, 0, 0]\nreturn y")
    with own_registry(), pytest.raises(DefinitionError, match="takes 5 axes there"):
        read_source(f"from derive import layer\n\n\n{source}", "mine.py")


def test_the_length_of_a_mask_may_be_said(tmp_path: Path) -> None:
    body = "q = axis(size(t) // n)\ny[b, t] = x[b, t] ** 3 if m[b, t // n] else x[b, t] ** 2\nreturn y"
    with own_registry():
        check(*built(tmp_path, definition("x: Real[b, t], m: Mask[b, q], n: Count = 2", body)))
