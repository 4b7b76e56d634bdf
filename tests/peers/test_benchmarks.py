"""The benchmark times equal work: every contender agrees before it is timed, and the verdict can fail."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import handwritten, timing
from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, earlier, pose
from benchmarks.report import judge
from benchmarks.shapes import REASONS
from benchmarks.timing import Disagreement, Row, prepare


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", CASES)
def test_contenders_agree_and_keep_the_precision(layer: str, dtype: str) -> None:
    steps, _ = prepare(layer, "tiny", dtype, ["gradbook", "by hand", "autograd"])
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


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", [layer for layer, case in CASES.items() if case.timed])
def test_a_layer_is_timed_at_four_kinds_of_shapes_at_least(layer: str) -> None:
    kinds = CASES[layer].kinds
    assert len(kinds) >= 4
    assert {"tiny", "tall", "wide", "few"} <= {*kinds}
    assert {*kinds} <= {*REASONS}


def test_turned_inputs_are_those_of_a_transposed_array() -> None:
    problem = pose("softmax", "turned", np.float32, {})
    assert all(a.flags.f_contiguous and not a.flags.c_contiguous for a in (*problem.tensors, problem.cotangents))


def test_the_kernels_of_another_tree_are_timed_beside_ours(tmp_path: Path) -> None:
    layers = tmp_path / "reference" / "layers"
    layers.mkdir(parents=True)
    for package in (layers, layers.parent):
        (package / "__init__.py").touch()
    (layers / "relu.py").write_text("def forward(x): return 3 * x, None\ndef backward(dy, saved): return (5 * dy,)\n")
    ours = importlib.import_module("reference")
    problem = pose("relu", "tiny", np.float64, {})
    y, (dx,) = earlier(tmp_path)(problem)()
    assert np.array_equal(y, 3 * problem.tensors[0])
    assert np.array_equal(dx, 5 * problem.cotangents)
    assert sys.modules["reference"] is ours
    assert str(tmp_path) not in sys.path
    assert CONTENDERS["gradbook"](problem)()[0].min() == 0


def row(layer: str, gradbook: float, by_hand: float, autograd: float, elements: int = 1 << 20) -> Row:
    return Row(layer, "tall", "float32", {"gradbook": gradbook, "by hand": by_hand, "autograd": autograd}, elements)


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([row("a", 0.5, 1.0, 3.0), row("b", 1.0, 1.2, 5.0)], True),
        ([row("a", 0.95, 1.0, 9.0), row("b", 0.95, 1.0, 9.0)], False),  # 0.9 in the mean
        ([row("a", 0.1, 1.0, 9.0), row("b", 1.4, 1.0, 9.0)], False),  # 1.3 on any
        ([row("a", 0.1, 1.0, 9.0), row("b", 1.4, 1.0, 9.0, 128)], True),  # of many elements
        ([row("a", 0.5, 1.0, 0.9), row("b", 0.5, 1.0, 0.9)], False),  # half of autograd's
        ([Row("a", "tall", "float32", {"gradbook": 1.1, "by hand": 2.0, "before": 1.0}, 1 << 20)], False),  # 5 % slower
        ([Row("a", "tiny", "float32", {"gradbook": 0.1})], False),  # nothing to compare with
    ],
)
def test_verdict(rows: list[Row], holds: bool) -> None:
    assert judge(rows).holds is holds
