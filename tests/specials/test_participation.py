"""A NaN that takes part in a result shows; one that is masked or excluded stays out of it: every layer.

An infinity may turn into NaN, or vanish, where it takes part; elsewhere it leaves everything as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import kernels
from derive.evidence.layout import Case
from derive.notation.define import load_project
from derive.notation.layer import Layer
from tests.specials.arguments import made
from tests.specials.participation import INSTEAD, Calls, faults

LAYERS = load_project()
SIZES = {"...": 2, "b": 2, "c": 2, "p": 4, "q": 5, "k": 2, "l": 2, "g": 1, "i": 3, "o": 3, "t": 3}
SIZES |= {"d": 2, "v": 4, "n": 2, "m": 2, "r": 2, "s": 2, "j": 4}
OF_LAYER: dict[str, dict[str, int]] = {"attention": {"q": 4, "k": 5, "d": 2, "v": 3}}
OF_LAYER |= dict.fromkeys(("sliding_window_attention", "alibi_attention"), OF_LAYER["attention"])
OF_LAYER["relative_bias_attention"] = {"q": 3, "k": 3, "r": 5}  # of a clipped row's scores all may have one bias
BELOW = tuple(-n for n in INSTEAD)
SMOOTH = {"activation": "tanh", "output": "tanh"}  # a slope of 0 would be multiplied by NaN: a row of the conventions

BENT = ("leaky_relu", "prelu", "elu", "selu", "celu")  # NaN is not above 0: the other case is taken then
SMALLEST = ("reduce_min", "argmin")  # NaN is below all others, as for a largest it is above
#: Beyond the ends of these an infinity is, and a NaN is not.
ENDED = dict.fromkeys(("relu6", "hard_sigmoid", "hard_swish"), (8.1, 8.7))
NEAR = (0.3, 0.6)
ENDED |= {"binary_cross_entropy": NEAR}
WITHIN = dict.fromkeys(("hard_tanh", "hinge", "hinge_embedding", "binary_cross_entropy"), NEAR)
#: A slope of 0, or a map that is not chosen, is multiplied by what is NaN: a row of the conventions.
WHOLE = ("reglu", "maxout")
#: What normalises a batch, or masks by a NaN, is in each of these: their parts are looked at one by one.
WHOLE += ("residual_block", "dense_layer", "encoder_block")

#: A second derivative of 0, on one side of a kink, is multiplied.
CURVED = {("cotangent y", "double_backward x"), ("tangent x", "double_backward x")}
MULTIPLIED = {("input W", "backward x"), ("tangent W", "double_backward x"), ("tangent x", "double_backward W")}
SLOPE = ("backward y", "backward t", "jvp loss", "double_backward loss")
#: A product of nothing is 1: it has no slope, which is multiplied.
BEGUN = {
    *((argument, result) for argument in ("input x", "tangent x") for result in ("jvp y", "double_backward y")),
    *((a, "double_backward x") for a in ("input x", "tangent x", "cotangent y")),
}
#: Between two elements is the number 0, which is multiplied, as outside.
BETWEEN = {
    *(
        (f"{argument} W", f"{function} z")
        for argument in ("input", "tangent")
        for function in ("jvp", "double_backward")
    ),
    *(("input W", "forward z"), ("cotangent z", "backward W")),
}
ROUNDED = {
    ("input x", result) for result in ("forward y", "backward x", "jvp y", "double_backward x", "double_backward y")
}
OF_ROWS = {
    f"{function} {n}" for function in ("forward", "backward", "jvp", "double_backward") for n in ("y", "loss", "z", "E")
}
#: Outside the array is the number 0, which is multiplied; the sign of NaN is 0, and NaN is on no side.
EXCEPTED = {
    **dict.fromkeys(("cumprod", "reduce_prod"), BEGUN),
    **dict.fromkeys(("conv2d", "conv1d", "depthwise_conv2d", "depthwise_conv1d", "conv3d"), MULTIPLIED),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), BETWEEN),
    # the last step's state is read by no gradient: a cotangent of 0 is multiplied
    "linear_recurrence": {("input a", "double_backward x"), ("input x", "double_backward a")},
    # behind an example's end a loop multiplies a cotangent of 0 by a weight of NaN
    "lstm_lengths": {
        (f"input {n}", f"{function} {result}")
        for n in ("x", "h0", "c0", "W", "U", "bias")
        for function in ("backward", "double_backward")
        for result in ("x", "h0", "c0", "W", "U", "bias")
    },
    "rotary_embedding": {
        *(("input x", "forward y"), ("cotangent y", "backward x")),
        *(("tangent x", f"{function} y") for function in ("jvp", "double_backward")),
    },
    # behind NaN, or an infinity, every state is as good: the first is taken, which no other number does
    "viterbi": {
        (f"input {n}", result)
        for n in ("e", "s0", "A")
        for result in ("backward e", "backward s0", "backward A", "jvp best", "double_backward best")
    },
    # what rounds to the same, or lies beyond the ends, gives the same; what is no number gives none
    **dict.fromkeys(("straight_through_sign", "fake_quantize"), ROUNDED),
    # with NaN, or an infinity, another row may be the nearest, or all are as near
    "vector_quantize": {(f"{a} {n}", result) for a in ("input", "tangent") for n in "zE" for result in OF_ROWS},
    "lion": {("input dW", "forward y"), ("input m", "forward y")},
    "reduce_l1": {("input x", result) for result in ("backward x", "jvp y", "double_backward y")},
    "l1_loss": {(f"input {n}", result) for n in "yt" for result in SLOPE},
    "pinball": {("input t", result) for result in SLOPE},
    "triplet_margin": {("input n", "backward p"), ("input n", "double_backward p")},  # infinitely far costs nothing
    **dict.fromkeys(("elu", "selu", "celu", "hard_swish"), CURVED),
}


#: With which everything takes part: at a weight of 1 a target cancels in second order.
OPTIONS: dict[str, dict[str, Any]] = {
    "embedding": {"padding_index": 1},
    "bce_with_logits": {"pos_weight": 2.0},
    "cosine_embedding": {"margin": -2.0},
    "weighted_cross_entropy": {"label_smoothing": 0.3},
}
#: NaN is within every bound.
BOUNDS: dict[str, dict[str, Any]] = {"clip_by_value": {"tau": 3.0}, "huber": {"delta": 7.0}, "smooth_l1": {"beta": 7.0}}
BOUNDS |= {name: {"margin": 7.0} for name in ("multi_margin", "triplet_margin", "margin_ranking")}
#: What cancels out, a bias of keys or the score of a first row, takes part in roundoff: a row of the conventions.
CANCELLING = ("multi_head_attention", "cross_attention", "causal_linear_attention")


def case_of(layer: Layer, special: float = np.nan) -> Case:
    options: dict[str, Any] = {o.name: SMOOTH[o.name] for o in layer.options if o.name in SMOOTH}
    options |= OPTIONS.get(layer.name, {})
    options |= BOUNDS.get(layer.name, {}) if np.isnan(special) else {}
    case = made(layer, SIZES | OF_LAYER.get(layer.name, {}), **options)
    if layer.name == "alibi_attention":
        case.tensors["mask"][..., 0, :] = False  # a row that sees only itself does not depend on its score
    return case


def excepted(name: str) -> Callable[[str, str], bool]:
    """What conventions say otherwise of a layer's argument and result."""
    return lambda argument, result: (argument, result) in EXCEPTED.get(name, ())


