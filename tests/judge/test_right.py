"""No false alarms: right kernels, whatever order they add up in; every layer is for gradbook campaign."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from derive import judge
from derive.evidence.kernels import kernel_of
from derive.evidence.layout import Case
from derive.judge.allowed import Yardstick
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import derived
from tests.evidence.shared import LAYERS as DEFINED
from tests.judge.right import ORDERS

LAYERS = ("layer_norm", "linear", "softmax_cross_entropy_labels", "batch_norm")


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_sums_is_free(layer: str, order: str) -> None:
    dtype = "float16" if order == "pairs" else "float32"
    report = judge(layer, getattr(ORDERS[order], layer), framework="module", dtype=dtype, seed=4, budget=60)
    assert report.ok, str(report)


@pytest.mark.parametrize("layer", ["layer_norm", "linear"])
def test_a_sum_in_half_precision_is_no_order(layer: str) -> None:
    def halved(terms: object) -> object:
        return ORDERS["one"].order(terms.astype("float16")).astype(terms.dtype)  # type: ignore[attr-defined]

    wrong = type(ORDERS["one"])(halved)
    report = judge(layer, getattr(wrong, layer), framework="module", dtype="float32", seed=4, budget=60)
    assert "float16" in report.diagnosis


@pytest.mark.parametrize("length", [8, 33])
def test_a_sum_may_begin_with_the_bias(length: int) -> None:
    """Terms a little larger than half a unit of the bias are each rounded up, where it is what they are added to."""
    layer = DEFINED["linear"][0]
    x = np.full((1, length), 0.51 * 2.0**-23, np.float32)
    W, b = np.ones((1, length), np.float32), np.ones(1, np.float32)
    total = b[0]
    for term in x[0]:
        total = np.float32(total + term)
    measured = Yardstick(
        derived(layer, 0), Case(layer, {"x": x, "W": W, "b": b}, {}, ""), {"z": np.ones((1, 1))}
    ).measured
    (found,) = measured("forward", {"z": np.array([[total]])}, Arithmetic("float32"), False)
    assert found.ok, found.words
    (found,) = measured("forward", {"z": np.array([[total + 10 * length * 2.0**-23]])}, Arithmetic("float32"), False)
    assert not found.ok


@pytest.mark.parametrize("seed", [4, 7])
def test_another_formula_may_have_more_operations_than_ours(seed: int) -> None:
    """dx of tanh is two operations in ours, and more in what is computed from exponentials."""
    report = judge("tanh", kernel_of("tanh"), framework="module", dtype="float64", seed=seed, budget=60)
    assert report.ok, str(report)


def test_the_record_of_pytorch_has_no_alarm() -> None:
    """gradbook campaign --candidate 'torch:tests.judge.peer:eager.{layer}' --dtype float32: what was run of it."""
    record = json.loads((Path(__file__).parent / "recorded" / "rights.json").read_text())
    assert len(record["layers"]) >= 100
    assert all(row["worst"] <= 1 and row["cases"] >= 5 for row in record["layers"].values())


@pytest.mark.parametrize("layer", ["adam", "batch_norm_inference", "gru_cell", "glu", "max_pool2d"])
def test_pytorch_is_right_where_it_refuses_or_rounds(layer: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")
    how = {"framework": "torch", "dtype": "float32", "seed": 1, "budget": 15}
    report = judge(layer, forward=f"tests.judge.peer:eager.{layer}", **how)
    assert report.ok, str(report)
