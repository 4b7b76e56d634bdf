"""The ledger and the chapter on backpropagation lead to each other, statement by statement."""

from __future__ import annotations

import re
from pathlib import Path

from derive.ledger import LEDGER

DOCS = Path(__file__).resolve().parents[2] / "docs"
THERE = re.compile(r"\[(S\d\d)\]\(ledger\.md#row-(s\d\d)\)\{ #(s\d\d) \.gb-row \}")
BACK = re.compile(r"^\| \[(S\d\d)\]\(backpropagation\.md#(s\d\d)\)\{ #row-(s\d\d) \}", re.MULTILINE)


def links(page: str, pattern: re.Pattern[str]) -> list[str]:
    """The rows that a page links, each by its own place and to it."""
    found = [m.groups() for m in pattern.finditer((DOCS / page).read_text(encoding="utf-8"))]
    assert all(row.lower() == there == here for row, there, here in found)
    return [row for row, _, _ in found]


def test_every_row_is_linked_from_its_statement_once_and_back() -> None:
    rows = [row.id for row in LEDGER]
    assert sorted(links("backpropagation.md", THERE)) == rows
    assert links("ledger.md", BACK) == rows
