"""A page as one HTML file: nothing is loaded, everything that is shown is in it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator

import pytest
from fontTools.ttLib import TTFont

from derive.command import build
from derive.notation.define import REGISTRY
from derive.targets.html.fonts import FORMULA, TEX, characters

LAYERS = '''
from derive import layer


@layer(cites="Zhang and Sennrich 2019, arXiv:1910.07467")
def own_norm(x: Real[..., i], gamma: Real[i], epsilon: Positive = 1e-6):
    """Divide each example by the root mean square of its features, then scale."""
    inv_rms[...] = 1 / sqrt(mean(i, x[..., i] ** 2) + epsilon)
    y[..., i] = gamma[i] * x[..., i] * inv_rms[...]
    return y


@layer(cites="")
def own_block(x: Real[..., i], gamma: Real[i]):
    """Add what is normalised."""
    z = own_norm(x, gamma)
    y[..., i] = x[..., i] + z[..., i]
    return y
'''


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    before = dict(REGISTRY)
    folder = tmp_path_factory.mktemp("html")
    (folder / "own.py").write_text(LAYERS)
    plan = build.generate(file=folder / "own.py", html=True)
    build.write(plan)
    yield {p.stem: p.read_text(encoding="utf-8") for p in (folder / "kernels").glob("*.html")}
    again = build.generate(file=folder / "own.py")  # what was asked for once is kept up to date
    assert sorted(p.name for p in again.files if p.suffix == ".html") == ["own_block.html", "own_norm.html"]
    assert not again.stale()
    REGISTRY.clear()
    REGISTRY.update(before)


def test_each_layer_has_a_page(pages: dict[str, str]) -> None:
    assert sorted(pages) == ["own_block", "own_norm"]


@pytest.mark.parametrize("name", ["own_norm", "own_block"])
def test_nothing_is_loaded(pages: dict[str, str], name: str) -> None:
    text = pages[name]
    addresses = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)|url\(["']?([^"')]+)""", text)
    loaded = [a or b for a, b in addresses if not (a or b).startswith(("#", "data:"))]
    assert loaded == (["own_norm.html"] * len(loaded) if name == "own_block" else [])
    assert "<script" not in text
    assert "@import" not in text


def test_parts_are_linked_as_pages_beside(pages: dict[str, str]) -> None:
    assert 'href="own_norm.html"' in pages["own_block"]


def font(text: str) -> TTFont:
    data = re.search(r"data:font/woff2;base64,([^\"]+)", text)
    assert data
    return TTFont(io.BytesIO(base64.b64decode(data[1])))


@pytest.mark.parametrize("name", ["own_norm", "own_block"])
def test_every_sign_of_a_formula_is_in_the_font(pages: dict[str, str], name: str) -> None:
    has = font(pages[name])
    known = has.getBestCmap()
    drawn = {c for m in FORMULA.findall(pages[name]) for c in re.sub(r"<[^>]*>", "", TEX.sub("", m)) if c.strip()}
    assert drawn
    invisible = {"\u2061", "\u2062", "\u200b"}
    assert not {c for c in drawn - invisible if ord(c) not in known}
    assert "MATH" in has  # how signs grow


def test_what_is_no_character_is_in_the_font_too(pages: dict[str, str]) -> None:
    assert "<msqrt" in pages["own_norm"]
    known = font(pages["own_norm"]).getBestCmap()
    assert {0x221A, 0x1D465, 0x1D6FE} <= set(known)  # the sign of a root, italic x, italic gamma
    assert "\u221a" not in characters(["<math><mi>x</mi></math>"])
