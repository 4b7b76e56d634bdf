"""The benchmark times equal work: every contender agrees before it is timed, and the verdict can fail."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import handwritten, timing
from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, pose
from benchmarks.report import judge
from benchmarks.timing import Disagreement, Row, prepare


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", CASES)
def test_contenders_agree_and_keep_the_precision(layer: str, dtype: str) -> None:
    steps = prepare(layer, "tiny", dtype, ["gradbook", "by hand", "autograd"])
    assert {"gradbook", "by hand"} <= set(steps)


def test_a_wrong_contender_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    forward, _ = handwritten.LAYERS["relu"]
    wrong = forward, lambda dy, x: (1.001 * dy * (x > 0),)
    monkeypatch.setitem(handwritten.LAYERS, "relu", wrong)
    with pytest.raises(Disagreement, match="relu in float64: array 0 of gradbook differs"):
        prepare("relu", "tiny", "float64", ["gradbook", "by hand"])


def test_a_promoted_result_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def promoting(problem):
        step = CONTENDERS["by hand"](problem)
        return lambda: (step()[0], [gradient.astype(np.float64) for gradient in step()[1]])

    monkeypatch.setitem(timing.CONTENDERS, "gradbook", promoting)
    with pytest.raises(Disagreement, match="relu in float32: array 0 of gradbook is float64"):
        prepare("relu", "tiny", "float32", ["gradbook", "by hand"])


def test_all_contenders_get_the_same_inputs_every_time() -> None:
    first, second = (pose("linear", "tiny", np.float64, {}) for _ in range(2))
    for a, b in zip((*first.tensors, first.cotangents), (*second.tensors, second.cotangents), strict=True):
        assert np.array_equal(a, b)


def row(layer: str, gradbook: float, by_hand: float, autograd: float) -> Row:
    return Row(layer, "tiny", "float32", {"gradbook": gradbook, "by hand": by_hand, "autograd": autograd})


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([row("a", 0.5, 1.0, 3.0), row("b", 1.0, 1.2, 5.0)], True),
        ([row("a", 0.75, 1.0, 9.0), row("b", 0.75, 1.0, 9.0)], False),  # 0.7 in the mean
        ([row("a", 0.1, 1.0, 9.0), row("b", 1.2, 1.0, 9.0)], False),  # 1.1 on any
        ([row("a", 0.5, 1.0, 1.9), row("b", 0.5, 1.0, 1.9)], False),  # a quarter of autograd's
        ([Row("a", "tiny", "float32", {"gradbook": 0.1})], False),  # nothing to compare with
    ],
)
def test_verdict(rows: list[Row], holds: bool) -> None:
    assert judge(rows).holds is holds
