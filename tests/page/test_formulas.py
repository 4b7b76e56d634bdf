"""Every formula of a layer's page is read and executed; a false one, and one that nothing executes, is named."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.page.items import Items
from tests.page.reader import read
from tests.page.reading import reading
from tests.page.symbols import PageError

ROOT = Path(__file__).resolve().parents[2]
LAYERS = sorted(p.stem for p in (ROOT / "reference" / "layers").glob("*.py") if p.stem != "__init__")


def html(site: Path, name: str) -> str:
    return (site / "layers" / name / "index.html").read_text(encoding="utf-8")


def wrong(text: str, name: str) -> list[str]:
    """All that is wrong with a page's formulas."""
    try:
        of = reading(text, read(text, name), importlib.import_module(f"reference.layers.{name}"))
        return Items(of).wrong()
    except PageError as error:
        return [str(error)]


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_every_formula_is_read_and_true(site: Path, name: str) -> None:
    text = html(site, name)
    of = reading(text, read(text, name), importlib.import_module(f"reference.layers.{name}"))
    items = Items(of)
    assert items.wrong() == []
    assert len(items.all) == text.count("<math")


STRAY = '<math><annotation encoding="application/x-tex">x</annotation></math>'
ANNOTATION = r'<annotation encoding="application/x-tex">([^<]*)</annotation>'


def changed(text: str, tex: str, new: str, first: bool = False) -> str:
    """The page with other TeX in formulas whose TeX matches."""
    done = 0

    def put(m: re.Match[str]) -> str:
        nonlocal done
        inner = re.sub(tex, new, m[1]) if not (first and done) else m[1]
        done += inner != m[1]
        return m[0].replace(m[1], inner)

    found = re.sub(ANNOTATION, put, text)
    assert done
    return found


@pytest.mark.parametrize("name", ["layer_norm", "softmax", "linear", "cross_entropy"])
def test_slopes_times_seven_are_seen(site: Path, name: str) -> None:
    def seven(sentence: re.Match[str]) -> str:
        return re.sub(
            rf" is ((?:<span[^>]*>)?<math.*?){ANNOTATION}", lambda m: f" is {m[1]}{of_seven(m[2])}", sentence[0]
        )

    def of_seven(tex: str) -> str:
        times = "7" if tex == "1" else rf"7 \left({tex}\right)"
        return f'<annotation encoding="application/x-tex">{times}</annotation>'

    text, steps = re.subn(r"<p>The derivative of.*?</p>", seven, html(site, name), flags=re.DOTALL)
    found = wrong(text, name)
    assert steps
    for n in range(1, steps + 1):
        assert any(f"{name}, step {n}: the derivative at" in w for w in found), n


@pytest.mark.parametrize("name", ["layer_norm", "softmax", "mse", "attention"])
def test_one_more_on_rewritten_lines_is_seen(site: Path, name: str) -> None:
    text = html(site, name)
    start, end = text.rindex("Bring into textbook form"), text.index('id="definition"')
    rewritten, lines = re.subn(ANNOTATION, one_more, text[start:end])
    found = wrong(text[:start] + rewritten + text[end:], name)
    steps = sorted({int(n) for n in re.findall(r"<strong>(\d+)\.", text[start:end])})
    assert lines
    for n in steps:
        assert any(f"{name}, step {n}: " in w and "the line says" in w for w in found), n


def one_more(m: re.Match[str]) -> str:
    left, is_, right = m[1].partition(" = ")
    return m[0].replace(m[1], rf"{left} = \left({right}\right) + 1") if is_ else m[0]  # cases reach to the line's end


