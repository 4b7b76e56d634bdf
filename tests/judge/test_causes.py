"""Causes that were not named, or named wrongly: of functions as people write them, and of the tensors' own order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.evidence import generic, inputs
from derive.judge.decide import judge
from derive.judge.diagnose import _tails
from derive.judge.hypotheses import on_the_result
from tests.evidence.shared import LAYERS
from tests.judge.escapes import judged

NAMED = (
    "cumprod/recent/by_logarithms",  # no number where it is negative
    "matmul/recent/product_by_logarithms",
    "reduce_l2/recent/l2_by_logarithms",
    "lstm_cell/recent/results_in_other_order",  # each in the other's place
    "inverted_dropout/recent/mask_of_first_call",  # of an earlier call
    "l2_normalize/recent/l2_added",  # added to the root, and not the larger
    "roll/recent/rolled_the_other_way",  # the option negated, and not "off by one"
    "tril/recent/tril_without_diagonal",  # passed: no diagonal beside the main one was tried that meets a square
)


@pytest.mark.parametrize("id", NAMED)
def test_the_cause_is_named(id: str) -> None:
    pytest.importorskip("torch")
    found = judged(id, seed=3, budget=20)
    assert found["caught"]
    assert found["named"], found["diagnosis"]


def test_what_is_summed_over_everything_is_no_earlier_answer() -> None:
    """The other values of a case are the same ones in another order, whose sum over all is the same: no state."""

    def over_all(p: Any, t: Any, smooth: float = 1.0, reduction: str = "mean") -> Any:
        own = 1 - (2 * np.sum(p * t) + smooth) / (np.sum(p) + np.sum(t) + smooth)
        return np.full(p.shape[:1], own) if reduction == "none" else own * (len(p) if reduction == "sum" else 1)

    report = judge("dice", forward=over_all, seed=3, budget=5)
    assert report.verdict == "wrong"
    assert all(f.kind != "state" for f in report.findings), report.diagnosis


def test_an_earlier_answer_is_still_found() -> None:
    kept: dict[Any, Any] = {}

    def by_shape(x: Any) -> Any:
        return kept.setdefault(x.shape, np.maximum(x, 0)).copy()

    report = judge("relu", forward=by_shape, seed=3, budget=5)
    assert any(f.kind == "state" and "earlier case" in f.words for f in report.findings), report.diagnosis


def test_of_what_is_positive_nobody_takes_the_absolute_value() -> None:
    case = inputs.cases(LAYERS["square_relu"][0], 0, 1, inputs.Plan((2,), ((4,),), (2,)))[0]
    true = {(n,): float(n + 1) for n in range(4)}
    got = {i: v * (1 + 1e-9) for i, v in true.items()}
    assert not any("absolute" in w or "positive" in w for w in on_the_result(case, "y", got, true, 1e-6))
    negative = {i: -v for i, v in true.items()}
    assert "it is its absolute value" in on_the_result(case, "y", true, negative, 1e-6)


def test_that_a_nan_is_swallowed_is_no_cause_of_wrong_numbers() -> None:
    report = judge("roll", forward=lambda x, shift=1, axis=-1: np.roll(x, -shift, axis), seed=3, budget=5)
    assert "swallowed" not in report.diagnosis, report.diagnosis


def test_an_axis_without_positions_has_no_tail() -> None:
    """What is wrong there is explained, and the judge goes on."""
    plan = inputs.Plan((2, 3), ((2,),), (2,))
    case = generic.emptied(inputs.cases(LAYERS["embedding"][0], 0, 1, plan)[0], "d")
    assert not any(tail((0, 0)) for name, tail in _tails(case, "E") if name == "d")


@pytest.mark.parametrize("seed", [13, 15, 18, 92])
def test_a_case_where_rounding_nearly_hides_it_says_less_than_one_where_it_is_plain(seed: int) -> None:
    """Beside the root the epsilon is hardly seen in float32 where the variance is near 1, and plainly where small."""

    def beside(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        return (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + np.float32(epsilon)) * gamma + beta

    assert "(epsilon beside the root)" in judge("layer_norm", forward=beside, dtype="float32", seed=seed).diagnosis
