"""The example in numbers of a layer's page: one wrong number, size, cell or input is seen."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.page.items import Items
from tests.page.matrices import misprints, sizes_misprinted, wrong_number
from tests.page.reader import read
from tests.page.reading import Reading, reading
from tests.page.test_site import LAYERS


def html(site: Path, name: str) -> str:
    return (site / "layers" / name / "index.html").read_text(encoding="utf-8")


def opened(text: str, name: str) -> Reading:
    return reading(text, read(text, name), importlib.import_module(f"reference.layers.{name}"))


def wrong(text: str, name: str) -> list[str]:
    """All that is wrong with the example of a page."""
    of = opened(text, name)
    own = (item for item in Items(of).items() if item.kind in ("numbers", "size"))
    return [*of.worked.wrong(), *filter(None, (item.check(item.formula.tex) for item in own))]


#: Of three axes, or four times as many outputs as inputs: even the least Jacobian is too large to be looked at.
LARGE = ("avg_pool3d", "conv_transpose3d", "upsample_nearest2d")


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_every_page_has_an_example_and_it_is_right(site: Path, name: str) -> None:
    text = html(site, name)
    assert wrong(text, name) == []
    worked = opened(text, name).worked
    equations = {e.key for e in worked.of.variant.equations if not e.key.startswith("size ")}
    assert equations <= {a.key for a in worked.arrays}
    assert worked.program
    stopped = "operatorname{sg}" in text  # there the gradient is not how the value moves
    pictured = 'class="gb-jacobian"' in text
    assert not (pictured and name in LARGE)
    assert stopped or pictured or name in LARGE or not any(k.startswith("bar ") for k in equations)


@pytest.mark.parametrize("name", ["layer_norm", "mlp", "lstm", "attention", "max_pool2d"])
def test_every_misprint_of_a_number_is_seen(site: Path, name: str) -> None:
    items = [i for i in Items(opened(html(site, name), name)).items() if i.kind in ("numbers", "size")]
    tried = [(i, tex) for i in items for tex in dict.fromkeys(i.misprints())]
    assert len(tried) > 150
    assert [f"{i.formula.tex} -> {tex}" for i, tex in tried if not i.check(tex)] == []


ANNOTATION = r'(<annotation encoding="application/x-tex">{}</annotation>)'


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (r"\mu = \begin{pmatrix} -0.1667", r"\mu = \begin{pmatrix} -0.1668", "mu is -0.1666"),
        (r"\gamma = \begin{pmatrix} 2 ", r"\gamma = \begin{pmatrix} 3 ", "the program has another gamma"),
        (r"2 \times 3", r"3 \times 2", "is printed as"),
        (
            "<code>1e-05</code></td>",
            "<code>1e-04</code></td>",
            "the option epsilon is 1e-05 in numbers, by default 1e-04",
        ),
        ('class="gb-cell">0.79<', 'class="gb-cell">0.78<', "a cell of the picture is 0.78"),
        ('class="gb-cell">0<', 'class="gb-cell">0.1<', "a cell of the picture is 0.1"),
    ],
)
def test_a_wrong_number_is_named(site: Path, before: str, after: str, said: str) -> None:
    text = html(site, "layer_norm")
    assert before in text
    found = wrong(text.replace(before, after, 1), "layer_norm")
    assert any(said in w for w in found), found


def test_a_number_in_the_program_is_seen(site: Path) -> None:
    text = html(site, "layer_norm")
    start = text.index('<h2 id="numbers">')
    number = re.compile(r">-?0\.5<")
    found = number.search(text, text.index("<pre", start))
    assert found
    changed = f"{text[: found.start()]}>0.25<{text[found.end() :]}"
    assert "the program has another x than the table" in wrong(changed, "layer_norm")


def test_a_line_left_out_is_seen(site: Path) -> None:
    text = html(site, "layer_norm")
    start = text.index('<h2 id="numbers">')
    row = re.compile(r"<tr>\s*<td><code>inv_std</code></td>.*?</tr>", re.DOTALL).search(text, start)
    assert row
    found = wrong(text[: row.start()] + text[row.end() :], "layer_norm")
    assert "no numbers of inv_std" in found


@pytest.mark.parametrize(
    ("text", "value", "is_wrong"),
    [
        ("0.5", 0.5, False), ("0.5", 0.5001, True), ("0.1667", 1 / 6, False), ("0.1666", 1 / 6, True),
        ("-0.1667", 1 / 6, True), ("1.000", 0.99996, False), ("12346", 12345.6, False), ("0.0003", 0.0003, False),
        ("0.0003", 0.00031, True), (r"\infty", float("inf"), False), (r"-\infty", float("inf"), True),
        ("0", 1e-17, False),
    ],
)  # fmt: skip
def test_a_number_is_right_within_its_last_digit(text: str, value: float, is_wrong: bool) -> None:
    assert wrong_number(text, value) == is_wrong


def test_misprints_of_numbers_are_what_a_misprint_is() -> None:
    found = [*misprints(r"x_{0} = \begin{pmatrix} 1 & -0.5 \end{pmatrix}")]
    for tex in (
        r"x_{0} = \begin{pmatrix} 2 & -0.5 \end{pmatrix}",
        r"x_{0} = \begin{pmatrix} 1 & -0.6 \end{pmatrix}",
        r"x_{0} = \begin{pmatrix} 1 & 0.5 \end{pmatrix}",
        r"x_{0} = \begin{pmatrix} -0.5 & 1 \end{pmatrix}",
        r"x_{1} = \begin{pmatrix} 1 & -0.5 \end{pmatrix}",
        r"\overline{x_{0}} = \begin{pmatrix} 1 & -0.5 \end{pmatrix}",
    ):
        assert tex in found
    assert {*sizes_misprinted(r"2 \times 3")} == {r"3 \times 3", r"2 \times 4", "3", "2", r"3 \times 2"}
