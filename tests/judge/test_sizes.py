"""The sizes that people run: some of them judged here, cut to little memory; all of them recorded."""

from __future__ import annotations

import json

import pytest

from tests.judge.kernelbench import BY_NUMBER, PROBLEMS
from tests.judge.sizes import PAGE, RECORD, cut, judged, table, written

ROOM = 1 / 64


def test_the_page_shows_the_record() -> None:
    record = json.loads(RECORD.read_text())
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, table(record)) == page


def test_the_record_is_as_it_should_be() -> None:
    for number, found in json.loads(RECORD.read_text()).items():
        for candidate in ("right", "wrong"):
            assert found[candidate]["verdict"] == candidate, (number, candidate)
            assert found[candidate]["judge"] < 30


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.number} {p.words}")
def test_every_problem_has_a_shape_of_its_layer(problem: object) -> None:
    assert cut(problem, 10_000) == problem.shape  # type: ignore[arg-type, attr-defined]
    small = cut(problem, 1e-6)  # type: ignore[arg-type]
    assert small[problem.batch] in (1, 1 << 16)  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [19, 23, 38, 47, 49])
@pytest.mark.parametrize("candidate", ["right", "wrong"])
def test_a_candidate_is_judged(number: int, candidate: str) -> None:
    found = judged(number, candidate, ROOM)
    assert found["verdict"] == candidate, found
    assert BY_NUMBER[number].batch in found["shape"]
