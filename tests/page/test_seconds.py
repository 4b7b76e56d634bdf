"""The second order on a page is executed: what is changed in an equation, or in the words before, is seen."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.page.inputs import arguments
from tests.page.reader import read
from tests.page.reading import reading
from tests.page.test_formulas import changed, html, wrong

STEP = 1e-5


def part(text: str, old: str, new: str) -> str:
    """The page with other TeX in the formulas of that fold."""
    start, end = text.index('id="second-order"'), text.index('id="definition"')
    return text[:start] + changed(text[start:end], old, new) + text[end:]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("softmax", r"^(\\dot\{\\overline\{y\}\}.*) - ", r"\1 + "),
        ("linear", r"^(\\dot\{\\overline\{W\}\}.*) = ", r"\1 = 7 "),
        ("lstm_cell", r"1 - 2 i_", r"1 - 3 i_"),
        ("relu", r"&gt; 0", r"&lt; 0"),
    ],
)
def test_a_changed_equation_is_seen(site: Path, name: str, old: str, new: str) -> None:
    found = wrong(part(html(site, name), old, new), name)
    assert any("dot " in w and "the page says" in w for w in found), found


def test_one_more_on_every_equation_is_seen(site: Path) -> None:
    found = wrong(part(html(site, "linear"), r"(.* = .*)", r"\1 + 1"), "linear")
    assert any("dot z" in w and "the page says" in w for w in found), found


def test_another_objective_is_seen(site: Path) -> None:
    found = wrong(part(html(site, "linear"), r" \\overline\{b\}_\{o\}", ""), "linear")
    assert any("the directions times the gradients" in w for w in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("computes the gradient of", "computes the sum of", "no check for"),
        ("with respect to", "in", "no check for"),
    ],
)
def test_a_changed_sentence_is_named(site: Path, old: str, new: str, said: str) -> None:
    text = html(site, "linear")
    start = text.index('id="second-order"')
    assert old in text[start:]
    found = wrong(text[:start] + text[start:].replace(old, new), "linear")
    assert any(said in w for w in found), found


def test_a_direction_that_is_left_out_is_seen(site: Path) -> None:
    found = wrong(part(html(site, "linear"), r"^\\dot\{b\}$", r"\\dot{W}"), "linear")
    assert any("are not those that are given" in w for w in found), found


def test_gradients_by_something_else_are_seen(site: Path) -> None:
    found = wrong(part(html(site, "linear"), r"^W$", "b"), "linear")
    assert any("the second gradients are" in w for w in found), found


@pytest.mark.parametrize("name", ["layer_norm", "softmax", "lstm_cell"])
def test_they_are_rates_of_outputs_and_gradients(site: Path, name: str) -> None:
    """As a sentence of the page says; of outputs against jvp, of gradients against differences of backward."""
    text, layer = html(site, name), importlib.import_module(f"reference.layers.{name}")
    of = reading(text, read(text, name), layer)
    names = [r.name for r in arguments(of.symbols, of.variant.equations)]
    for n, (drawn, trial, rates) in enumerate(zip(of.drawn, of.seconds.trials, of.tangents.trials, strict=True)):
        for key in rates.kernel:
            np.testing.assert_allclose(trial.kernel[key], rates.kernel[key], rtol=1e-9, atol=1e-9)
        along, options, primals = of.seconds.drawn(n, drawn)

        def gradients(h: float, given: Any = (along, options, primals, drawn)) -> Any:
            along, options, primals, drawn = given
            moved = [p + h * along[m] if m in along else p for m, p in zip(names, primals, strict=True)]
            result, saved = layer.forward(*moved, **options)
            bars = [drawn.values[f"bar {o}"] for o in getattr(result, "_fields", ("y",))]
            return layer.backward(tuple(bars) if len(bars) > 1 else bars[0], saved)

        more, less = gradients(STEP), gradients(-STEP)
        for key in [k for k in trial.kernel if k.startswith("dot bar ")]:
            m = key.removeprefix("dot bar ")
            difference = (getattr(more, m) - getattr(less, m)).ravel() / (2 * STEP)
            np.testing.assert_allclose(trial.kernel[key], difference, rtol=1e-4, atol=1e-4)
