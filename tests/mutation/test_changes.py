"""The changes that `python -m tests.engine_mutants` makes: each is one, of code that runs, and can be found out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import engine_mutants
from tests.mutation.changes import KINDS, changes

SOURCE = '''"""A module; 1 + 1."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import this

LIMIT = 7


class Thing:
    def grows(self, n: int, word: str = "é") -> bool:
        """Not 1 + 1 either."""
        assert n > 0
        if n < 3 and word:
            raise ValueError(f"{n + 1} is too small")
        self.size = n * 2
        return self.size != n
'''
WANTED = {
    "operator": ["(n <= 3)", "(n < 3 or word)", "(n + 2)", "(self.size == n)"],
    "condition": ["(not (n < 3 and word))"],
    "constant": ["8", "4", "3"],
    "returned": ["not (self.size != n)"],
    "dropped": ["pass", "pass"],
}


def test_every_kind_and_nothing_else() -> None:
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for change in changes("a.py", SOURCE):
        found[change.kind].append(change.text)
        assert change.scope == ("" if change.text == "8" else "Thing.grows")
    assert {kind: sorted(texts) for kind, texts in found.items()} == {k: sorted(t) for k, t in WANTED.items()}


def test_a_change_is_in_its_place() -> None:
    source = "x = 'é' if a < b else (\n    c +\n    d\n)\n"
    applied = {change.applied(source) for change in changes("a.py", source)}
    assert "x = 'é' if a < b else (\n    (c - d)\n\n)\n" in applied
    assert "x = 'é' if (not (a < b)) else (\n    c +\n    d\n)\n" in applied


def test_of_the_engine_every_one_is_python_and_leaves_the_other_lines_where_they_are() -> None:
    for path, source in list(engine_mutants.sources().items())[::20]:
        for change in list(changes(path, source))[::12]:
            text = change.applied(source)
            compile(text, path, "exec")
            assert text.count("\n") == source.count("\n")
            assert text != source
            assert change.diff(source).count("\n@@") <= 1


def test_a_sample_has_every_kind_and_a_larger_one_begins_with_it() -> None:
    few, many = (engine_mutants.drawn(n, 3, "derive/notation/d") for n in (10, 25))
    assert few == many[:10]
    assert {change.kind for change in few} == set(KINDS)
    assert engine_mutants.drawn(10, 4, "derive/notation/d") != few


def test_the_quickest_tests_that_run_the_function_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_mutants, "KEPT", tmp_path)
    (tmp_path / "reach").mkdir()
    function, other = "a.py:Thing.grows", "a.py:other"
    lines = [("slow", 2.0, [function]), ("quick", 0.1, [function, other]), ("not", 0.0, [other])]
    lines += [("endless", 2.0 * engine_mutants.LIMIT, [function]), ("drift", 0.0, [other])]
    texts = [json.dumps({"test": t, "seconds": s, "functions": f}) for t, s, f in lines]
    (tmp_path / "reach" / "tests").write_text("\n".join(texts))
    reach = engine_mutants.Reach.load()
    assert reach.drift == {other, "a.py:"}
    for change in changes("a.py", SOURCE):
        assert reach.by_drift(change) == (not change.scope)
        assert reach.of(change) == (["not", "quick", "slow"] if not change.scope else ["quick", "slow"])


def test_what_is_missed_is_told_and_what_no_run_can_tell_does_not_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    diff = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-  a < b\n+  a <= b\n"
    found = [engine_mutants.Outcome(str(n), "drift check", "", 1, 1.0) for n in range(20)]
    missed = engine_mutants.Outcome("20", "", diff, 5, 1.0)
    assert engine_mutants.report(found) == 0
    assert engine_mutants.report([*found, missed]) == 1
    assert "not noticed by the drift check and 5 tests:\n--- a.py" in capsys.readouterr().out
    monkeypatch.setitem(engine_mutants.EQUIVALENT, engine_mutants.essence(diff), "the same")
    assert engine_mutants.report([*found, missed]) == 0
