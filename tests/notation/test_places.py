"""Where something is: ``argmax`` and ``argmin`` as results and as indices."""

from __future__ import annotations

import numpy as np
import pytest

import derive
from derive.calculus.derivation import derive as derivation
from derive.evidence.verify import leg
from derive.notation.define import read_source
from derive.notation.errors import DefinitionError
from tests.notation.reading import HEAD, X, defined

PICKED = """@layer()
def picked(x: Real[..., i], z: Real[..., i]):
    p[...] = argmin(i, x[..., i])
    y[...] = z[..., p[...]]
    return y, p
"""
LEGS = ("exact", "text", "definition", "differences", "enclosure", "second order", "generic")


@pytest.mark.parametrize("name", LEGS)
def test_a_place_is_a_result_and_an_index(name: str) -> None:
    layer = read_source(HEAD + PICKED, "mine.py")["picked"][0]
    assert leg(name, derivation(layer), derive.kernel(layer)).passed


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3000,), (2, 3000), (2, 3, 3000)])
def test_a_place_is_a_whole_number_in_any_format(dtype: type, shape: tuple[int, ...]) -> None:
    """In a float16 there is no 2999."""
    x = np.zeros(shape, dtype)
    x[..., 2999] = -1
    kernel = derive.kernel(read_source(HEAD + PICKED, "mine.py")["picked"][0])
    (y, p), saved = kernel.forward(x, x)
    assert p.dtype == np.int64
    assert (p == 2999).all()
    dx, dz = kernel.backward((y, np.ones(shape[:-1], dtype)), saved)
    assert dx.dtype == dz.dtype == dtype
    assert not dx.any()
    assert (dz[..., 2999] == -1).all()


def test_what_is_made_of_a_place_is_a_number() -> None:
    (layer,) = defined(X, "y = argmax(i, x[i]) / size(i)\nreturn y")
    y, _ = derive.kernel(layer).forward(np.array([1.0, 5, 2, 3]))
    assert y == 0.25


def test_there_is_no_place_over_a_list() -> None:
    with pytest.raises(DefinitionError, match="no argmax over the entries of a list"):
        defined("W: Real[l][i]", "R = argmax((l, i), W[l, i])\nreturn R")
