"""What a page calls things: an axis of its own has a letter of its own, and a name means what it does in that layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from derive.calculus.derivation import derive
from derive.notation.define import REGISTRY, load_file, load_project
from derive.targets.displayed import forward_equations
from derive.targets.latex import Latex
from derive.targets.meanings import meaning
from derive.targets.symbols import Symbols

SMOOTH = '''from __future__ import annotations
from derive import layer


@layer(cites="")
def smooth(x: Real[b, t], w: Real[k]):
    """Square a moving average."""
    t2 = axis(size(t) - size(k) + 1)
    z[b, t2] = sum(k, w[k] * x[b, t2 + k])
    y = mean((b, t2), z[b, t2] ** 2)
    return y
'''


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def test_an_axis_whose_name_ends_in_a_digit_has_a_length_of_its_own(tmp_path: Path) -> None:
    """A mean over t2 was divided by the length of t."""
    (tmp_path / "own.py").write_text(SMOOTH)
    derivation = derive(load_file(tmp_path / "own.py")["smooth"][0])
    symbols = Symbols((derivation,))
    *_, last = forward_equations(derivation, Latex(symbols))
    letter = symbols.letters["t2"]
    assert letter not in ("t", "t2")
    assert rf"\frac{{1}}{{N_{{b}} N_{{{letter}}}}} \sum_{{b,{letter}}} z_{{b,{letter}}}" in last


@pytest.mark.parametrize(
    ("name", "symbol", "role", "said"),
    [
        ("layer_norm", "beta", "input", "shift"),
        ("swish", "beta", "option", ""),
        ("tversky", "beta", "option", ""),
        ("focal", "gamma", "option", ""),
        ("momentum", "mu", "option", ""),
        ("adam", "epsilon", "option", ""),
        ("batch_norm", "epsilon", "option", "added to the variance"),
        ("gaussian_nll", "var", "input", ""),
        ("adaptive_avg_pool2d", "total", "intermediate", ""),
        ("attention", "total", "intermediate", "normaliser of a row"),
    ],
)
def test_a_name_means_what_it_does_in_its_layer(name: str, symbol: str, role: str, said: str) -> None:
    assert meaning(load_project()[name][0], symbol, role) == said
