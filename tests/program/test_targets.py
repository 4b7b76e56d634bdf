"""Targets print programs: what they import shows that they do nothing else."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import derive
from tests.generality.support import built, definition, own_registry

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


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("0.14 * x", "0.14 * x"),
        ("10.5 * x", "10.5 * x"),
        ("1.0507009873554805 * x", "1.0507009873554805 * x"),
        ("2.5e-7 * x", "2.5e-07 * x"),
        ("x + 0.14", "x + 0.14"),
        ("2 / 3 * x", "2 * x / 3"),
        ("0.5 * x", "x / 2"),
        ("0.1 * x", "x / 10"),
        ("x / 30", "x / 30"),
    ],
)
def test_a_constant_is_printed_as_a_person_would(typed: str, printed: str, tmp_path: Path) -> None:
    """A decimal as one: above a fraction's line its digits would overflow. A small whole number divides."""
    with own_registry():
        _, kernel = built(
            tmp_path, definition("x: Real[...]", f"y[...] = log({typed.replace('x', 'x[...]')})\nreturn y")
        )
    assert f"np.log({printed}" in inspect.getsource(kernel.value)
