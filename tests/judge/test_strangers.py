"""Strangers' kernels: the right ones pass, each wrong one is caught and its cause named."""

from __future__ import annotations

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