@pytest.mark.parametrize("special", [np.nan, np.inf])
@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", sorted(set(LAYERS).difference(WHOLE)))
def test_every_layer(name: str, special: float) -> None:
    for layer in LAYERS[name] if np.isnan(special) else LAYERS[name][:1]:
        calls = Calls(kernels.kernel_of(name), derive(layer), case_of(layer, special))
        instead = (WITHIN if np.isnan(special) else ENDED).get(name, INSTEAD)
        if name in (*BENT, *SMALLEST) and np.isnan(special):
            instead = BELOW
        found = faults(calls, instead, special, excepted(name))
        assert not [f for f in found if name not in CANCELLING or f.endswith("does not show it")]


def test_causal_attention() -> None:
    """What comes later is left out of everything; a first row sees only itself, and is masked here."""
    (layer,) = LAYERS["attention"]
    case = made(layer, SIZES | OF_LAYER["attention"], causal=True)
    case.tensors["mask"][..., 0, :] = False
    for special in (np.nan, np.inf):
        assert not faults(Calls(kernels.kernel_of("attention"), derive(layer), case), special=special)


def test_targets_of_zero() -> None:
    """Cross-entropy does not look at a prediction whose target is 0."""
    for layer in LAYERS["cross_entropy"]:
        case = made(layer, SIZES)
        case.tensors["t"][:, 1] = 0
        calls = Calls(kernels.kernel_of("cross_entropy"), derive(layer), case)
        assert not faults(calls, exempt=lambda argument, _: argument != "input y")
