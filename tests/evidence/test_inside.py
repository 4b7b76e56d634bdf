"""Terms of sums outside arrays are not looked at, and change nothing; cases whose results are large are few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import inputs, inside, scalar, world
from derive.evidence.evaluation import Evaluation
from derive.evidence.numbers import FLOAT
from derive.judge.mistakes import usual_size
from derive.notation import expr as x
from derive.notation.define import load_project
from derive.notation.expr import Op, Pos, Ref
from derive.targets import apart
from derive.targets.latex import Latex
from derive.targets.places import Places
from derive.targets.symbols import Symbols

LAYERS = ("conv_transpose1d", "conv1d", "max_pool1d")


def case(name: str) -> Any:
    layer = load_project()[name][0]
    plan = inputs.Plan((3, 4), options={"padding": (1, 2), "stride": 2, "dilation": 1}, trusted=True)
    return layer, inputs.build(layer, inputs.Random(np.random.default_rng(0)), plan)


@pytest.mark.parametrize("name", LAYERS)
def test_values_are_those_of_all_terms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, one = case(name)
    few = {o: world.forward(one, FLOAT).values(o, o) for o in layer.outputs}
    monkeypatch.setattr(scalar, "turns", Evaluation.turns)
    assert few == {o: world.forward(one, FLOAT).values(o, o) for o in layer.outputs}


def test_terms_outside_are_not_looked_at() -> None:
    layer, one = case("conv_transpose1d")
    run = world.forward(one, FLOAT)
    total = layer.equations[0].body.args[1]
    every = [len(list(make(run, total.over, total.body)({"b": 0, "g": 0, "o": 0, "i": 0}))) for make in
             (inside.turns, Evaluation.turns)]  # fmt: skip
    assert 0 < every[0] < every[1]


@pytest.mark.parametrize("name", LAYERS)
def test_places_outside_are_those_of_all_positions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    derivation = derive(load_project()[name][0])
    symbols = Symbols((derivation,))

    def said() -> list[str]:
        places = Places(derivation)
        return [places.of_equation(e.lhs, e.body, Latex(symbols)) for e in derivation.backward]

    found = said()
    monkeypatch.setattr(apart, "seen", lambda *_: None)
    assert found == said()


def test_results_are_few() -> None:
    layer = load_project()["conv_transpose2d"][0]
    assert max(inputs.results(c) for c in inputs.every(layer, plan=inputs.Plan(trusted=True))) <= inputs.MOST


def test_a_usual_check_of_many_axes_is_small() -> None:
    assert usual_size(load_project()["conv2d"][0]) == 4
    assert usual_size(load_project()["conv3d"][0]) == 2


def test_an_element_that_is_added_to_has_no_quotient_by_1() -> None:
    """A page's case with every option at its default: a stride of 1 divides no index."""
    derivation = derive(load_project()["conv_transpose1d"][0])
    printer = Latex(Symbols((derivation,)))
    target = Ref("dx", (Pos("b"), Pos("g"), Pos("c"), Op("exactdiv", (Pos("i"), x.ONE))))
    assert "frac" not in printer.relation(target, x.ZERO)
