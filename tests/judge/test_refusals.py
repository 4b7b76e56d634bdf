"""What a right candidate of a library refuses, or notes for itself, is no fault; what it must not do stays one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.judge.worker import ENVIRONMENT, changed
from tests.judge.escapes import judged


def steep(alpha: float) -> None:
    if alpha < 0:
        raise ValueError(f"invalid slope: {alpha}")


def leaky(x: Any, alpha: float = 0.01) -> Any:
    steep(alpha)
    return np.where(x > 0, x, alpha * x)


def test_a_number_that_is_refused_is_noted() -> None:
    report = judge("leaky_relu", forward=leaky, seed=1, budget=30)
    assert report.ok, str(report)
    assert any("it refuses alpha = -0.6" in n for n in report.notes)


@pytest.mark.parametrize("kind", ["RuntimeError", "IndexError", "ZeroDivisionError"])
def test_another_error_is_none(kind: str, tmp_path: Any) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\n\ndef forward(x, alpha=0.01):\n    if alpha < 0:\n"
        f"        raise {kind}('no')\n    return np.where(x > 0, x, alpha * x)\n"
    )
    report = judge("leaky_relu", forward=f"{path}:forward", seed=1, budget=30)
    assert f"raised {kind}" in report.diagnosis


def test_an_error_at_the_default_is_none() -> None:
    def forward(x: Any, alpha: float = 0.01) -> Any:
        if x.ndim > 1:
            raise ValueError("too many values to unpack")
        return np.where(x > 0, x, alpha * x)

    assert "raised ValueError" in judge("leaky_relu", forward=forward, seed=1, budget=30).diagnosis


def test_a_mask_that_must_be_there_is_given() -> None:
    def forward(x: Any, mask: Any) -> Any:
        return np.cumsum(np.where(mask, x, x * 0 + 0), -1) if mask.any() else 0 * x

    def other(x: Any, mask: Any) -> Any:
        return np.cumsum(x * (mask | True), -1)

    report = judge("masked_cumsum", forward=forward, seed=1, budget=30)
    assert "it takes no None for mask: judged with all of it True instead" in report.notes
    assert not [f for f in report.findings if f.kind == "raised"], str(report)
    assert judge("masked_cumsum", forward=other, seed=1, budget=30).verdict == "wrong"


def test_which_variable_of_the_environment_is_said() -> None:
    before, after = {ENVIRONMENT: {"A": "1", "B": "2"}}, {ENVIRONMENT: {"A": "1", "B": "3"}}
    assert changed(before, after) == ["a call changes the environment (B)"]
    assert changed(before, before) == []


@pytest.mark.parametrize("layer", ["masked_cumsum", "avg_pool1d"])
def test_what_the_first_call_changes_is_found_though_it_asks_for_forms_alone(layer: str) -> None:
    """A random state that is set once is the same before and after every later call."""
    assert judged(f"{layer}/wrap/state-seeds", seed=2, budget=5)["named"]


@pytest.mark.parametrize("layer", ["nll_loss", "reduce_l1"])
def test_a_cotangent_of_one_axis_in_the_definition_has_two_in_memory(layer: str) -> None:
    found = judged(f"{layer}/wrap/backward-cotangent-flat", seed=2, budget=60)
    assert found["caught"]
    assert found["named"]


def test_a_formula_that_divides_whole_numbers_is_right() -> None:
    """cumprod's gradient from its results, divided by x, where nothing is 0."""

    def backward(dy: Any, x: Any) -> Any:
        y = np.cumprod(x, 0)
        along = np.flip(np.cumsum(np.flip(dy * y, 0), 0), 0)
        exact = np.stack(
            [sum(dy[t] * np.prod(np.delete(x[: t + 1], i, 0), 0) for t in range(i, len(x))) for i in range(len(x))]
        ) if len(x) else x * 0  # fmt: skip
        with np.errstate(all="ignore"):
            divided = along / x
        return np.where(np.isclose(divided, exact, rtol=1e-13, atol=0), divided, exact)

    report = judge("cumprod", backward=backward, seed=1, budget=30)
    assert not any("whole numbers" in f.words for f in report.findings), str(report)
