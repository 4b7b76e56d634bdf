"""What makes a page pleasant to read: names for values, labels that find room, counts where a list says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.calculus.derivation import derive
from derive.command.mistakes import CHOSEN, load, mistakes
from derive.notation.define import load_project
from derive.targets.displayed import shown
from derive.targets.example.case import example
from derive.targets.example.jacobian import Labels, said_of
from derive.targets.latex import Latex
from derive.targets.mistakes import named_alike
from derive.targets.symbols import Symbols
from derive.targets.unnoticed import listed, tallied

PAGES = load_project()


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_before", "peephole_lstm", "projected_lstm"])
def test_the_slope_of_a_gate_is_said_by_its_name(name: str) -> None:
    """Of z = sigmoid(a + s) as of o = sigmoid(s): no gate's function is written out again at the same position."""
    derivation = derive(PAGES[name][0])
    symbols = Symbols((derivation,))
    latex = Latex(symbols)
    lines = [latex.equation(e) for e in shown(derivation, symbols).backward]
    assert len(lines) > 5
    assert not [line for line in lines if "sigmoid" in line and "t + 1" not in line]


def test_nobody_leaves_out_half_of_an_argument_that_has_a_name() -> None:
    """A mistake within sigmoid(a + s) is none of z (1 - z)."""
    derivation = derive(PAGES["gru"][0])
    symbols = Symbols((derivation,))
    kept = mistakes(derivation, load(CHOSEN)["gru"]["definition"], load(CHOSEN))
    assert {named_alike(m, symbols) for m in kept if m.part == "backward"} == {True, False}
    assert all(named_alike(replace(m, after=m.before), symbols) for m in kept)


def labels(name: str) -> tuple[Labels, Labels]:
    found = example(derive(PAGES[name][0]))
    assert found.main is not None
    output, argument = found.main
    return said_of(found, output, True), said_of(found, argument, True)


def test_labels_of_a_jacobian_find_room() -> None:
    """Of five indices those are written that are not 0 everywhere, and what they are is said."""
    rows, columns = labels("conv2d")
    assert max(len(text) for text in (*rows.texts, *columns.texts)) <= 5
    assert (len({*rows.texts}), len({*columns.texts})) == (len(rows.texts), len(columns.texts))
    assert rows.place.startswith(" at ")
    assert labels("softmax")[0].place == ""


DETAIL = (
    "7 misprints; SURVIVES f, mistake; SURVIVES f, step 2, line | a = b → a = c; SURVIVES f, mistake | x → y; "
    "SURVIVES f (plain), backward: > to >= | p > q → p >= q"
)


def test_survivors_are_counted_by_what_is_misprinted() -> None:
    assert tallied(DETAIL) == "7 misprints; not caught: 2 of mistake; 1 of step 2, line; 1 of backward: > to >="
    assert tallied("7 misprints") == "7 misprints"


def test_survivors_are_listed_with_a_reason() -> None:
    record = {"f": {"legs": [{"leg": "page", "detail": DETAIL}]}, "g": {"legs": [{"leg": "page", "detail": "none"}]}}
    said = listed(record)
    assert "| mistake | 2 | a formula that has to be wrong" in said
    assert "    step 2, line: a = b → a = c\n" in said
    assert '??? note "f: 4"' in said
    assert "g:" not in said
    with pytest.raises(KeyError, match="unheard"):
        listed({"f": {"legs": [{"leg": "page", "detail": "; SURVIVES f, unheard | a → b"}]}})
