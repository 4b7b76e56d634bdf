"""Which cases a candidate is tried on: designed from the definition, one after another.

A design and a seed make a case; a case can be made again from its place in the list and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.evidence import domain, generic, inputs, layout
from derive.evidence.inputs import Array, Plan, Random
from derive.evidence.kernels import Arrays
from derive.evidence.large import running
from derive.evidence.layout import Case, Shape, Value
from derive.judge.arithmetic import STORAGE, Arithmetic
from derive.judge.options import pairs
from derive.judge.whole import rounds, whole
from derive.notation.domain import Domain
from derive.notation.expr import ELLIPSIS, Num, Op, Opt, Reduce, Size, walk
from derive.notation.layer import Layer, Tensor

SIZES = Plan((2, 3, 4, 5), ((2,), (3,), (1, 2), ()), (2, 3))
SQUARE = Plan((3,), ((3,), (3, 3)), (2,))
ONES = Plan((1,), ((1,), (2,)), (1,))
MANY = Plan((3, 4, 5), ((5, 3), (3, 5)), (2, 3))  # room for every special value
TILE = 33  # one more than tiles often hold
LENGTHS = (257, 32, 1025, 31, 1024)  # powers of two and their neighbours, of which single elements are looked at
FEW_TRIES = 20  # at sizes that two options go together with


def inside(a: Any) -> Any:
    """A part of a larger array: neither its first element nor one row after another."""
    wide = np.empty(tuple(n + 3 for n in a.shape), a.dtype)
    view = wide[tuple(slice(1, n + 1) for n in a.shape)]
    view[...] = a
    return view


def channels_last(a: Any) -> Any:
    """The second of three axes or more lies innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else a


def exchanged(a: Any) -> Any:
    """The last two axes have changed places in memory, the others not."""
    return np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2) if a.ndim > 1 else a


def repeated(a: Any) -> Any:
    """One number everywhere, with strides of 0: the cotangent of a sum."""
    return np.broadcast_to(a.reshape(-1)[:1].reshape((1,) * a.ndim), a.shape) if a.size else a


LAYOUTS = {
    "transposed in memory": generic.transposed,
    "backwards in memory": generic.reversed_strides,
    "every second element": generic.sliced,
    "one row again and again": generic.broadcast,
    "inside a larger array": inside,
    "channels last in memory": channels_last,
    "last axes exchanged in memory": exchanged,
}
#: Numbers that functions get wrong, of which any format holds a neighbour.
SPECIAL = (0.0, -0.0, 1e-8, 0.25, 0.5, 1.0, -1.0, 2.0, -3.0, 17.0, 40.0, -40.0, 89.0, -104.0)
STEPS = Plan((2, 3), ((2,), (1, 2), ()), (2,))  # two steps of a recurrence show what five do
WINDOWS = Plan((1, 2, 3, 4), ((2,), (1,)), (2,))  # windows make many terms of few elements
TIES = (-1.0, 0.0, 1.0, 2.0)
LARGE_MEAN = {"float64": 1e6, "float32": 1e4}  # 200 in narrower formats
HALVES = "halves that are rounded"
ABOVE = 1.75  # a slope above 1 turns a maximum round; others are 0.3 and -0.6
EXTREME = 1e15  # magnitudes, or their reciprocals, at which other libraries overflow on the way and may


@dataclass
class Chosen(Random):
    """Random numbers, or special ones; integers of a kind.

    Attributes:
        special: numbers to choose from. constant: around which number each row is constant, 0 for none.
        whole: whether integers are random, all the first, all the last, or one again and again.
    """

    special: tuple[float, ...] = ()
    constant: float = 0.0
    whole: str = ""

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        if within is not None or not (self.special or self.constant):
            return super().reals(shape, within)
        count = int(np.prod(shape))
        if self.constant:
            rows = self.rng.normal(size=(*shape[:-1], 1)) * 3 + self.constant
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
        empty: an axis without a position. long: lengths of a case of which single elements are looked at.
        exact: 0, or whole numbers that nothing rounds: 1 where all have as many digits, n where input n - 2 has most.
        ignored: an option that all labels are equal to. turned: a layout of the cotangents alone.
        peak: an axis at whose last position the extremes are, half of them the largest.
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
    empty: str = ""
    long: Mapping[str, int] = field(default_factory=dict)
    exact: int = 0
    ignored: str = ""
    turned: str = ""
    reshaped: bool = False
    peak: str = ""


