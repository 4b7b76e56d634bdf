"""Bounds of a definition are where they are said to be: the last that is taken, and the first that is refused."""

from __future__ import annotations

import ast

import pytest

from derive.notation import read
from derive.notation.constants import DIGITS
from derive.notation.define import load_project, read_source
from derive.notation.errors import DefinitionError
from derive.notation.expressions import POWER


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    load_project()


def body(expression: str) -> str:
    return f"from derive import layer\n\n\n@layer()\ndef odd(x: Real[i]):\n    y[i] = {expression}\n    return y\n"


def depth(text: str) -> int:
    """Of the deepest node below a statement of the function."""

    def below(node: ast.AST) -> int:
        return max((1 + below(child) for child in ast.iter_child_nodes(node)), default=0)

    function = ast.parse(text).body[1]
    assert isinstance(function, ast.FunctionDef)
    return max(map(below, function.body))


def count(text: str) -> int:
    function = ast.parse(text).body[1]
    assert isinstance(function, ast.FunctionDef)
    return sum(1 for statement in function.body for _ in ast.walk(statement))


def refused(text: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        read_source(text, "mine.py")


def test_nesting() -> None:
    texts = [body("abs(" * n + "x[i]" + ")" * n) for n in range(read.DEPTH)]
    (last,) = (t for t in texts if depth(t) == read.DEPTH)
    (first,) = (t for t in texts if depth(t) == read.DEPTH + 1)
    assert read_source(last, "mine.py")
    refused(first, "nested more than")


def test_names_and_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    text = body("x[i] + 2 * x[i]")
    monkeypatch.setattr(read, "NODES", count(text))
    assert read_source(text, "mine.py")
    monkeypatch.setattr(read, "NODES", count(text) - 1)
    refused(text, "names and signs")


def test_exponents() -> None:
    for exponent in (POWER, -POWER):
        assert read_source(body(f"x[i] ** {exponent}"), "mine.py")
    for exponent in (POWER + 1, -POWER - 1):
        refused(body(f"x[i] ** {exponent}"), "an exponent beyond")


def test_numerals() -> None:
    largest = 10**DIGITS
    assert read_source(body(f"x[i] * {largest}"), "mine.py")
    assert read_source(body(f"x[i] / {largest}"), "mine.py")
    for number in (10**DIGITS + 1, f"1 / {10**DIGITS + 1}"):
        refused(body(f"x[i] * ({number})"), "a number of more than|too long")
