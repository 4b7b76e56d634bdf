"""docs/training.md and its pictures are what the recorded runs make, and the runs are those of today's recipes."""

import json

import pytest

from reference.training.digits import RECIPES, TARGET
from reference.training.picture import save_picture
from tests.training.record import PAGE, page, picture, recorded, result_of


def test_the_page_is_what_the_command_makes():
    assert PAGE.read_text(encoding="utf-8") == page(recorded()), "python -m tests.training.record --page"


@pytest.mark.parametrize("network", RECIPES)
def test_a_run_of_every_network_is_recorded_and_reaches_the_target(network):
    entry = recorded()[network]
    assert result_of(entry).recipe == RECIPES[network], f"python -m tests.training.record {network}"
    assert entry["test_accuracy"] >= TARGET
    assert 1 <= entry["best"] <= len(entry["history"]) <= RECIPES[network].epochs
    assert entry["history"][-1][2] < entry["history"][0][2]


@pytest.mark.parametrize("network", RECIPES)
def test_a_picture_is_what_the_command_draws(network, tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="pictures are drawn by matplotlib: pip install matplotlib")
    drawn = picture(network).read_text(encoding="utf-8")
    assert network in PAGE.read_text(encoding="utf-8")
    if f"v{matplotlib.__version__}," not in drawn:
        pytest.skip("another version of matplotlib draws the same curves with other bytes")
    assert save_picture(result_of(recorded()[network]), tmp_path / "it.svg").read_text(encoding="utf-8") == drawn


def test_the_record_holds_numbers_of_five_digits():
    for entry in recorded().values():
        assert json.loads(json.dumps(entry)) == entry
        assert all(len(f"{v:.5g}") <= 11 for epoch in entry["history"] for v in epoch)
