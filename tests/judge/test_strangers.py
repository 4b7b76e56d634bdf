"""Strangers' kernels: the right ones pass, each wrong one is caught and its cause named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.judge.report import Report
from tests.judge.candidates import MAKERS, WRONG


def judged(layer: str, mistake: str, **how: object) -> Report:
    forward, backward = MAKERS[layer](mistake)
    found: Report = judge(layer, forward=forward, backward=backward, seed=11, budget=60, **how)
    return found


@pytest.mark.parametrize("layer", MAKERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_right_ones_pass(layer: str, dtype: str) -> None:
    report = judged(layer, "", dtype=dtype)
    assert report.ok, str(report)


@pytest.mark.parametrize(("layer", "mistake", "cause"), WRONG, ids=lambda v: str(v))
def test_a_wrong_one_is_caught(layer: str, mistake: str, cause: str) -> None:
    report = judged(layer, mistake)
    assert report.verdict == "wrong"
    assert cause in report.diagnosis, report.diagnosis


def test_the_length_of_another_axis_is_named() -> None:
    def forward(Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False) -> Any:
        s = Q @ K.swapaxes(-1, -2) / np.sqrt(V.shape[-1])
        keep = np.ones(s.shape, bool) if mask is None else np.broadcast_to(mask, s.shape)
        keep = keep & (np.tri(*s.shape[-2:], dtype=bool) if causal else True)
        e = np.where(keep, np.exp(s - s.max(-1, keepdims=True)), 0)
        total = e.sum(-1, keepdims=True)
        return e / np.where(total > 0, total, 1) @ V

    report = judge("attention", forward=forward, seed=11, budget=60)
    assert "size(v) for size(d)" in report.diagnosis, report.diagnosis


def test_a_constant_that_is_nearly_right_is_said() -> None:
    report = judge("hard_swish", forward=lambda x: x * np.clip(x + 3, 0, 6) * 0.1667, seed=11, budget=60)
    assert "it is ours times 1.0002" in report.diagnosis, report.diagnosis


def test_what_overflows_is_no_answer_to_an_earlier_case() -> None:
    def forward(x: Any, axis: int = -1) -> Any:
        return np.log(np.exp(x).sum(axis))

    report = judge("reduce_logsumexp", forward=forward, dtype="float32", seed=11, budget=100)
    assert "overflows" in report.diagnosis, report.diagnosis
    assert "earlier case" not in str(report)
