"""Large cases: what is wrong at single elements only, in tails and at the ends of blocks, is found; right ones pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.judge import large as big
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import derived, variants_of
from tests.judge.candidates import MAKERS

CASE = "{}.0.large.{}.2"


def spoiled(forward: Any, change: Any) -> Any:
    def wrong(*args: Any, **options: Any) -> Any:
        y = forward(*args, **options)
        if y.size > 5000:
            y = y.copy()
            change(y.reshape(-1))
        return y

    return wrong


def last(flat: Any) -> None:
    flat[-1:] *= 1.01


def one_in_the_middle(flat: Any) -> None:
    flat[len(flat) // 3 + 7] += 0.5


def block(flat: Any) -> None:
    flat[-len(flat) // 20 :] = 0


@pytest.mark.parametrize("layer", MAKERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_ones_pass(layer: str, dtype: str) -> None:
    forward, backward = MAKERS[layer]("")
    report = judge(layer, forward=forward, backward=backward, dtype=dtype, replay=CASE.format(layer, dtype))
    assert report.ok, str(report)
    assert report.margins


@pytest.mark.parametrize("layer", ["linear", "relu", "softmax", "layer_norm", "attention"])
@pytest.mark.parametrize("change", [last, one_in_the_middle, block])
def test_a_single_wrong_element_is_found(layer: str, change: Any) -> None:
    forward, _ = MAKERS[layer]("")
    report = judge(layer, forward=spoiled(forward, change), replay=CASE.format(layer, "float64"))
    assert report.verdict == "wrong"
    assert "only in a large case" in report.diagnosis


def test_a_wide_row_is_judged_at_the_length_asked_for() -> None:
    def forward(z: Any, axis: int = -1) -> Any:
        e = np.exp(z - z.max(axis=axis, keepdims=True))
        y = e / e.sum(axis=axis, keepdims=True)
        if z.shape[axis] == 2049:
            y[..., -1] = 0
        return y

    report = judge("softmax", forward=forward, shape={"...": 8, "i": 2049}, seed=2, budget=20)
    assert report.verdict == "wrong"
    assert "2048" in report.diagnosis


@pytest.mark.parametrize("layer", ["linear", "softmax", "layer_norm"])
def test_a_nan_that_is_swallowed_is_found(layer: str) -> None:
    forward, backward = MAKERS[layer]("")
    case = CASE.format(layer, "float64").replace("large", "nan")
    assert judge(layer, forward=forward, backward=backward, replay=case).ok
    for dtype in ("float64", "float32"):
        own = case.replace("float64", dtype)
        wrong = judge(layer, forward=lambda *a, **o: np.nan_to_num(forward(*a, **o)), dtype=dtype, replay=own)
        assert "a NaN is swallowed" in wrong.diagnosis


def test_an_element_that_was_interrupted_may_be_asked_for_again() -> None:
    """Where the time for an element is over, what was begun needs nothing of itself."""
    variant = variants_of("layer_norm")[0]
    found = big.trial(variant, 0, Arithmetic("float64"), 3, {"i": 9})
    assert found is not None
    left = big.Left()
    run = big.interpreter(derived(variant, 0), found.case, found.cotangents, None, 0, left)
    left.count = 3
    with pytest.raises(big.TooLarge):
        run.element("y", (0, 0))
    left.count = 1000
    fresh = big.interpreter(derived(variant, 0), found.case, found.cotangents, None, 0, big.Left())
    assert float(run.element("y", (0, 0))) == float(fresh.element("y", (0, 0)))
