"""Every statement of the source document, by the code behind its verdict."""

from __future__ import annotations

import pytest

from derive.conventions import CONVENTIONS
from derive.ledger import LEDGER, Row
from derive.notation.define import load_project


@pytest.mark.parametrize("row", [row for row in LEDGER if row.verdict != "planned"], ids=lambda row: row.id)
def test_verdict_is_shown(row: Row) -> None:
    row.check()


def test_every_statement_has_a_row() -> None:
    assert [row.id for row in LEDGER] == [f"S{n:02}" for n in range(1, 43)]


def test_nothing_is_planned() -> None:
    assert [row.id for row in LEDGER if row.verdict == "planned"] == []


@pytest.mark.parametrize("row", LEDGER, ids=lambda row: row.id)
def test_rows_say_what_they_must(row: Row) -> None:
    known = load_project()
    assert set(row.layers) <= set(known)
    assert row.verdict == "planned" or row.layers or row.where
    if row.verdict in ("assumption", "corrected"):
        assert row.note, "the assumption, or what is right instead"


def test_conventions_name_layers_that_exist() -> None:
    known = set(load_project())
    assert {name for row in CONVENTIONS for name in row.layers} <= known
