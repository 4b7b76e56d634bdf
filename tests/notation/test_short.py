"""Short words mean what they are short for, and a layer of that name is meant first."""

from __future__ import annotations

import numpy as np
import pytest

import derive
from derive.calculus.derivation import derive as derivation
from derive.evidence.verify import leg
from derive.notation.define import read_source
from derive.notation.errors import DefinitionError
from derive.notation.functions import SHORT, SHORT_REDUCTIONS
from tests.notation.reading import HEAD, X, defined

SAME = {
    "min(x[i], 2)": "-max(-x[i], -2)",
    "sign(x[i])": "1 if x[i] > 0 else -1 if x[i] < 0 else 0",
    "clip(x[i], -1, 2)": "-max(-max(x[i], -1), -2)",
    "ceil(x[i])": "-floor(-x[i])",
    "log1p(x[i])": "log(1 + x[i])",
    "expm1(x[i])": "exp(x[i]) - 1",
    "sinh(x[i])": "(exp(x[i]) - exp(-x[i])) / 2",
    "cosh(x[i])": "(exp(x[i]) + exp(-x[i])) / 2",
    "logsumexp(j, x[j]) + x[i]": "log(sum(j, exp(x[j]))) + x[i]",
    "std(j, x[j]) + x[i]": "sqrt(var(j, x[j])) + x[i]",
    "x[(i + 3) % size(i)]": "x[i + 3 - size(i) * ((i + 3) // size(i))]",
    "min(j, x[j]) + 0 * x[i]": "-max(j, -x[j]) + 0 * x[i]",
}


def body(text: str) -> str:
    return f"y[i] = {text}\nreturn y"


@pytest.mark.parametrize("short", SAME)
def test_a_short_word_is_what_it_is_short_for(short: str) -> None:
    (one,), (other,) = defined(X, body(short)), defined(X, body(SAME[short]))
    assert [e.body for e in one.equations] == [e.body for e in other.equations]


def test_every_short_word_is_tried() -> None:
    assert all(any(s.startswith(f"{word}(") for s in SAME) for word in SHORT)


@pytest.mark.parametrize("word", sorted(SHORT))
def test_a_layer_of_that_name_is_meant_first(word: str) -> None:
    text = (
        f"@layer()\ndef {word}(x: Real[...]):\n    y[...] = 7 * x[...]\n    return y\n\n\n"
        f"@layer()\ndef user(x: Real[...]):\n    y[...] = {word}(x[...])\n    return y\n"
    )
    (user,) = read_source(HEAD + text, "mine.py")["user"]
    assert user.equations[0].body.fn == word  # type: ignore[union-attr]


LAYERS = """
@layer()
def {word}(x: Real[..., i]):
    y[..., i] = 7 * x[..., i]
    return y


@layer()
def reduces(x: Real[..., i]):
    y[...] = {word}(i, x[..., i])
    return y


@layer()
def calls(x: Real[..., i]):
    y = {word}(x)
    return y
"""


@pytest.mark.parametrize("word", sorted(SHORT_REDUCTIONS.keys() - {"mean", "min"}))
def test_a_reduction_is_called_with_indices_and_a_layer_of_that_name_with_arrays(word: str) -> None:
    known = read_source(HEAD + LAYERS.format(word=word), "mine.py")
    reduces, calls = known["reduces"][0], known["calls"][0]
    x = np.array([[0.5, -1.25, 2.0], [3.0, 0.0, 1.5]])
    wanted = {"var": np.var, "std": np.std, "argmax": np.argmax, "argmin": np.argmin}.get(
        word, lambda a, axis: np.log(np.exp(a).sum(axis))
    )
    y, _ = derive.kernel(reduces).forward(x)
    np.testing.assert_allclose(y, wanted(x, axis=-1), rtol=1e-14)
    assert [c.part.name for c in calls.calls] == [word]
    assert not reduces.calls
    found = leg("text", derivation(reduces), derive.kernel(reduces))
    assert found.passed
    assert not found.notes


REFUSED = {
    "var(x[i])": "var takes indices and a number",
    "x[i] % 2": "% is of whole numbers",
    "x[i % 0]": "division by 0",
    "clip(x[i], 1)": "clip takes a number and a number and a number",
    "sign(i, x[i])": "sign takes a number",
    "min(x[i])": "min takes indices and a number",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_short_word_is_not(text: str) -> None:
    with pytest.raises(DefinitionError, match=REFUSED[text]):
        defined(X, body(text))


def test_an_option_of_that_name_is_a_number_and_the_word_is_called() -> None:
    text = (
        "@layer()\ndef wave(x: Real[...], clip: Positive = 1.0):\n"
        "    y[...] = clip(sin(x[...]), -clip, clip)\n"
        "    return y\n"
    )
    layer = read_source(HEAD + text, "mine.py")["wave"][0]
    y, _ = derive.kernel(layer).forward(np.array([0.2, 2.0]), clip=0.5)
    np.testing.assert_allclose(y, [np.sin(0.2), 0.5])
    found = leg("text", derivation(layer), derive.kernel(layer))
    assert found.passed
    assert not found.notes


def test_there_is_no_minimum_over_a_list() -> None:
    with pytest.raises(DefinitionError, match="no min over the entries of a list"):
        defined("W: Real[l][i]", "R = min((l, i), W[l, i])\nreturn R")


def test_sines_and_short_words_are_computed() -> None:
    """Gradients by central differences, with cotangents that are not ones."""
    text = (
        "@layer()\ndef waves(x: Real[..., i], w: Real[i]):\n"
        "    low[..., i] = min(cos(x[..., i]), clip(w[i], -0.5, 0.5))\n"
        "    y[..., i] = sin(w[i] * x[..., i]) * cosh(x[..., i]) + low[..., i] * sinh(w[i])\n"
        "    return y\n"
    )
    kernel = derive.kernel(read_source(HEAD + text, "mine.py")["waves"][0])
    rng = np.random.default_rng(3)
    x, w, dy = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(4, 3))

    def value(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        cut = np.minimum(np.cos(x), np.clip(w, -0.5, 0.5))
        return np.sin(w * x) * np.cosh(x) + cut * np.sinh(w)

    y, saved = kernel.forward(x, w)
    np.testing.assert_allclose(y, value(x, w), rtol=1e-13)
    for n, found in enumerate(kernel.backward(dy, saved)):
        for at in np.ndindex(found.shape):
            step = np.zeros(found.shape)
            step[at] = 1e-6
            moved = [a + step * (k == n) for k, a in enumerate((x, w))]
            back = [a - step * (k == n) for k, a in enumerate((x, w))]
            slope = np.sum(dy * (value(*moved) - value(*back))) / 2e-6
            assert abs(found[at] - slope) <= 1e-7 * max(1, abs(slope))


def test_what_is_cut_off_at_0_does_not_overflow_and_keeps_nan() -> None:
    text = (
        "@layer()\ndef negative(x: Real[...], a: Positive = 0.5):\n"
        "    y[...] = min(0, a * (exp(x[...] / a) - 1))\n"
        "    return y\n"
    )
    kernel = derive.kernel(read_source(HEAD + text, "mine.py")["negative"][0])
    x = np.array([-800.0, -1e-9, 0.0, 3.0, 1e5, np.nan])
    y, saved = kernel.forward(x, a=0.5)
    np.testing.assert_allclose(y, [-0.5, -1e-9, 0, 0, 0, np.nan], rtol=1e-8)
    (dx,) = kernel.backward(np.ones(6), saved)
    np.testing.assert_allclose(dx[:5], [0, 1, 0, 0, 0], rtol=1e-8)
