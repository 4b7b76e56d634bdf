"""Options that are left out of a call: a candidate's own defaults are those of the definition, or are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive import judge


def variance(x: Any, axis: int = -1, correction: int = 0) -> Any:
    return np.var(x, axis=axis, ddof=correction)


def sample_variance(x: Any, axis: int = -1, correction: int = 1) -> Any:
    return np.var(x, axis=axis, ddof=correction)


def must_be_given(x: Any, axis: int, correction: int) -> Any:
    return np.var(x, axis=axis, ddof=correction)


def softmax_of_columns(z: Any, axis: int = 1) -> Any:
    e = np.exp(z - z.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def layer_norm(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-6) -> Any:
    with np.errstate(over="ignore"):
        apart = x - x.mean(-1, keepdims=True)
        return apart / np.sqrt(np.mean(apart * apart, -1, keepdims=True) + epsilon) * gamma + beta


def renamed(x: Any, dim: int = -1, unbiased: Any = True) -> Any:
    return np.var(x, axis=dim, ddof=int(unbiased))


def of_its_own(x: Any, axis: int = -1, correction: int | None = None) -> Any:
    return np.var(x, axis=axis, ddof=1 if correction is None else correction)


@pytest.mark.parametrize("function", [variance, must_be_given])
def test_the_same_defaults_or_none_are_right(function: Any) -> None:
    assert judge("reduce_var", forward=function, seed=1).ok


@pytest.mark.parametrize(("layer", "function", "how", "words"), [
    ("reduce_var", sample_variance, {}, "its own default of correction is 1, the definition's is 0"),
    ("reduce_var", of_its_own, {}, "its own default of correction is another, the definition's is 0"),
    ("softmax", softmax_of_columns, {}, "its own default of axis is 1, the definition's is -1"),
    ("layer_norm", layer_norm, {}, "its own default of epsilon is 1e-06, the definition's is 1e-05"),
])  # fmt: skip
def test_another_default_is_named(layer: str, function: Any, how: dict[str, Any], words: str) -> None:
    report = judge(layer, forward=function, seed=1, **how)
    assert words in report.diagnosis, str(report)
    found = next(f for f in report.findings if f.kind == "default")
    assert words in judge(layer, forward=function, replay=found.replay, **how).diagnosis


def test_defaults_of_an_interface_that_names_its_options_otherwise_are_its_own() -> None:
    """PyTorch's softmax has dim=None, by which it chooses an axis: it was called wrong for that."""
    assert judge("reduce_var", forward=renamed, rename={"axis": "dim", "correction": "unbiased"}, seed=1).ok


def test_an_option_that_the_caller_has_decided_on_is_passed() -> None:
    assert judge("reduce_var", forward=sample_variance, options={"correction": 1}, seed=1).ok
