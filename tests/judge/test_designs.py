"""The designed cases: what each is for is in it, and the mistake that it is for is found by it alone."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.evidence import inputs
from derive.evidence.kernels import kernel_of
from derive.evidence.large import running
from derive.judge import plan
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import variants_of
from derive.judge.options import MOST, pairs
from derive.judge.report import Report
from derive.judge.whole import exact
from tests.evidence.shared import LAYERS
from tests.judge.corpus.wraps import stale

SINGLE = Arithmetic("float32")


def trials(layer: str, words: str, arithmetic: Arithmetic = SINGLE) -> list[plan.Trial]:
    """The cases whose design begins with these words."""
    found = []
    for number, variant in enumerate(variants_of(layer)):
        for turn, design in enumerate(plan.designs(variant, arithmetic)):
            if design.words.startswith(words):
                try:
                    found.append(plan.trial(variant, number, turn, design, arithmetic, 3, inputs.Plan()))
                except inputs.NoArguments:
                    continue
    return found


def judged(layer: str, words: str, **how: Any) -> Report:
    """By the first case of a design alone."""
    variant = variants_of(layer)[0]
    turn = next(n for n, d in enumerate(plan.designs(variant, SINGLE)) if d.words.startswith(words))
    found: Report = judge(layer, replay=f"{layer}.0.{turn}.float32.3", dtype="float32", **how)
    return found


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", sorted(set(LAYERS) - {"max_pool2d"}))  # whose windows go together rarely: 10 s
def test_every_design_can_be_made(layer: str) -> None:
    """A definition that compares an option with what it computes has no labels, and one that reads by a label no
    recurrence: with no layer does making a case fail, and an axis of any length is tried as the tail of a tile."""
    assert trials(layer, "")
    for variant in variants_of(layer):
        if set(plan._free(variant)) - running(variant):
            assert list(plan.tails(variant))


def test_a_label_makes_no_recurrence() -> None:
    found = judged("softmax_cross_entropy_labels", "33 rows", forward=kernel_of("softmax_cross_entropy_labels"))
    assert found.ok
    assert not running(variants_of("softmax_cross_entropy_labels")[0])
    assert running(variants_of("lstm")[0]) == {"t"}


def test_square_windows_show_a_transposed_gradient() -> None:
    """Where one tap of nine meets the array the gradient is as symmetric as can be."""
    case = next(t.case for t in trials("conv2d", "all sizes equal, options at their defaults"))
    assert case.tensors["W"].shape[-2:] == (3, 3) == case.tensors["x"].shape[-2:]
    assert case.options["dilation"] == (1, 1)


@pytest.mark.parametrize("layer", ["conv2d", "max_pool2d", "batch_norm", "mlp"])
def test_every_two_values_of_two_options_meet(layer: str) -> None:
    own = variants_of(layer)[0]
    sets = pairs(own)
    axes = dict.fromkeys((a for t in own.inputs for a in t.axes), 2)
    values = {o.name: inputs.option_values(own, o, axes) for o in own.options}
    wanted = {((a, v), (b, w)) for a, b in combinations(values, 2) for v in values[a] for w in values[b]}
    met = {((a, s[a]), (b, s[b])) for s in sets for a, b in combinations(values, 2)}
    assert wanted == met or len(sets) == MOST
    used = {tuple(sorted((n, t.case.options[n]) for n in values)) for t in trials(layer, "options in pairs")}
    assert len(used) > len(sets) / 2  # those that do not go together are left out


@pytest.mark.parametrize("change", plan.LAYOUTS)
def test_a_layout_keeps_the_numbers(change: str) -> None:
    a = np.arange(24.0).reshape(2, 3, 4)
    b = plan.LAYOUTS[change](a)
    assert np.array_equal(b, np.broadcast_to(a[:1], a.shape) if change.startswith("one row") else a)
    assert b.strides != a.strides


def test_what_a_case_is_for_is_in_it() -> None:
    for trial in trials("embedding", "all labels ignored"):
        assert (trial.case.tensors["t"] == trial.case.options["padding_index"]).all()
    for trial in trials("attention", "no row is masked wholly"):
        mask = trial.case.tensors["mask"]
        assert mask.any(-1).all()
        assert not mask.all()
    assert all(t.case.tensors["mask"].all() for t in trials("attention", "nothing is masked"))
    assert {t.case.tensors["x"].shape[-1] for t in trials("layer_norm", "i of 0")} == {0}
    assert {s for t in trials("relu", "cotangent: one number") for s in t.cotangents["y"].strides} == {0}
    singles = [t.cotangents["y"] for t in trials("relu", "cotangent: a single")]
    assert all((u.sum(), u.max()) == (1, 1) for u in singles)
    tiny = np.finfo(np.float32).smallest_normal
    assert all((np.abs(t.case.tensors["x"]) < tiny).all() for t in trials("relu", "subnormal"))


@pytest.mark.parametrize("layer", ["linear", "embedding", "mse", "dropout"])
def test_whole_numbers_are_exact_in_any_order(layer: str) -> None:
    found = trials(layer, "whole numbers")
    assert found
    for trial in found:
        for value in (*trial.case.tensors.values(), *trial.cotangents.values()):
            assert (value == np.floor(value)).all()
    x, W = found[0].case.tensors.get("x"), found[0].case.tensors.get("W")
    if layer == "linear":
        assert x is not None
        assert W is not None
        rng = np.random.default_rng(0)
        sums = {np.sum((x[..., p] * W[0, p]).astype(np.float32), -1, dtype=np.float32).tobytes()
                for p in (rng.permutation(x.shape[-1]) for _ in range(20))}  # fmt: skip
        assert len(sums) == 1
        assert np.abs(found[1].case.tensors["x"]).max() > 2**11  # more digits than TF32 has


def test_where_something_is_rounded_no_numbers_are_exact() -> None:
    for layer in ("softmax", "layer_norm", "sigmoid"):
        assert not trials(layer, "whole numbers")
    trial = trials("linear", "all sizes different")[0]
    assert not exact(trial.case, trial.cotangents, SINGLE)
    assert not trials("linear", "whole numbers", Arithmetic("bfloat16"))


def linear(x: Any, W: Any, b: Any) -> Any:
    return x @ W.T + b


def test_factors_of_fewer_digits_show_with_certainty() -> None:
    def coarse(a: Any) -> Any:
        return (np.ascontiguousarray(a, np.float32).view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)

    found = []
    for turn, design in enumerate(plan.designs(variants_of("linear")[0], SINGLE)):
        if design.exact:
            how = {"dtype": "float32", "replay": f"linear.0.{turn}.float32.3"}
            assert judge("linear", forward=linear, **how).ok
            found.append(judge("linear", forward=lambda x, W, b: coarse(x) @ coarse(W).T + b, **how))
    assert any(not r.ok and "nothing rounds" in r.findings[0].words for r in found)


def tiled(length: int, left_out: int) -> Any:
    """A softmax that leaves something out where an axis has so many positions."""

    def forward(z: Any, axis: int = -1) -> Any:
        e = np.exp(z - z.max(axis, keepdims=True))
        total = e.sum(axis, keepdims=True)
        if z.shape[axis] == length:
            total = np.take(e, range(length - left_out), axis).sum(axis, keepdims=True)
        return e / total

    return forward


@pytest.mark.parametrize(("length", "left_out"), [(33, 1), (257, 1), (1025, 3), (1024, 32), (32, 1), (31, 15)])
def test_tails_are_found_at_their_length(length: int, left_out: int) -> None:
    words = f"i of {length}"
    assert judged("softmax", words, forward=tiled(7, 1)).ok
    assert judged("softmax", words, forward=tiled(length, left_out)).verdict == "wrong"


@pytest.mark.parametrize("words", ["transposed in memory", "last axes exchanged in memory"])
def test_layouts_are_found(words: str) -> None:
    def forward(x: Any, W: Any, b: Any) -> Any:
        return x.ravel(order="K").reshape(x.shape) @ W.T + b

    assert judged("linear", words, forward=linear).ok
    assert judged("linear", words, forward=forward).verdict == "wrong"


def test_a_cotangent_of_a_sum_is_read_by_its_strides() -> None:
    def backward(dz: Any, x: Any, W: Any, b: Any) -> Any:
        if dz.strides == (0,) * dz.ndim:
            dz = np.concatenate([dz.ravel()[:1], np.zeros(dz.size - 1, dz.dtype)]).reshape(dz.shape)
        rows, flat = dz.reshape(-1, dz.shape[-1]), x.reshape(-1, x.shape[-1])
        return dz @ W, rows.T @ flat, rows.sum(0)

    assert judged("linear", "cotangent: one number again and again", backward=backward).verdict == "wrong"
    assert judged("linear", "cotangent: a single one", backward=backward).ok


def test_nothing_along_an_axis() -> None:
    """An error that says so is noted; a wrong number is wrong."""

    def raises(x: Any, W: Any, b: Any) -> Any:
        if not x.size:
            raise ValueError("nothing to multiply")
        return linear(x, W, b)

    found = judged("linear", "i of 0", forward=raises)
    assert not found.findings
    assert any("where an axis has no positions" in n for n in found.notes)
    assert judged("linear", "i of 0", forward=linear).ok
    assert not judged("linear", "i of 0", forward=lambda x, W, b: linear(x, W, b) * bool(x.size)).ok


@pytest.mark.parametrize("layer", ["he", "sgd", "linear"])
def test_lengths_and_options_of_the_last_call_are_not_those_of_an_earlier_one(layer: str) -> None:
    """What he keeps for backward is a length alone, and sgd its options: other values of one shape do not show them."""
    kernel = kernel_of(layer)
    for words in ("all sizes different", "another shape"):
        assert judged(layer, words, forward=kernel).ok
    found = judged(layer, "another shape", forward=stale(layer)[0], framework="module")
    assert "for an earlier forward" in found.diagnosis
