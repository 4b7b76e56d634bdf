"""Declared domains: which numbers a definition says that its arguments are."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.calculus.derivation import derive
from derive.notation.define import load_project, read_source
from derive.notation.domain import Domain
from derive.notation.errors import DefinitionError
from derive.notation.layer import Layer

ZERO, ONE = Fraction(0), Fraction(1)


def declared(annotation: str, monkeypatch: pytest.MonkeyPatch) -> Layer:
    load_project()
    head = f"from derive import layer\n\n@layer()\ndef mine(a: {annotation}, E: Real[v, i]):\n"
    return read_source(head + "    y = sum((v, i), E[v, i])\n    return y\n", "mine.py")["mine"][0]


DOMAINS = {
    "Real[...] > 0": (Domain(low=ZERO, low_open=True), "> 0"),
    "0 < Real[...]": (Domain(low=ZERO, low_open=True), "> 0"),
    "State[c] >= 0": (Domain(low=ZERO), ">= 0"),
    "Real[...] <= -1 / 2": (Domain(high=Fraction(-1, 2)), "<= -1/2"),
    "0 <= Real[...] <= 1": (Domain(ZERO, ONE), "in [0, 1]"),
    "1 > Real[...] > 0": (Domain(ZERO, ONE, True, True), "in (0, 1)"),
    "0 < Real[...] <= 1": (Domain(ZERO, ONE, True), "in (0, 1]"),
    "Real[l][...] > 0": (Domain(low=ZERO, low_open=True), "> 0"),
    "Integer[...] < v": (Domain(low=ZERO, below="v"), ">= 0 and below size(v)"),
    "0 <= Integer[...] < v": (Domain(low=ZERO, below="v"), ">= 0 and below size(v)"),
    "v > Integer[...]": (Domain(low=ZERO, below="v"), ">= 0 and below size(v)"),
    "Integer[...] < 10": (Domain(high=Fraction(10), high_open=True), "< 10"),
    "0 <= Integer[...] < 10": (Domain(ZERO, Fraction(10), high_open=True), "in [0, 10)"),
    "sum(k, Real[..., k]) == 1": (Domain(low=ZERO, simplex="k"), ">= 0, summing to 1 along k"),
    "abs(Integer[...]) == 1": (Domain(Fraction(-1), ONE, signs=True), "-1 or 1"),
    "1 == sum(k, Real[..., k])": (Domain(low=ZERO, simplex="k"), ">= 0, summing to 1 along k"),
}


@pytest.mark.parametrize("annotation", DOMAINS)
def test_a_domain_is_kept_with_its_tensor_and_said(annotation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    domain, words = DOMAINS[annotation]
    layer = declared(annotation, monkeypatch)
    assert layer.tensors["a"].domain == domain
    assert layer.tensors["E"].domain is None
    assert str(domain) == words


def test_a_gradient_has_no_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    load_project()
    text = "from derive import layer\n\n@layer()\ndef mine(x: Real[...] > 0):\n    y[...] = log(x[...])\n    return y\n"
    found = derive(read_source(text, "mine.py")["mine"][0])
    assert [n for n, t in {**found.tensors, **found.tangent.tensors}.items() if t.domain] == ["x"]


def test_numbers_within() -> None:
    half_open = Domain(ZERO, ONE, low_open=True)
    assert [half_open.holds(v) for v in (-1, 0, 0.5, 1, 2)] == [False, False, True, True, False]
    assert [Domain(-ONE, ONE, signs=True).holds(v) for v in (-2, -1, 0, 1)] == [False, True, False, True]
    assert half_open.positive
    assert half_open.nonnegative
    assert Domain(low=ZERO).nonnegative
    assert not Domain(low=ZERO).positive


@pytest.mark.parametrize(
    "annotation",
    [
        "Real[...] > Real[...]",
        "0 < 1",
        "0 < Real[...] < 1 < 2",
        "0 < 1 < Real[...]",
        "Real[...] == 0",
        "Real[...] != 0",
        "Real[...] in (0, 1)",
        "Real[...] > x",
        "Real[...] < v",
        "Integer[...] <= v",
        "Integer[...] > v",
        "Integer[...] < nowhere",
        "v < Integer[...] < v",
        "0 < Real[...] > 1",
        "1 < Real[...] < 0",
        "1 < Real[...] < 1",
        "Real[...] > 1e400",
        "Real[...] > 1j",
        "Boolean[...] > 0",
        "Mask[...] > 0",
        "Positive > 0",
        "Real > 0 > Scalar",
        "abs(Real[...]) == 1",
        "abs(Integer[...]) == 2",
        "abs(Integer[...]) <= 1",
        "sum(k, Real[..., k]) == 2",
        "sum(k, Real[..., k]) > 0",
        "sum(j, Real[..., k]) == 1",
        "sum(k, Integer[..., k]) == 1",
        "sum((j, k), Real[j, k]) == 1",
        "mean(k, Real[..., k]) == 1",
    ],
)
def test_what_is_no_domain_is_refused(annotation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DefinitionError) as caught:
        declared(annotation, monkeypatch)
    assert str(caught.value).startswith("mine: ")
    assert "mine.py:4" in str(caught.value)
    assert "^" in str(caught.value)
