"""A recurrence whose step divides, takes a root, a logarithm or a power: nothing is read behind its end."""

from __future__ import annotations

import pytest

from tests.fuzz.test_found import definition
from tests.fuzz.worker import Outcome, attempt

STEPS = [
    "x[t, b] / y[t - 1, b]",
    "x[t, b] / (y[t - 1, b] + h0[b])",
    "y[t - 1, b] / x[t, b]",
    "sqrt(abs(y[t - 1, b])) * x[t, b] + 1",
    "sqrt(x[t, b] ** 2 + y[t - 1, b] ** 2)",
    "log(1 + y[t - 1, b] ** 2) * x[t, b]",
    "log(x[t, b] ** 2) * y[t - 1, b]",
    "x[t, b] ** y[t - 1, b]",
    "abs(y[t - 1, b]) ** x[t, b] + h0[b]",
    "xlogy(y[t - 1, b], x[t, b] ** 2) + h0[b]",
    "xdivy(x[t, b], y[t - 1, b])",
    "x[t, b] / y[t - 1, b] if y[t - 1, b] > 0 else x[t, b]",
    "x[t, b] * y[t - 1, b] / sqrt(sum(j, y[t - 1, j] ** 2))",
]


@pytest.mark.parametrize("step", STEPS)
def test_steps_that_are_not_defined_everywhere(step: str) -> None:
    body = f"y[-1, b] = h0[b]\ny[t, b] = {step}\nreturn y"
    assert attempt(definition("x: Real[t, b], h0: Real[b]", body)) == Outcome("agrees")
