"""Conventions that one line can show, shown on the generated kernels."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from derive.convention import Convention
from derive.conventions import CONVENTIONS
from derive.notation.define import load_project


def grad(layer: Any, *arguments: Any, **options: Any) -> Any:
    """The gradient of the outputs times 1, 2, 3, ...: of a single output the number a row states.

    No two cotangents are equal, so that a kernel which takes one for another, or none at all, does not pass.
    """
    y, saved = layer.forward(*arguments, **options)
    return layer.backward(np.arange(1.0, np.size(y) + 1).reshape(np.shape(y)), saved)


@pytest.mark.parametrize(
    "row", [row for row in CONVENTIONS if row.check], ids=lambda row: f"{row.layers[0]}: {row.where}"
)
def test_convention_holds(row: Convention) -> None:
    scope: dict[str, Any] = {"np": np, "inf": np.inf, "grad": grad}
    scope |= {name: importlib.import_module(f"reference.layers.{name}") for name in load_project()}
    assert eval(row.check, scope) is np.True_ or eval(row.check, scope) is True, row.check


def test_every_layer_says_what_nan_does() -> None:
    """The rows are those of one table; what they say is tested element by element in tests/specials."""
    assert set(load_project()) == {
        name for row in CONVENTIONS if "NaN" in f"{row.where} {row.what}" for name in row.layers
    }
