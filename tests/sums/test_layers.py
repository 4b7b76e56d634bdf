"""Errors of long sums in every layer that adds over rows; `python -m tests.sums` has a million rows in every layout."""

from __future__ import annotations

import pytest

from tests.sums.layers import FORMATS, LAYOUTS, ROWS, errors


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", ROWS)
def test_below_the_bound(name: str, dtype: str) -> None:
    layout = list(LAYOUTS)[list(ROWS).index(name) % len(LAYOUTS)]
    for error in errors(name, FORMATS[dtype], layout, 60_000):
        assert error.units < 1, error.where


def test_a_million_rows() -> None:
    for error in errors("linear", FORMATS["float32"], "C", 1_000_000):
        assert error.units < 1, error.where
