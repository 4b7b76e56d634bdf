"""The tangent on a page is executed: what is changed in an equation, or in the words before, is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.test_formulas import changed, html, wrong


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("layer_norm", r"\\hat\{x\}_\{\\ast,i\} \\dot\{\\gamma\}", r"\\beta_{i} \\dot{\\gamma}"),
        ("softmax", r"\\dot\{z\}_\{\\ast,i\} -", r"\\dot{z}_{\\ast,i} +"),
        ("lstm_cell", r"f_\{\\ast,n\} \\dot\{\\mathrm\{c0\}\}", r"i_{\\ast,n} \\dot{\\mathrm{c0}}"),
        ("adam", r"\\dot\{W\}_\{l,\\ast\} \+", r"7 \\dot{W}_{l,\\ast} +"),
    ],
)
def test_a_changed_equation_is_seen(site: Path, name: str, old: str, new: str) -> None:
    found = wrong(changed(html(site, name), old, new), name)
    assert any("dot " in w and "the page says" in w for w in found), found


def test_one_more_on_every_equation_is_seen(site: Path) -> None:
    text = html(site, "layer_norm")
    start, end = text.index('id="tangent"'), text.index('id="definition"')
    found = wrong(text[:start] + changed(text[start:end], r"(.* = .*)", r"\1 + 1") + text[end:], "layer_norm")
    assert any("dot y" in w for w in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("When the inputs move at the rates", "When the inputs move against the rates", "no check for"),
        ("A dot marks a rate", "A dot marks a sum", "no check for"),
        ("the results move at", "the results stay at", "no check for"),
    ],
)
def test_a_changed_sentence_is_named(site: Path, old: str, new: str, said: str) -> None:
    text = html(site, "layer_norm")
    assert old in text
    found = wrong(text.replace(old, new), "layer_norm")
    assert any(said in w for w in found), found


def test_a_rate_that_is_left_out_is_seen(site: Path) -> None:
    found = wrong(changed(html(site, "layer_norm"), r"^\\dot\{\\beta\}$", r"\\dot{\\gamma}"), "layer_norm")
    assert any("are not those that are given" in w for w in found), found
