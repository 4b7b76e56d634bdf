"""The changes that `python -m tests.engine_mutants` makes: each is one, of code that runs, and can be found out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import engine_mutants
from tests.mutation.changes import KINDS, changes, lines_of
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.reach import ROOT, Reach, places, sources

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
    for path, source in list(sources().items())[::20]:
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


def test_the_line_that_must_run_for_a_change_to_be_noticed() -> None:
    found = {c.text: lines_of(c, SOURCE) for c in changes("a.py", SOURCE)}
    assert found["8"] == (1, SOURCE.count("\n") + 1)  # a table: whatever runs the module
    assert found["(not (n < 3 and word))"] == found["(n <= 3)"] == (14, 14)
    assert found["pass"] in {(15, 15), (16, 16)}
    several = "def f(a: int = 1) -> int:\n    return g(\n        a +\n        2\n    )\n"
    found = {c.text: lines_of(c, several) for c in changes("a.py", several)}
    assert found["(a - 2)"] == found["3"] == (2, 5)
    assert found["2"] == (1, 5)  # a default is read with the module: what runs the function


def test_a_line_is_found_where_it_has_been_moved() -> None:
    assert places("a\nb\nc", "new\na\nc") == {1: 2, 3: 3}


def test_what_runs_a_line_is_recorded(tmp_path: Path) -> None:
    """A layer's part of the drift check, in a process of its own."""
    script = (
        "from tests.mutation.reach import Recorder; from pathlib import Path; import sys\n"
        "recorder = Recorder(Path(sys.argv[1]), 'one')\n"
        "from derive.notation.affine import affine\n"
        "from derive.notation.expr import Num\n"
        "recorder.begin('this'); affine(Num(1), 'i'); recorder.end('this'); recorder.save()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=True)
    reach = Reach(tmp_path)
    path = "derive/notation/affine.py"
    source = (ROOT / path).read_text()
    found = {(c.scope, name) for c in changes(path, source) for name in reach.of(c, source)}
    assert found == {("affine", "this")}


def test_the_quickest_of_each_function_come_first() -> None:
    seconds = {"drift:relu": 0.0, "a::slow": 2.0, "a::many[1]": 0.1, "a::many[2]": 0.2, "b::one": 0.3, "b::long": 5.0}
    found = engine_mutants.batches({**seconds, "a::endless": 2 * engine_mutants.LIMIT})
    assert [(b.file, b.names) for b in found] == [
        ("a", ["a::many[1]", "a::slow"]),
        ("b", ["b::one"]),
        ("b", ["b::long"]),  # the files are read again for what takes long
        ("a", ["a::many[2]"]),
    ]


def test_what_is_missed_is_told_and_what_no_run_can_tell_does_not_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    diff = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-  a < b\n+  a <= b\n"
    found = [engine_mutants.Outcome(str(n), "drift:relu", "", 1, 1.0) for n in range(20)]
    missed = engine_mutants.Outcome("20", "", diff, 5, 1.0)
    assert engine_mutants.report(found) == 0
    assert engine_mutants.report([*found, missed]) == 1
    assert "not noticed by the drift check and 5 tests:\n--- a.py" in capsys.readouterr().out
    monkeypatch.setitem(EQUIVALENT, engine_mutants.essence(diff), "the same")
    assert engine_mutants.report([*found, missed]) == 0
