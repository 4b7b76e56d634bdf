"""Every elementwise function at some sixty points; ``python -m tests.accuracy`` measures it at more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.accuracy.functions import Found, functions
from tests.accuracy.measure import LIMIT, at_point, error, measured, points

FUNCTIONS = functions()

#: What is beyond the limit, and why; a row whose function is within it is an error.
KNOWN = {
    "mixtures-aria": "(1 + exp(-b x)) ** -a with a = 40 multiplies the rounding of its base by 40",
    "mixtures-soft_clip": "the logarithm of a quotient that tends to a constant: no row for softplus(u) - softplus(v)",
    "spellings-log_of_cdf": "its slope, the density over the distribution function: no row for that quotient",
    "spellings-cube_root": "x ** (1 / 3) at 5e-324: the exponent's rounding times the logarithm of x",
    "optimisers-cosine_schedule": "low + (high - low) c: with options of two signs the sum cancels, whatever x is",
    "optimisers-polynomial_decay": "(1 - t)^40 multiplies the rounding of 1 - t by 40",
}


def rows() -> Iterator[object]:
    for found in FUNCTIONS:
        reason = KNOWN.get(found.name)
        marks = pytest.mark.xfail(reason=reason, strict=True) if reason else ()
        yield pytest.param(found, id=found.name, marks=marks)


@pytest.mark.parametrize("found", list(rows()))
def test_value_and_slope(found: Found) -> None:
    with found.kernel() as kernel:
        for options in found.settings():
            x = points(found, options, 24, np.float64, seed=1)
            value, slope = measured(found, kernel, options, x)
            assert value.measured > len(x) / 4, options
            assert max(value.error, slope.error) <= LIMIT, f"{options}: value {value}, slope {slope}"


def test_every_row_is_a_function() -> None:
    assert KNOWN.keys() <= {f.name for f in FUNCTIONS}
    assert {"project-gelu", "spellings-arsinh", "activations-mish"} <= {f.name for f in FUNCTIONS}


def test_the_unit() -> None:
    """An error of one unit is measured as one; what has the conditioning of a difference may lose what that loses."""
    (found,) = (f for f in FUNCTIONS if f.name == "spellings-exp_less_one")
    truths = at_point(found, 1e-3, {}, 400, "x", "y")
    truth, slope, _ = truths
    nearest = float(truth.mid())
    unit = 2.0**-53 * (abs(nearest) + 1e-3 * float(slope.mid()))
    assert error(np.float64(nearest + 8 * unit), 1e-3, truths, False).error == pytest.approx(8, rel=0.1)
    assert error(np.float64(np.nan), 1e-3, truths, False).error == np.inf
    assert error(np.float64(np.exp(1e-3) - 1), 1e-3, truths, False).error > 100


def test_what_rounding_makes_of_a_zero() -> None:
    """Of 1 + cos(u) next to pi a number of 1e-34 remains; 1e-19, what cancels leaves, is too much."""
    (found,) = (f for f in FUNCTIONS if f.name == "optimisers-cosine_schedule")
    truths = at_point(found, 100.0, {"total": 100.0, "high": 0.1, "low": 0.0}, 4000, "t", "y")
    assert error(np.float64(4e-34), 100.0, truths, False).error == 0
    assert error(np.float64(1e-19), 100.0, truths, False).error == np.inf
