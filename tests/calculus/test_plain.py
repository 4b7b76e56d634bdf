"""The plain case of a layer: what is left where nothing is masked and no option asks for anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.calculus.derivation import derive
from derive.calculus.plain import Plain, plain
from derive.evidence.steps import steps
from derive.notation import expr as x
from derive.notation.define import REGISTRY, load_file, load_project
from derive.notation.layer import Layer
from derive.notation.text import show, show_equation

PROJECT = load_project()
GIVEN = {
    "attention": {"mask": None, "causal": False},
    "conv2d": {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1},
    "embedding": {"padding_index": -1},
    "max_pool2d": {"padding": ((0, 0), (0, 0)), "dilation": (1, 1)},
}

OWN = """from derive import layer

@layer(cites="")
def ignoring(z: Real[..., i], t: Integer[...], ignored: Integer = -100):
    \"\"\"Cross-entropy of the labels that are not ignored.\"\"\"
    L[...] = log(sum(i, exp(z[..., i]))) - z[..., t[...]] if t[...] != ignored else 0
    return L

@layer(cites="")
def smoothing(x: Real[b, t], w: Real[k], stride: Count = 1, padding: Natural = 0):
    \"\"\"A filter along one axis.\"\"\"
    n = axis((size(t) + 2 * padding - size(k)) // stride + 1)
    y[b, n] = sum(k, w[k] * x[b, stride * n + k - padding])
    return y

@layer(cites="")
def projected(x: Real[..., heads * d], W: Real[heads * e, d], h: Count[heads] = 1):
    \"\"\"A projection for each head.\"\"\"
    y[..., heads, e] = sum(d, x[..., heads, d] * W[heads, e, d])
    return y

@layer(cites="")
def apart(x: Real[..., heads * d], W: Real[heads, e, d], h: Count[heads] = 1):
    \"\"\"An array has the axis by itself: it stays.\"\"\"
    y[..., heads, e] = sum(d, x[..., heads, d] * W[heads, e, d])
    return y

@layer(cites="")
def leaking(x: Real[t, b], mask: Mask[t, b], r: Real[b]):
    \"\"\"A running sum over what is there.\"\"\"
    s[-1, b] = 0
    s[t, b] = r[b] * s[t - 1, b] + (x[t, b] if mask[t, b] else 0)
    return s

@layer(cites="")
def pooled(x: Real[b, k], y: Real[b], mask: Mask[b, k]):
    \"\"\"The sum of weights may be empty where the result is not.\"\"\"
    e[b, k] = exp(x[b, k]) if mask[b, k] else 0
    z[b] = sum(k, e[b, k])
    w[b] = y[b] / z[b] if z[b] != 0 else 0
    return w

@layer(cites="")
def before(x: Real[t], back: Integer = -1):
    \"\"\"An option that is negative and does something.\"\"\"
    y[t] = x[t + back] * (2 if t != back else 3)
    return y
"""
OWN_EXPECTED = {
    "ignoring": "L[...] = log(sum(i, exp(z[..., i]))) - z[..., t[...]]",
    "smoothing": "y[b, n] = sum(k, w[k] * x[b, n + k])",
    "projected": "y[..., e] = sum(d, x[..., d] * W[e, d])",
    "apart": "",
    "leaking": "s[t, b] = r[b] * s[t - 1, b] + x[t, b]",
    "pooled": "w[b] = (y[b] / z[b] if z[b] != 0 else 0)",
    "before": "",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Layer, ...]]:
    file = tmp_path_factory.mktemp("own") / "own_layers.py"
    file.write_text(OWN)
    known = dict(REGISTRY)
    try:
        return load_file(file)
    finally:
        REGISTRY.clear()
        REGISTRY.update(known)


def found(layer: Layer) -> Plain:
    case = plain(layer)
    assert case is not None
    return case


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_given_in_the_plain_case(name: str) -> None:
    case = plain(PROJECT[name][0])
    assert case
    assert dict(case.given) == GIVEN[name]


def test_attention_is_a_softmax_of_scores() -> None:
    equations = found(PROJECT["attention"][0]).derivation.layer.equations
    assert show_equation(equations[1]) == "E[..., q, k] = exp(S[..., q, k])"
    assert show_equation(equations[3]) == "P[..., q, k] = E[..., q, k] / total[..., q]"


def test_a_convolution_has_no_groups_and_no_strides() -> None:
    derivation = found(PROJECT["conv2d"][0]).derivation
    assert show(derivation.layer.sizes["i"]) == "size(p) - size(k) + 1"
    dx = "dx[b, c, p, q] = sum((o, k, l), dz[b, o, p - k, q - l] * W[o, c, k, l])"
    assert show_equation(derivation.backward[-1]) == dx


@pytest.mark.parametrize("name", OWN_EXPECTED)
def test_plain_cases_of_own_layers(own: dict[str, tuple[Layer, ...]], name: str) -> None:
    case = plain(own[name][0])
    assert (show_equation(case.derivation.layer.equations[-1]) if case else "") == OWN_EXPECTED[name]


@pytest.mark.parametrize("name", [n for n, equation in OWN_EXPECTED.items() if equation])
def test_plain_cases_of_own_layers_are_what_the_layers_are_there(own: dict[str, tuple[Layer, ...]], name: str) -> None:
    result = steps(derive(own[name][0]))
    assert result.passed, result.detail
    assert "of the plain case" in result.detail


def test_another_case_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps leg compares it with the whole layer: here one with other options, and one of twice the layer."""
    for name, other in (("conv2d", strided), ("embedding", doubled)):
        case = other(found(PROJECT[name][0]))
        monkeypatch.setattr("derive.evidence.steps.plain", lambda layer, case=case: case)
        result = steps(derive(PROJECT[name][0]))
        assert not result.passed
        assert "plain case" in result.detail


def strided(case: Plain) -> Plain:
    return replace(case, given=tuple((name, (2, 1) if name == "stride" else value) for name, value in case.given))


def doubled(case: Plain) -> Plain:
    (equation,) = case.derivation.layer.equations
    twice = replace(equation, body=x.mul(x.num(2), equation.body))
    return replace(case, derivation=derive(replace(case.derivation.layer, steps=(twice,))))
