"""Many elements at computed places, and many sums over runs: as those of a few, whatever they lie in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference.runtime.arrays import scatter_add
from reference.runtime.places import element, scattered, scattered_inside
from reference.runtime.sums import RUNS, run_sum


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("outside", [False, True])
def test_elements_at_many_places(order: Any, outside: bool) -> None:
    rng = np.random.default_rng(0)
    a = np.asarray(rng.standard_normal((70, 90)), order=order)
    t = rng.integers(-outside, 90 + outside, (70, 80))
    found = element(a, np.arange(70)[:, None], t, fill=7)
    padded = np.pad(a, ((0, 0), (1, 1)), constant_values=7)
    np.testing.assert_array_equal(found, padded[np.arange(70)[:, None], t + 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("outside", [False, True])
def test_numbers_are_added_at_many_places(dtype: type, transposed: bool, outside: bool) -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((90, 70)).astype(dtype)
    index = rng.integers(-outside, 40 + outside, (90, 70))
    truth = np.zeros((42, 70), np.longdouble)
    np.add.at(truth, (index + 1, np.arange(70)), values)
    if transposed:
        values, index = (np.asfortranarray(a) for a in (values, index))
    found = (scattered_inside if outside else scattered)(values, index, 40, 1)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, truth[1:-1], rtol=0, atol=30 * float(np.finfo(dtype).eps))


def test_a_sum_at_a_place_that_overflows_says_so() -> None:
    values = np.full(5000, 1e308)
    index = np.arange(5000) // 2
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        scatter_add(values, index, 2500)
    values[1::2] *= -1
    np.testing.assert_array_equal(scatter_add(values, index, 2500), np.zeros(2500))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("runs", [1, RUNS, RUNS + 1])
def test_sums_over_runs_few_and_many(dtype: type, axis: int, runs: int) -> None:
    rng = np.random.default_rng(2)
    a = rng.standard_normal((40, 50, 60)).astype(dtype)
    first = rng.integers(1, 40, runs)
    last = np.minimum(first + rng.integers(-2, 9, runs), a.shape[axis] - 1)
    wide = np.moveaxis(a, axis, 0).astype(np.longdouble)
    truth = np.moveaxis(np.stack([wide[m : max(m, n)].sum(0) for m, n in zip(first, last, strict=True)]), 0, axis)
    found = run_sum(a, axis, first, last)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, truth, rtol=0, atol=40 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reverse", [False, True])
def test_running_sums(dtype: type, reverse: bool) -> None:
    a = np.random.default_rng(3).standard_normal((30, 200)).astype(dtype)
    n = np.arange(200)
    truth = np.cumsum(a[:, ::-1] if reverse else a, axis=1, dtype=np.longdouble)
    found = run_sum(a, 1, n, 200) if reverse else run_sum(a, 1, 0, n + 1)
    limit = float(np.finfo(dtype).eps) * (1 if dtype is np.float32 else 200)
    np.testing.assert_allclose(found, truth[:, ::-1] if reverse else truth, rtol=0, atol=30 * limit)
