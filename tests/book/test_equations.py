"""Equations that links lead to: each has an id, and lines of the kernel are linked to what they compute."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.targets.html.links import linked
from tests.page.prose.page import is_layer, pages

EQUATION = re.compile(r'<div class="math" id="(eq-[\w-]+)"><math.*?</math><a [^>]*href="#([\w-]+)"', re.DOTALL)


def test_equations_have_ids_that_differ_and_links_to_themselves(site: Path) -> None:
    for name, html in pages(site).items():
        if is_layer(name):
            found = EQUATION.findall(html)
            assert found, name
            assert all(place == link for place, link in found), name
            assert len({*re.findall(r' id="([^"]+)"', html)}) == html.count(' id="'), name
            sections = html[html.index('id="forward"') : html.index('id="symbols"')]
            assert sections.count('display="block"') == sections.count('id="eq-'), name


def test_lines_of_the_kernel_lead_to_their_equations(site: Path) -> None:
    html = (site / "layers" / "layer_norm" / "index.html").read_text(encoding="utf-8")
    kernel = html[html.index('id="kernel"') :]
    assert {*re.findall(r'class="gb-equation" href="#([^"]+)"', kernel)} >= {"eq-forward-mu", "eq-backward-dx"}
    assert all(f'id="{place}"' in html for place in re.findall(r'class="gb-equation" href="#([^"]+)"', kernel))


@pytest.mark.parametrize("comment", ["rows of y[..., i] = 1", "z[i] = 1", "y is what forward gave"])
def test_another_comment_is_left_alone(comment: str) -> None:
    body = f'<div class="math" id="eq-forward-y"></div><h2 id="kernel"></h2><span class="c1"># {comment}</span>'
    assert linked(body) == body


def test_a_layer_begins_with_its_equations(site: Path) -> None:
    for name, html in pages(site).items():
        if is_layer(name):
            sections = ["forward", "backward", "symbols", "derivation"]
            if name.split("/")[-1] in ("argmax", "argmin"):  # a place has no gradient to derive
                sections.remove("derivation")
            order = [html.index(f'id="{section}"') for section in sections]
            assert order == sorted(order), name
