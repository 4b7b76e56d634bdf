"""The record of the mistakes that pages show is that of the definitions and of the mechanism as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.calculus.derivation import derive
from derive.command.build import ROOT, fingerprint
from derive.command.mistakes import CHOSEN, COMMAND, again, entry, load, mistakes
from derive.judge.mistakes import FEW, found
from derive.notation.define import load_project

RECORD = load(ROOT / CHOSEN)
LAYERS = load_project()
# a copy has nothing to get wrong, a plain sum little; a place has no gradient, a rate is one product; where what is
# rounded is a word of its own, the rest is a copy
WITHOUT = {"identity", "reduce_sum", "argmax", "argmin", "one_cycle", "straight_through_round"}
WITHOUT |= {"flatten", "split_heads", "merge_heads", "patches", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"}
CHEAP = ("softmax", "mse", "layer_norm", "gelu", "linear")  # looked for again; the others take a second or more


def test_every_layer_has_an_entry_for_its_definition() -> None:
    assert {n: e["definition"] for n, e in RECORD.items()} == {n: fingerprint(v[0]) for n, v in LAYERS.items()}, COMMAND
    assert {n for n, e in RECORD.items() if not e["chosen"]} == WITHOUT
    assert max(len(e["chosen"]) for e in RECORD.values()) <= FEW


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_what_was_chosen_is_a_mistake_of_the_layer_as_it_is(name: str) -> None:
    derivation = derive(LAYERS[name][0])
    for kept in RECORD[name]["chosen"]:
        assert again(derivation, kept) is not None, f"{kept['equation']}: {COMMAND} {name}"


@pytest.mark.parametrize("name", CHEAP)
def test_the_same_are_chosen_again(name: str) -> None:
    chosen = [json.loads(json.dumps(entry(m))) for m in found(derive(LAYERS[name][0]))]
    assert chosen == RECORD[name]["chosen"], f"{COMMAND} {name}"


def test_an_entry_of_another_definition_does_not_count() -> None:
    derivation, kept = derive(LAYERS["tanh"][0]), RECORD["tanh"]
    stale = {"tanh": {"definition": "00000000", "chosen": kept["chosen"][:1]}}
    assert len(mistakes(derivation, kept["definition"], stale)) == len(kept["chosen"])
    fresh = {"tanh": {"definition": kept["definition"], "chosen": kept["chosen"][:1]}}
    assert len(mistakes(derivation, kept["definition"], fresh)) == 1


def test_a_damaged_record_says_so(tmp_path: Path) -> None:
    (tmp_path / "mistakes.json").write_text('{"tanh": []}')
    with pytest.raises(ValueError, match="delete it and run"):
        load(tmp_path / "mistakes.json")
