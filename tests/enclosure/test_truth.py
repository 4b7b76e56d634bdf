"""The instrument itself: a wrong ruler would pass everything."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from tests.enclosure.truth import enclose, measure, precision, to_arb, ulp_error, worst

DTYPES = (np.float16, np.float32, np.float64, np.longdouble)


@pytest.mark.parametrize("dtype", DTYPES)
def test_enclosures_are_exact(dtype):
    info = np.finfo(dtype)
    numbers = np.array([0, 1, -1 / dtype(3), info.max, info.tiny, info.smallest_subnormal, 1 + info.eps], dtype)
    for x, ball in zip(numbers, enclose(numbers), strict=True):
        assert ball.is_exact()
        significand, exponent = ball.man_exp()
        wide = np.longdouble(int(significand))
        assert int(wide) == int(significand)
        assert np.ldexp(wide, int(exponent)) == x


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_unit_is_that_of_the_true_value(dtype):
    info = np.finfo(dtype)
    for value in (dtype(1), dtype(1.5), info.tiny, -info.max, dtype(3)):
        exact = enclose(np.array([value]))
        assert ulp_error(np.array([value]), exact).ulp[0] == 0
        toward = np.nextafter(value, dtype(0)) if abs(value) > 1.2 and value != 1 else np.nextafter(value, dtype(2))
        off = worst(np.array([toward]), exact)
        assert off.ulp == pytest.approx(1.0, abs=1e-9)


def test_half_a_unit_below_a_power_of_two_is_half_as_long():
    with precision(200):
        truth = np.array([1 - arb(2) ** -60], object)
        assert ulp_error(np.array([1.0]), truth).ulp[0] == pytest.approx(2**-7)


def test_what_is_not_normal_is_not_counted():
    tiny = np.finfo(np.float64).tiny
    with precision(200):
        error = ulp_error(np.array([0.0, 0.0, tiny]), np.array([arb(0), to_arb(tiny) / 2, to_arb(tiny)], object))
    assert error.counted.tolist() == [False, False, True]
    with pytest.raises(ValueError, match="nothing was compared"):
        worst(np.zeros(1), np.array([arb(0)], object))


def test_nan_and_infinity_are_failures():
    error = ulp_error(np.array([np.nan, np.inf]), np.array([arb(1), arb(1)], object))
    assert np.isinf(error.ulp).all()
    assert error.counted.all()


def test_an_enclosure_that_is_too_wide_is_refused():
    with pytest.raises(ValueError, match="use more bits"):
        ulp_error(np.ones(1), np.array([arb(1, 1e-10)], object))
    with pytest.raises(ValueError, match="use more bits"):
        ulp_error(np.ones(1), np.array([arb(0, 1)], object))


def test_a_rounded_sum_is_found_wrong():
    def form(x):
        return (x + 1) - 1

    assert measure(form, np.array([1e-8])).ulp > 1e6
    assert measure(lambda x: x * x, np.array([1.1, 1e100])).ulp <= 0.5
