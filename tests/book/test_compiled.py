"""The page on how a layer is compiled: it is what the compiler does now."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from derive.notation.define import REGISTRY, load_project
from derive.notation.expr import mul, num
from derive.program import compile as compiler
from derive.program.draft import Draft
from derive.targets import compiled

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-a-layer-is-compiled.md"


@pytest.fixture(scope="module", autouse=True)
def project() -> None:
    load_project()


@pytest.fixture(scope="module")
def page() -> str:
    return compiled.page()


def test_the_page_is_what_the_compiler_does(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page, "to update it: gradbook build"


def test_every_pass_is_there_in_order(page: str) -> None:
    found = re.findall(r"^### \d+\. (\w+)$", page, re.MULTILINE)
    assert found == [step.__name__ for step in compiler.passes()]


def test_what_a_pass_says_of_itself_is_a_sentence() -> None:
    for step in compiler.passes():
        assert re.fullmatch(r"[A-Z`].+\.", compiled.first_paragraph(step)), step.__name__


def test_marked_lines_are_the_new_ones() -> None:
    """Without the marked lines nothing is left that was not there before the pass."""
    for stage in compiled.stages(REGISTRY["softmax"][0]):
        head, *lines = compiled.block(stage.after, stage.before)[:-1]
        marked = {int(n) for n in re.findall(r"\d+", head)}
        kept = {line.strip() for n, line in enumerate(lines, 1) if n not in marked}
        assert kept <= {line.strip() for line in stage.before} or not marked


def test_a_pass_that_does_something_else_shows(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    def needed(draft: Draft) -> Draft:
        """Everything twice as large."""
        return draft.with_equations(replace(e, body=mul(num(2), e.body)) for e in draft.equations)

    other = tuple(needed if step.__name__ == "needed" else step for step in compiler.passes())
    monkeypatch.setattr(compiler, "passes", lambda costs=None: other)
    changed = "\n".join(line for stage in compiled.stages(REGISTRY["softmax"][0]) for line in stage.after)
    assert "2 * y" not in page
    assert "2 * y" in changed


def test_where_what_happens_is_complete() -> None:
    """CONTRIBUTING.md names every folder of the engine, and every pass in its order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {p.parent.name for p in (ROOT / "derive").glob("*/__init__.py")}
    assert folders == set(re.findall(r"^\| `derive/(\w+)/` \|", text, re.MULTILINE))
    table = text[text.index("| pass |") : text.index("## What a change must keep")]
    named = [name for row in re.findall(r"^\|([^|]+)\|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert named == [step.__name__ for step in compiler.passes()], "the table of passes in CONTRIBUTING.md"


def test_arrays_that_begin_early_say_so() -> None:
    texts = [stage.after for stage in compiled.stages(REGISTRY["lstm"][0])]
    assert any("h: real[t from -1, ..., n]" in line for line in texts[-1])
