"""The row functions softmax is made of, and the global norm."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from reference.runtime.functions import exp_sum, global_norm, positive_sum, row_exp, row_shift, shifted_exp
from tests.enclosure.truth import enclose, precision, worst


@pytest.fixture(autouse=True)
def loud():
    with np.errstate(all="raise", under="ignore"):
        yield


def logits(dtype, n=60):
    """Rows whose differences need more digits than the dtype has: large against small, near ties, both
    signs.
    """
    random = np.random.default_rng(3)
    far = {2: 9.0, 4: 85.0, 8: 700.0}.get(np.dtype(dtype).itemsize, 700.0)
    rows = [
        random.standard_normal(n),
        random.uniform(-far, 0, n),
        random.uniform(-far, 0, n) + 1.3 * far,
        random.uniform(-far / 2, far / 2, n),
        np.append(-far + random.random(n - 1), 0.3),
        np.append(random.random(n - 1), far),
    ]
    return np.array(rows).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_shifted_exp_forgets_no_digit_of_the_difference(dtype):
    z = logits(dtype)
    largest = z.max(-1, keepdims=True)
    shift = row_shift(largest)
    assert shift.dtype == dtype
    assert np.all(np.abs(shift - largest) <= (0.5 if dtype is np.float64 else 0))
    computed = shifted_exp(z, shift)
    with precision(200):
        found = worst(computed, shifted_exp(enclose(z), enclose(shift)))
    # in float16 and float32 the rounding of the difference is left, half a unit of it, for half the time
    farthest = float(np.abs(z.astype(np.float64) - shift).max())
    assert found.ulp <= (2 if dtype is np.float64 else 3 + farthest), found


def test_shifted_exp_at_the_ends_of_the_range():
    big = np.finfo(np.float64).max
    z = np.array(
        [
            [big, -big, 0],
            [-big, -big, -big],
            [-np.inf, 0, 1],
            [-np.inf, -np.inf, -np.inf],
            [1e300, 1e300, -1e-300],
        ]
    )
    e = shifted_exp(z, row_shift(z.max(-1, keepdims=True)))
    assert np.array_equal(e[[0, 1, 4]], [[1, 0, 0], [1, 1, 1], [1, 1, 0]])
    assert e[2].tolist() == [0, math.exp(-1), 1]
    assert np.isfinite(e[3]).all()
    for dtype in (np.float16, np.float32):
        narrow = np.array([[np.finfo(dtype).max, np.finfo(dtype).min, -np.inf]], dtype)
        assert shifted_exp(narrow, row_shift(narrow.max(-1, keepdims=True))).tolist() == [[1, 0, 0]]
        nothing = np.full((1, 2), -np.inf, dtype)  # a masked row has no exponentials
        assert shifted_exp(nothing, row_shift(nothing.max(-1, keepdims=True))).tolist() == [[0, 0]]
    assert row_shift(np.array([[-np.inf]])).tolist() == [[0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 300])
def test_row_exp_is_proportional_to_exp(dtype, scale):
    """Small exponents go without a shift, and -inf or large ones with one: ratios in a row are the same."""
    z = (np.random.default_rng(1).uniform(-1, 1, (5, 7)) * scale).astype(dtype)
    z[1, 3] = -np.inf if scale > 1 else 0
    e = row_exp(z, axis=1)
    assert e.dtype == dtype
    assert (e.max(1) == 1).all() or scale == 1 or dtype == np.float64
    with precision(200):
        balls = enclose(np.where(np.isfinite(z), z, -1e5))
        true = row_exp(balls, axis=1)
        ratio = true / true[np.arange(5), z.argmax(1)][:, None] * enclose(e.max(1))[:, None]
    assert worst(e, ratio).ulp <= (4 if dtype is np.float64 else 4 + scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_positive_sum_is_within_a_unit(dtype, scale):
    random = np.random.default_rng(11)
    rows = [
        np.full(n, v) for n in (3, 7, 15, 16, 17, 100, 127, 1000) for v in random.uniform(0.5, 1, 20)
    ]  # equal numbers: errors add up
    rows += [random.random(n) ** 9 for n in (5, 777)] + [
        np.append(np.full(126, 0.8), 1.9),
        np.append(np.full(999, 1e-9), 1),
    ]
    for row in rows:
        p = (row * scale).astype(dtype)[None]
        with precision(200):
            exact = enclose(p).sum(axis=-1)
        found = worst(positive_sum(p), exact)
        assert found.ulp <= (1 if dtype is np.float64 else 6), found  # float32 is left to NumPy
    assert positive_sum(np.zeros((2, 5), dtype)).tolist() == [0, 0]
    assert positive_sum(np.zeros((2, 0), dtype)).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("far", [-1000, 1000])
def test_row_exp_neither_overflows_nor_vanishes(dtype, far):
    e = row_exp(np.array([[far, far + 1]], dtype), axis=1)
    assert 0 < e.min() < e.max() < 10


@pytest.mark.parametrize("low", [-11.9, -1, 0, 11.9])
def test_exp_sum_is_within_a_unit_wherever_the_row_lies(low):
    random = np.random.default_rng(4)
    for n in (1, 2, 3, 4, 5, 8, 16, 17, 127, 512, 1000):
        spread, equal = random.random((9, n)) * (11.9 - low), np.repeat(random.random((9, 1)) / 20, n, axis=1)
        z = low + np.concatenate([spread, equal])
        z[0, 0] = 11.9
        e = row_exp(z, axis=1)
        with precision(200):
            assert worst(exp_sum(e), enclose(e).sum(axis=-1)).ulp <= 1
    far = row_exp(np.array([[800.0, 799.0, -800.0], [-800.0, -801.5, -802.0]]), axis=1)
    with precision(200):
        assert worst(exp_sum(far), enclose(far).sum(axis=-1)).ulp <= 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_global_norm_neither_overflows_nor_underflows(dtype):
    info = np.finfo(dtype)
    for unit in (dtype(1), info.smallest_subnormal, info.max / 8):
        arrays = [
            np.array([[3, 0], [0, 0]], dtype) * unit,
            np.array([4], dtype) * unit,
            np.empty((0, 3), dtype),
        ]
        assert abs(global_norm(arrays) / (5 * unit) - 1) <= 1e-15 + info.eps
    assert global_norm([]) == 0 == global_norm([np.zeros(3, dtype)])
    assert global_norm([np.array([np.inf, 1], dtype), np.array([1], dtype)]) == math.inf
    assert math.isnan(global_norm([np.array([np.inf], dtype), np.array([np.nan], dtype)]))
    assert dtype is np.longdouble or type(global_norm([np.ones(3, dtype)])) is float


def test_global_norm_encloses():
    x = np.random.default_rng(2).standard_normal(50)
    with precision(200):
        exact = np.array([global_norm([enclose(x[:20]), enclose(x[20:])])], object)
    assert worst(np.array([global_norm([x[:20], x[20:]])]), exact).ulp <= 4


def test_nothing_heavy_is_imported():
    heavy = ("scipy", "sympy", "flint", "derive")
    code = f"import reference.runtime.functions, sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
