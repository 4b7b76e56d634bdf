"""What an optional package is needed for is not run where it cannot be imported, though it be there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from derive.calculus.derivation import derive
from derive.evidence.verify import leg
from derive.notation.define import load_project


@pytest.mark.parametrize("name", ["enclosure", "definition"])
def test_a_package_that_fails_to_be_imported_is_as_one_that_is_not_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flint.py").write_text("raise ImportError('a library of it is missing')\n")
    for module in [m for m in sys.modules if m == "flint" or m.startswith("flint.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = leg(name, derive(load_project()["tanh"][0]))
    assert result.passed
    assert result.notes == ("not run: pip install gradbook[oracle]",)
