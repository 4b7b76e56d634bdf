"""The section on mistakes: what is false in it is seen, and two changes to an equation are not taken for one."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.page.items import Items
from tests.page.onechange import one_place
from tests.page.parser import parse
from tests.page.reader import read
from tests.page.reading import reading
from tests.page.support import MANY
from tests.page.symbols import PageError
from tests.page.test_formulas import changed


def wrong(text: str, name: str) -> list[str]:
    """What is wrong with the formulas of the section."""
    try:
        items = Items(reading(text, read(text, name), importlib.import_module(f"reference.layers.{name}")))
        said = [i.check(i.formula.tex) for i in items.all if i.kind in ("mistake", "shown")]
    except PageError as error:
        return [str(error)]
    return [w for w in [*items.of.problems, *said] if w]


def section(site: Path, name: str) -> tuple[str, str, str]:
    text = (site / "layers" / name / "index.html").read_text(encoding="utf-8")
    start, end = text.index('id="mistakes"'), text.index('id="accuracy"')
    return text[:start], text[start:end], text[end:]


@pytest.mark.parametrize(
    ("name", "tex", "new", "said"),
    [
        ("layer_norm", r"^2\.5$", "2.6", "it is 2.5"),
        ("layer_norm", r"^(\\overline\{\\beta\}_\{0\}) = \d+$", r"\1 = 7", "it is "),
        ("layer_norm", r"N_\{i\} - 1\}", "N_{i} + 1}", "not one change"),
        ("layer_norm", r"^(\\sigma.* = )", r"\g<1>2 ", "no equation of the page"),
        ("softmax", r"^(\\overline\{z\}.* = )y_\{\\ast,i\} \\overline\{y\}_\{\\ast,i\}$", r"\1 y_{\\ast,i}", "it is "),
        ("softmax", r"^y_\{\\ast,1\} = 1$", r"y_{\\ast,0} = 1", "it is 0"),
    ],
)
def test_a_changed_formula_is_seen(site: Path, name: str, tex: str, new: str, said: str) -> None:
    before, own, after = section(site, name)
    assert wrong(before + own + after, name) == []
    found = wrong(before + changed(own, tex, new, first=True) + after, name)
    assert any(said in w for w in found), found


@pytest.mark.parametrize(
    ("name", "words", "new", "said"),
    [
        ("layer_norm", "x = [1, 2", "x = [1, 4", "it is "),
        ("layer_norm", "; gamma = [1", "; delta = [1", "no symbol delta"),
        ("softmax", "is written NaN", "is written infinity", "as it is written it is nan"),
        ("softmax", "z = [0, 1000]", "z = [0, 10]", "it is "),
    ],
)
def test_a_changed_sentence_is_seen(site: Path, name: str, words: str, new: str, said: str) -> None:
    before, own, after = section(site, name)
    assert words in own
    found = wrong(before + own.replace(words, new, 1) + after, name)
    assert any(said in w for w in found), found


def test_a_sentence_that_is_left_out_is_seen(site: Path) -> None:
    before, own, after = section(site, "mse")
    assert wrong(before + re.sub(r"<p>At .*?</p>", "", own, count=1, flags=re.DOTALL) + after, "mse")


RIGHT = r"y_{\ast,o} = s x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i}} \sum_{i} W_{o,i} x_{\ast,i}\right)"


@pytest.mark.parametrize(
    ("after", "one"),
    [
        (r"s x_{\ast,o} \hat{x}_{\ast,o}", True),
        (r"s \hat{x}_{\ast,o}", False),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} - \sum_{i} W_{o,i} x_{\ast,i}\right)", True),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} + \frac{1}{N_{i}} \sum_{i} W_{o,i} x_{\ast,i}\right)", True),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} + \sum_{i} W_{o,i} x_{\ast,i}\right)", False),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i} - 1} \sum_{i} W_{o,i} x_{\ast,i}\right)", True),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i} + 1} \sum_{i} W_{o,i} x_{\ast,i}\right)", False),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i}} \sum_{i} W_{i,o} x_{\ast,i}\right)", True),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i}} \sum_{i} W_{i,i} x_{\ast,i}\right)", False),
        (r"s x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i}} \sum_{i} x_{\ast,i}\right)", True),
        (r"x_{\ast,o} \left(\hat{x}_{\ast,o} - \frac{1}{N_{i}} \sum_{i} x_{\ast,i}\right)", False),
    ],
)
def test_one_change_and_no_more(after: str, one: bool) -> None:
    right, changed = (parse(t, MANY) for t in (RIGHT, rf"y_{{\ast,o}} = {after}"))
    assert one_place(right.right, changed.right) == one


SLOPE = r"y_{\ast,o} = s x_{\ast,o} \left(1 - x_{\ast,o}\right)"


@pytest.mark.parametrize(("after", "one"), [("s", True), (r"s x_{\ast,o}", True), (r"1 - x_{\ast,o}", False)])
def test_a_slope_is_left_out_whole(after: str, one: bool) -> None:
    right, changed = (parse(t, MANY) for t in (SLOPE, rf"y_{{\ast,o}} = {after}"))
    assert one_place(right.right, changed.right) == one


ROOT = r"\hat{x}_{\ast,o} + \sqrt{x_{\ast,o} + \epsilon}"
SUMMED = r"x_{\ast,o} + \epsilon"
SQUARE = r"\sum_{i}"
POWER = r"s x_{\ast,o}^{\epsilon - 1}"


@pytest.mark.parametrize(
    ("before", "after", "one"),
    [
        (ROOT, r"\hat{x}_{\ast,o} + \sqrt{x_{\ast,o}} + \epsilon", True),
        (ROOT, r"\hat{x}_{\ast,o} + \sqrt{x_{\ast,o}} + s", False),
        (ROOT, r"\sqrt{x_{\ast,o}} + \epsilon", False),
        (POWER, r"\frac{s}{x_{\ast,o}}", True),
        (POWER, r"\frac{1}{x_{\ast,o}}", False),
        (POWER, r"\frac{s}{\hat{x}_{\ast,o}}", False),
        (r"s x_{\ast,o}^{-\epsilon}", r"\frac{s}{x_{\ast,o}}", True),
        (r"s x_{\ast,o}^{-2 \epsilon}", r"\frac{s}{x_{\ast,o}}", False),
        (r"s x_{\ast,o}^{\epsilon}", "s x_{\\ast,o}", True),
        (r"s x_{\ast,o}^{\epsilon + 2}", "s x_{\\ast,o}", False),
        (
            r"\frac{s}{\left(x_{\ast,o} + \epsilon\right)^{\frac{3}{2}}}",
            r"\frac{s}{\left(\sqrt{x_{\ast,o}} + \epsilon\right)^{3}}",
            True,
        ),
        (
            r"\frac{s}{\left(x_{\ast,o} + \epsilon\right)^{\frac{3}{2}}}",
            r"\frac{s}{\left(\sqrt{x_{\ast,o}} + \epsilon\right)^{2}}",
            False,
        ),
        (r"x_{\ast,o} + s \left(\hat{x}_{\ast,o} + \epsilon\right)", r"x_{\ast,o} + \hat{x}_{\ast,o} + \epsilon", True),
        (r"x_{\ast,o} + s \left(\hat{x}_{\ast,o} + \epsilon\right)", r"x_{\ast,o} + \hat{x}_{\ast,o}", False),
        (
            rf"s \sqrt{{{SUMMED}}} \left(1 - \sqrt{{{SUMMED}}}\right)",
            r"s \sqrt{x_{\ast,o}} \left(1 - \sqrt{x_{\ast,o}}\right)",
            True,
        ),
        (
            rf"s \sqrt{{{SUMMED}}} \left(1 - \sqrt{{{SUMMED}}}\right)",
            r"s \sqrt{x_{\ast,o}} \left(1 - \sqrt{\epsilon}\right)",
            False,
        ),
        (
            rf"{SQUARE} s W_{{o,i}} \left(1 - W_{{o,i}}\right)",
            rf"{SQUARE} s W_{{i,o}} \left(1 - W_{{i,o}}\right)",
            True,
        ),
        (rf"{SQUARE} s W_{{o,i}} \left(1 - W_{{o,i}}\right)", rf"{SQUARE} W_{{i,o}} \left(1 - W_{{i,o}}\right)", False),
        (
            rf"{SQUARE} s W_{{o,i}} \left(1 - W_{{o,i}}\right)",
            rf"{SQUARE} s W_{{i,i}} \left(1 - W_{{i,o}}\right)",
            False,
        ),
    ],
)
def test_a_root_and_an_exponent_in_which_a_term_is_left_out(before: str, after: str, one: bool) -> None:
    right, changed = (parse(rf"y_{{\ast,o}} = {t}", MANY) for t in (before, after))
    assert one_place(right.right, changed.right) == one


CASES = r"{} \begin{{cases}} {} & \text{{if }} t_{{\ast}} = 1 \\ \epsilon & \text{{otherwise}} \end{{cases}}"
PRODUCT = CASES.format(r"x_{\ast,o}", "s W_{o,o}")
SUM = CASES.format(r"x_{\ast,o} +", "s - W_{o,o}")


@pytest.mark.parametrize(
    ("before", "after", "one"),
    [
        (PRODUCT, r"x_{\ast,o} s W_{o,o}", True),
        (PRODUCT, r"x_{\ast,o} \epsilon", True),
        (PRODUCT, r"x_{\ast,o} W_{o,o}", False),
        (PRODUCT, r"s W_{o,o}", False),
        (SUM, r"x_{\ast,o} + s - W_{o,o}", True),
        (SUM, r"x_{\ast,o} + s", False),
    ],
)
def test_one_case_in_the_place_of_all(before: str, after: str, one: bool) -> None:
    right, changed = (parse(rf"y_{{\ast,o}} = {t}", MANY) for t in (before, after))
    assert one_place(right.right, changed.right) == one


@pytest.mark.parametrize(
    ("after", "one"),
    [
        (r"\sum_{i,v,d} x_{\ast,i} E_{v,d}", True),
        (r"\sum_{i,v,d} s x_{\ast,i} E_{v,d}", False),  # no change
        (r"\sum_{i,v,d} s E_{v,d}", True),
        (r"\sum_{i,v,d} E_{v,d}", False),
        (r"\sum_{i,v} x_{\ast,i} E_{v,v}", False),
    ],
)
def test_a_sum_in_a_sum_is_one_sum_where_nothing_stands_between(after: str, one: bool) -> None:
    before = r"\sum_{i} s x_{\ast,i} \sum_{v,d} E_{v,d}"
    right, changed = (parse(rf"y_{{\ast,o}} = {t}", MANY) for t in (before, after))
    assert one_place(right.right, changed.right) == one


@pytest.mark.parametrize(
    ("after", "one"), [("N_{i} - s - 1", True), ("N_{i} - s + 1", False), ("s - 1", False), ("N_{i} - s - 2", False)]
)
def test_one_less_than_a_length_less_something(after: str, one: bool) -> None:
    right, changed = (parse(rf"y_{{\ast,o}} = \frac{{x_{{\ast,o}}}}{{{t}}}", MANY) for t in ("N_{i} - s", after))
    assert one_place(right.right, changed.right) == one
