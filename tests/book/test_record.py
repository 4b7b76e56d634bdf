"""The verification record and the command that writes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from derive.calculus.derivation import derive
from derive.cli import main
from derive.command import record
from derive.notation.define import load_project
from derive.targets.markdown import Page, markdown


def test_round_trip_keeps_legs_that_were_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "record.json"
    exact, steps = record.entry("exact", True, "5 comparisons"), record.entry("steps", True, "2 steps", "all")
    record.store(path, {"relu": ("aaaa", [exact])})
    record.store(path, {"relu": ("aaaa", [steps])})
    assert [leg["leg"] for leg in record.legs(record.load(path), "relu", "aaaa")] == ["steps", "exact"]


def test_another_definition_has_no_record(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record.store(path, {"relu": ("aaaa", [record.entry("exact", True, "5 comparisons")])})
    assert record.legs(record.load(path), "relu", "bbbb") == ()
    record.store(path, {"relu": ("bbbb", [record.entry("steps", True, "2 steps")])})
    assert [leg["leg"] for leg in record.legs(record.load(path), "relu", "bbbb")] == ["steps"]


def test_damaged_record_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("[1]")
    with pytest.raises(ValueError, match="delete it"):
        record.load(tmp_path / "record.json")


def page(legs: tuple[dict[str, object], ...]) -> str:
    return markdown(Page(tuple(derive(v) for v in load_project()["relu"]), "aaaa", "relu.py", legs=legs))


def test_page_shows_numbers_or_that_there_are_none() -> None:
    assert "not run" in page(())
    shown = page((record.entry("mutants", True, "31/31"), record.entry("exact", False, "FAILED", "x_y is 3")))
    assert "31/31" in shown
    assert "gb-bad" in shown
    assert "`x_y is 3`" in shown, "a detail is no Markdown"


def test_verify_runs_every_leg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derive.command.pageleg.missing", lambda: "not here")  # building the book is for tests/page
    assert main(["verify", "identity", "--no-record"]) == 0
    shown = capsys.readouterr().out
    for leg in ("steps", "exact", "definition", "differences", "enclosure", "duality", "mutants"):
        assert f"{leg} ✓" in shown


@pytest.mark.parametrize("given", [["--misprints", "9"], ["--no-record", "--misprints", "0"]])
def test_a_sample_of_misprints_is_not_recorded(capsys: pytest.CaptureFixture[str], given: list[str]) -> None:
    assert main(["verify", "identity", *given]) == 2
    assert "what is recorded is of all misprints" in capsys.readouterr().err


def test_verify_of_an_unknown_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "nope", "--no-record"]) == 2
    assert "nope" in capsys.readouterr().err


def test_what_was_not_run_takes_no_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record.store(path, {"relu": ("aaaa", [record.entry("exact", True, "5 comparisons")])})
    none = [record.entry(leg, None, "not run", "pip install gradbook[oracle]") for leg in ("exact", "enclosure")]
    record.store(path, {"relu": ("aaaa", none)})
    legs = record.legs(record.load(path), "relu", "aaaa")
    assert [leg["passed"] for leg in legs] == [True, None]
    shown = page(tuple(dict(leg) for leg in legs))
    assert "gb-none" in shown
    assert "| enclosure | not run | `pip install gradbook[oracle]` |" in shown
    assert "fail" not in shown[: shown.index("## Symbols")]


@pytest.mark.parametrize("module", ["flint"])
def test_what_a_leg_needs_and_is_not_installed(
    module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derive.command.pageleg.missing", lambda: "not here")
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["verify", "identity", "--no-record"]) == 0
    shown = capsys.readouterr().out
    assert "✗" not in shown
    assert "enclosure –" in shown
    assert "exact ✓" in shown
    assert "pip install gradbook[oracle]" in shown
    assert "page: not here" in shown
