"""What is in the notation, though it may not look so, is read as it says."""

from __future__ import annotations

import pytest

from derive.notation.define import load_project
from derive.notation.text import show_equation
from tests.notation.reading import CHOICE, X, defined


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    load_project()


READ = {
    "a boolean counts 0 or 1": ("m: Boolean[i], x: Real[i]", "y[i] = m[i] * x[i]\nreturn y", "y[i] = [m[i]] * x[i]"),
    "an inner index is renamed": (
        "x: Real[..., i]",
        "y[..., i] = exp(x[..., i]) / sum(i, exp(x[..., i]))\nreturn y",
        "y[..., i] = exp(x[..., i]) / sum(i2, exp(x[..., i2]))",
    ),
    "options of an elementwise layer": (
        X,
        "y[i] = leaky_relu(x[i], alpha=0.25)\nreturn y",
        "y[i] = leaky_relu(x[i], 1/4)",
    ),
    "a part of an axis": ("x: Real[n], first: Count = 2", "i = axis(first)\ny[i] = x[i]\nreturn y", "y[i] = x[i]"),
    "a unary plus": (X, "y[i] = +x[i]\nreturn y", "y[i] = x[i]"),
    "words on either side": (CHOICE, 'y[i] = x[i] if "a" == r else 0\nreturn y', "y[i] = x[i]"),
    "a choice and more": (
        CHOICE,
        'y[i] = x[i] if not r == "b" and x[i] > 0 else 0\nreturn y',
        "y[i] = (x[i] if x[i] > 0 else 0)",
    ),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_right_is_read(case: str) -> None:
    signature, body, shown = READ[case]
    assert show_equation(defined(signature, body)[0].equations[0]) == shown


@pytest.mark.parametrize("kind", ["Integer[...]", "State[...]", "Boolean[...]", "Real[l][...]"])
def test_only_a_layer_of_real_numbers_is_elementwise(kind: str) -> None:
    index = "l, ..." if "[l]" in kind else "..."
    assert not defined(f"x: {kind}", f"y[{index}] = 2 * x[{index}]\nreturn y")[0].elementwise


def test_a_computed_axis_is_its_own() -> None:
    """Where it stands on an axis of another length it is a part of that axis; of the same length, it is that axis."""
    apart = defined("x: Real[n], first: Count = 2", "i = axis(first)\ny[i] = x[i]\nreturn y")[0]
    assert apart.axis("i") == "i"
    same = defined("x: Real[n]", "i = axis(size(n))\ny[i] = x[i]\nreturn y")[0]
    assert same.axis("i") == "n"
    shifted = "a = axis(size(n) + 1)\nb = axis(1 + size(n))\ny[a] = x[a]\nz[b] = y[b]\nreturn z"
    assert len({defined("x: Real[n]", shifted)[0].axis(i) for i in "ab"}) == 1


def test_names_that_end_in_digits_are_axes_of_their_own() -> None:
    layer = defined("x: Real[i], z: Real[i2]", "y = mean(i, x[i]) * mean(i2, z[i2])\nreturn y")[0]
    assert (layer.axis("i"), layer.axis("i2"), layer.axis("i''")) == ("i", "i2", "i")
