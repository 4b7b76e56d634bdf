"""What a fork says, and what is made of one that says nothing."""

from __future__ import annotations

import os
from pathlib import Path

from tests.mutation.forked import ENDLESS, Batch, Tree, engine, enter, forked

TEST = "from derive.a import f\ndef test_two():\n    assert f() == 2\ndef test_one():\n    assert f() == 1\n"


def endless() -> str:
    while True:
        pass


def test_what_a_fork_says() -> None:
    assert forked(lambda: "a test", 5) == "a test"
    assert forked(lambda: str(1 / 0), 5) == "ZeroDivisionError: division by zero"
    assert forked(endless, 0) == ENDLESS
    assert forked(lambda: os._exit(3), 5, 10) == "a crash"


def test_a_change_is_read_by_the_tests_and_gone_after_it(tmp_path: Path) -> None:
    """The test that is asked for first tells; a text as long and as new as the one before is not taken for it."""
    files = {"derive/__init__.py": "", "derive/a.py": "def f():\n    return 1\n", "tests/test_a.py": TEST}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    batch = Batch("tests/test_a.py", ["tests/test_a.py::test_one", "tests/test_a.py::test_two"], 1.0)
    tree = Tree(tmp_path)
    assert forked(lambda: engine(tree, [], [batch]), 60) == "tests/test_a.py::test_two"
    tree.write("derive/a.py", "def f():\n    return 2\n")
    assert forked(lambda: engine(tree, [], [batch]), 60) == "tests/test_a.py::test_one"
    alone = Batch("tests/test_a.py", ["tests/test_a.py::test_two"], 1.0)
    assert forked(lambda: engine(tree, [], [alone]), 60) == ""
    tree.write("derive/a.py", "def f(:\n")
    assert forked(lambda: engine(tree, [], [batch]), 60) == "tests/test_a.py: tests/test_a.py cannot be read"


def test_a_fork_reads_from_its_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "derive").mkdir()
    (tmp_path / "derive" / "__init__.py").write_text("WHERE = 'the copy'\n")

    def where() -> str:
        enter(tmp_path)
        import derive

        return str(derive.WHERE)  # type: ignore[attr-defined]

    assert forked(where, 20) == "the copy"