def designs(layer: Layer, arithmetic: Arithmetic) -> Iterator[Design]:
    """The battery of one variant of a layer, what finds most first."""
    turns = max((len(inputs.option_values(layer, o, dict.fromkeys("v", 3))) for o in layer.options), default=1)
    composed = inputs.composed(layer)
    usual = STEPS if running(layer) else WINDOWS if layer.sizes else SIZES
    rows = all(len(t.axes) - t.sequence == 1 for t in layer.inputs)  # memory shows with two axes
    ends = any(layer.tensors[o].axes == (ELLIPSIS,) for o in layer.differentiable_outputs)  # of a cotangent, too
    longer = tuple(n for n in usual.sizes if n > 1)  # an axis of one lies as any other
    lying = replace(usual, sizes=longer, leading=((2, 3),) if rows or ends else ((2,),))
    yield Design("all sizes different", usual, probe=True)
    for turn in range(1, max(3, turns)):
        yield Design("other options", usual, turn, probe=turn == 1)
    # probed again: of few numbers the signs, or the labels, may be those of the other values, and a saved mask, too
    yield Design("all sizes equal", replace(SQUARE, leading=((3, 3),)) if rows or ends else SQUARE, 1, probe=True)
    # what is kept of a call, its lengths and options among it, is not that of the next one
    yield Design("another shape and other options later", usual, 2, probe=True, reshaped=True)
    if layer.sizes:  # spread windows may leave one tap of nine that meets the array
        yield Design("all sizes equal, options at their defaults", SQUARE, 0)
    if any(t.kind == "boolean" for t in layer.inputs):
        yield Design("nothing is masked", turn=1, masks="all")
        yield Design("no row is masked wholly", turn=1, masks="some")
        yield Design("all is masked", turn=1, masks="none")
    if any(t.kind == "integer" for t in layer.inputs):
        for kind in ("same", "last", "first"):
            yield Design(f"integers: {kind}", turn=1, how={"whole": kind})
    yield from laid_out(lying, layer, range(4))
    if composed:
        yield from laid_out(lying, layer, range(4, len(LAYOUTS)))
        return
    few = usual if layer.sizes or running(layer) else MANY
    yield Design("values that tie", few, 0, how={"special": TIES})
    yield Design("values that tie, other options", few, 1, how={"special": TIES})
    yield Design("two leading axes", replace(SIZES, leading=((2, 3),)), 1, probe=True)
    yield Design("sizes of one", ONES, 0)
    yield Design("special values", few, how={"special": SPECIAL}, turn=1)
    yield Design("constant rows", usual, 1, {"constant": 50.0})
    for scale, offset in STORAGE[arithmetic.storage].spreads[1:]:
        size = max(scale, abs(offset))
        extreme = size >= EXTREME or size <= 1 / EXTREME
        words = f"values around {offset:g}" if offset else f"values spread {scale:g}"
        yield Design(words, usual, 1, {"scale": scale, "offset": offset}, extreme=extreme)
    for cotangent in ("one of each row", "sparse", "large"):
        yield Design(f"cotangent: {cotangent}", usual, 2, cotangent=cotangent)
    for n in range(turns if turns > 1 else 0):
        yield Design("drawn options", usual, None, {"scale": 1.0 + n / 4})
    if scalars := [o.name for o in layer.options if o.kind == "Scalar" and not o.shape]:
        above = {name: ABOVE + n / 2 for n, name in enumerate(scalars)}  # a lower bound stays below an upper one
        yield Design("options above 1", replace(usual, options=above), 1)
    yield from tails(layer)
    yield from rarer(layer, arithmetic, usual, lying)


def rarer(layer: Layer, arithmetic: Arithmetic, usual: Plan, lying: Plan) -> Iterator[Design]:
    """What finds less, or nothing but what it is made for."""
    if rounds(layer):
        yield Design(HALVES, MANY, 0, exact=1)
    elif not layer.sizes:  # convolutions may be computed by transforms, which are not exact
        for n in range(1, 3 + len(layer.differentiable) + len(layer.differentiable_outputs)):
            yield Design("whole numbers that nothing rounds", usual, 1, exact=n)
    paired = replace(usual, sizes=(1, 2, 4, 7)) if usual is WINDOWS else usual  # into which windows of each size go
    for n, options in enumerate(pairs(layer)):
        own = replace(paired, options=options, attempts=FEW_TRIES)
        yield Design("options in pairs", own, None, {"scale": 1.0 + n / 4})
    yield from laid_out(lying, layer, range(4, len(LAYOUTS)))
    yield Design("cotangent: a single one", usual, 2, cotangent="a single one")
    for words in ("one number again and again", *list(LAYOUTS)[:2]):
        yield Design(f"cotangent: {words}", usual, 1, turned=words)
    for option in (o.name for o in layer.options if domain.compared_with(layer, o.name)):
        yield Design("all labels ignored", replace(usual, options={option: 0}), 1, ignored=option)
    yield from long_axes(layer)
    for axis in (*generic.may_be_empty(layer), *put_together(layer)):
        yield Design(_length(axis, 0), usual, 1, empty=axis)
    yield Design("constant rows, a large mean", usual, 1, {"constant": LARGE_MEAN.get(arithmetic.storage, 200.0)})
    form = STORAGE[arithmetic.storage]
    for word, size in (("subnormal", form.tiny * 50), ("huge", form.largest / 50)):
        yield Design(f"{word} values", usual, 1, {"scale": size}, extreme=True)


