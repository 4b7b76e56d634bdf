"""The page leg: what the built site says, against the kernels."""

from __future__ import annotations

import gzip
import importlib
import re
from pathlib import Path

import pytest

from tests.page.compare import check
from tests.page.equivalent import rows
from tests.page.glyphs import glyphs
from tests.page.items import Items
from tests.page.reader import Page, read
from tests.page.reading import reading
from tests.page.score import other_formulas, score

ROOT = Path(__file__).resolve().parents[2]
KINDS = "count|fact|step|accumulation|line|note|collected|shown|mistake|tangent|rates"
OTHERS = re.compile(rf"\(?({KINDS})\b")  # rows for what has a kind before it
MOST = 60_000  # bytes of a page, compressed
LAYERS = sorted(p.stem for p in (ROOT / "reference" / "layers").glob("*.py") if p.stem != "__init__")


def page(site: Path, name: str) -> Page:
    return read((site / "layers" / name / "index.html").read_text(encoding="utf-8"), name)


def test_every_kernel_has_a_page_and_every_page_a_kernel(site: Path) -> None:
    assert sorted(p.parent.name for p in (site / "layers").glob("*/index.html")) == LAYERS


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_page_and_kernel_agree(site: Path, name: str) -> None:
    assert check(page(site, name), importlib.import_module(f"reference.layers.{name}")) == []


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_drawn_is_what_is_annotated(site: Path, name: str) -> None:
    for claim in [c for variant in page(site, name).variants for c in variant.claims]:
        wanted, drawn = glyphs(claim)
        assert wanted == drawn, claim.tex


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_every_misprint_is_caught_or_equivalent(site: Path, name: str) -> None:
    layer = importlib.import_module(f"reference.layers.{name}")
    results = list(score(page(site, name), layer, times=40))  # a window of 3, padding of 2 and no count of it are rare
    assert results
    survivors = [str(r) for r in results if not r.caught and not r.equivalent]
    # of a block, an axis that a part makes is as long as an input's: what says its length may say more than one thing
    most = len(results) // 50 if name in ("residual_block", "dense_layer", "encoder_block") else 0
    assert len(survivors) <= most, "\n".join(
        [f"{len(survivors)} of {len(results)} misprints are not caught:", *survivors]
    )
    own = [p for p, _ in rows(name) if not OTHERS.match(p)]  # those of other formulas: see below
    stale = [p for p in own if not any(re.fullmatch(p, r.mutant.tex) for r in results if not r.caught)]
    assert not stale, f"no survivor matches these rows of tests/page/equivalent.py: {stale}"


def test_formulas_have_a_small_font_of_their_own(site: Path) -> None:
    font = site / "assets" / "fonts" / "STIXTwoMath.woff2"
    assert font.read_bytes()[:4] == b"wOF2"
    assert 10_000 < font.stat().st_size < 200_000
    assert f'url("fonts/{font.name}")' in (site / "assets" / "math.css").read_text()


def test_every_page_is_small(site: Path) -> None:
    """Compressed, and without the font, which is counted above."""
    sizes = {p.parent.relative_to(site).as_posix(): len(gzip.compress(p.read_bytes())) for p in site.rglob("*.html")}
    assert len(sizes) > len(LAYERS)
    assert {page: size for page, size in sizes.items() if size >= MOST} == {}


@pytest.mark.parametrize("name", ["softmax", "max_pool2d"])
def test_misprints_of_the_other_formulas_are_caught(site: Path, name: str) -> None:
    """All layers have their turn in the page leg of `gradbook verify`."""
    text = (site / "layers" / name / "index.html").read_text(encoding="utf-8")
    items = Items(reading(text, read(text, name), importlib.import_module(f"reference.layers.{name}")))
    count, survivors = other_formulas(items)
    open_ = [str(s) for s in survivors if not s.equivalent]
    assert count > 500
    assert len(open_) <= 0.01 * count, "\n".join(open_)
