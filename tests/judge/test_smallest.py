"""What is wrong is shown in the smallest case, and how ill-conditioned it is."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.evidence.layout import Case
from derive.judge.asked import variants_of
from derive.judge.conditioning import condition


def softmax(z: Any, axis: int = -1) -> Any:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def unshifted(z: Any, axis: int = -1) -> Any:
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return e / e.sum(axis=axis, keepdims=True)


def without_its_sum(dy: Any, z: Any, axis: int = -1) -> Any:
    return softmax(z, axis) * dy


def without_its_slope(dy: Any, x: Any) -> Any:
    return dy / (1 + np.exp(-x))


def only_for_two(x: Any) -> Any:
    return np.where(x == 2, 0, np.maximum(x, 0))


def biased(dy: Any, x: Any, W: Any, b: Any) -> tuple[Any, Any, Any]:
    flat_dy, flat_x = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
    return dy @ W, flat_dy.T @ flat_x, flat_dy.mean(0)


SMALLEST = {
    "softmax-unshifted": ("softmax", {"forward": unshifted}, {"z": [100000.0]}, {}),
    "silu-without-its-slope": ("silu", {"backward": without_its_slope}, {"x": 1.0}, {"y": 1.0}),
    "relu-wrong-at-two": ("relu", {"forward": only_for_two}, {"x": 2.0}, {}),
}


@pytest.mark.parametrize("name", SMALLEST)
def test_what_is_wrong_is_shown_in_a_case_that_cannot_be_smaller(name: str) -> None:
    layer, parts, arguments, cotangents = SMALLEST[name]
    report = judge(layer, **parts, seed=1, budget=40)
    assert report.smallest is not None
    assert report.smallest.arguments == arguments
    assert report.smallest.cotangents == cotangents
    assert f"smallest case: {report.smallest}" in str(report)


@pytest.mark.parametrize(
    ("layer", "parts", "numbers"),
    [("softmax", {"backward": without_its_sum}, 4), ("linear", {"backward": biased}, 12)],
)
def test_a_smallest_case_has_few_numbers_and_shows_what_is_wrong(layer: str, parts: Any, numbers: int) -> None:
    found = judge(layer, **parts, seed=2, budget=40).smallest
    assert found is not None
    arrays = [np.asarray(v) for v in (*found.arguments.values(), *found.cotangents.values())]
    assert sum(a.size for a in arrays) <= numbers
    given = [np.asarray(v, np.float64) for v in found.arguments.values()]
    results = parts["backward"](np.asarray(*found.cotangents.values()), *given, **found.options)
    results = results if isinstance(results, tuple) else (results,)
    own = results[[f"d{n}" for n in found.arguments].index(found.name)]
    np.testing.assert_array_equal(own, found.got)
    assert not np.allclose(found.got, found.true)


def test_what_a_layout_alone_shows_has_no_smaller_case() -> None:
    def contiguous(x: Any) -> Any:
        return np.maximum(x if x.flags.c_contiguous else 0 * x, 0)

    report = judge("relu", forward=contiguous, seed=1)
    assert not report.ok
    assert report.smallest is None
    assert json.loads(report.to_json())["smallest"] is None


def test_without_hypothesis_a_case_is_shown_as_it_was_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "derive.judge.shrink", raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    report = judge("relu", forward=only_for_two, seed=1)
    assert not report.ok
    assert report.smallest is None
    assert any("pip install 'gradbook[oracle]'" in note for note in report.notes)


# ---- condition ---------------------------------------------------------------------------------------------------


def at(layer: str, **tensors: Any) -> Case:
    own = variants_of(layer)[0]
    options = {o.name: o.default for o in own.options}
    return Case(own, {n: np.asarray(v, np.float64) for n, v in tensors.items()}, options)


def test_the_condition_of_a_value_is_what_its_arguments_change() -> None:
    """Of x sigma(x): |x g'/g| = |1 + x sigma(-x)|; of a sum: the magnitudes over their sum."""
    x = -3.0
    expected = abs(1 + x / (1 + np.exp(x)))
    assert condition(at("silu", x=[x]), {}, "forward", "y", (0,)) == pytest.approx(expected, rel=1e-12)
    case = at("linear", x=[1.0, 2.0], W=[[5.0, -2.0]], b=[0.5])  # 5 - 4 + 0.5, each product of two arguments
    assert condition(case, {}, "forward", "z", (0, 0)) == pytest.approx((2 * 5 + 2 * 4 + 0.5) / 1.5)


def test_the_condition_of_a_gradient_counts_cotangents_too() -> None:
    """Of dy g'(x): 1 for dy, and |x g''/g'|; for tanh g''/g' = -2 tanh."""
    x, dy = 0.7, np.array([-1.5])
    expected = 1 + abs(x * 2 * np.tanh(x))
    assert condition(at("tanh", x=[x]), {"y": dy}, "backward", "x", (0,)) == pytest.approx(expected, rel=1e-12)


def test_a_condition_may_be_infinite_or_unknown() -> None:
    case = at("linear", x=[1.0, 1.0], W=[[1.0, -1.0]], b=[0.0])
    assert condition(case, {}, "forward", "z", (0, 0)) == math.inf
    assert condition(at("silu", x=[0.0]), {}, "forward", "y", (0,)) == 0
    assert math.isnan(condition(at("cross_entropy", y=[0.0, 1.0], t=[1.0, 0.0]), {}, "forward", "L", (0,)))


def test_a_report_says_how_ill_conditioned_it_was() -> None:
    report = judge("softmax", forward=softmax, seed=1, budget=20)
    assert report.ok
    assert 0 <= report.margins["y"].condition < math.inf
    assert f"condition {report.margins['y'].condition:.2g}" in str(report)
