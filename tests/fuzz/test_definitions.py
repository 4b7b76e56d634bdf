"""Mutated definitions are refused with their place, or built into kernels that do what their text says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from derive.command import build
from derive.notation import define
from derive.notation.errors import DefinitionError
from tests.fuzz.definitions import Worker, fuzz, shown, summed
from tests.fuzz.mutations import HEAD, mutant, seeds
from tests.fuzz.trial import answer
from tests.fuzz.worker import Outcome, attempt

CASES, SEED = 300, 0
RIGHT = HEAD + "def odd(x: Real[..., i], w: Real[i]):\n    y[...] = sum(i, w[i] * x[..., i] ** 2)\n    return y\n"


def test_mutated_definitions() -> None:
    """Always the same definitions; ``python -m tests.fuzz.definitions --cases 5000 --seed 1`` tries others."""
    summary = summed(fuzz(CASES, SEED, largest=150))
    assert not summary.faults, "\n".join([str(summary), *(shown(SEED, *fault) for fault in summary.faults)])
    assert summary.kinds["agrees"] > CASES / 10, str(summary)
    assert summary.kinds["refused"] > CASES / 3, str(summary)


def test_the_same_number_is_the_same_definition() -> None:
    assert [mutant(3, n, 200) for n in range(20)] == [mutant(3, n, 200) for n in range(20)]
    assert len({mutant(3, n, 200) for n in range(20)}) > 15
    assert len(seeds()) > 300


# ---- every kind of fault is seen -------------------------------------------------------------------------------------


def test_a_right_definition_agrees() -> None:
    assert attempt(RIGHT) == Outcome("agrees")


def test_a_wrong_definition_is_refused_with_its_place() -> None:
    outcome = attempt(RIGHT.replace("x[..., i]", "x[..., k]"))
    assert outcome.kind == "refused"
    assert "^" in outcome.words


def test_a_kernel_that_disagrees_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    right = build.printed

    def wrong(*arguments: Any) -> Any:
        source, notes = right(*arguments)
        return re.sub(r"(?s)(def jvp.*?return )", r"\1 2 * ", source), notes

    monkeypatch.setattr(build, "printed", wrong)
    outcome = attempt(RIGHT)
    assert outcome.kind == "fault"
    assert "disagrees" in outcome.words


def test_an_internal_error_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its place, and says itself that the definition is right."""

    def fails(*arguments: Any) -> Any:
        raise KeyError("i")

    monkeypatch.setattr(build, "printed", fails)
    outcome = attempt(RIGHT)
    assert outcome.kind == "fault"
    assert "internal error" in outcome.words


def test_the_outcome_does_not_depend_on_what_was_tried_before() -> None:
    """Nor on which worker tries it, nor on the order in which they finish."""
    texts = [mutant(SEED, n, 60) for n in range(25)]
    assert [attempt(t) for t in texts] == [attempt(t) for t in reversed(texts)][::-1]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("i"), "KeyError"),
        (DefinitionError("index expression is not affine"), "without its place"),
        (DefinitionError("odd: what\n  mutated.py:3\n    y\n  mend"), "without its place"),
    ],
)
def test_an_error_without_a_place_is_a_fault(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(define, "read_source", fails)
    outcome = attempt(RIGHT)
    assert outcome.kind == "fault"
    assert words in outcome.words


def test_what_takes_too_long_and_what_dies_is_a_fault_and_the_rest_goes_on() -> None:
    worker = Worker(answer, 0.5)
    try:
        assert worker.attempt("one") == Outcome("agrees", "one")
        assert worker.attempt("hang").words.startswith("more than")
        assert worker.attempt("die") == Outcome("fault", "the process ended with 3")
        assert worker.attempt("two") == Outcome("agrees", "two")
    finally:
        worker.end()
