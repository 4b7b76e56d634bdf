"""Sums over what is inside, places at which something is read, and forms of sums over many indices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.page import codes
from tests.page.compare import Trial
from tests.page.mutate import canonical
from tests.page.parser import parse
from tests.page.support import table
from tests.page.tree import Equation
from tests.page.world import World

ROWS = table(
    r"""
    x      | x      | x[p, q] input
    W      | W      | W[k, l, m] input
    s      | stride | option a positive integer
    z      | z      | z[i, j] output
    """
)
TEX = r"z_{i,j} = \sum_{k,l,m} W_{k,l,m} x_{\frac{i - k}{s},\frac{j - l}{s}}"
rng = np.random.default_rng(3)
X, W = rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 5))


def equation(tex: str = TEX) -> Equation:
    return parse(tex, ROWS)


def transposed() -> np.ndarray:
    z = np.zeros((8, 5))
    for p, q, k, l in np.ndindex(3, 2, 4, 3):
        z[2 * p + k, 2 * q + l] += X[p, q] * W[k, l].sum()
    return z


def test_terms_that_read_outside_are_left_out_before_the_loops_within(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def pair(factors: list[codes.Code]) -> codes.Code:
        inner = product(factors)
        return lambda env: (counted.append(1), inner(env))[1]

    product: Callable[[list[codes.Code]], codes.Code] = codes._product
    monkeypatch.setattr("tests.page.compiler._product", pair)
    world = World([], ROWS, Trial({"x": X, "W": W, "stride": 2}, {}, ""))
    value, known = world.compiled(equation().right, ("i", "j")), transposed()
    for at in np.ndindex(8, 5):
        assert value(at) == pytest.approx(known[at], abs=1e-12)
    assert len(counted) == 3 * 4 * 2 * 3 * 5  # of 40 * 60 terms


def test_a_zero_that_is_not_outside_is_no_reason() -> None:
    """A sum adds what is beside a factor that reads outside; a maximum is over what is there."""
    at = r"x_{\frac{i - k}{s},\frac{j - l}{s}}"
    plus = equation(rf"z_{{i,j}} = \sum_{{k,l,m}} \left(W_{{k,l,m}} + {at}\right)")
    world = World([], ROWS, Trial({"x": X, "W": W, "stride": 2}, {}, ""))
    assert world.compiled(plus.right, ("i", "j"))((12, 0)) == pytest.approx(W.sum())


def test_places_are_any_and_those_inside() -> None:
    world = World([], ROWS, Trial({"x": X, "W": W, "stride": 2}, {}, ""))
    scope, within = ("p", "q", "k", "l", "m"), equation(r"z_{p,q} = \sum_{k,l,m} W_{k,l,m} x_{p,q}").right
    read = equation(r"z_{p,q} = \sum_{k,l,m} W_{k,l,m} x_{\frac{p - k}{s},\frac{q - l}{s}}").right
    any_ = world.points(scope, within, most=20)
    places = world.places(scope, read, within, most=20)
    inside = [at for at in places if (at[0] - at[2]) % 2 == (at[1] - at[3]) % 2 == 0 and at[0] >= at[2]]
    inside = [at for at in inside if at[1] >= at[3]]
    assert places[:20] == any_
    assert len(places) == 40
    assert {*places[20:]} <= {*inside}


def test_of_many_tuples_those_that_are_looked_at_are_the_ones_among_all() -> None:
    world, other = (World([], ROWS, Trial({"x": X, "W": W, "stride": 2}, {}, "")) for _ in range(2))
    scope, within = ("p", "q", "k", "l", "m"), equation(r"z_{p,q} = \sum_{k,l,m} W_{k,l,m} x_{p,q}").right
    every = world.points(scope, within, most=10**9)
    assert every == list(np.ndindex(3, 2, 4, 3, 5))
    assert world.points(scope, within, most=50) == other.random.sample(every, 50)


def test_bound_indices_have_no_names() -> None:
    """Three of them and more are put in order by what stands at them, those alike in every order."""
    a = equation(r"z_{i,j} = \sum_{k,l,m} W_{k,l,m} x_{i,j}")
    b = equation(r"z_{i,j} = \sum_{l,m,k} W_{m,k,l} x_{i,j}")
    c = equation(r"z_{i,j} = \sum_{k,l,m} W_{k,l,m} x_{k,j}")
    d = equation(r"z_{i,j} = \sum_{m,k,l} W_{l,m,k} x_{l,j}")
    e = equation(r"z_{i,j} = \sum_{m,k,l} W_{l,m,k} x_{m,j}")
    f = equation(r"z_{i,j} = \sum_{k,l,m} x_{k,l} x_{l,m} x_{m,k}")
    g = equation(r"z_{i,j} = \sum_{k,l,m} x_{l,k} x_{k,m} x_{m,l}")
    assert canonical(a) == canonical(b) != canonical(c) == canonical(d) != canonical(e)
    assert canonical(f) == canonical(g) != canonical(c)


def test_under_a_bracket_of_equal_indices_either_may_stand() -> None:
    a = equation(r"z_{i,j} = \sum_{k} \left[ i = j \right] W_{i,k,j} x_{i,j}")
    b = equation(r"z_{i,j} = \sum_{k} \left[ j = i \right] W_{j,k,i} x_{j,j}")
    c = equation(r"z_{i,j} = \sum_{k} \left[ i = j \right] W_{k,i,j} x_{i,j}")
    d = equation(r"z_{i,j} = \sum_{k} \left[ i \ne j \right] W_{i,k,j} x_{j,j}")
    e = equation(r"z_{i,j} = \sum_{k} \left[ i \ne j \right] W_{i,k,j} x_{i,j}")
    assert canonical(a) == canonical(b) != canonical(c)
    assert canonical(d) != canonical(e)
