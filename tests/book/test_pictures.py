"""The graph of a layer's equations: what backward reads from the forward pass is marked in it, and nothing else."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from derive.targets.svg import FILLED, unicode_name

ROOT = Path(__file__).parents[2]
PAGES = sorted(p.stem for p in (ROOT / "docs" / "layers").glob("*.md") if p.stem != "index")


@pytest.mark.parametrize("name", PAGES)
def test_what_is_kept_is_what_the_cost_section_counts(name: str) -> None:
    page = (ROOT / "docs" / "layers" / f"{name}.md").read_text(encoding="utf-8")
    listed = re.search(r"The backward equations read (.*?) from the forward pass", page)
    count = listed[1].count(", ") + 1 if listed else 0
    said = re.search(r"; kept for backward: ([^<]*)</title>", page)
    kept = said[1].split(", ") if said else []
    assert len(kept) == count
    assert page.count(FILLED) == count + bool(count)  # and the key
    saved = getattr(importlib.import_module(f"reference.layers.{name}"), "Saved", None)
    if name == "layer_norm":  # where the kernel keeps just that
        assert saved is not None
        assert set(kept) == {unicode_name(f) for f in saved._fields if f != "dims"}


@pytest.mark.parametrize("name", PAGES)
def test_the_line_of_evidence_says_how_it_is_made_and_what_it_proves(name: str) -> None:
    page = (ROOT / "docs" / "layers" / f"{name}.md").read_text(encoding="utf-8")
    line = page[page.index('<p class="gb-badges"') : page.index("## Symbols {")]
    assert "](../what-is-proved.md)" in line
    assert f"`gradbook verify {name}`" in line
