"""Legs of the evidence on small definitions of the kind people type first; see tests.generality.test_evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generality.everyday.legs import red

#: Legs that take a few hundredths of a second.
QUICK = ("steps", "definition", "differences", "duality", "second order")
#: A number beside numbers of another type, alone, at the edge of an array or in place of one; a sum that is a number of
#: that type; constants that are floats in a kernel; a beginning that nobody asks the gradient of; labels as numbers.
KINDS = (
    *("mult", "const", "clamp", "log_relu", "safe_log", "flat_exp", "scalar_case", "scalar_max", "shifted_exp"),
    *("cumsum", "label_exp", "diag", "maxall", "hinge", "running", "list_norm"),
)


@pytest.mark.parametrize("name", KINDS)
def test_quick_legs(name: str, tmp_path: Path) -> None:
    assert not red(name, tmp_path, QUICK)
