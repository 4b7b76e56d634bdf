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


#: What a printer may read of the engine's modules on accuracy: which words there are.
WORDS_ALONE = {"WORDS"}
#: What makes another expression of one: a printer that needs it decides what is computed.
REWRITING = {"sqrt", "rebuild"}


@pytest.mark.parametrize("path", [*PRINTERS, TARGETS / "loops" / "printer.py"], ids=lambda p: p.name)
def test_a_target_decides_nothing_about_accuracy(path: Path) -> None:
    """It has no row of the table, no rule, and makes no root or quotient that the program has not."""
    tree = ast.parse(path.read_text())
    rules = [
        a.name
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom)
        and (n.module or "").startswith(("derive.program.rewriting", "derive.program.st"))
        for a in n.names
    ]
    assert {*rules} <= WORDS_ALONE
    made = {n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
            and isinstance(n.func.value, ast.Name) and n.func.value.id == "x"}  # fmt: skip
    assert not made & REWRITING
