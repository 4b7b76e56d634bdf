"""How much the true results change with the arguments: the condition of a problem, whatever formula computes it.

For an element g of a result and the numbers x it is computed from, every input, cotangent and tangent among them, the
condition is sum |x dg/dx|: changing each x by a unit changes g by at most so many units. The definition is evaluated
over balls (derive.evidence.truth), once for each number, with that number changed by 2**STEP of itself; of the hundreds
of bits of both results enough are left in their difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from derive.evidence import kernels
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements, Value
from derive.evidence.numbers import Numbers
from derive.evidence.truth import PARTS, Truth, truth
from derive.notation.define import home
from derive.notation.layer import Layer

STEP = -90  # of 260 bits
STABLE = 8  # units, about as many as there are operations on the way from the arguments to a number of a result
FIRST = ("forward", "backward", "jvp")
#: The functions of this project's layers that are componentwise stable. Not among them are layers that subtract a mean:
#: of two features around 1e6 the difference is the mean's rounding, and does not change with the features.
CLAIMED: dict[str, tuple[str, ...]] = dict.fromkeys(
    (
        *("sigmoid", "tanh", "relu", "gelu", "leaky_relu", "identity", "linear", "residual", "softmax", "log_softmax"),
        *("cross_entropy", "softmax_cross_entropy", "softmax_cross_entropy_labels", "mse", "batch_norm_inference"),
        *("dropout", "inverted_dropout", "l2_penalty", "clip_by_global_norm", "sgd", "xavier", "he", "embedding"),
        "attention",
    ),
    (*FIRST, "double_backward"),
)
#: Nor are second derivatives of softmax (of two equal scores they cancel, which no formula of theirs shows) and the
#: derivatives of clipping (of an element that is nearly the norm alone, 1 - (g/norm)^2 is what the others leave).
CLAIMED |= {"softmax": FIRST, "attention": FIRST, "clip_by_global_norm": ("forward",)}
TIE = "the bound by the condition where a comparison of the definition is within rounding of a tie"
MOST = 50  # numbers up to which a condition is found, by changing one after another

Conditions = dict[str, dict[str, Elements]]  # by function of the kernel, result and index


def claimed(layer: Layer) -> tuple[str, ...]:
    """The functions of a layer that are claimed to be stable; none of a user's, whatever it is called."""
    return CLAIMED.get(layer.name, ()) if Path(layer.file).parent == home() else ()


class Ties:
    """Whether a comparison of data was undecided within rounding: then computed numbers may lie on either side.

    Attributes:
        met: whether there was one.
    """

    def __init__(self) -> None:
        self.met = False

    def noted(self, numbers: Numbers) -> Numbers:
        """The same arithmetic, in which a case taken from both sides is noticed."""
        both = numbers.either
        assert both is not None

        def either(a: Any, b: Any) -> Any:
            ball = both(a, b)
            self.met |= bool(ball.rad() > 0)
            return ball

        return replace(numbers, either=either)


def conditions(case: Case, cotangents: Arrays, tangents: Arrays) -> Conditions:
    """sum |x dg/dx| for every element of every result.

    Raises:
        Undecided, ArithmeticError: see derive.evidence.truth.truth.
    """
    exact = kernels.over(case, kernels.to_arb)
    with kernels.precision():
        u, v = ({n: kernels.convert(a, kernels.to_arb) for n, a in arrays.items()} for arrays in (cotangents, tangents))
    start = truth(exact, u, v)
    found: Conditions = {part: {n: dict.fromkeys(own, 0) for n, own in start.of(part).items()} for part in PARTS}
    for changed in _changed(exact, u, v):
        with kernels.precision():
            _add(found, start, truth(*changed))
    return found


def _add(found: Conditions, start: Truth, other: Truth) -> None:
    for part in PARTS:
        before, after = start.of(part), other.of(part)
        for n, own in found[part].items():
            for i in own:
                own[i] = own[i] + abs(after[n][i] - before[n][i]) * 2**-STEP


def _changed(case: Case, u: Arrays, v: Arrays) -> Iterator[tuple[Case, Arrays, Arrays]]:
    """The arguments with one number changed, for every number of theirs that is not 0."""
    real = {t.name for t in case.layer.inputs if t.kind == "real"}
    for name in real:
        for value in _each(case.tensors[name]):
            yield replace(case, tensors={**case.tensors, name: value}), u, v
    for name, option in case.options.items():
        for changed in _one_moved(option):
            yield replace(case, options={**case.options, name: changed}), u, v
    for name in u:
        for value in _each(u[name]):
            yield case, {**u, name: value}, v
    for name in v:
        for value in _each(v[name]):
            yield case, u, {**v, name: value}


def _one_moved(option: Any) -> Iterator[Any]:
    """A real option moved; of several numbers one after another."""
    if isinstance(option, tuple):
        for n, entry in enumerate(option):
            yield from ((*option[:n], changed, *option[n + 1 :]) for changed in _one_moved(entry))
    elif hasattr(option, "mid"):
        yield _moved(option)


def size_of(case: Case, u: Arrays, v: Arrays) -> int:
    """How many numbers there are to change, at most."""
    real = [case.tensors[t.name] for t in case.layer.inputs if t.kind == "real"]
    arrays = (a for value in [*real, *u.values(), *v.values()] for a in (value if isinstance(value, list) else [value]))
    return sum(np.size(a) for a in arrays)


def _each(value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        for n, a in enumerate(value):
            for changed in _each(a):
                yield [*value[:n], changed, *value[n + 1 :]]
        return
    array = np.asarray(value)
    for place in np.ndindex(*array.shape):
        if array[place] != 0:
            changed = array.copy()
            changed[place] = _moved(array[place])
            yield changed


def _moved(number: Any) -> Any:
    with kernels.precision():
        return number * (1 + kernels.to_arb(2.0**STEP))
