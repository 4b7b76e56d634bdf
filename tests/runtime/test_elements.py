"""The runtime's words for arrays, each against its definition, element by element, on random small arrays.

Kernels use them, and a layer's evidence sees them through it; what no layer of the project uses is seen here alone.
"""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

from reference.runtime import arrays, elementary, places, probabilities, selection, tails

RNG = np.random.default_rng(3)
SPECIAL = (math.nan, math.inf, -math.inf)


def real(*shape: int, dtype: Any = np.float64) -> Any:
    return np.asarray(RNG.normal(size=shape), dtype)


def fractions(*shape: int) -> Any:
    numbers = [Fraction(int(n), 7) for n in RNG.integers(-20, 20, math.prod(shape))]
    return np.array([*numbers, None], object)[:-1].reshape(shape)


def same(found: Any, wanted: Any, dtype: Any) -> None:
    assert found.dtype == dtype
    assert found.shape == np.shape(wanted)
    if found.dtype.hasobject:
        assert (found == wanted).all()
        assert all(isinstance(v, Fraction) for v in found.flat)
    else:
        tolerance = 4 * np.finfo(dtype).eps if np.issubdtype(dtype, np.floating) else 0
        np.testing.assert_allclose(np.float64(found), np.float64(wanted), rtol=tolerance, atol=tolerance)


# ---- places --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize("spread", [1, 2])
@pytest.mark.parametrize("steps", [(1, 1), (2, 1), (2, -3), (-1, 2)])
@pytest.mark.parametrize("make", [real, fractions])
def test_windows(size: int, spread: int, steps: tuple[int, int], make: Any) -> None:
    for counts, offset in itertools.product([(3, 2), (1, 4), (0, 2), (2, 1)], [-3, 0, 1, 9]):
        a = make(2, size, 3)
        found = arrays.windows(a, (1, counts, steps, offset, spread), fill=4)
        assert found.shape == (2, *counts, 3)
        for i, k in np.ndindex(*counts):
            at, rest = divmod(steps[0] * i + steps[1] * k + offset, spread)
            inside = not rest and 0 <= at < size
            assert (found[:, i, k] == (a[:, at] if inside else 4)).all()


