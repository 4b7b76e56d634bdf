"""Large cases: what is wrong at single elements only, in tails and at the ends of blocks, is found; right ones pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.evidence import kernels, layout
from derive.judge import beside as judge_beside
from derive.judge import large as big
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import derived, variants_of
from derive.judge.beside import Beside, beside
from tests.judge.candidates import MAKERS

CASE = "{}.0.large.{}.2"


def spoiled(forward: Any, change: Any) -> Any:
    def wrong(*args: Any, **options: Any) -> Any:
        y = forward(*args, **options)
        if y.size > 5000:
            y = y.copy()
            change(y.reshape(-1))
        return y

    return wrong


def last(flat: Any) -> None:
    flat[-1:] = np.where(flat[-1:] != 0, flat[-1:] * 1.01, 0.01)  # of a zero a factor changes nothing


def one_in_the_middle(flat: Any) -> None:
    flat[len(flat) // 3 + 7] += 0.5


def block(flat: Any) -> None:
    flat[-len(flat) // 20 :] = 0


@pytest.mark.parametrize("layer", MAKERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_ones_pass(layer: str, dtype: str) -> None:
    forward, backward = MAKERS[layer]("")
    report = judge(layer, forward=forward, backward=backward, dtype=dtype, replay=CASE.format(layer, dtype))
    assert report.ok, str(report)
    assert report.margins


@pytest.mark.parametrize("layer", ["linear", "relu", "softmax", "layer_norm", "attention"])
@pytest.mark.parametrize("change", [last, one_in_the_middle, block])
def test_a_single_wrong_element_is_found(layer: str, change: Any) -> None:
    forward, _ = MAKERS[layer]("")
    report = judge(layer, forward=spoiled(forward, change), replay=CASE.format(layer, "float64"))
    assert report.verdict == "wrong"
    assert "only in a large case" in report.diagnosis


def test_a_wide_row_is_judged_at_the_length_asked_for() -> None:
    def forward(z: Any, axis: int = -1) -> Any:
        e = np.exp(z - z.max(axis=axis, keepdims=True))
        y = e / e.sum(axis=axis, keepdims=True)
        if z.shape[axis] == 2049:
            y[..., -1] = 0
        return y

    report = judge("softmax", forward=forward, shape={"...": 8, "i": 2049}, seed=2, budget=20)
    assert report.verdict == "wrong"
    assert "2048" in report.diagnosis


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_last_term_of_a_long_sum_shows(seed: int) -> None:
    """Of a sum of 200,000 random terms that is not enclosed, one is less than what it is allowed to lose."""

    def forward(x: Any, axis: int = -1) -> Any:
        n = x.shape[axis]
        return np.take(x, range(n - 1 if n > 4096 else n), axis).sum(axis)

    how = {"dtype": "float32", "shape": {"...": 4, "i": 200_000}, "replay": f"reduce_sum.0.large.float32.{seed}"}
    assert judge("reduce_sum", forward=lambda x, axis=-1: x.sum(axis), **how).ok
    assert judge("reduce_sum", forward=forward, **how).verdict == "wrong"


@pytest.mark.parametrize("layer", ["linear", "softmax", "layer_norm"])
def test_a_nan_that_is_swallowed_is_found(layer: str) -> None:
    forward, backward = MAKERS[layer]("")
    case = CASE.format(layer, "float64").replace("large", "nan")
    assert judge(layer, forward=forward, backward=backward, replay=case).ok
    for dtype in ("float64", "float32"):
        own = case.replace("float64", dtype)
        wrong = judge(layer, forward=lambda *a, **o: np.nan_to_num(forward(*a, **o)), dtype=dtype, replay=own)
        assert "a NaN is swallowed" in wrong.diagnosis


def test_an_element_that_was_interrupted_may_be_asked_for_again() -> None:
    """Where the time for an element is over, what was begun needs nothing of itself."""
    variant = variants_of("layer_norm")[0]
    found = big.trial(variant, 0, Arithmetic("float64"), 3, {"i": 9})
    assert found is not None
    left = big.Left()
    run = big.interpreter(derived(variant, 0), found.case, found.cotangents, None, 0, left)
    left.count = 3
    with pytest.raises(big.TooLarge):
        run.element("y", (0, 0))
    left.count = 1000
    fresh = big.interpreter(derived(variant, 0), found.case, found.cotangents, None, 0, big.Left())
    assert float(run.element("y", (0, 0))) == float(fresh.element("y", (0, 0)))


# ---- every element beside ours -----------------------------------------------------------------------------------


def rows_of(layer: str, shape: dict[str, int], wrong: Any = None) -> tuple[Any, dict[Any, Beside], float]:
    """A large case whose results are ours, or changed; and what beside makes of it, cut into pieces."""
    own = variants_of(layer)[0]
    found = big.trial(own, 0, Arithmetic("float64"), 3, shape)
    assert found is not None
    kernel = kernels.kernel_of(layer)
    outputs, saved = kernels.forward(kernel, found.case)
    results = {"forward": outputs, "backward": kernels.backward(kernel, found.case, found.cotangents, saved)}
    if wrong:
        wrong(results)
    return found, *beside(kernel, found.case, found.cotangents, results, float("inf"))


@pytest.mark.parametrize("layer", ["linear", "layer_norm", "softmax", "sigmoid"])
def test_pieces_together_are_the_whole(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows one after another, and gradients that are sums over all of them."""
    monkeypatch.setattr(judge_beside, "PIECE", 40)
    found, near, share = rows_of(layer, {"...": 23, "i": 5, "o": 3} if layer != "sigmoid" else {"...": 123})
    assert share == 1
    assert len(list(judge_beside.pieces(found.case, found.cotangents))) >= 3
    definition = found.case.layer
    assert near.keys() == {("forward", o) for o in definition.outputs} | {
        ("backward", t.name) for t in definition.inputs
    }
    for (_, name), one in near.items():
        assert one.size == np.prod(layout.shape_of(found.case, name))
        assert one.far[0][0] <= 1e-13 * one.largest


