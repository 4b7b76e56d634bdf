"""erf, the normal distribution and gelu against enclosures: the whole line, the edges, the root of gelu's
derivative.
"""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from reference.runtime import coefficients, functions, normal
from tests.enclosure import fit
from tests.enclosure.truth import enclose, precision, worst

FUNCTIONS = ("erf", "normal_cdf", "normal_pdf", "gelu", "gelu_derivative")
ROOT = 0.7517915246935645


@pytest.fixture(autouse=True)
def loud():
    with np.errstate(all="raise", under="ignore"):
        yield


def line(dtype, reach):
    """Both signs, from the smallest normal number to past the tail, dense where the functions change, and
    the edges.
    """
    random = np.random.default_rng(7)
    size = np.geomspace(float(np.finfo(dtype).tiny), 1, 300)
    tail = np.linspace(1e-3, reach, 1200) * (1 + 1e-3 * random.random(1200))
    root = ROOT + np.geomspace(1e-17, 1, 400) * random.choice([-1, 1], 400)
    edges = np.array([0, 0.5, 6, np.nextafter(6, 7), 13, 14, 37.6, 37.7, 38, 40, 700, float(np.finfo(dtype).max)])
    x = np.concatenate([size, tail, root, edges])
    return np.concatenate([x, -x]).astype(dtype)


def truth(name, x):
    # beyond 300 the tail is far below every dtype here; Arb would spend its time on exp(-1e600)
    with precision(200):
        return getattr(functions, name)(enclose(np.clip(x, -300, 300) if name != "gelu" else np.maximum(x, -300)))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("dtype", "reach"), [(np.float64, 38), (np.float32, 14)])
def test_within_four_units_over_the_whole_line(name, dtype, reach):
    x = line(dtype, reach)
    computed = np.concatenate([getattr(functions, name)(part) for part in (x[np.abs(x) <= 6], x[np.abs(x) > 6])])
    x = np.concatenate([x[np.abs(x) <= 6], x[np.abs(x) > 6]])  # both fits of float64
    assert computed.dtype == dtype
    found = worst(computed, truth(name, x))
    assert found.ulp <= 4, f"{name}({x[found.index]!r}): {found}"
    assert found.counted > 0.5 * x.size


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_float16(name):
    x = np.arange(65536, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    computed = getattr(functions, name)(x)
    assert computed.dtype == np.float16
    near = np.abs(x) < 16  # beyond, every one of them is 0, 1 or x
    assert np.array_equal(
        computed[~near], {"gelu": np.maximum(x, 0), "normal_pdf": 0 * x}.get(name, _limit(name, x))[~near]
    )
    found = worst(computed[near], truth(name, x[near]))
    assert found.ulp <= 0.51, f"{name}({x[near][found.index]!r}): {found}"


def _limit(name, x):
    return np.copysign(np.float16(1), x) if name == "erf" else (x > 0).astype(np.float16)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_longdouble_is_better_than_double(name):
    x = np.concatenate([np.linspace(-12, 6, 91), [-ROOT, -100.0]]).astype(np.longdouble) / 3 * 3
    assert np.finfo(np.longdouble).nmant != 63 or worst(getattr(functions, name)(x), truth(name, x)).ulp <= 8


def test_infinities_and_nan():
    x = np.array([-np.inf, np.inf, np.nan])
    assert np.array_equal(functions.erf(x), [-1, 1, np.nan], equal_nan=True)
    assert np.array_equal(functions.normal_cdf(x), [0, 1, np.nan], equal_nan=True)
    assert np.array_equal(functions.gelu(x), [0, np.inf, np.nan], equal_nan=True)
    assert np.array_equal(functions.gelu_derivative(x), [0, 1, np.nan], equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_layout_dtype_and_inputs_are_kept(name):
    function = getattr(functions, name)
    base = np.random.default_rng(0).uniform(-4, 4, (7, 2 * normal.BLOCK // 7 + 3))  # one fit serves all
    frozen = base.copy()
    base.flags.writeable = False
    assert np.array_equal(function(base.T), function(base).T)
    assert np.array_equal(function(base[:, ::-2]), function(base)[:, ::-2])
    assert np.array_equal(function(np.broadcast_to(base[0], (3, *base[0].shape)))[2], function(base[0]))
    assert np.array_equal(base, frozen)
    assert function(np.empty((3, 0, 2), np.float32)).shape == (3, 0, 2)
    assert function(np.float32(0.5)).shape == ()
    with pytest.raises(TypeError, match="int64"):
        function(np.arange(3))


def test_the_two_gelus_agree_with_the_one():
    x = np.random.default_rng(1).standard_normal((5, 5)).astype(np.float32)
    y, slope = functions.gelu_with_derivative(x)
    assert np.array_equal(y, functions.gelu(x))
    assert np.array_equal(slope, functions.gelu_derivative(x))


def test_coefficients_are_what_the_script_computes():
    assert fit.TARGET.read_text() == fit.render(), "run `python -m tests.enclosure.fit`"


@pytest.mark.parametrize(("name", "bits"), [("NORMAL_DOUBLE_NEAR", 53), ("NORMAL_DOUBLE", 53), ("NORMAL_SINGLE", 24)])
def test_the_fit_is_proven_on_its_whole_interval(name, bits):
    choice = next(c for c in fit.CHOICES if c.name == name)
    kind = np.float64 if bits == 53 else np.float32
    bound = fit.certify(choice, 0, min(choice.limit, 38), getattr(coefficients, name), lambda v: arb(float(kind(v))))
    assert bound < arb(2) ** -bits
