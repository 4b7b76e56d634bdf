"""A result that is a place is judged: a whole number, the same for every order of summation, and ties have a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive import judge


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_numpy_is_right(name: str) -> None:
    report = judge(name, forward=lambda x, axis=-1: getattr(np, name)(x, axis=axis))
    assert report.ok, str(report)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_last_of_several_is_wrong(name: str) -> None:
    def forward(x: Any, axis: int = -1) -> Any:
        return x.shape[axis] - 1 - getattr(np, name)(np.flip(x, axis), axis=axis)

    report = judge(name, forward=forward, seed=3, budget=60)
    assert report.verdict == "wrong"
    assert "ties going to the last" in report.diagnosis
    assert "earlier case" not in str(report)  # places are alike by chance