def test_a_single_element_that_differs_is_the_first_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_beside, "PIECE", 40)

    def wrong(results: Any) -> None:
        results["forward"]["y"][13, 2] += 1e-6
        results["backward"]["gamma"][1] += 1e-6

    _, near, _ = rows_of("layer_norm", {"...": 23, "i": 5}, wrong)
    assert near["forward", "y"].places[0] == 13 * 5 + 2
    assert near["backward", "gamma"].places[0] == 1


def test_what_depends_on_other_rows_is_not_cut() -> None:
    case = big.trial(variants_of("batch_norm")[0], 0, Arithmetic("float64"), 3, {"...": 9})
    assert case is not None
    assert not judge_beside.separate(case.case)
    along = big.trial(variants_of("softmax")[0], 0, Arithmetic("float64"), 3, {"...": 9})
    assert along is not None
    assert judge_beside.separate(along.case)
    turned = replace(along.case, options={"axis": 0})
    assert not judge_beside.separate(turned)


@pytest.mark.parametrize(
    ("layer", "shape", "axis"),
    [
        ("batch_norm", {"...": 6, "c": 11}, "c"),
        ("conv2d", {"b": 7}, "b"),
        ("group_norm", {}, "b"),
        ("layer_norm_nd", {}, "b"),
        ("reduce_sum", {"...": 9, "i": 11}, "..."),
        ("mse", {"...": 400}, "..."),
        ("softmax_cross_entropy", {"...": 40, "i": 7}, "..."),
    ],
)
def test_what_is_computed_alone_is_compared_in_pieces(
    layer: str, shape: dict[str, int], axis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Along a channel, an image, or the rows of a mean of losses; a wrong element is found where it is."""
    monkeypatch.setattr(judge_beside, "PIECE", 40)

    def wrong(results: Any) -> None:
        array = next(iter(results["forward"].values()))
        array[(-1,) * array.ndim] += 1e-3

    found, near, share = rows_of(layer, shape)
    rows = judge_beside.of_rows(found.case, found.cotangents)[:2]
    assert {p.axis for p, *_ in judge_beside.pieces(*rows) if p} == {axis}
    assert share == 1
    assert all(one.far[0][0] <= 1e-13 * one.largest for one in near.values())
    _, near, _ = rows_of(layer, shape, wrong)
    out = found.case.layer.outputs[0]
    assert near["forward", out].places[0] == near["forward", out].size - 1


@pytest.mark.parametrize(("layer", "axis"), [("linear", "o"), ("softmax", "i"), ("attention", "q"), ("conv2d", "p")])
def test_an_axis_that_others_read_is_not_cut(layer: str, axis: str) -> None:
    """Features are summed over, windows overlap; an output alone has the features of a linear map."""
    definition = variants_of(layer)[0]
    assert not judge_beside.alone(definition, axis) or axis == "o"


def test_a_mean_by_weights_is_no_mean_of_losses() -> None:
    variant = variants_of("weighted_cross_entropy")[0]
    found = big.trial(variant, 0, Arithmetic("float64"), 3, {"...": 40})
    assert found is not None
    assert judge_beside.of_rows(found.case, found.cotangents)[2] == 0


def test_what_there_was_no_time_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_beside, "PIECE", 40)
    found = big.trial(variants_of("sigmoid")[0], 0, Arithmetic("float64"), 3, {"...": 400})
    assert found is not None
    kernel = kernels.kernel_of("sigmoid")
    results = {"forward": kernels.forward(kernel, found.case)[0]}
    near, share = beside(kernel, found.case, found.cotangents, results, 0.0)
    assert 0 < share < 1
    assert near["forward", "y"].size == round(share * 400)
    said: list[str] = []
    list(big.sampled(derived(found.case.layer, 0), found, results, Arithmetic("float64"), 0.0, said.append))
    assert "of the rows with ours" in said[0]


def normalised(x: Any) -> Any:
    found = x / np.sqrt(np.sum(x * x, dtype=np.float64)).astype(x.dtype)
    found.reshape(-1)[-1] = 0.5
    return found


def test_a_sum_of_more_terms_than_rounding_bounds_is_judged() -> None:
    """One after another in float32, 33 million squares may lose all that they are: nothing was asked of their root."""
    layer = "frobenius_normalize"
    how: dict[str, Any] = {"dtype": "float32", "shape": {"...": 1 << 25}, "replay": f"{layer}.0.large.float32.1"}
    report = judge(layer, forward=normalised, **how)
    assert "got 0.5" in report.diagnosis, str(report)
