"""What a fork says, and what is made of one that says nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.mutation.forked import ENDLESS, Batch, Tree, engine, enter, forked
from tests.mutation.reach import ROOT

TEST = "from derive.a import f\ndef test_two():\n    assert f() == 2\ndef test_one():\n    assert f() == 1\n"


def endless() -> str:
    while True:
        pass


def test_what_a_fork_says() -> None:
    assert forked(lambda: "a test", 5) == "a test"
    assert forked(lambda: str(1 / 0), 5) == "ZeroDivisionError: division by zero"
    assert forked(endless, 0) == ENDLESS
    assert forked(lambda: os._exit(3), 5, 10) == "a crash"


def told(folder: Path) -> list[str]:
    """What is said of four texts, one after the other."""
    batch = Batch("tests/test_a.py", ["tests/test_a.py::test_one", "tests/test_a.py::test_two"], 1.0)
    alone = Batch("tests/test_a.py", ["tests/test_a.py::test_two"], 1.0)
    tree, said = Tree(folder), [forked(lambda: engine(Tree(folder), [], [batch]), 60)]
    tree.write("derive/a.py", "def f():\n    return 2\n")
    said += [forked(lambda one=one: engine(tree, [], [one]), 60) for one in (batch, alone)]
    tree.write("derive/a.py", "def f(:\n")
    return [*said, forked(lambda: engine(tree, [], [batch]), 60)]


def test_a_change_is_read_by_the_tests_and_gone_after_it(tmp_path: Path) -> None:
    """The test that is asked for first tells; a text as long and as new as the one before is not taken for it.

    Asked in a process that has read libraries alone, as the command's has: one of many tests has read more.
    """
    files = {"derive/__init__.py": "", "derive/a.py": "def f():\n    return 1\n", "tests/test_a.py": TEST}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    script = "from tests.mutation.test_forked import *; print(json.dumps(told(Path(sys.argv[1]))))"
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout or "[]") == [
        "tests/test_a.py::test_two",
        "tests/test_a.py::test_one",
        "",
        "tests/test_a.py: tests/test_a.py cannot be read",
    ], done.stderr


def test_a_fork_reads_from_its_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "derive").mkdir()
    (tmp_path / "derive" / "__init__.py").write_text("WHERE = 'the copy'\n")

    def where() -> str:
        enter(tmp_path)
        import derive

        return str(derive.WHERE)  # type: ignore[attr-defined]

    assert forked(where, 20) == "the copy"
