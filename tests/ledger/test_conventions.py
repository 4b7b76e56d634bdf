"""Conventions that one line can show, shown on the generated kernels."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from derive.conventions import CONVENTIONS, Convention
from derive.notation.define import load_project


def grad(layer: Any, *arguments: Any) -> Any:
    """The gradient of the sum of the outputs, which is the number a row states."""
    y, saved = layer.forward(*arguments)
    return layer.backward(np.ones_like(y), saved)


@pytest.mark.parametrize(
    "row", [row for row in CONVENTIONS if row.check], ids=lambda row: f"{row.layers[0]}: {row.where}"
)
def test_convention_holds(row: Convention) -> None:
    scope: dict[str, Any] = {"np": np, "inf": np.inf, "grad": grad}
    scope |= {name: importlib.import_module(f"reference.layers.{name}") for name in load_project()}
    assert eval(row.check, scope) is np.True_ or eval(row.check, scope) is True, row.check
