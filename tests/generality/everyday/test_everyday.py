"""Legs of the evidence on small definitions of the kind people type first; see tests.generality.test_evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generality.everyday.legs import red

#: Legs that take a few hundredths of a second.
QUICK = ("steps", "definition", "differences", "duality", "second order")
#: A number beside numbers of another type, alone, at the edge of an array or in place of one; a sum that is a number of
#: that type; constants that are floats in a kernel; a beginning that nobody asks the gradient of; labels as numbers; an
#: argument compared with its own elements; a definition that says nothing about a sum without the sum's index;
#: functions of positions alone; a tie of computed numbers wherever nothing is clipped; shares of a sum that a mask may
#: leave empty, where the condition stands around another quotient; a logarithm of 1 and of such a sum; 0
#: of an activation among objects; a list of numbers that are objects; what is divided by distances,
#: of which that of a point from itself is not read; an array with a number for each entry of a list, and the
#: number of an entry.
KINDS = (
    *("mult", "const", "clamp", "log_relu", "safe_log", "flat_exp", "scalar_case", "scalar_max", "shifted_exp"),
    *("cumsum", "label_exp", "diag", "maxall", "hinge", "running", "list_norm", "cox", "gat", "netvlad"),
    *("of_positions", "clipped_ratio", "gated_pool", "multi_similarity", "circle", "segment_softmax", "clip_loss"),
    *("root_relu", "list_sq", "mixtures-coulomb", "mixtures-gravity", "list_weighted", "list_counted"),
)
#: Exponentials that conditions leave out, one inside another, beside 1, and in rows that data tell.
LARGE = ("cox", "gated_pool", "multi_similarity", "segment_softmax", "mixtures-segment_lse", "mixtures-gravity")
#: Functions of numbers that are Python's own, beside arrays of float16 and float32; a maximum of nothing, which has no
#: position that a tangent could be read at; a quotient of such a number by the length of an empty axis; many elements
#: in few segments, of which no pairs are made.
IN_USE = (
    "list_norm",
    "list_curved",
    "list_weighted",
    "largest",
    "option_power",
    "mean_squares",
    "mixtures-segment_lse",
    "mixtures-graphsage",
    "mixtures-coulomb",
)


@pytest.mark.parametrize("name", KINDS)
def test_quick_legs(name: str, tmp_path: Path) -> None:
    assert not red(name, tmp_path, QUICK)


@pytest.mark.parametrize("name", LARGE)
def test_arguments_of_all_magnitudes(name: str, tmp_path: Path) -> None:
    assert not red(name, tmp_path, ["enclosure"])


def test_a_root_cancels_where_what_it_is_taken_of_is_0(tmp_path: Path) -> None:
    """The text has points where x is z: second derivatives there are no zeros."""
    assert not red("matern32", tmp_path, ["text", "enclosure"])


@pytest.mark.parametrize("name", IN_USE)
def test_formats_and_empty_axes(name: str, tmp_path: Path) -> None:
    assert not red(name, tmp_path, ["generic"])


def test_a_layer_without_gradient_has_nothing_to_compare(tmp_path: Path) -> None:
    assert not red("which", tmp_path, ["exact", "steps"])
