"""The corpus of wrong kernels: broad enough, and a sample of it judged; all of it is for tests.judge.escapes."""

from __future__ import annotations

import json

import pytest

from tests.evidence.shared import LAYERS
from tests.judge.corpus.edits import edits, listed
from tests.judge.corpus.history import HISTORY
from tests.judge.escapes import RECORD, corpus, judged, table, tasks

SEED, FEW = 6, 1
#: What is changed in argmax and argmin is floats, which a place is not, and gradients, which are 0: nothing is wrong
#: with those (tests/judge/test_places.py has some that are).
KNOWN = {
    *(t.id for t in tasks([], 6, 1) if t.id.startswith(("argmax/", "argmin/"))),
}
SAMPLE = [t.id for t in tasks([], SEED, FEW)[::5] if t.id not in KNOWN]


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_eight_and_of_each_group(layer: str) -> None:
    own = corpus(layer).values()
    assert len(own) >= 8
    assert {w.group for w in own} == {"forward", "backward", "state"}
    kept = len(edits(layer)) / max(1, len(listed().get(layer, [])))
    assert kept >= 0.5 or not listed().get(layer), "the printed kernel changed: python -m tests.judge.corpus.edits"


def test_bugs_of_public_trackers_name_their_thread() -> None:
    assert len(HISTORY) >= 20
    assert all("#" in w.thread or w.thread == "naive formula" for w in HISTORY)


@pytest.mark.parametrize("id", SAMPLE)
def test_a_wrong_kernel_is_caught(id: str) -> None:
    if corpus(id.split("/")[0])[id].framework == "torch":
        pytest.importorskip("torch", reason="a function of PyTorch, an optional peer")
    found = judged(id, seed=2, budget=60)
    assert found["caught"], f"{found['words']}: passed as right"


@pytest.mark.parametrize(
    "id",
    [
        "concatenate/recent/concatenates_in_place",
        "global_max_pool2d/wrap/backward-tail-of-a-tile",
        "peephole_lstm/wrap/backward-tail-of-a-tile",
        "reduce_logsumexp/wrap/forward-transposed",
        "hard_shrink/wrap/forward-NaN-swallowed",
        "relu6/wrap/forward-NaN-swallowed",
        "fake_quantize/recent/rounded_away",
    ],
)
def test_what_escaped_before_is_caught(id: str) -> None:
    """An axis that is put together with another one is empty; the largest of a plane lies in a tail; of gates, the
    tail is that of gate * n; of a result that has all of an input's axes but one, two are as long; a comparison
    with NaN decides; halves are rounded."""
    if corpus(id.split("/")[0])[id].framework == "torch":
        pytest.importorskip("torch", reason="a function of PyTorch, an optional peer")
    assert judged(id, seed=2, budget=60)["named"]


def test_a_maximum_for_a_slope_is_caught_where_the_slope_is_above_one() -> None:
    """At slopes below 1 it differs at the kink alone, which is a convention."""
    assert "y: " in judged("leaky_relu/ladder/1", seed=2, budget=60)["diagnosis"]


@pytest.mark.parametrize("wrong", HISTORY, ids=lambda w: w.id)
def test_a_bug_people_had_is_caught(wrong: object) -> None:
    found = judged(wrong.id, seed=2, budget=60)  # type: ignore[attr-defined]
    assert found["caught"], f"{found['words']}: passed as right"


@pytest.mark.parametrize("seed", [5, 6, 7])
@pytest.mark.parametrize("layer", ["leaky_relu", "relu", "embedding"])
def test_what_is_saved_of_signs_and_labels_is_seen_to_be_stale(layer: str, seed: int) -> None:
    """Of few numbers it may be the same for other values, so that a stale one shows in larger cases alone."""
    assert judged(f"{layer}/wrap/state-stale", seed, budget=60)["named"]


def test_the_record_keeps_what_is_asked() -> None:
    record = json.loads(RECORD.read_text())  # python -m tests.judge.escapes --record
    groups = record["group"]
    assert all(judged >= 8 for judged, _, _ in record["layer"].values())  # a newer layer is not in it
    for group, least in (("forward", 0.99), ("backward", 0.99), ("state", 0.95)):
        every, caught, _ = groups[group]
        assert caught >= least * every, group
    assert sum(g[2] for g in groups.values()) >= 0.7 * sum(g[0] for g in groups.values())


def test_the_table_counts() -> None:
    one = {"group": "forward", "caught": True, "named": False}
    found = table({"relu/edit/a": {"result": one}, "relu/wrap/b": {"error": "lost"}})
    assert found["layer"]["relu"] == [2, 1, 0]
    assert found["source"] == {"edit": [1, 1, 0], "wrap": [1, 0, 0]}
