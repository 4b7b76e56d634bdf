"""A layer whose axes are products, ``x[b, g * c, p, q]``, takes arrays with one axis there, where g is one long."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_several_groups_need_the_product() -> None:
    text = definition(SIGNATURE, "z = conv2d(x, W, a, groups=2)\ny[b, o] = z[b, o, 0, 0]\nreturn y")
    with own_registry(), pytest.raises(DefinitionError, match="takes 5 axes there"):
        read_source(f"from derive import layer\n\n\n{text}", "mine.py")


def test_the_length_of_a_mask_may_be_said(tmp_path: Path) -> None:
    body = "q = axis(size(t) // n)\ny[b, t] = x[b, t] ** 3 if m[b, t // n] else x[b, t] ** 2\nreturn y"
    with own_registry():
        check(*built(tmp_path, definition("x: Real[b, t], m: Mask[b, q], n: Count = 2", body)))