def battery(offered: Sequence[tuple[int, Layer]], arithmetic: Arithmetic) -> list[tuple[int, Layer, int, Design]]:
    """The designs of all variants in the order in which they are tried: number, variant, place in its list, design."""
    lists = [(n, layer, list(designs(layer, arithmetic))) for n, layer in offered]
    most = max((len(ds) for *_, ds in lists), default=0)
    return [(n, layer, turn, ds[turn]) for turn in range(most) for n, layer, ds in lists if turn < len(ds)]


def laid_out(plan: Plan, layer: Layer, which: range) -> Iterator[Design]:
    """Arrays that do not lie in memory row by row; ``which`` of the layouts."""
    for change in list(LAYOUTS)[which.start : which.stop]:
        if change != "channels last in memory" or any(len(t.axes) - t.sequence > 2 for t in layer.inputs):
            yield Design(change, plan, 2, change=change)


def tails(layer: Layer) -> Iterator[Design]:
    """One axis after another a little longer than a tile, the others short."""
    if windowed(layer) and running(layer):
        return
    if windowed(layer):  # windows: those of the array that they are taken from, twice as long for the sake of strides
        for axis in dict.fromkeys(layer.inputs[0].axes):
            yield Design(f"{axis} of {2 * TILE + 2}", replace(WINDOWS, sizes=(1, 2), fixed={axis: 2 * TILE + 2}))
        return
    steps = dict.fromkeys(running(layer), 1)  # each waits for the one before it, and all are of one kind
    short = Plan((2, 3), ((2,),), (2,), fixed=steps)
    chosen = any(isinstance(n, Reduce) and n.op != "sum" for e in layer.equations for n in walk(e.body))
    for axis in _free(layer):
        if axis in steps:
            continue
        long = replace(short, leading=((TILE,),)) if axis == ELLIPSIS else replace(short, fixed={**steps, axis: TILE})
        yield Design(_length(axis, TILE), long, peak=axis if chosen else "")


def long_axes(layer: Layer) -> Iterator[Design]:
    """One axis after another of a power of two and its neighbours."""
    if running(layer):  # an element of a recurrence depends on all before it
        return
    for length in LENGTHS:
        for axis in _free(layer):
            yield Design(_length(axis, length), long={axis: length})


def put_together(layer: Layer) -> list[str]:
    """The axes that are put one after another, which may have no positions: of windows one must fit."""
    sizes = [e for e in layer.sizes.values() if any(isinstance(n, Size) for n in walk(e))]
    if not all(isinstance(e, Op) and e.fn == "add" and all(isinstance(a, Size) for a in e.args) for e in sizes):
        return []
    return list(dict.fromkeys(n.axis for e in sizes for n in walk(e) if isinstance(n, Size)))


def _free(layer: Layer) -> list[str]:
    """The axes that may have any length; none among windows, where a long axis makes many of them."""
    axes = [a for t in layer.inputs for a in t.axes[t.sequence :]]
    given = {o.axis for o in layer.options if o.kind == "Count"}
    return [] if windowed(layer) else [a for a in dict.fromkeys(axes) if a not in given | set(layer.sizes)]


def windowed(layer: Layer) -> bool:
    """Whether the length of an axis is computed from others': a number, an option or another axis' length is not."""
    return any(not isinstance(e, Num | Opt | Size) for e in layer.sizes.values())


def _length(axis: str, length: int) -> str:
    return f"{length} rows" if axis == ELLIPSIS else f"{axis} of {length}"


