"""Layouts: what is computed in blocks is the same in any layout, lies as what it is computed from, and is cut where
that pays."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from reference.layers import batch_norm, layer_norm, relu, softmax
from reference.runtime import blocks, functions, layout, logarithms, storage

ORDERS = list(itertools.permutations(range(3)))


def lying(a: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The same elements, the axes in that order in memory."""
    return np.ascontiguousarray(a.transpose(order)).transpose(layout.inverse(order))


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_memory_is_found_and_made(order: tuple[int, ...]) -> None:
    a = lying(np.arange(2.0 * 3 * 5).reshape(2, 3, 5), order)
    assert layout.memory_order(a) == order
    assert layout.is_dense(a, order)
    assert not any(layout.is_dense(a, other) for other in ORDERS if other != order)
    for shape in [(2, 3, 5), (64, 65, 66)]:  # from NumPy, and of the memory that is used again
        made = storage.empty(shape, np.dtype(float), order)
        assert made.shape == shape
        assert layout.memory_order(made) == order
    large = lying(np.ones((64, 65, 66)), order)
    assert storage.copied(large).strides == large.strides
    assert storage.room(large).strides == large.strides  # type: ignore[union-attr]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("special", [0.0, math.nan, -math.inf])
def test_extremes_and_places_in_any_order(order: tuple[int, ...], special: float) -> None:
    a = np.random.default_rng(0).standard_normal((17, 18, 19))
    a[3, 4, 5] = special
    assert a.size > layout.MANY
    b = lying(a, order)
    np.testing.assert_equal([layout.least(b), layout.most(b)], [a.min(), a.max()])
    assert {*zip(*layout.places(b > 1), strict=True)} == {*zip(*np.nonzero(a > 1), strict=True)}


@pytest.mark.parametrize(
    ("shape", "order", "axis", "blocks_there_are"),
    [
        ((4096, 1024), (0, 1), 0, 64),  # rows of a matrix: slabs
        ((4096, 1024), (1, 0), 1, 64),  # columns of a transposed one
        ((4096, 1024), (0, 1), 1, 1),  # columns: a block would be runs of 32 bytes
        ((4096, 1024), (1, 0), 0, 1),
        ((64, 16384), (0, 1), 1, 16),  # few rows: runs of RUN bytes make no block too large
        ((32, 64, 3136), (0, 1, 2), 1, 64),  # channels of images: long runs
        ((32, 64, 3136), (0, 2, 1), 1, 1),  # channels that lie last
    ],
)
def test_blocks_are_cut_where_runs_of_memory_are_long(
    shape: tuple[int, ...], order: tuple[int, ...], axis: int, blocks_there_are: int
) -> None:
    a = np.empty(tuple(shape[n] for n in order), np.float32).transpose(layout.inverse(order))
    step = blocks.rows_at_once([(a, axis)], a.nbytes, shape[axis])
    assert -(-shape[axis] // step) == blocks_there_are


@pytest.mark.parametrize(
    ("row", "added", "rows"),
    [
        (65536, 2 * 65536, 8),  # two sums as long as a row, as of a norm of long rows
        (65536, 65536, 4),
        (65536, 3000, 1),  # weights of a window beside an image: blocks are one image, whose windows alone are copied
        (65536, 65536 * 65536, 16),
        (512, 1024, 16),  # as many short rows as fill a block, where there are so many
    ],
)
def test_what_is_added_up_over_blocks_is_little_beside_a_block(row: int, added: int, rows: int) -> None:
    a = np.empty((16, row), np.float32)
    assert blocks.rows_at_once([(a, 0)], a.nbytes, 16, 4 * added) == rows
    assert blocks.rows_at_once([(a, 0)], a.nbytes, 16) == max(1, min(16, blocks.BLOCK // a[0].nbytes))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layer", [batch_norm, layer_norm, softmax, relu])
def test_results_are_those_of_any_layout_and_lie_as_the_input(layer, order: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((2, 40, 50, 60))
    assert x.nbytes > blocks.WHOLE
    more = [
        rng.uniform(1, 2, {batch_norm: 50, layer_norm: 60}[layer])
        for _ in range({batch_norm: 4, layer_norm: 2}.get(layer, 0))
    ]
    found = []
    for a, da in ((x, dy), (lying(x, order), lying(dy, order)), (lying(x, order), dy)):
        y, saved = layer.forward(a, *more)
        found.append([*(y if isinstance(y, tuple) else (y,)), *layer.backward(da, saved)])
    for one, other, mixed in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-12 * np.abs(one).max())
        np.testing.assert_allclose(mixed, one, rtol=0, atol=1e-12 * np.abs(one).max())
    if layer is relu:
        assert all(layout.memory_order(a) == order for a in found[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 3, 7, 8])
def test_rows_of_a_few_numbers_are_gone_through_by_columns(columns: int, dtype: type) -> None:
    a = np.abs(np.random.default_rng(2).standard_normal((4099, columns))).astype(dtype)
    a[5] = 0
    a[6, -1] = math.nan
    assert a.size > layout.MANY
    np.testing.assert_array_equal(layout.row_most(a, 0.25), np.maximum.reduce(a, axis=-1, initial=0.25))
    assert layout.row_most(a, 0.25).dtype == dtype
    e = np.exp(a[7:])
    total = functions.exp_sum(e)
    exact = np.add.reduce(e, axis=-1, dtype=np.longdouble)
    assert np.all(np.abs(total - exact) <= 4 * np.spacing(total))  # of seven numbers in float32, one after another
    pieces = [logarithms.log_sum(part, functions.exp_sum(part)) for part in np.array_split(e, 40)]
    np.testing.assert_allclose(logarithms.log_sum(e, total), np.concatenate(pieces), rtol=8 * np.finfo(dtype).eps)
