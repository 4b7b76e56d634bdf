"""The page that compares checks shows what was recorded, and the checks do what they are called."""

from __future__ import annotations

import json

import pytest

from derive.evidence import kernels
from tests.judge.candidates import MAKERS
from tests.judge.compare import GROUPS, PAGE, RECORD, checks, table, written


def test_the_page_shows_the_record() -> None:
    record = json.loads(RECORD.read_text())
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, table(record)) == page
    assert {"allclose", "assert_close", "gradcheck", "many shapes", "table", "judge"} == set(record["checks"])
    for rows in record["checks"].values():
        assert [sum(rows[g][n] for g in GROUPS[:-1]) for n in (0, 1)] == rows["all"]


def test_the_judge_catches_what_is_recorded_and_refuses_none() -> None:
    record = json.loads(RECORD.read_text())
    every, caught = record["checks"]["judge"]["all"]
    assert caught / every > 0.95
    assert record["refused"]["judge"] == 0


@pytest.mark.parametrize("layer", ["linear", "softmax"])
def test_right_ones_pass_every_check(layer: str) -> None:
    assert not any(checks(layer, kernels.kernel_of(layer), None, "module").values())


def test_what_each_check_can_see() -> None:
    forward, backward = MAKERS["layer_norm"]("")

    def wrong_value(*a: object, **o: object) -> object:
        return forward(*a, **o) * 1.1

    found = checks("layer_norm", wrong_value, backward, "numpy")
    assert found["allclose"]
    assert found["table"]
    found = checks("layer_norm", lambda *a, **o: forward(*a, **o), lambda *a, **o: tuple(
        None if g is None else g * 1.1 for g in backward(*a, **o)), "numpy")  # fmt: skip
    assert not found["allclose"]
    assert found["gradcheck"]
    assert found["assert_close"]
