"""Docstrings, citations and the words of a choice are data: in a kernel they read back as typed, on a page they are
shown, and nowhere do they run or make structure."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import sys
import types
import warnings
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.command import build, pageleg
from derive.notation.define import REGISTRY, load_project
from derive.targets import words
from tests.command.conftest import HEAD

RUN = 'setattr(__import__("builtins"), "gradbook_ran", 1)'
WORDS = {
    "code between quotes": f'"""+{RUN}+"""',
    "code between apostrophes": f"'''+{RUN}+'''",
    "code in both": f"'''\"\"\"+str({RUN})+\"\"\"'''",
    "code after a quote": f'")); {RUN}; (("',
    "code on a line of its own": f'a\n"""\n{RUN}\n"""\nb',
    "format": "{__class__} {0} {layer.source!r} %s %(x)s ${x}",
    "braces of templates": "{{ 7 * 7 }} {% raw %} {#comment#} { .gb-lead #id onclick=alert(1) }",
    "a quote at the end": 'the "',
    "quotes": "\"one\" 'two' \"\"\"three\"\"\" ''''four''''",
    "backslashes": r"\ \\ \n \N \N{BULLET} \U \u \x \xi \nu \' \" \\\\" + "\\",
    "lines": "one\ntwo\n\n    four\n\tfive",
    "other lines": "a\rb\x0bc\x0cd\x1ce\x85f\u2028g\u2029h",
    "script": "</code></pre></p><script>gradbook_ran = 1</script>",
    "attributes": "\"><img src=x onerror=alert(1)> ' onmouseover='alert(1)",
    "comment": "--> <!-- -- <![CDATA[ x ]]> <?php ?>",
    "entities": "&lt;script&gt; &#60; &amp; &",
    "links": "[a](javascript:alert(1)) ![b](x) <http://a.b> [c]: d [^1] [x][y]",
    "emphasis": "*a* **b** _c_ __d__ `e` ``f`` ~~g~~ ^h^ a_b_c",
    "cells": "a | b || c \\| d",
    "formulas": "$x$ $$y$$ \\(z\\) \\[w\\] \\$",
    "fences": "```\n</pre><script>1</script>\n```` ~~~",
    "a heading": "# a",
    "an item": "1. a",
    "another item": "- a",
    "a rule": "--- ===",
    "an admonition": '!!! danger "a"',
    "something folded": '???+ note "a"',
    "a quotation": "> a",
    "placeholders of Markdown": "\x02klzzwxh:0000\x03 \x02wzxhzdk:0\x03",
    "nothing seen": "a\x00b\x07c\x1b[31md\x7fe\u200bf\u202eg\u2066h\ufeffi\U000e0041j\ud800k\uffffl",
    "other alphabets": "Ünïcødé Ελληνικά 漢字 \U00020000\U00020001 🙂",
    "snippets": '--8<-- "mkdocs.yml"',
    "long": "f(a, b) + " * 30 + "c",
    "long and never closed": "y = " + "(" * 300 + " + 1 " * 50,
}


def definition(doc: str, cites: str, choice: str) -> str:
    """A layer that has such words; ``ascii`` writes them as literals that no encoding can harm."""
    return (
        f"{HEAD}@layer(cites={cites!a})\n"
        f'def odd(x: Real[..., i], r: Choice["plain", {choice!a}] = "plain"):\n    {doc!a}\n'
        '    y[..., i] = x[..., i] if r == "plain" else 2 * x[..., i]\n    return y\n'
    )


def built(folder: Path, text: str) -> Path:
    load_project()
    REGISTRY.pop("odd", None)
    (folder / "d.py").write_text(text, encoding="utf-8")
    try:
        build.write(build.generate(file=folder / "d.py", out=folder / "k"))
    finally:
        REGISTRY.pop("odd", None)
    return folder / "k"


def imported(folder: Path) -> types.ModuleType:
    package = types.ModuleType(f"k_{folder.parent.name}")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return importlib.import_module(f"{package.__name__}.odd")


class Shape(HTMLParser):
    """The tags of a page outside its blocks of code, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if self.code or (tag, ("class", "highlight")) == (tag, *attributes[:1]):
            self.code += tag == "div"
        else:
            self.tags.append((tag, tuple(name for name, _ in attributes)))

    def handle_endtag(self, tag: str) -> None:
        if self.code:
            self.code -= tag == "div"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Shape:
    """The page of a layer with harmless words."""
    folder = built(tmp_path_factory.mktemp("plain"), definition("Doc.", "somebody", "other"))
    return Shape(pageleg.rendered((folder / "odd.md").read_text()))


