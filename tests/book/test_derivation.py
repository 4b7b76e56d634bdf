"""The derivation on a layer's page: no line stands twice, what is new in a line is marked, no code in the words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.targets.mathml import TAG, mathml, unmarked

PAGES = sorted((Path(__file__).parents[2] / "docs" / "layers").glob("*.md"))
DERIVATIONS = {p.stem: m[1] for p in PAGES if (m := re.search(r"\n## Derivation(.*?)\n## ", p.read_text(), re.DOTALL))}
MARK = re.compile(r"\\textcolor\{red\}")


@pytest.mark.parametrize("name", DERIVATIONS)
def test_no_line_stands_twice_in_a_derivation(name: str) -> None:
    lines = [unmarked(line) for line in re.findall(r"\$\$(.*?)\$\$", DERIVATIONS[name])]
    assert len(set(lines)) == len(lines), [line for line in lines if lines.count(line) > 1]


@pytest.mark.parametrize("name", DERIVATIONS)
def test_a_mark_is_on_what_the_line_before_has_not(name: str) -> None:
    before: dict[str, str] = {}
    for line in re.findall(r"\$\$(.*?)\$\$", DERIVATIONS[name]):
        left, _, right = line.partition(" = ")
        for m in MARK.finditer(line):
            new = line[m.start() : m.start() + len(m[0]) + len(unmarked_part(line[m.end() :]))]
            assert not stands_in(unmarked(new[len(r"\textcolor{red}") + 1 : -1]), before[left]), line
        before[left] = unmarked(right)


def unmarked_part(tex: str) -> str:
    """The braces that TeX begins with."""
    depth = 0
    for n, c in enumerate(tex):
        depth += {"{": 1, "}": -1}.get(c, 0)
        if not depth:
            return tex[: n + 1]
    return tex


def stands_in(element: str, tex: str) -> bool:
    """Whether an element of a tensor, or a power of one, is in a line, whatever its indices are called."""
    own, line = (re.sub(r"_\{[^{}]*\}", "_", t) for t in (element, tex))
    bare = r"(?<![A-Za-z\\])(?<!\\overline\{)(?<!\\dot\{)(?<!\\hat\{)"  # under an accent it is something else
    return re.search(rf"{bare}{re.escape(own)}(?![\^A-Za-z_{{])", line) is not None


@pytest.mark.parametrize(("element", "is_in"), [
    (r"\hat{x}_{i}", True), (r"y_{i}", True), (r"r^{2}", True), (r"r", False), (r"y_{j}^{2}", False), (r"\mu", False),
    (r"x_{i}", False), (r"z_{i}", True),
])  # fmt: skip
def test_an_element_is_found_wherever_it_stands(element: str, is_in: bool) -> None:
    assert stands_in(element, r"\left(\hat{x}_{\ast} - y_{k}\right) r^{2} \mu_{2} \frac{z_{j}}{2}") == is_in


def test_words_of_a_derivation_have_no_code() -> None:
    for name, text in DERIVATIONS.items():
        for line in re.findall(r"\*\*\d+\. .*", text):
            assert "`" not in line, (name, line)


def test_a_mark_is_drawn_and_no_part_of_the_formula() -> None:
    html = mathml(r"y < \textcolor{red}{\hat{x}_{i}} + 1")
    assert html.count('class="gb-new"') == 1
    assert "color" not in html
    assert r">y &lt; \hat{x}_{i} + 1</annotation>" in html


def test_several_relations_are_rows_of_their_own() -> None:
    """Split at the wide spaces between them and nowhere else; what is drawn and annotated stays."""
    tex = r"a = \frac{1}{2}, \qquad b \longrightarrow c, \qquad d = \sqrt{e \qquad f}"
    html = mathml(tex, display=True)
    rows = html.partition('<mrow class="gb-parts">')[2].partition("</mrow><annotation")[0]
    assert [TAG.sub("", row) for row in rows.split('<mspace width="2em"/></mrow>')] == ["a=12,", "b⟶c,", "d=ef"]
    assert html.count("<mrow") == html.count("</mrow>")
    assert f"{tex}</annotation>" in html
    for other in (mathml("a = b", display=True), mathml(tex)):
        assert "gb-parts" not in other
