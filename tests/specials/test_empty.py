"""Nothing in, nothing out: every layer with every axis empty, in all four functions, without a word."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import kernels
from derive.notation.define import load_project
from derive.notation.layer import Layer
from reference.layers import batch_norm, mse
from tests.specials.arguments import made
from tests.specials.participation import Calls

LAYERS = load_project()
SIZES = {"...": 2, "b": 2, "c": 2, "p": 4, "q": 5, "k": 2, "l": 2, "g": 1, "i": 3, "o": 3, "t": 3}
SIZES |= {"d": 2, "v": 4, "n": 2, "m": 2, "r": 2, "s": 2, "j": 4}
NEEDED = {  # what cannot be empty, with the reason
    ("conv2d", "p"): "a window does not fit",
    ("conv2d", "q"): "a window does not fit",
    ("conv1d", "p"): "a window does not fit",
    ("depthwise_conv2d", "p"): "a window does not fit",
    ("depthwise_conv2d", "q"): "a window does not fit",
    ("max_pool1d", "p"): "a window does not fit",
    ("max_pool2d", "p"): "a window does not fit",
    ("max_pool2d", "q"): "a window does not fit",
    ("avg_pool1d", "p"): "a window does not fit",
    ("avg_pool2d", "p"): "a window does not fit",
    ("avg_pool2d", "q"): "a window does not fit",
    ("avg_pool3d", "p"): "a window does not fit",
    ("avg_pool3d", "q"): "a window does not fit",
    ("avg_pool3d", "r"): "a window does not fit",
    ("conv3d", "p"): "a window does not fit",
    ("conv3d", "q"): "a window does not fit",
    ("conv3d", "r"): "a window does not fit",
    ("max_pool3d", "p"): "a window does not fit",
    ("max_pool3d", "q"): "a window does not fit",
    ("max_pool3d", "r"): "a window does not fit",
    ("depthwise_conv1d", "p"): "a window does not fit",
    **{(name, axis): "a window does not fit" for name in ("dense_layer", "residual_block") for axis in "pq"},
    ("unfold", "p"): "a window does not fit",
    ("unfold", "q"): "a window does not fit",
    ("adaptive_avg_pool1d", "p"): "a window needs an element",
    **{("fold", axis): "a window does not fit" for axis in "klij"},
    ("adaptive_avg_pool2d", "p"): "a window needs an element",
    ("adaptive_avg_pool2d", "q"): "a window needs an element",
    ("embedding", "v"): "a token needs a row",
    ("relative_bias_attention", "r"): "a distance needs a bias",
    ("embedding_bag", "v"): "a token needs a row",
    ("reduce_log_sum", "i"): "the sum of nothing has no logarithm",
    ("difference", "i"): "there is one element less than nothing",
    ("pad_circular", "i"): "there is nothing to go round",
    ("split", "n"): "there is nothing to split off",
    ("gather", "i"): "a place needs an element",
    ("gather_rows", "i"): "a place needs an element",
    **{(n, "i"): "a label needs a class" for n in ("softmax_cross_entropy_labels", "nll_loss", "multi_margin")},
    **{(n, "i"): "a label needs a class" for n in ("weighted_cross_entropy", "weighted_nll")},
}
DIVIDED = (  # scores by the root of 0
    *("attention", "biased_attention", "sliding_window_attention", "softcap_attention", "grouped_query_attention"),
    *("cached_attention", "alibi_attention", "dropout_attention", "relative_bias_attention"),
)
BLOCK = {
    "y",
    "x",
    "W1",
    "W2",
    "Wv",
    "Wo",
    "b1",
    "bv",
    "bo",
    "beta1",
    "beta2",
    "gamma1",
    "gamma2",
}  # all behind attention
MEANS = {  # what is 0 / 0 then, or an infinity: the largest of nothing
    **{(name, "d"): ("O", "V", "B", "m", "V0", "value", "table") for name in DIVIDED},
    **dict.fromkeys(((f"reduce_{of}", "i") for of in ("mean", "max", "min", "logsumexp", "var", "std")), ("y",)),
    ("encoder_block", "d"): BLOCK,
    ("multi_head_attention", "d"): {"y", "x", "z", "Wv", "bv", "Wo", "B"},
    ("vector_quantize", "d"): ("loss",),
    ("maxout", "k"): ("y",),
    ("embedding_bag", "n"): ("y", "E"),
    ("multi_label_soft_margin", "i"): ("loss",),
    ("hmm_forward", "i"): ("p",),
    ("viterbi", "i"): ("best",),
    ("batch_norm", "b"): ("gamma",),  # second order alone: it holds the deviation of nothing
    ("batch_norm", "..."): ("gamma",),
    ("dense_layer", "b"): ("gamma",),
    ("residual_block", "b"): ("gamma1", "gamma2"),
    ("instance_norm", "..."): ("gamma",),
    **dict.fromkeys(((n, "b") for n in ("dice", "tversky", "info_nce")), ("loss",)),
    **{(n, "..."): ("loss",) for n, of in LAYERS.items() if any(o.name == "reduction" for o in of[0].options)},
    **{(f"global_{of}_pool{n}d", axis): ("y",) for of in ("avg", "max") for n in (1, 2, 3) for axis in "pqr"},
}


def axes(name: str) -> Iterator[str]:
    """The axes of a layer's inputs that may be empty."""
    layer = LAYERS[name][0]
    found = dict.fromkeys(a for t in layer.inputs for s in t.slots[t.sequence :] for a in s.parts)
    return (a for a in found if a != "g" and a not in layer.sizes and (name, a) not in NEEDED)


@pytest.mark.filterwarnings("error")
@pytest.mark.sampled("name")
@pytest.mark.parametrize(("name", "axis"), [(n, a) for n in sorted(LAYERS) for a in axes(n)])
def test_empty(name: str, axis: str) -> None:
    sizes = SIZES | {axis: 0}
    if name == "mlp" and axis in "io":
        sizes |= {"i": 0, "o": 0}
    for layer in LAYERS[name]:
        calls = Calls(kernels.kernel_of(name), derive(layer), made(layer, sizes))
        with np.errstate(all="raise"):
            found = calls(calls.given)
        for result, arrays in found.items():
            if result.split()[1] not in MEANS.get((name, axis), ()):
                assert all(np.isfinite(a).all() for a in arrays), result


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("layer", "loss"), [*zip(LAYERS["mse"], (np.nan, 0), strict=False)])
def test_loss_of_nothing(layer: Layer, loss: float) -> None:
    """A mean over no examples is 0 / 0, a sum 0; gradients are as empty as what they belong to."""
    case = made(layer, {"...": 0})
    outputs, saved = kernels.forward(mse, case)
    np.testing.assert_array_equal(outputs["loss"], loss)
    assert kernels.backward(mse, case, {"loss": np.ones(())}, saved)["y"].shape == (0,)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 5), (2, 3, 0)])
def test_running_statistics_are_left_alone(shape: tuple[int, ...]) -> None:
    before = np.array([0.5, -1, 2]), np.array([1.5, 2, 3])
    out, _ = batch_norm.forward(np.zeros(shape), np.ones(3), np.ones(3), *before)
    assert out.y.shape == shape
    for new, old in zip(out[1:], before, strict=True):
        np.testing.assert_array_equal(new, old)
        assert not np.shares_memory(new, old)