@pytest.mark.parametrize("hostile", WORDS.values(), ids=WORDS)
def test_hostile_words(tmp_path: Path, plain: Shape, hostile: str) -> None:
    doc = inspect.cleandoc(hostile)
    folder = built(tmp_path, definition(hostile, hostile, hostile))

    kernel = imported(folder)
    assert builtins.__dict__.pop("gradbook_ran", None) is None
    said = "".join((kernel.__doc__ or "").split())
    assert "".join(hostile[1:].split()) in said, "the citation"
    assert said.count("".join(doc.partition("\n")[0][1:].split())) >= 2, "the summary, and the citation"
    assert kernel.SIGNATURE.options["r"][2] == ("plain", hostile)
    assert kernel.forward([1.0], r=hostile)[0].tolist() == [2.0]
    assert kernel.forward([1.0])[0].tolist() == [1.0]

    page = (folder / "odd.md").read_text(encoding="utf-8")
    shape = Shape(pageleg.rendered(page))
    assert shape.tags == plain.tags, "words make no structure"
    text = "".join("".join(shape.text).split())
    first = doc.partition("\n")[0]
    for shown in (
        words.visible("".join(first.split())),
        words.visible(hostile, keep="\n\t"),
        words.visible(words.literal(hostile)),
    ):
        assert "".join(shown.split()) in text


@pytest.mark.parametrize("name", ["a--><script>b.py", "`|$x$.py", '"""+x.py', "\u202e[a](b).py"])
def test_hostile_file_names(tmp_path: Path, plain: Shape, name: str) -> None:
    text = definition("Doc.", "somebody", "other")
    (tmp_path / name).write_text(text)
    REGISTRY.pop("odd", None)
    build.write(build.generate(file=tmp_path / name, out=tmp_path / "k"))
    REGISTRY.pop("odd")
    assert "definition" in (imported(tmp_path / "k").__doc__ or "")
    assert Shape(pageleg.rendered((tmp_path / "k" / "odd.md").read_text())).tags == plain.tags


PIECES = st.one_of(st.text(max_size=3), st.sampled_from([*"\"'\\`|$<>&*_#~!{}[]()-+=:\n\t\r\0 ", "\ud800", "\u202e"]))
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@given(TEXTS)
def test_in_python_a_text_reads_back(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ast.literal_eval(f'"""{words.docstring(text)}"""') == text
        assert ast.literal_eval(words.literal(text)) == text


@given(TEXTS)
def test_in_markdown_a_text_is_shown(text: str) -> None:
    """In prose blanks are as in HTML; in code all is shown."""
    cell = f"| a | b |\n| --- | --- |\n| {words.prose(text)} | {words.code(text)} |"
    for page, wanted in (
        (words.prose(text), ["p"]),
        (f"x {words.prose(text)} {words.code(text)} y", ["p", "code"]),
        (cell, ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td", "code"]),
    ):
        shape = Shape(pageleg.rendered(page))
        assert [tag for tag, _ in shape.tags] == (wanted if page else [])
        assert "".join(words.visible("".join(text.split()))) in "".join("".join(shape.text).split())


@given(TEXTS, TEXTS)
def test_different_words_have_different_names(a: str, b: str) -> None:
    assert f"v_{words.identifier(a)}".isidentifier()
    assert (a == b) == (words.identifier(a) == words.identifier(b))
