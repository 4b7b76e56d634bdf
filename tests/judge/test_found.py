"""A candidate by its name: what is wrong with the name, or the file, is said with how to mend it; exit status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.cli import main

DEFINITION = '''
@layer(cites="x")
def halved(x: Real[...]):
    """Half of it."""
    y[...] = x[...] / 2
    return y
'''
FILES = {
    "defined.py": "from __future__ import annotations\nfrom derive import layer\n" + DEFINITION,
    "evaluated.py": "from derive import layer\n" + DEFINITION,
    "halves.py": "def half(x):\n    return x / 2\n",
    "broken.py": "def half(x:\n",
    "needy.py": "import nothing_of_this_name\n",
}
#: Words typed after `gradbook judge`, and what is said.
TYPED: tuple[tuple[str, str], ...] = (
    ("relu defined.py:halved", "forward is the definition halved: it says what is right"),
    ("relu evaluated.py:halved", "evaluated.py is a file of definitions (line 4: name 'Real' is not defined)"),
    ("relu evaluated.py:halved", "gradbook judge FILE.py:LAYER MODULE:FUNCTION"),
    ("relu broken.py:half", "broken.py:1: it is no Python: '(' was never closed"),
    ("relu needy.py:half", "needy.py imports nothing_of_this_name, which there is not here"),
    ("relu gone.py:half", "there is no file gone.py; write FILE.py:FUNCTION"),
    ("relu halves.py:hlf", "halves.py has no 'hlf'; it has half"),
    ("relu halves.py:half --framework module", "a function is of framework numpy"),
    ("relu", "there is nothing to judge: say which function computes it, gradbook judge relu FILE.py:FUNCTION"),
    ("relu halves.py:half --seed -4", "--seed -4: a seed is a whole number from 0 on"),
    ("relu halves.py:half --option axis", "write --option NAME=VALUE"),
    ("relu halves.py:half --replay relu.0.999.float64.1", "is no case of relu now"),
    ("softmax halves.py:half --rename z=x --rename axis=dim", "rename: forward has no parameter dim; it takes x"),
    ("defined.py:quartered halves.py:half", "defined.py defines no layer 'quartered'; it has halved"),
    ("gone.py:halved halves.py:half", "there is no file gone.py; write FILE.py:LAYER"),
)


@pytest.mark.parametrize(("typed", "words"), TYPED, ids=[t for t, _ in TYPED])
def test_what_cannot_be_judged_as_typed_is_said(
    typed: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["judge", *typed.split(), "--budget", "1s"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert "Error:" not in said


def test_a_definition_judges_a_function_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["judge", "defined.py:halved", "halves.py:half", "--budget", "1s"]) == 0
    assert "halved: right" in capsys.readouterr().out