@pytest.mark.parametrize(
    ("tex", "new", "said"),
    [
        (r"^3 N_\{\\ast\} N_\{i\} \+ 2 N_\{\\ast\}$", r"3 N_{\\ast} N_{i} + 3 N_{\\ast}", "counted"),
        (r"^N_\{\\ast\} N_\{i\} \+ N_\{\\ast\} \+ N_\{i\}$", r"N_{\\ast} N_{i} + N_{i}", "counted"),
        (r"^N - 1$", "N", "additions"),
        (r"^\\sum_\{\\ast,i\} \\overline\{y\}_\{\\ast,i\} y_\{\\ast,i\}$", r"\\sum_{\\ast,i} y_{\\ast,i}", "gradient"),
        (r"^\\overline\{\\mu\}_\{\\ast\} \\mathrel\{\+\}= ", r"\\overline{\\mu}_{\\ast} \\mathrel{+}= 2 ", "the line"),
        (r"^\\sum_\{i\} \\hat\{x\}_\{\\ast,i\} = 0$", r"\\sum_{i} \\hat{x}_{\\ast,i} = 1", "right side"),
        (r"^\\overline\{\\mu\}$", r"\\mu", "stands for both"),
        (r"^(\\dot\{y\}_\{\\ast,i\}) = .*$", r"\1 = \1", "on both sides"),
    ],
)
def test_another_formula_is_seen(site: Path, tex: str, new: str, said: str) -> None:
    assert any(said in w for w in wrong(changed(html(site, "layer_norm"), tex, new), "layer_norm"))


def test_axes_of_one_length_exchanged_in_what_is_differentiated_are_seen(site: Path) -> None:
    tex = r"^(\\sum_\{b,c,p,r,q,s\} \\overline\{y\}_)\{b,c,p,r,q,s\} "  # first and last element stay where they are
    text = changed(html(site, "pixel_shuffle"), tex, r"\1{b,c,p,s,q,r} ")
    assert any("its derivative by an element" in w for w in wrong(text, "pixel_shuffle"))


@pytest.mark.parametrize(
    ("name", "sentence", "new"),
    [
        ("conv2d", "before the first, behind the last and between two elements", "before the first element"),
        ("conv2d", "before the first and behind the last element", "between two elements"),
        ("conv2d", "Nothing is added to", "Not much is added to"),
        ("max_pool2d", "is left out of the maximum", "counts as zero"),
        ("lstm", "count as zero behind the last element", "count as zero before the first element"),
        ("lstm", "count as zero behind the last element", "count as one behind the last element"),
        ("lstm", r"<p>[^\n]*?counts? as zero[^\n]*?</p>", ""),
        ("conv2d", r"<p>[^\n]*?counts? as zero[^\n]*?</p>", ""),
    ],
)
def test_what_is_said_of_elements_outside_is_executed(site: Path, name: str, sentence: str, new: str) -> None:
    text, changes = re.subn(sentence, new, html(site, name), flags=re.DOTALL)
    assert changes
    found = wrong(text, name)
    assert any("outside" in w or "no check for" in w or "not a sentence" in w for w in found), found


def test_a_sentence_about_elements_that_are_all_there_is_seen(site: Path) -> None:
    """After an equation that reads nothing outside."""
    text = html(site, "conv2d")
    said = re.search(r"<p>[^\n]*counts as zero before the first and[^\n]*</p>", text)
    place = text.index('<h3 id="backward-plain"')
    assert said
    found = wrong(text[:place] + said[0] + text[place:], "conv2d")
    assert any("not read" in w or "outside" in w for w in found), found


@pytest.mark.parametrize(
    ("sentence", "new"),
    [
        ("is the length of axis", "is the square of the length of axis"),
        ("What holds by definition", "What nearly holds"),
        ("with respect to", "with no respect to"),
        ("The backward equations read", "The backward equations do not read"),
        ("additions, differences as additions", "multiplications, differences as additions"),
        ('<h2 id="derivation">', f'<p>A stray {STRAY}</p><h2 id="derivation">'),
    ],
)
def test_a_sentence_that_nothing_executes_is_named(site: Path, sentence: str, new: str) -> None:
    text = html(site, "layer_norm")
    assert sentence in text
    found = wrong(text.replace(sentence, new), "layer_norm")
    assert any("no check for" in w or "not a sentence" in w or "no sentence" in w for w in found), found
