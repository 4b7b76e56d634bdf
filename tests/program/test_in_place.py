"""Loops that assign where they would add to zeros: what memory held before never shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference import lstm

empty = np.empty


def garbage(*shape: Any, **named: Any) -> Any:
    """numpy.empty, in memory that holds NaN."""
    made = empty(*shape, **named)
    if made.dtype.kind == "f":
        made.fill(np.nan)
    return made


def results(steps: int) -> list[Any]:
    """Everything that the kernel of a recurrence gives, from the same numbers each time."""
    rng = np.random.default_rng(5)
    shapes = ((steps, 2, 3), (2, 4), (2, 4), (16, 3), (16, 4), (16,))
    primals, tangents, second = ([rng.standard_normal(s) for s in shapes] for _ in range(3))
    cotangents = tuple(rng.standard_normal((steps, 2, 4)) for _ in range(2))
    outputs, saved = lstm.forward(*primals)
    return [
        *outputs,
        *lstm.backward(cotangents, saved),
        *lstm.jvp(primals, tangents),
        *lstm.double_backward(cotangents, primals, second),
    ]


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_memory_is_filled(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = results(steps)
    monkeypatch.setattr(np, "empty", garbage)
    for found, wanted in zip(results(steps), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
