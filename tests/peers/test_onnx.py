"""The node tests of the onnx package: what it expects of an operator, a layer gives at the package's own tolerance.

Its expected outputs are the truth here and not its evaluator. An operator is covered if tests/peers/nodes has a row
for it; every test of one that is not reproduced is listed with the reason.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="ONNX is an optional peer: pip install 'gradbook[peers]'")

from tests.peers.nodes.cases import ROWS, Case, cases
from tests.peers.nodes.layers import NotCovered
from tests.peers.nodes.page import PAGE, page
from tests.peers.nodes.reasons import REASONS

CASES = cases()


def as_numbers(x: Any) -> Any:
    return x.astype(np.float64) if x.dtype.kind in "fV" else x


def check(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # infinities as values to reduce
        found = case.run()
    assert len(found) == len(case.expected)
    for ours, theirs in zip(map(np.asarray, found), case.expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(as_numbers(ours), as_numbers(theirs), rtol=case.rtol, atol=case.atol)


@pytest.mark.parametrize("name", sorted(set(CASES) - set(REASONS)))
def test_the_expected_outputs_are_reproduced(name: str) -> None:
    check(CASES[name])


@pytest.mark.parametrize("name", sorted(set(CASES) & set(REASONS)))
def test_what_is_listed_is_not_reproduced(name: str) -> None:
    with pytest.raises((AssertionError, NotCovered)):
        check(CASES[name])


def test_at_least_95_percent_are_reproduced() -> None:
    assert set(REASONS) <= set(CASES)
    assert len(REASONS) <= 0.05 * len(CASES)
    assert {c.operator for c in CASES.values()} == set(ROWS)


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.peers.nodes.page makes it again"
