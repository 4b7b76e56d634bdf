"""docs/kernelbench.md is what its command makes, and says of each problem one thing."""

from __future__ import annotations

import re

from derive.notation.define import load_project
from tests.kernelbench.definitions import ROOT, compositions, numbers, problems
from tests.kernelbench.means import LAYERS, MISSING
from tests.kernelbench.page import PAGE, composed, page


def test_the_page_is_what_the_command_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.kernelbench.page"


def test_a_problem_has_a_layer_a_composition_or_what_is_missing() -> None:
    own = {(level, n) for level in problems() for n in composed(level)}
    every = {(level, n) for level, names in problems().items() for n in names}
    assert own | set(LAYERS) | set(MISSING) == every
    assert len(own) + len(LAYERS) + len(MISSING) == len(every)


def test_layers_that_are_named_are_there() -> None:
    layers = load_project()
    named = {layer for said in LAYERS.values() for layer in said.layers}
    assert named <= set(layers)
    links = set(re.findall(r"\(layers/(\w+)\.md\)", PAGE.read_text(encoding="utf-8")))
    assert links == named
    assert all((ROOT / "docs" / "layers" / f"{layer}.md").exists() for layer in links)


def test_a_composition_is_called_as_its_problem() -> None:
    for level in problems():
        for name, layer in compositions(level).items():
            cited, found = numbers(layer)
            assert cited == level
            for n in found:
                assert name.replace("_", "") == re.sub(r"\W", "", problems()[level][n]).lower()


def test_a_composition_has_at_most_a_dozen_lines() -> None:
    for level in problems():
        for name, layer in compositions(level).items():
            body = layer.source.split('"""')[-1].strip().splitlines()
            assert len(body) <= 12, name
