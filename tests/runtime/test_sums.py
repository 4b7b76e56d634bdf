"""Sums of float32 numbers lose what `sums.loss` says, in any layout, along any axis, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from reference.runtime import sums
from reference.runtime.arrays import contract, overlap_add, scatter_add
from reference.runtime.blocks import in_blocks
from reference.runtime.functions import exp_sum, positive_sum

Array = np.ndarray[Any, Any]
UNIT = 2.0**-24
SHAPES = [(1_000_003, 2), (2, 1_000_003), (300, 5, 700), (33, 4, 33), (7, 40_001, 3), (60, 60), (100_000,)]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "first axis last in memory": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0),
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "a slice": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "a slice of rows": lambda a: np.concatenate([a, a], axis=-1)[..., : a.shape[-1]],
}


def arrays(shape: tuple[int, ...]) -> Iterator[Array]:
    """Numbers of one sign, where nothing cancels and errors add up: all the same, and random ones."""
    yield np.full(shape, 0.1, np.float32)
    yield np.random.default_rng(3).uniform(0.5, 1, shape).astype(np.float32)


def units(got: Any, terms: Array, axis: Any, products: bool = False) -> float:
    """The error in units of the bound, `sums.loss` of the number of terms and one rounding of the result."""
    true = size = np.add.reduce(terms, axis=axis, dtype=float)  # of positive numbers
    count = terms.size // max(1, np.size(true))
    assert np.asarray(got).dtype == np.float32
    return float(np.max(np.abs(got - true) / ((sums.loss(count, products) + 1) * UNIT * size)))


def axes(ndim: int) -> list[Any]:
    return [None, *range(ndim), -1, *[(0, ndim - 1)] * (ndim > 1), *[(1, 2)] * (ndim > 2)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_along_any_axis(shape: tuple[int, ...], layout: str) -> None:
    for a in map(LAYOUTS[layout], arrays(shape)):
        for axis in axes(a.ndim):
            assert units(sums.sum_over(a, axis), a, axis) < 1, axis
            count = a.size // max(1, np.add.reduce(a, axis=axis).size)
            assert units(sums.mean(a, axis, count) * np.float32(count), a, axis) < 1, axis
        for f in (exp_sum, positive_sum):
            assert units(f(a), a, -1) < 1
        assert units(sums.row_dot(a, a), a.astype(float) ** 2, -1, products=True) < 1
        for axis in range(a.ndim):
            assert units(sums.square_sum(a, axis), a.astype(float) ** 2, axis, products=axis == a.ndim - 1) < 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("height", "length", "width"), [(2, 300_001, 3), (40, 5000, 50), (1, 40_000, 1), (3, 33, 2)])
def test_products_however_long(height: int, length: int, width: int, layout: str) -> None:
    for a, b in zip(arrays((height, length)), arrays((length, width)), strict=True):
        own, other = LAYOUTS[layout](a), LAYOUTS[layout](b)
        true = a.astype(float) @ b.astype(float)
        bound = (sums.loss(length, products=True) + 1) * UNIT * true
        for got in (sums.matrix_product(own, other), contract("ak,kb->ba", own, other).T):
            assert got.dtype == np.float32
            assert np.all(np.abs(got - true) < bound)


@pytest.mark.parametrize(("count", "width"), [(200_000, 3), (900, 2), (40, 1)])
def test_scatters_of_many(count: int, width: int) -> None:
    index = np.arange(count) % 2
    for a in arrays((count, width)):
        for values in (a, np.asfortranarray(a), a[::-1]):
            assert units(scatter_add(values, index, 3)[0], values[::2], 0) < 1


@pytest.mark.parametrize("length", [100, 40_001])
def test_products_with_a_vector(length: int) -> None:
    for a, v in zip(arrays((3, length)), arrays((length,)), strict=True):
        got = sums.matrix_product(a, v)
        assert got.shape == (3,)
        assert units(got, a.astype(float) * v, 1, products=True) <= 1


RUNS = {  # first and last place of each of some runs of 1001
    "running": (0, np.arange(1001) + 1),
    "running, from the end": (np.arange(1001), 1001),
    "moving, beyond the ends": (np.arange(-40, 1000, 7), np.arange(-20, 1020, 7)),
    "one after another": (np.arange(0, 1000, 50), np.arange(50, 1050, 50)),
    "none, some twice, all": (np.array([5, 5, 3, 0, -9]), np.array([5, 9, 9, 4000, -2])),
}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("runs", RUNS)
def test_runs(runs: str, axis: int) -> None:
    """Along any axis, with the accuracy of other sums."""
    first, last = RUNS[runs]
    for array in arrays((3, 1001, 2)):
        a = np.moveaxis(array, 1, axis)
        got = np.moveaxis(sums.run_sum(a, axis, first, last), axis, 1)
        for n, (m, k) in enumerate(np.broadcast(np.clip(first, 0, 1001), np.clip(last, 0, 1001))):
            assert units(got[:, n], array[:, m:k], 1) <= 1 if k > m else not got[:, n].any()


def test_runs_leave_out_what_is_not_in_them() -> None:
    a = np.array([1.0, np.nan, 2.0, np.inf, 3.0])
    np.testing.assert_array_equal(sums.run_sum(a, 0, 0, np.array([0, 1, 2])), [0, 1, np.nan])
    np.testing.assert_array_equal(sums.run_sum(a, 0, np.array([0, 2, 4, 2]), np.array([1, 3, 5, 4])), [1, 2, 3, np.inf])
    np.testing.assert_array_equal(sums.run_sum(a[:0], 0, 0, np.array([0, 1])), [0, 0])


def test_windows_of_many_positions() -> None:
    """Every position but those at the ends is covered 300 times."""
    for a in arrays((1, 900)):
        spans = {1: (900 + 299, 300, 1, 1, 0)}
        got = overlap_add(lambda k, a=a: a, spans)
        terms = np.lib.stride_tricks.sliding_window_view(a[0], 300)
        assert units(got[0, 299:900], terms, 1) < 1


def test_blocks_that_are_added() -> None:
    """Two million rows in some hundred blocks: each is a sum of its own, and they are added in float64."""

    @in_blocks(cut=(0,), join=None)
    def total(a: Array) -> Any:
        return sums.sum_over(a, 0)

    for a in arrays((2_000_000, 3)):
        assert units(total(a), a, 0) < 1


def test_the_number_type_stays() -> None:
    thirds = np.full((50, 50), Fraction(1, 3), object)
    assert set(sums.sum_over(thirds, 0)) == {Fraction(50, 3)}
    assert sums.sum_over(thirds) == Fraction(2500, 3)
    assert set(sums.mean(thirds, 1, 50)) == {Fraction(1, 3)}
    assert set(sums.matrix_product(thirds, thirds).ravel()) == {Fraction(50, 9)}
    for dtype in (np.float16, np.float32, np.float64, np.longdouble):
        ones = np.ones((50, 50), dtype)
        for got in (sums.sum_over(ones, 0), sums.sum_over(ones), sums.mean(ones, 0, 50), sums.row_dot(ones, ones)):
            assert np.asarray(got).dtype == dtype


def test_nothing_is_summed_to_0() -> None:
    for axis, shape in ((0, (0, 3)), (1, (40, 0)), (None, (0,)), ((0, 1), (0, 40, 2))):
        got = sums.sum_over(np.ones(shape, np.float32), axis)
        np.testing.assert_array_equal(got, np.add.reduce(np.ones(shape, np.float32), axis=axis))


@pytest.mark.parametrize("count", [1, 3, 100, 513, 1200])
@pytest.mark.parametrize("function", [exp_sum, positive_sum])
def test_a_row_has_the_same_sum_whatever_is_in_front(function: Any, count: int) -> None:
    rows = np.random.default_rng(count).uniform(0, 1, (2, 3, count))
    together = function(rows)
    assert together.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            assert function(rows[i, j]) == together[i, j] == function(rows[i])[j]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "axis"), [((4000, 3), 1), ((4000, 7), -1), ((5, 4000), 0), ((200, 2, 50), 1), ((9000, 1), 1)]
)
def test_a_few_numbers_are_added_in_their_order(shape: tuple[int, ...], axis: int, dtype: type) -> None:
    a = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    assert a.size > sums.SMALL
    assert np.array_equal(sums.sum_over(a, axis), np.add.reduce(a, axis=axis))
    assert not np.shares_memory(sums.sum_over(a, axis), a)


@pytest.mark.parametrize("length", [sums.PART + 1, 2 * sums.PART, 5 * sums.PART + 7])
@pytest.mark.parametrize("turned", [False, True])
def test_thin_products_are_one_stack_of_products(length: int, turned: bool) -> None:
    rng = np.random.default_rng(length)
    a, b = rng.standard_normal((3, 2, length)), rng.standard_normal((3, length, 5))
    left, right = a.astype(np.float32), b.astype(np.float32)
    if turned:
        left, right = (np.ascontiguousarray(v.swapaxes(-1, -2)).swapaxes(-1, -2) for v in (left, right))
    exact = left.astype(float) @ right.astype(float)
    found = sums.matrix_product(left, right)
    assert found.dtype == np.float32
    bound = sums.loss(length, products=True) * 2**-24 * (np.abs(left).astype(float) @ np.abs(right).astype(float))
    assert np.all(np.abs(found - exact) <= bound)


def test_products_without_a_sum() -> None:
    a, b = (
        np.random.default_rng(0).standard_normal((2, 3, 4, 1)),
        np.random.default_rng(1).standard_normal((2, 3, 1, 5)),
    )
    assert np.array_equal(sums.matrix_product(a, b), a @ b)