def test_a_place_that_is_no_whole_number_is_nowhere() -> None:
    for above, below in itertools.product(range(-7, 8), (1, 2, 3)):
        assert places.exactly(above, below) == (above // below if above % below == 0 else places.NOWHERE)


@pytest.mark.parametrize("make", [real, fractions])
def test_elements_at_places_of_which_some_are_outside(make: Any) -> None:
    a = make(3, 4, 2)
    for spread in (0, 2):  # all are inside, or not all
        rows, columns = RNG.integers(-spread, 3 + spread, (5, 1)), RNG.integers(-spread, 4 + spread, 6)
        found = places.element(a, rows, columns, fill=9)
        assert found.shape == (5, 6, 2)
        for n, m in np.ndindex(5, 6):
            i, j = rows[n, 0], columns[m]
            assert (found[n, m] == (a[i, j] if 0 <= i < 3 and 0 <= j < 4 else 9)).all()
    single = make(3)
    assert [places.element(single, n, fill=9) for n in (-1, 0, 2, 3)] == [9, single[0], single[2], 9]
    assert places.element(np.zeros((0, 2)), np.array([0, 1]), fill=9).tolist() == [[9, 9], [9, 9]]


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("many", [6, 900])  # few are added one by one, many are put in order
@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_scattering_adds_what_falls_on_one_place(shared: int, many: int, dtype: Any) -> None:
    """Few falls on a place, or so much that it is added up wider than it is."""
    for count, outside in itertools.product((2, 50), (0, 3)):
        index = RNG.integers(-outside, count + outside, (many, 3))
        values = np.asarray(RNG.integers(0, 3, (many, 3, 2)), dtype)
        wanted = np.zeros((count, *(3,) * shared, 2))
        for n, s in np.ndindex(many, 3):
            if 0 <= index[n, s] < count:
                wanted[(index[n, s], s)[: 1 + shared]] += values[n, s]
        if not outside:
            same(places.scattered(values, index, count, shared), wanted, dtype)
        same(places.scattered_inside(values, index, count, shared), wanted, dtype)


# ---- conditions ----------------------------------------------------------------------------------------------------

LITTLE = [(3,), (2, 3), (40, 30)]  # and so much that bits are cleared


@pytest.mark.parametrize("shape", LITTLE)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_nothing_of_what_is_not_chosen_is_left(shape: tuple[int, ...], dtype: Any) -> None:
    a = real(*shape, dtype=dtype)
    a.flat[:3] = SPECIAL
    condition = RNG.random(shape) < 0.5
    condition.flat[0], out = False, np.empty_like(a)
    wanted = [v if c else 0 for v, c in zip(a.flat, condition.flat, strict=True)]
    np.testing.assert_array_equal(selection.chosen(a, condition).ravel(), wanted)
    assert selection.chosen(a, condition).dtype == dtype
    assert np.shares_memory(selection.chosen(a, condition, out), out)
    np.testing.assert_array_equal(out.ravel(), wanted)
    np.testing.assert_array_equal(arrays.masked(a, 7, None, condition).ravel(), np.where(condition, a, 7).ravel())
    assert arrays.masked(a, 7, None) is arrays.masked(a, 7, condition | True) is a
    both = arrays.masked(a, 7, condition, np.arange(shape[-1]) > 0)
    np.testing.assert_array_equal(both, np.where(condition & (np.arange(shape[-1]) > 0), a, 7))


@pytest.mark.parametrize("make", [real, fractions])
def test_one_of_two_numbers_or_arrays(make: Any) -> None:
    a, condition = make(4, 3), RNG.random((4, 3)) < 0.5
    condition.flat[:2] = True, False
    for x, y in ((a, 0), (1, a), (a, make(3))):
        found = selection.where(condition, x, y)
        same(found, np.where(condition, x, y) + 0 * a, a.dtype)
    if make is real:
        for (x, y), dtype in itertools.product([(1, 0), (1, 0.25), (1, 2), (0, 1), (3, -2)], [np.float16, np.float64]):
            same(arrays.either(condition, x, y, np.dtype(dtype)), np.where(condition, x, y), dtype)


@pytest.mark.parametrize("make", [real, fractions])
def test_nothing_is_divided_where_the_condition_does_not_hold(make: Any) -> None:
    a, b = make(4, 3), make(3) ** 2 + 1
    b[1] = 0
    with np.errstate(all="raise"):
        for condition in (b != 0, np.broadcast_to(b != 0, (4, 3)), np.broadcast_to(b != 0, (2, 4, 3))):
            found = arrays.divide_where(condition, a, b)
            assert found.shape == condition.shape if condition.ndim > 1 else (4, 3)
            for at in np.ndindex(found.shape):
                assert found[at] == (a[at[-2:]] / b[at[-1]] if at[-1] != 1 else 0)
        if make is real:
            same(arrays.divide_where(np.ones(3, bool), np.float32(a), 2), np.float32(a) / 2, np.float32)
            same(arrays.divide_where(np.array([True, False, True]), np.float32(a), 2)[:, 1], 4 * [0], np.float32)
    assert arrays.divide_where(np.ones((2, 1), bool), 1.0, np.float64([2, 4])).tolist() == [[0.5, 0.25]] * 2


@pytest.mark.parametrize("name", ["xlogy", "xdivy"])
def test_zero_is_zero_whatever_it_is_multiplied_with(name: str) -> None:
    function = getattr(arrays, name)
    plain = {"xlogy": lambda a, b: a * np.log(b), "xdivy": lambda a, b: a / b}[name]
    for values in ([0.5, 2.0, 3.0], [0.0, 1.0, math.inf], [math.nan, -1.0, 0.0]):
        b = np.array(values)
        a = np.array([[0.0], [1.5], [-2.0], [math.nan]])
        with np.errstate(all="ignore"):
            wanted = np.where(a == 0, 0, plain(a, b))
        with np.errstate(over="raise", divide="raise"):
            found = function(a, b)
        np.testing.assert_array_equal(found, wanted)
    exact = arrays.xdivy(np.array([Fraction(0), Fraction(3)]), np.array([Fraction(0), Fraction(2)]))
    assert exact.tolist() == [0, Fraction(3, 2)]


def test_signs() -> None:
    for a in (real(9), fractions(9)):
        a[0] = 0 * a[0]
        same(arrays.negative_part(a), [min(v, 0) for v in a], a.dtype)
        b = a[::-1] + 0 * a
        b[-1] = b[0]
        same(arrays.copysign(a, b), [-abs(v) if w < 0 else abs(v) for v, w in zip(a, b, strict=True)], a.dtype)
        same(arrays.at_least(1, a), [max(v, 1) for v in a], a.dtype)


# ---- sums that leave something out ---------------------------------------------------------------------------------

PATTERNS = {"ij,jk->ik": [(3, 4), (4, 2)], "bij,bj->ib": [(2, 3, 4), (2, 4)], "i,i->": [(5,), (5,)],
            "ij,ij->j": [(3, 4), (3, 4)], "ij,j->i": [(3, 4), (4,)], "ij,ki->jk": [(3, 4), (2, 3)]}  # fmt: skip


def sum_of(pattern: str, a: Any, b: Any, keep: Any) -> Any:
    operands, out = pattern.split("->")
    ia, ib = operands.split(",")
    sizes = dict(zip(ia + ib, a.shape + b.shape, strict=True))
    found = np.zeros([sizes[i] for i in out])
    for values in itertools.product(*map(range, sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        place = tuple(at[i] for i in ia)
        if keep[place]:
            found[tuple(at[i] for i in out)] += a[place] * b[tuple(at[i] for i in ib)]
    return found


def multiplied(pattern: str, a: Any, b: Any) -> Any:
    """A sum of products that is an error where the caller wants one: einsum itself never says so."""
    found = np.einsum(pattern, a, b)
    if np.isnan(found).any() and np.geterr()["invalid"] == "raise":
        raise FloatingPointError
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("worst", [1.0, math.nan, math.inf])
@pytest.mark.parametrize("state", ["ignore", "raise"])
def test_what_is_left_out_of_a_sum_takes_no_part(pattern: str, worst: float, state: Any) -> None:
    left, right = PATTERNS[pattern]
    for n in range(4):
        a, b = real(*left), real(*right)
        keep = RNG.random(left) < 0.6
        keep.flat[n] = False
        a[~keep] = 0
        if n % 2:
            b.flat[RNG.integers(b.size)] = worst  # 0 times it is NaN
        else:
            a.flat[n] = worst
        with np.errstate(invalid=state, over=state):
            conditions = (None, keep) if n < 2 else (keep, np.ones(left[-1], bool))
            product = partial(multiplied, pattern, np.where(keep, a, 0), b)
            found = selection.excluding(product, pattern, a, b, partial(tuple, conditions))
        np.testing.assert_allclose(found, sum_of(pattern, a, b, keep), rtol=1e-12, atol=1e-12)
        assert found.dtype == a.dtype


def test_an_overflow_of_what_takes_part_stays_one() -> None:
    big = np.full((1, 2), 1e300)

    def sums(a: Any, b: Any) -> Any:
        return np.add.reduce(a * b, axis=-1)

    with np.errstate(over="raise"):
        with pytest.raises(FloatingPointError):
            selection.excluding(partial(sums, big, big), "ij,ij->i", big, big, lambda: (None,))
        with pytest.raises(FloatingPointError):
            selection.leaving_out(sums, big, big, lambda: (None,))


@pytest.mark.parametrize("state", ["ignore", "raise"])
def test_a_function_of_rows_sees_nothing_of_what_is_left_out(state: Any) -> None:
    a, b = real(3, 4), real(3, 4)
    keep = np.array([True, True, False, True])
    wanted = (a * b)[:, keep].sum(-1)
    for worst in (0.0, *SPECIAL):
        a[:, 2], b[:, 2] = worst, 0.0
        with np.errstate(invalid=state):
            found = selection.leaving_out(lambda p, q: np.add.reduce(p * q, axis=-1), a, b, lambda: (keep,))
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


# ---- the largest ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [(5,), (2, 3), (9, 9), (1,), (2, 0)])  # 81 are more than are compared one by one
@pytest.mark.parametrize("special", [(), (math.nan,), (-math.inf,), (-math.inf, math.nan)])
def test_the_first_of_the_largest_and_nan_is_larger(inner: tuple[int, ...], special: tuple[float, ...]) -> None:
    a = np.asarray(RNG.integers(0, 4, (40, *inner)), float)
    for value in special:
        a[RNG.random(a.shape) < 0.4] = value
    value, position = selection.largest(a, len(inner))
    np.testing.assert_array_equal(selection.argmax(a, len(inner)), position)
    np.testing.assert_array_equal(selection.window_max(a, tuple(range(1, a.ndim))), value)
    for row, v, p in zip(a.reshape(40, -1), value, position, strict=True):
        if not row.size:
            assert (v, p) == (-math.inf, 0)
            continue
        first = np.flatnonzero(np.isnan(row) if np.isnan(row).any() else row == row.max())[0]
        assert p == first
        np.testing.assert_equal(v, row[first])


def test_the_largest_of_a_window_is_inside_the_array() -> None:
    """Unless all of it is outside."""
    a = np.full(4, -math.inf)
    a[3] = math.nan
    value, position = selection.largest(a, 1, (0, 1), (0, (6, 3), (1, 1), -3, 1))
    np.testing.assert_array_equal(value, [-math.inf] * 4 + [math.nan] * 2)
    assert position.tolist() == [0, 2, 1, 0, 2, 1]


# ---- probabilities, powers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [(), (1,), (6,), (2, 3)])
@pytest.mark.parametrize("sure", [0.0, 40.0])  # one of a row is next to 1
def test_differences_that_hide_what_is_missing_to_one(rows: tuple[int, ...], sure: float) -> None:
    u = RNG.normal(size=(*rows, 5))
    u[..., 2] += sure
    wide = np.exp(np.longdouble(u))
    p = wide / wide.sum(-1, keepdims=True)
    others = p.copy()
    g = real(*rows, 5)
    f = np.longdouble(g)
    mean = np.stack([(p * (f[..., i : i + 1] - f)).sum(-1) for i in range(5)], -1)
    np.testing.assert_allclose(probabilities.less_mean(g, np.float64(p)), np.float64(mean), rtol=1e-12, atol=1e-30)
    # g - p sum(g) where the sum is g's own at 1 - p: rows that are shares themselves
    share = np.float64(p * f)
    rest = (share - p * share.sum(-1, keepdims=True)).astype(float)
    found = probabilities.less_share(share, np.float64(p))
    np.testing.assert_allclose(found, rest, atol=1e-15)
    np.testing.assert_allclose(found.sum(-1), 0, atol=1e-17 if sure else 1e-14)
    if len(rows) == 1:
        t = RNG.integers(0, 5, rows[0])
        t[0] = 2
        at = np.arange(rows[0]), t
        others[at] = 0
        wanted = np.float64(p)
        wanted[at] = -np.float64(others.sum(-1))
        np.testing.assert_allclose(probabilities.less_one_hot(np.float64(p), t), wanted, rtol=1e-14)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, 2.5])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_derivatives_of_powers(exponent: float, order: int) -> None:
    """Where the factors in front are 0 the derivative is, at 0 too."""
    base = np.array([0.5, 1.0, 2.0, 0.0])
    factor = math.prod(exponent - n for n in range(order))
    for power in (exponent, np.full(4, float(exponent))):
        found = elementary.powered(base, power, order)
        assert found.shape == (4,)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = factor * base ** float(exponent - order) if factor else np.zeros(4)
        np.testing.assert_allclose(found, wanted, rtol=1e-14)
    assert np.isnan(elementary.powered(np.array([-1.0]), 0.5, 1)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_powers_of_an_option_by_data(dtype: Any) -> None:
    """Beside 1, in the data's format, and without a warning where the power is beyond every number."""
    exponent = np.array([-3.0, 0.0, 1.0, 1e4, -1e4], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log, share, slope = tails.log1p_power(0.5, exponent), *(tails.power_share(0.5, exponent, n) for n in (0, 1))
    p = exponent.astype(np.longdouble)
    far = np.logaddexp(0, p * np.log(np.longdouble(0.5)))
    same(log, far, dtype)
    same(share, np.exp(p * np.log(np.longdouble(0.5)) - far), dtype)
    same(slope, 2 * p * np.exp(p * np.log(np.longdouble(0.5)) - far), dtype)


def test_sizes_that_do_not_fit_are_refused() -> None:
    assert arrays.output_size("pool", "o", 0) == 0
    assert arrays.output_size("pool", "o", 3, 0) == 3
    for size, room in ((-1, ()), (0, (-1,)), (2, (3, -2))):
        with pytest.raises(ValueError, match=rf"pool: axis o of the output would have {min(size, *room, 0)} "):
            arrays.output_size("pool", "o", size, *room)
    assert arrays.given_size("pool", "o", 3, 3) == 3
    with pytest.raises(ValueError, match="pool: axis o is 3 long, but the other arguments make it 4"):
        arrays.given_size("pool", "o", 3, 4)
