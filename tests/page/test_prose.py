"""Every formula of the pages that are no layer's is read and executed; one that is false or has no check, is named."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from derive.command import pageleg
from tests.page.dialect import DialectError
from tests.page.prose.notation import statements
from tests.page.prose.page import is_layer, pages, pieces, unchecked
from tests.page.prose.score import scored
from tests.page.prose.statement import precision
from tests.page.prose.values import difference, same

ROOT = Path(__file__).resolve().parents[2]
ANNOTATION = r'<annotation encoding="application/x-tex">([^<]*)</annotation>'
STRAY = '<math><annotation encoding="application/x-tex">{}</annotation></math>'


@pytest.fixture(scope="module")
def built(site: Path) -> dict[str, str]:
    return pages(site)


def test_every_formula_is_read_and_true_and_its_misprints_are_not(built: dict[str, str]) -> None:
    prose = [name for name in built if not is_layer(name)]
    assert {"home", "ledger"} <= {*prose}
    for name in prose:
        score = scored(name, built)
        assert score.wrong == []
        assert score.read == score.formulas > 0
        assert len(score.survivors) <= 0.01 * score.tried, "\n".join(score.survivors)


def test_no_formula_of_the_site_is_without_a_check(built: dict[str, str]) -> None:
    assert unchecked(built) == []


def wrong(built: dict[str, str], name: str, html: str) -> list[str]:
    return scored(name, {**built, name: html}, misprints=False).wrong


@pytest.mark.parametrize("name", ["home", "ledger"])
def test_a_formula_times_seven_or_with_one_more_is_seen(built: dict[str, str], name: str) -> None:
    """In turn for each formula that has a value: conditions, intervals and symbols alone have another test."""
    found, _ = pieces(name, built[name], built)
    for piece in found:
        tex = piece.formula.tex
        for changed in (f"{tex} + 1", f"7 ({tex})"):
            assert piece.check(changed), (piece.where, changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"B \sum_l d_l d_{l-1}", r"B \sum_l d_l d_l"),
        (r"2 B \sum_l d_l d_{l-1} + B \sum_l d_l", r"3 B \sum_l d_l d_{l-1} + B \sum_l d_l"),
        (r"\sigma (1 - \sigma)", r"\sigma (1 + \sigma)"),
        (r"1 / (1 + e^{-x})", r"1 / (1 + e^x)"),
        (r"(W^{(l+1)})^T", r"W^{(l+1)}"),
        (r"\frac{\lambda}{2}", r"\lambda"),
        (r"[0, \infty)", r"(0, \infty)"),
    ],
)
def test_a_changed_formula_of_the_ledger_is_seen(built: dict[str, str], old: str, new: str) -> None:
    escaped = old.replace("<", "&lt;")
    assert escaped in built["ledger"]
    assert wrong(built, "ledger", built["ledger"].replace(escaped, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The loss is", "The loss is not"),
        ("Its derivative is", "Its square is"),
        ("scale it to", "scale it beyond"),
        ("is the mean over the batch", "is the sum over the batch"),
        ("In general it is", "It is never"),
    ],
)
def test_a_changed_sentence_is_named(built: dict[str, str], old: str, new: str) -> None:
    assert old in built["ledger"]
    assert any("no check for" in w for w in wrong(built, "ledger", built["ledger"].replace(old, new)))


def test_a_formula_that_nothing_executes_is_named(built: dict[str, str]) -> None:
    stray = f"<p>It is known that {STRAY.format('x y')}.</p></body>"
    few = {name: built.get(name, "<body></body>") for name in ("ledger", "speed", "layers/softmax")}
    for name, html in few.items():
        (said,) = unchecked({**few, name: html.replace("</body>", stray)})
        assert said.startswith(f"{name}: no check for ")
        assert "It is known that $x y$." in said


def test_the_build_fails_where_a_formula_has_no_check(tmp_path: Path) -> None:
    few = {"index.md", "relu.md", "softmax.md", "layer_norm.md"}  # of the layers' pages: all of them take a minute
    shutil.copytree(
        ROOT / "docs",
        tmp_path / "docs",
        ignore=lambda folder, names: set(names) - few if Path(folder).name == "layers" else (),
    )
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    page = tmp_path / "docs" / "speed.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nIt takes $n \\log n$ steps.\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path / "site")],  # not strict: links
        cwd=tmp_path,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert r"no check for n \log n in: It takes $n \log n$ steps." in done.stderr


def test_the_number_of_formulas_stands_on_the_site(site: Path, built: dict[str, str]) -> None:
    said = re.search(r'<span class="gb-formulas">([\d,]+) of ([\d,]+)</span>', built["home"])
    assert said
    read, all_ = (int(n.replace(",", "")) for n in said.groups())
    assert read <= all_ == sum(html.count("<math") for html in built.values())


def test_a_page_with_other_formulas_than_were_recorded_counts_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec
    assert spec.loader
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    legs = [{"leg": "page", "text": "3/3 formulas, 9/9 misprints caught"}]
    monkeypatch.setattr(hooks, "recorded", lambda _: {"a": {"legs": legs}, "b": {"legs": legs}})
    hooks.built.update({"layers/a": "<math" * 3, "layers/b": "<math" * 2})
    assert hooks.executed(None) == "3 of 5"


def test_the_command_has_an_answer_for_each_page(site: Path, built: dict[str, str]) -> None:
    found = {name: (passed, text) for name, passed, text, _, _ in pageleg.prose(str(site))}
    assert sorted(found) == sorted(n for n in built if not is_layer(n))
    assert all(passed for passed, _ in found.values())
    assert re.match(r"119/119 formulas, \d+/\d+ misprints caught", found["ledger"][1])


# ---- the notation ----------------------------------------------------------------------------------------------------

A, B, V = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([[2.0, 0.0], [1.0, 3.0]]), np.array([[1.0], [-2.0]])
NAMES = {
    "A": A,
    "B": B,
    "v": V,
    "s": 3.0,
    "W": {1: B, 2: A},
    "f": lambda x: 2 * x,
    "n": 3,
    "d": {0: 2, 1: 2, 2: 3},
    "L": 2,
}
NAMES |= {
    "d_{in}": 5.0,
    r"\partial L / \partial W": {1: 2 * B, 2: 2 * A},
    r"\partial h / \partial z": B,
    "after v": 2 * V,
}
RANGES = {"i": (1, 2, 3), "j": (1, 2, 3), "l": (1, 2)}


@pytest.mark.parametrize(
    ("tex", "value"),
    [
        ("A v", A @ V), ("A B^T", A @ B.T), (r"v \odot v + 1", V * V + 1), ("s^2 / (s + 1)", 9 / 4), ("-s + 1", -2.0),
        (r"\sum_i A_{i1}", 9.0), (r"\sum_{i=1}^{n} i^2", 14.0), (r"A_{3,2}", 6.0), ("W^{(2)}_{31}", 5.0),
        (r"\sum_l d_l d_{l-1}", 10.0), ("d_{in} s", 15.0), ("f(s) s", 18.0),
        (r"\frac{\partial L}{\partial W^{(2)}_{32}}", 12.0),
        (r"\nabla_{W^{(1)}} L", 2 * B), (r"\frac{\partial h_2}{\partial z_1}", 1.0), (r"\Vert v \Vert^2", 5.0),
        (r"\begin{pmatrix} 1 & s \\ 0 & 2 \end{pmatrix} v", np.array([[-5.0], [-4.0]])),
        (r"\max(s, 2) - \max_i i", 0.0),
        (r"\begin{cases} 1 & \text{if } s > 2 \\ 0 & \text{otherwise} \end{cases}", 1.0), ("(1, -2)", V),
    ],
)  # fmt: skip
def test_the_notation_means_what_it_says(tex: str, value: object) -> None:
    (found,) = statements(tex, NAMES, RANGES)
    assert same(found.value(), value), found.value()


@pytest.mark.parametrize(
    ("tex", "holds"),
    [
        (r"A \in \mathbb{R}^{3 \times 2}", True), (r"A \in \mathbb{R}^{2 \times 3}", False),
        (r"s / 7 \approx 0.43", True),
        (r"s / 7 \approx 0.42", False), (r"v \leftarrow 2 v", True), (r"v \leftarrow v", False), ("1 < s = 3", True),
        (r"W^{(l)} \in \mathbb{R}^{d_l \times d_{l-1}}", True), (r"W^{(l)} \in \mathbb{R}^{d_{l-1} \times d_l}", False),
        (r"\begin{aligned} s &= 1 + 2 \\ &= 4 - 1 \end{aligned}", True),
        (r"\begin{aligned} s &= 3 \\ &= 4 \end{aligned}", False),
        (r"s \in [3, 4)", True), (r"s \in (3, 4)", False), (r"s / 7000 \approx 4.3 \times 10^{-4}", True),
        (r"s / 7000 \approx 4.2 \times 10^{-4}", False),
    ],
)  # fmt: skip
def test_relations(tex: str, holds: bool) -> None:
    assert all(not s.wrong() for s in statements(tex, NAMES, RANGES)) == holds


@pytest.mark.parametrize("tex", ["q", "s / s s", "(s]", "W^{(1", "f(s", r"\sum_q q", r"\alpha", "s +", "d s", "s = "])
def test_what_is_not_meant_is_refused(tex: str) -> None:
    with pytest.raises((DialectError, TypeError)):
        [s.value() for s in statements(tex, NAMES, RANGES)]


def test_a_difference_is_a_derivative() -> None:
    assert same(difference(lambda x: np.sum(x**3), A), 3 * A**2)


@pytest.mark.parametrize(
    ("tex", "wanted"),
    [("0.55", 0.005), (r"4.2 \times 10^{-18}", 5e-20), (r"4.2 \times 11^{-18}", 0), (r"3 \cdot 4.5", 0), ("12", 0.5)],
)
def test_as_many_digits_are_compared_as_are_printed(tex: str, wanted: float) -> None:
    assert precision(tex) == pytest.approx(wanted, rel=1e-6)
