"""What README says and shows: counts against the project, misprints against the record, an error as it is raised."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from derive.evidence.ladder import LADDER
from derive.notation.define import load_project
from reference import linear

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORD = json.loads((ROOT / "docs" / "assets" / "verification.json").read_text(encoding="utf-8"))


def test_layers_are_counted() -> None:
    assert re.findall(r"(\d+) layers derived", README) == [str(len(load_project()))]
    recorded = str(sum(n in RECORD for n in load_project()))
    assert set(re.findall(r"(\d+)/(\d+) ", README)) == {(recorded, recorded)}


def test_misprints_are_those_of_the_record() -> None:
    texts = [leg["text"] for n in load_project() if n in RECORD for leg in RECORD[n]["legs"] if leg["leg"] == "page"]
    found = [re.search(r"(\d+)/(\d+) misprints", text) for text in texts]
    caught, tried = (sum(int(m[k]) for m in found if m) for k in (1, 2))
    assert f"{caught:,} of {tried:,} misprints caught" in README


def test_legs_are_those_of_the_ladder() -> None:
    shown = re.findall(r"^(?:layer_norm|rms_norm) .*✓.*$", README, re.MULTILINE)
    assert shown
    for line in shown:
        assert {w.strip() for w in re.findall(r"· ([a-z ]+) ✓", line)} <= set(LADDER)


def test_the_error_is_raised_as_it_is_shown() -> None:
    said = re.search(r"^>>> (linear\.forward.*)\n(ValueError: .*)$", README, re.MULTILINE)
    assert said
    with pytest.raises(ValueError) as raised:
        eval(said[1], {"np": np, "linear": linear})
    assert f"ValueError: {raised.value}" == said[2]


def test_the_commands_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    from derive.cli import main

    listed = set(re.findall(r"^gradbook (\w+)", README, re.MULTILINE))
    with contextlib.suppress(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert listed
    assert all(re.search(rf"\b{command}\b", said) for command in listed)


def test_home_says_how_it_is_installed() -> None:
    home = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert "$ pip install . " in home
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = project["requires-python"].removeprefix(">=")
    assert f"Python {least} or later" in home
