"""Contractions against einsum, in every order of the result's axes."""

from __future__ import annotations

import numpy as np
import pytest

from reference.runtime.arrays import LONG, contract

PATTERNS = ("tgn,tm->gnm", "tgn,tm->mgn", "tm,tgn->gnm", "tm,tgn->mgn", "btn,btm->bnm")


@pytest.mark.parametrize("length", [0, 3, LONG - 1, LONG])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("m", [1, 5, 50])
def test_contract(pattern: str, dtype: type, length: int, m: int) -> None:
    rng = np.random.default_rng(3)
    sizes = {"b": 2, "t": length, "g": 4, "n": 6, "m": m}
    operands, out = pattern.split("->")
    a, b = (rng.standard_normal([sizes[i] for i in o]).astype(dtype) for o in operands.split(","))
    found = contract(pattern, a, b)
    assert found.dtype == dtype
    assert found.shape == tuple(sizes[i] for i in out)
    rounding = np.finfo(dtype).eps * max(length, 1)  # of a sum of so many terms, each of which is below 25
    np.testing.assert_allclose(found, np.einsum(pattern, a, b), rtol=0, atol=25 * rounding)


def test_copied_results_lie_in_order() -> None:
    a, b = np.ones((LONG, 4, 6)), np.ones((LONG, 5))
    assert contract("tgn,tm->gnm", a, b).flags.c_contiguous
