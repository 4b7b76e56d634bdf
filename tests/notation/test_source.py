"""Files of definitions: read without being run, and what is said of a file that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.notation import define
from derive.notation.define import home, load_file, load_project, read_source
from derive.notation.errors import DefinitionError

HEAD = "from __future__ import annotations\n\nfrom derive import layer\n"
TWICE = '\n\n@layer(cites="me")\ndef twice(x: Real[i]):\n    """Twice."""\n    y[i] = 2 * x[i]\n    return y\n'


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    load_project()


PROJECT = sorted(p for p in home().glob("*.py") if p.name != "__init__.py")


@pytest.mark.parametrize("path", PROJECT, ids=lambda p: p.stem)
def test_the_projects_own_files_read_alike_in_both_ways(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = load_project()
    own = {n: v for n, v in known.items() if v[0].file == str(path)}
    found = read_source(path.read_text(encoding="utf-8"), path)
    assert found == own


NOT_RUN = {
    "a call": ("print('hello')\n", "runs nothing"),
    "an assignment": ("x = open('mark', 'w')\n", "runs nothing"),
    "a class": ("class A:\n    pass\n", "runs nothing"),
    "a test": ("if True:\n    import os\n", "runs nothing"),
    "an import": ("import os\n", "imports this project alone"),
    "an import beside": ("import derive, os\n", "imports this project alone"),
    "a name of another module": ("from os import path\n", "imports this project alone"),
    "a relative import": ("from . import derive\n", "imports this project alone"),
    "a module that is none": ("from derive.layers import nothing\n", "imports this project alone"),
    "another future": ("from __future__ import division\n", "write: from __future__ import annotations"),
    "another layer": ("import derive.layers.softmaxes as layer\n", "from derive import layer"),
    "an alias": ("from derive import record as layer\n", "from derive import layer"),
    "a second decorator": (TWICE.replace("@layer", "@print\n@layer"), "not decorated with a plain @layer"),
    "no decorator": (TWICE.replace('@layer(cites="me")\n', ""), "not decorated with a plain @layer"),
    "another decorator": (TWICE.replace("layer", "print"), "not decorated with a plain @layer"),
    "an expression cited": (TWICE.replace('"me"', "open('mark').read()"), "not decorated with a plain @layer"),
    "a formatted citation": (TWICE.replace('"me"', "f'{1}'"), "not decorated with a plain @layer"),
    "a default that would be run": (TWICE.replace("[i])", "[i], a: Scalar = print(1))"), "not a number"),
    "an asynchronous function": (TWICE.replace("def", "async def"), "runs nothing"),
}


@pytest.mark.parametrize("case", NOT_RUN)
def test_an_isolated_file_holds_definitions_alone(case: str, tmp_path: Path) -> None:
    text, words = NOT_RUN[case]
    path = tmp_path / "isolated.py"
    path.write_text(HEAD + text)
    with pytest.raises(DefinitionError) as caught:
        load_file(path, isolated=True)
    message = str(caught.value)
    assert words in message
    assert "isolated.py:" in message
    assert "^" in message
    assert list(tmp_path.iterdir()) == [path]


def test_an_isolated_file_imports_layer(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="layer is not imported"):
        read_source(TWICE, "mine.py")
    assert list(read_source(HEAD + TWICE, "mine.py")) == ["twice"]


BROKEN = {
    "a syntax error": (b"def f(:\n", "SyntaxError"),
    "a null character": (b"x = 1\0\n", "null"),
    "other bytes": (b"\xff\xfe\x00bad", "not text"),
    "an unknown encoding": (b"# coding: nonsense\n", "not text"),
    "nothing": (b"", "defines no layer"),
    "a comment": (b"# later\n", "defines no layer"),
    "nested too deep": (b"x = " + b"(" * 500 + b"1" + b")" * 500 + b"\n", "broken.py"),
    "an exit": (b"raise SystemExit(3)\n", "SystemExit: 3"),
    "a name twice": ((HEAD + TWICE + TWICE).encode(), "twice is defined at line 6 already"),
    "no brackets": ((HEAD + TWICE.replace('(cites="me")', "")).encode(), "twice: @layer stands without brackets"),
    "a class": ((HEAD + "\n\n@layer()\nclass A:\n    pass\n").encode(), "not a function"),
    "a lambda": ((HEAD + "\nf = layer()(lambda x: x)\n").encode(), "not a definition"),
    "a number cited": ((HEAD + TWICE.replace('"me"', "3")).encode(), "cites is 3"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_read_is_named(case: str, tmp_path: Path) -> None:
    content, words = BROKEN[case]
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    before = dict(define.REGISTRY)
    with pytest.raises(DefinitionError) as caught:
        load_file(path)
    assert words in str(caught.value)
    assert "broken.py" in str(caught.value)
    assert before == define.REGISTRY


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is a folder"):
        load_file(tmp_path)


def test_the_place_is_counted_in_characters(tmp_path: Path) -> None:
    path = tmp_path / "greek.py"
    path.write_text(HEAD + TWICE.replace("2 * x[i]", "'αβγ' + θ[i]").replace("x: Real", "\tx: Real"), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_file(path)
    line, marks = str(caught.value).splitlines()[2:4]
    assert line[marks.index("^") : marks.rindex("^") + 1] == "'αβγ'"


def test_a_file_is_read_again_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    for text in (TWICE, "\n\n" + TWICE, TWICE.replace("2", "3")):
        path.write_text(HEAD + text)
        found = load_file(path)["twice"][0]
        assert found.source.splitlines()[-2] == text.splitlines()[-2]
        assert found == load_file(path, isolated=True)["twice"][0]
