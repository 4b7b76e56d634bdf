"""Which cases a candidate is tried on: designed from the definition, one after another.

A design and a seed make a case; a case can be made again from its place in the list and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.evidence import generic, inputs, layout
from derive.evidence.inputs import Array, Plan, Random
from derive.evidence.kernels import Arrays
from derive.evidence.large import running
from derive.evidence.layout import Case, Shape, Value
from derive.judge.arithmetic import STORAGE, Arithmetic
from derive.notation.domain import Domain
from derive.notation.expr import ELLIPSIS
from derive.notation.layer import Layer, Tensor

SIZES = Plan((2, 3, 4, 5), ((2,), (3,), (1, 2), ()), (2, 3))
SQUARE = Plan((3,), ((3,), (3, 3)), (2,))
ONES = Plan((1,), ((1,), (2,)), (1,))
MANY = Plan((3, 4, 5), ((5, 3), (3, 5)), (2, 3))  # room for every special value
TILE = 33  # one more than tiles often hold
LAYOUTS = {
    "transposed in memory": generic.transposed,
    "backwards in memory": generic.reversed_strides,
    "every second element": generic.sliced,
    "one row again and again": generic.broadcast,
}
#: Numbers that functions get wrong, of which any format holds a neighbour.
SPECIAL = (0.0, -0.0, 1e-8, 0.5, 1.0, -1.0, 2.0, -3.0, 17.0, 40.0, -40.0, 89.0, -104.0)
STEPS = Plan((2, 3), ((2,), (1, 2), ()), (2,))  # two steps of a recurrence show what five do
WINDOWS = Plan((1, 2, 3, 4), ((2,), (1,)), (2,))  # windows make many terms of few elements
TIES = (-1.0, 0.0, 1.0, 2.0)
EXTREME = 1e15  # magnitudes, or their reciprocals, at which other libraries overflow on the way and may


@dataclass
class Chosen(Random):
    """Random numbers, or special ones; integers of a kind.

    Attributes:
        special: numbers to choose from. constant: whether one number stands everywhere along the last axis.
        whole: whether integers are random, all the first, all the last, or one again and again.
    """

    special: tuple[float, ...] = ()
    constant: bool = False
    whole: str = ""

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        if within is not None or not (self.special or self.constant):
            return super().reals(shape, within)
        count = int(np.prod(shape))
        if self.constant:
            rows = self.rng.normal(size=(*shape[:-1], 1)) * 3 + 50
            return np.asarray(np.broadcast_to(rows, shape) if shape else rows[0]).astype(self.dtype)
        every = np.resize(self.rng.permutation(self.special), count)  # each as often as there is room
        return np.asarray(self.rng.permutation(every)).reshape(shape).astype(self.dtype)

    def integers(self, shape: Shape, least: int, below: int) -> Array:
        last = max(least, below - 1)
        kinds = {"first": least, "last": last, "same": int(self.rng.integers(least, last + 1))}
        if self.whole in kinds:
            return np.full(shape, kinds[self.whole])
        return super().integers(shape, least, below)


@dataclass(frozen=True)
class Design:
    """One case to be made.

    Attributes:
        words: what it is for. plan, turn, how: see derive.evidence.inputs.build and Chosen. change: a layout.
        cotangent: random, one of each row, sparse, large. extreme: whether others overflow there and may.
        probe: whether earlier results are looked at after later calls. masks: all True, none, or some in every row.
    """

    words: str
    plan: Plan = SIZES
    turn: int | None = 0
    how: Mapping[str, Any] = field(default_factory=dict)
    change: str = ""
    cotangent: str = "random"
    extreme: bool = False
    probe: bool = False
    masks: str = ""


def designs(layer: Layer, arithmetic: Arithmetic) -> Iterator[Design]:
    """The battery of one variant of a layer, what finds most first."""
    turns = max((len(inputs.option_values(layer, o, dict.fromkeys("v", 3))) for o in layer.options), default=1)
    composed = inputs.composed(layer)
    usual = STEPS if running(layer) else WINDOWS if layer.sizes else SIZES
    rows = all(len(t.axes) == 1 for t in layer.inputs)  # memory shows with two axes
    lying = replace(usual, leading=((2, 3),) if rows else ((2,),))
    yield Design("all sizes different", usual, probe=True)
    for turn in range(1, max(3, turns)):
        yield Design("other options", usual, turn, probe=turn == 1)
    yield Design("all sizes equal", replace(SQUARE, leading=((3, 3),)) if rows else SQUARE, 1)
    if any(t.kind == "boolean" for t in layer.inputs):
        yield Design("nothing is masked", turn=1, masks="all")
        yield Design("no row is masked wholly", turn=1, masks="some")
        yield Design("all is masked", turn=1, masks="none")
    if any(t.kind == "integer" for t in layer.inputs):
        for whole in ("same", "last", "first"):
            yield Design(f"integers: {whole}", turn=1, how={"whole": whole})
    yield from laid_out(lying)
    if composed:
        return
    few = usual if layer.sizes or running(layer) else MANY
    yield Design("values that tie", few, 0, how={"special": TIES})
    yield Design("values that tie, other options", few, 1, how={"special": TIES})
    yield Design("two leading axes", replace(SIZES, leading=((2, 3),)), 1)
    yield Design("sizes of one", ONES, 0)
    yield Design("special values", few, how={"special": SPECIAL}, turn=1)
    yield Design("constant rows", usual, 1, {"constant": True})
    for scale, offset in STORAGE[arithmetic.storage].spreads[1:]:
        size = max(scale, abs(offset))
        extreme = size >= EXTREME or size <= 1 / EXTREME
        words = f"values around {offset:g}" if offset else f"values spread {scale:g}"
        yield Design(words, usual, 1, {"scale": scale, "offset": offset}, extreme=extreme)
    for cotangent in ("one of each row", "sparse", "large"):
        yield Design(f"cotangent: {cotangent}", usual, 2, cotangent=cotangent)
    for n in range(turns if turns > 1 else 0):
        yield Design("options in pairs", usual, None, {"scale": 1.0 + n / 4})
    yield from tails(layer)


def battery(offered: Sequence[tuple[int, Layer]], arithmetic: Arithmetic) -> list[tuple[int, Layer, int, Design]]:
    """The designs of all variants in the order in which they are tried: number, variant, place in its list, design."""
    lists = [(n, layer, list(designs(layer, arithmetic))) for n, layer in offered]
    most = max((len(ds) for *_, ds in lists), default=0)
    return [(n, layer, turn, ds[turn]) for turn in range(most) for n, layer, ds in lists if turn < len(ds)]


def laid_out(plan: Plan) -> Iterator[Design]:
    """Arrays that do not lie in memory row by row."""
    for change in LAYOUTS:
        yield Design(change, plan, 2, change=change)


def tails(layer: Layer) -> Iterator[Design]:
    """One axis after another a little longer than a tile, the others short."""
    if running(layer):  # each step waits for the one before it, and steps are of one kind
        return
    if layer.sizes:  # windows: those of the array that they are taken from, twice as long for the sake of strides
        for axis in dict.fromkeys(layer.inputs[0].axes):
            yield Design(f"{axis} of {2 * TILE + 2}", replace(WINDOWS, sizes=(1, 2), fixed={axis: 2 * TILE + 2}))
        return
    axes = [a for t in layer.inputs for a in t.axes[t.sequence :]]
    given = {o.axis for o in layer.options if o.kind == "Count"}
    short = Plan((2, 3), ((2,),), (2,))
    for axis in dict.fromkeys(axes):
        if axis == ELLIPSIS:
            yield Design(f"{TILE} rows", replace(short, leading=((TILE,),)))
        elif axis not in given:
            yield Design(f"{axis} of {TILE}", replace(short, fixed={axis: TILE}))


@dataclass(frozen=True)
class Trial:
    """A case with its cotangents.

    Attributes:
        id: from which it is made again.
    """

    id: str
    design: Design
    case: Case
    cotangents: Arrays


def trial(
    layer: Layer, variant: int, number: int, design: Design, arithmetic: Arithmetic, seed: int, fixed: Plan
) -> Trial:
    """The case of a design.

    Args:
        fixed: options, lengths and masks that the caller has decided on.

    Raises:
        derive.evidence.inputs.NoArguments: there is none.
    """
    rng = np.random.default_rng((seed, variant, number))
    merged = {**design.plan.fixed, **fixed.fixed}
    plan = replace(design.plan, fixed=merged, options=fixed.options, absent=fixed.absent)
    case = inputs.build(layer, Chosen(rng, np.float64, **design.how), plan, design.turn)
    if masks := design.masks:  # in a usual case the last row is masked wholly
        kept = {t.name: _mask(case.tensors[t.name], masks, rng) for t in layer.inputs if _given(case, t, "boolean")}
        case = replace(case, tensors={**case.tensors, **kept})
    real = {t.name for t in layer.inputs if t.kind == "real"}
    tensors = {n: arithmetic.rounded(v) if n in real else v for n, v in case.tensors.items()}
    case = replace(case, tensors=tensors, words=f"{design.words} ({case.words})" if case.words else design.words)
    cotangents = {
        o: arithmetic.rounded(_cotangent(layout.shape_of(case, o), rng, design.cotangent))
        for o in layer.differentiable_outputs
    }
    if design.change:
        change = LAYOUTS[design.change]
        case = replace(case, tensors={n: generic.changed(v, change) for n, v in case.tensors.items()})
        cotangents = {n: generic.changed(v, change) for n, v in cotangents.items()}
    return Trial(f"{layer.name}.{variant}.{number}.{arithmetic.storage}.{seed:x}", design, case, cotangents)


def _mask(value: Any, kind: str, rng: np.random.Generator) -> Any:
    """All True, none, or some in every row: the first among them, which causal attention may look at."""
    if kind != "some":
        return np.full_like(value, kind == "all")
    found = np.asarray(rng.random(value.shape) < 0.5)
    if found.ndim:
        found[..., :1] = True
    return found


def _given(case: Case, tensor: Tensor, kind: str) -> bool:
    """Whether a tensor is of a kind, and one array that is not left out."""
    return tensor.kind == kind and isinstance(case.tensors[tensor.name], np.ndarray)


def _cotangent(shape: Any, rng: np.random.Generator, kind: str) -> Value:
    if isinstance(shape, list):
        return [_cotangent(s, rng, kind) for s in shape]
    values = np.asarray(rng.normal(size=shape))
    if kind == "one of each row" and shape:
        return np.where(np.arange(shape[-1]) == rng.integers(max(1, shape[-1])), values, 0)
    if kind == "sparse":
        return np.where(rng.random(shape) < 0.3, values, 0)
    return values * 1000 if kind == "large" else values
