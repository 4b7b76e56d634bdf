"""Targets print programs: what they import shows that they do nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import derive

TARGETS = Path(str(derive.__file__)).parent / "targets"
PRINTERS = sorted((TARGETS / "numpy").glob("*.py"))
#: What a printer may know of the engine: the language of definitions, the program, and other printers.
KNOWN = ("derive.notation", "derive.program", "derive.targets")


@pytest.mark.parametrize("path", PRINTERS, ids=lambda p: p.name)
def test_a_target_knows_nothing_of_calculus(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    found += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    of_engine = [name for name in found if name.split(".")[0] == "derive"]
    assert [name for name in of_engine if not name.startswith(KNOWN)] == []
