"""No false alarms: right kernels, whatever order they add up in; every layer is for gradbook campaign."""

from __future__ import annotations

import pytest

from derive import judge
from tests.judge.right import ORDERS

LAYERS = ("layer_norm", "linear", "softmax_cross_entropy_labels", "batch_norm")


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
