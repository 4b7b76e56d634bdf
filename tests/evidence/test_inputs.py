"""Arguments made from signatures are what they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.evidence import domain, inputs, strategies
from derive.evidence.many import terms
from derive.notation.several import numbers
from tests.evidence.shared import LAYERS


def test_sizes_are_all_different() -> None:
    case = inputs.cases(LAYERS["attention"][0], 0, 1)[0]
    sizes = [case.sizes[a] for a in ("q", "k", "d", "v")]
    assert len(set(sizes)) == 4


def test_options_take_every_value() -> None:
    layer = LAYERS["attention"][0]
    assert {c.options["causal"] for c in inputs.cases(layer)} == {True, False}
    layer = LAYERS["conv2d"][0]
    assert {c.options["groups"] for c in inputs.cases(layer)} >= {1, 2}
    for name in ("stride", "padding", "dilation"):  # of several numbers each takes two, and another one for each axis
        for option in next(o for o in layer.options if o.name == name).elements:
            assert len({option.of(c.options) for c in inputs.cases(layer)}) > 1, option
        assert any(len({*numbers(c.options[name])}) > 1 for c in inputs.cases(layer)), name
    layer = LAYERS["mlp"][0]
    assert {n for n, v in LAYERS.items() if v[0].elementwise} <= {c.options["activation"] for c in inputs.cases(layer)}
    layer = LAYERS["embedding"][0]
    assert any(c.options["padding_index"] in c.tensors["t"] for c in inputs.cases(layer))


def test_of_many_terms_few_are_drawn() -> None:
    """Twelve indices of which each has a few positions make a million terms; options take their values all the same."""
    layer = LAYERS["conv_transpose3d"][0]
    found = inputs.every(layer, plan=replace(inputs.USUAL, trusted=True))
    assert max(map(terms, found)) < 6 * inputs.TERMS  # 3,939,840 where all attempts are alike
    assert len({c.sizes["g"] for c in found}) == len({str(c.options["stride"]) for c in found}) == 3


def test_a_row_of_the_mask_is_all_false() -> None:
    masks = [c.tensors["mask"] for c in inputs.cases(LAYERS["attention"][0], 0, 4)]
    assert any(m is None for m in masks)
    assert any(m is not None and not m.any(axis=-1).all() for m in masks)


def test_integers_stay_inside_the_axis_they_index() -> None:
    for case in inputs.cases(LAYERS["embedding"][0], 3, 8):
        assert case.tensors["t"].max(initial=0) < len(case.tensors["E"])


def test_what_must_be_positive() -> None:
    assert domain.positive(LAYERS["cross_entropy"][0]) == {"y"}
    assert domain.positive(LAYERS["batch_norm_inference"][0]) == {"running_var"}
    assert domain.positive(LAYERS["layer_norm"][0]) == frozenset()


def test_smooth_and_rational() -> None:
    assert domain.smooth(LAYERS["softmax"][0])
    assert not domain.smooth(LAYERS["relu"][0])
    assert not domain.smooth(LAYERS["max_pool2d"][0])
    assert domain.rational(LAYERS["linear"][0])
    assert not domain.rational(LAYERS["layer_norm"][0])
    assert domain.exact_inside(LAYERS["residual"][0], {"activation": "relu"})
    assert not domain.exact_inside(LAYERS["residual"][0], {"activation": "tanh"})
    assert not domain.exact_inside(LAYERS["residual"][0], {"activation": "leaky_relu"})  # its alpha is a float


@pytest.mark.parametrize("name", ["attention", "conv2d", "mlp", "clip_by_global_norm"])
def test_seeds_decide_everything(name: str) -> None:
    one, two = (inputs.cases(LAYERS[name][0], 5, 2)[1] for _ in range(2))
    assert one.options == two.options
    for a, b in zip(one.tensors.values(), two.tensors.values(), strict=True):
        for p, q in zip(a, b, strict=True) if isinstance(a, list) else [(a, b)]:
            np.testing.assert_array_equal(p, q)


@settings(max_examples=20)
@given(st.data())
def test_hypothesis_draws_arguments_that_fit(data: st.DataObject) -> None:
    case = data.draw(strategies.cases(LAYERS["conv2d"][0]))
    assert case.sizes["i"] >= 1
    assert case.tensors["x"].shape[1] == case.sizes["g"] * case.sizes["c"]
