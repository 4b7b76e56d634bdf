"""What each function takes beside its arguments and results, measured.

A function may hold the definition's own arrays and copies of them on the way, as many as its formula has terms; it may
not hold an array over pairs of positions that no tensor has.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import kernels, layout
from derive.evidence.inputs import cotangents, tangents
from derive.notation.define import load_project
from derive.notation.expr import ELLIPSIS
from reference.layers import conv2d
from tests.specials.arguments import made

LAYERS = {name: variants[0] for name, variants in load_project().items()}
SIZES = {"...": 300, "b": 5, "c": 6, "g": 1, "o": 28, "p": 32, "q": 34, "k": 3, "l": 3, "t": 20, "m": 24, "n": 24}
SIZES |= {"gate": 4, "i": 48, "d": 48, "v": 48, "r": 2, "s": 2, "j": 48}
OF_LAYER = {
    "attention": {"q": 64, "k": 60, "d": 56, "v": 52, "...": 4},
    "conv3d": {"p": 12, "q": 10, "r": 9, "k": 2, "l": 2, "m": 2},  # a window of eight positions; see BOUND
    "conv_transpose3d": {"p": 12, "q": 10, "r": 9, "k": 2, "l": 2, "m": 2},
    "cdist": {"d": 4},  # the differences of each pair are held: squares of numbers that cancel are not multiplied out
    "softcap_attention": {"q": 64, "k": 60, "d": 56, "v": 52, "...": 4},
    # its double_backward still multiplies queries, keys and features before keys are summed
    "linear_attention": {"q": 8, "k": 60, "d": 24, "v": 20, "...": 4},
    "mlp": {"o": 48},
    **{name: {"b": 300, "...": 48} for name in ("layer_norm_nd", "dice", "tversky")},
    **{n: {"...": 40} for n in ("lstm", "gru", "rnn", "reverse_rnn", "peephole_lstm", "projected_lstm")},
    "gru_reset_before": {"...": 40, "i": 120},  # second order holds some twenty arrays of units at every step
    "bilinear": {"...": 100},
    "info_nce": {"b": 8, "d": 5000},  # scores of all pairs are held
    **{
        n: {"d": 4, "v": 4} for n in ("fast_weights", "causal_linear_attention")
    },  # each step's state is held: a matrix for each pair of vectors
    "selective_scan": {"n": 2},  # and here a state for each pair of n and d
    **{n: {"i": 2} for n in ("hmm_forward", "viterbi")},  # each step's transitions are held
}
MANY = 20_000  #: elements of arrays that have no other axis than "..."
#: Bytes held at once, in multiples of all arguments and results. The most is 5, for a convolution's double_backward:
#: windows of 3 x 3 positions, copied out for a matrix product, are nine times their image.
BOUND = 7


def size(value: Any) -> int:
    """Bytes of arrays."""
    return sum(map(size, value)) if isinstance(value, list | tuple) else getattr(value, "nbytes", 0)


def peak(call: Callable[[], Any]) -> tuple[int, int]:
    """Bytes held at once during a call, and bytes of what it returns."""
    call()  # what is remembered of the shapes is no memory of the call
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        return tracemalloc.get_traced_memory()[1] - before, size(result)
    finally:
        tracemalloc.stop()


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_memory(name: str) -> None:
    layer = LAYERS[name]
    alone = all(layout.slots(layer, t) == ((ELLIPSIS,),) for t in layer.inputs)
    case = made(layer, SIZES | OF_LAYER.get(name, {}) | ({"...": MANY} if alone else {}), entries=3)
    kernel, given = kernels.kernel_of(name), size(list(case.tensors.values()))
    dy, t = cotangents(case), tangents(case)
    _, saved = kernels.forward(kernel, case)
    taken = {
        "forward": (given, peak(lambda: [*kernels.forward(kernel, case)[0].values()])),
        "backward": (
            given + size(list(dy.values())),
            peak(lambda: [*kernels.backward(kernel, case, dy, saved).values()]),
        ),
        "jvp": (given + size(list(t.values())), peak(lambda: [*kernels.jvp(kernel, case, t).values()])),
        "double_backward": (
            given + size(list(dy.values())) + size(list(t.values())),
            peak(lambda: [*kernels.double_backward(kernel, derive(layer), case, dy, t).values()]),
        ),
    }
    found = {f: round(most / (arguments + results), 1) for f, (arguments, (most, results)) in taken.items()}
    assert max(found.values()) < BOUND, found


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}], ids=str)
def test_one_image(options: dict[str, int]) -> None:
    """A convolution of one image: the second gradient has no sum over pixels of it times pixels of the result."""
    x, weights, bias = np.ones((1, 3, 32, 32)), np.ones((6, 3, 3, 3)), np.zeros(6)
    z, saved = conv2d.forward(x, weights, bias, **options)
    once, _ = peak(lambda: conv2d.backward(z, saved))
    given = x, weights, bias
    twice, _ = peak(lambda: conv2d.double_backward(z, given, given, **options))
    assert twice < 3 * once  # twice as many windows, and the first ones; it was 251 times