@dataclass(frozen=True)
class Trial:
    """A case with its cotangents.

    Attributes:
        id: from which it is made again. later: a call of other lengths between two of this one.
    """

    id: str
    design: Design
    case: Case
    cotangents: Arrays
    later: Trial | None = None


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
    options = {**design.plan.options, **fixed.options}
    plan = replace(design.plan, fixed=merged, options=options, absent=fixed.absent, depth=fixed.depth)
    case = inputs.build(layer, Chosen(rng, np.float64, **design.how), plan, design.turn)
    if masks := design.masks:  # in a usual case the last row is masked wholly
        kept = {t.name: _mask(case.tensors[t.name], masks, rng) for t in layer.inputs if _given(case, t, "boolean")}
        case = replace(case, tensors={**case.tensors, **kept})
    if design.ignored:
        name = domain.compared_with(layer, design.ignored) or ""
        same = np.full_like(case.tensors[name], case.options[design.ignored])
        case = replace(case, tensors={**case.tensors, name: same})
    if design.empty:
        case = generic.emptied(case, design.empty)
    if design.peak:
        case = replace(case, tensors={t.name: _peaked(case, t, design.peak, rng) for t in layer.inputs})
    real = {t.name for t in layer.inputs if t.kind == "real"}
    tensors = {n: arithmetic.rounded(v) if n in real else v for n, v in case.tensors.items()}
    case = replace(case, tensors=tensors, words=f"{design.words} ({case.words})" if case.words else design.words)
    cotangents = {
        o: arithmetic.rounded(_cotangent(layout.shape_of(case, o), rng, design.cotangent))
        for o in layer.differentiable_outputs
    }
    if design.exact:
        if (
            numbers := whole(case, cotangents, arithmetic, design.exact - 2 if design.exact > 1 else None, rng)
        ) is None:
            raise inputs.NoArguments(f"{layer.name}: no numbers are computed with without rounding")
        case = replace(case, tensors={n: arithmetic.rounded(v) for n, v in numbers[0].tensors.items()})
        cotangents = {n: arithmetic.rounded(v) for n, v in numbers[1].items()}
    if design.turned:
        lying = {**LAYOUTS, "one number again and again": repeated}[design.turned]
        cotangents = {n: generic.changed(v, lying) for n, v in cotangents.items()}
    if design.change:
        change = LAYOUTS[design.change]
        case = replace(case, tensors={n: generic.changed(v, change) for n, v in case.tensors.items()})
        cotangents = {n: generic.changed(v, change) for n, v in cotangents.items()}
    later = None
    if design.reshaped:
        own = design.plan
        turned = replace(own, sizes=own.sizes[1:] + own.sizes[:1], leading=own.leading[1:] + own.leading[:1])
        longer = replace(design, reshaped=False, probe=False, plan=turned, turn=(design.turn or 0) + 1)
        later = trial(layer, variant, number, longer, arithmetic, seed + 1, fixed)
    return Trial(f"{layer.name}.{variant}.{number}.{arithmetic.storage}.{seed:x}", design, case, cotangents, later)


def _mask(value: Any, kind: str, rng: np.random.Generator) -> Any:
    """All True, none, or some in every row: the first among them, which causal attention may look at."""
    if kind != "some":
        return np.full_like(value, kind == "all")
    found = np.asarray(rng.random(value.shape) < 0.5)
    if found.ndim:
        found[..., :1] = True
        if found.shape[-1] > 1:
            found[..., -1:][:1] = False  # by chance none might be masked
    return found


def _peaked(case: Case, tensor: Tensor, axis: str, rng: np.random.Generator) -> Any:
    """A real input whose extremes are last along an axis, where a tail of a tile is: of few elements of a gradient one
    is not 0."""
    value = case.tensors[tensor.name]
    if tensor.kind != "real" or tensor.domain is not None or tensor.sequence or axis not in tensor.axes:
        return value
    found = layout.inner(case, tensor.name, np.array(value))
    last = (slice(None),) * tensor.axes.index(axis) + (-1,)
    size = 1 + 2 * float(np.max(np.abs(found), initial=0.0))
    found[last] = rng.choice([-size, size], found[last].shape) + found[last] / 4
    moved = layout.moved(case, tensor)
    return (found if moved is None else np.moveaxis(found, moved[1], moved[0])).reshape(np.shape(value))


def _given(case: Case, tensor: Tensor, kind: str) -> bool:
    """Whether a tensor is of a kind, and one array that is not left out."""
    return tensor.kind == kind and isinstance(case.tensors[tensor.name], np.ndarray)


def _cotangent(shape: Any, rng: np.random.Generator, kind: str) -> Value:
    if isinstance(shape, list):
        return [_cotangent(s, rng, kind) for s in shape]
    values = np.asarray(rng.normal(size=shape))
    if kind == "one of each row" and shape:
        return np.where(np.arange(shape[-1]) == rng.integers(max(1, shape[-1])), values, 0)
    if kind == "a single one":
        return np.asarray(np.arange(values.size).reshape(shape) == rng.integers(max(1, values.size)), np.float64)
    if kind == "sparse":
        return np.where(rng.random(shape) < 0.3, values, 0)
    return values * 1000 if kind == "large" else values
