"""What a user may do to a kernel: other formats, layouts and sizes, exact numbers.

Every format comes out as it went in, from forward, backward, jvp and double_backward, and no input is written
to. An axis of any argument may be empty; where the definition has a value there (an empty sum is 0) it is
that value, and where it has none (a mean over nothing) nothing is claimed but the shape. Arrays that are
transposed, reversed, sliced or broadcast give results within the derived bound, as contiguous ones do. Where
the equations are arithmetic only, object arrays of fractions give the very fractions of the definition,
gradients included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import domain, enclosure, inputs, kernels, layout
from derive.evidence.compare import same_fraction
from derive.evidence.layout import Case, Elements, Value, flat
from derive.evidence.result import Result, Tally
from derive.evidence.truth import fractions, truth
from derive.evidence.use import everything, used
from derive.notation.define import REGISTRY
from derive.notation.expr import ELLIPSIS
from derive.notation.layer import Equation, Layer
from derive.program.outside import spared

PLAN = inputs.Plan((2, 3, 4), ((2,), (2, 3)), (2,))
IGNORED = -7  # a label that is no position
DTYPES: tuple[Any, ...] = (np.float16, np.float32, np.float64, np.longdouble)


def generic(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """Formats, untouched inputs, empty axes, layouts and fractions."""
    tally = Tally("generic", derivation.layer.name, 1.0, unit="of the derived bound")
    _formats(derivation, kernel, seed, tally)
    _empty(derivation, kernel, seed, tally)
    _layouts(derivation, kernel, seed, tally)
    _ignored(derivation, kernel, seed, tally)
    _fractions(derivation, kernel, seed, tally)
    used(derivation, kernel, seed, tally)
    return tally.result()


def _formats(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    case = inputs.cases(derivation.layer, seed, 1, PLAN)[0]
    if not any(t.kind == "real" for t in case.layer.inputs):
        tally.leave("formats: there is no real input, and results are in float64")
        return
    for dtype in DTYPES:
        own = kernels.cast(case, dtype)
        arrays = [
            a for t in derivation.layer.inputs if own.tensors[t.name] is not None for a in flat(own.tensors[t.name])
        ]
        along = inputs.cotangents(own, 1, dtype), inputs.tangents(own, 2, dtype)
        arrays += [a for given in along for v in given.values() for a in flat(v)]
        before = [a.copy() for a in arrays]
        for a in arrays:
            a.flags.writeable = False
        for what, results in everything(derivation, kernel, own, *along):
            for name, value in results.items():
                place = what == "forward" and derivation.layer.tensors[name].kind == "integer"
                wanted = np.dtype(np.int64 if place else dtype)
                for a in flat(value):
                    found = np.asarray(a).dtype
                    tally.claim(found == wanted, f"{what}: {name} of {np.dtype(dtype)} inputs is {found}")
        for a, b in zip(arrays, before, strict=True):
            tally.claim(a.tobytes() == b.tobytes(), f"an argument of {np.dtype(dtype)} was written to")


def _empty(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    for words, case in empty_cases(derivation.layer, seed):
        try:
            with np.errstate(all="ignore"):
                along = inputs.cotangents(case, 1), inputs.tangents(case, 2)
                found = dict(everything(derivation, kernel, case, *along))
        except Exception as error:  # what a kernel raises is the finding
            tally.claim(False, f"{words}: {error!r}")
            continue
        for name, value in found["forward"].items():
            tally.claim(_shape(value) == layout.shape_of(case, name), f"{words}: {name} has shape {_shape(value)}")
        for name, value in found["backward"].items():
            tally.claim(
                _shape(value) == layout.shape_of(case, name),
                f"{words}: gradient of {name} has shape {_shape(value)}",
            )
        true = truth(case, inputs.cotangents(case, 1), inputs.tangents(case, 2))
        for name, value in found["forward"].items():
            _where_defined(case, name, value, true.forward[name], words, tally)
        if true.singular or not all(v.is_finite() for own in true.forward.values() for v in own.values()):
            tally.leave(f"{words}: there is no gradient, for the definition has no value or is not smooth")
            continue
        for name, value in found["backward"].items():
            _where_defined(case, name, value, true.backward[name], f"{words}: gradient", tally)


def _shape(value: Value) -> Any:
    return [np.shape(v) for v in value] if isinstance(value, list) else np.shape(value)


def _where_defined(case: Case, name: str, value: Value, wanted: Elements, words: str, tally: Tally) -> None:
    for i, v in layout.elements(case, name, value, float).items():
        true = wanted[i]
        if true.is_finite():
            close = abs(v - float(true)) <= 1e-9 * max(1, abs(float(true)))  # a rough look: enclosure has the bound
            tally.claim(bool(close), f"{words}: {name}{list(i)} is {v}, the definition says {float(true)}")


def empty_cases(layer: Layer, seed: int) -> Iterator[tuple[str, Case]]:
    """The first acceptable case, with each axis in turn made empty."""
    case = inputs.cases(layer, seed, 1, PLAN)[0]
    for axis in inputs.some(layer, may_be_empty(layer), np.random.default_rng(seed)):
        yield f"axis {axis} empty", emptied(case, axis)


def may_be_empty(layer: Layer) -> list[str]:
    """The axes that may have no positions: an index needs something to point at, a window needs room."""
    axes = dict.fromkeys(a for t in layer.inputs for s in layout.slots(layer, t) for a in s[:1])
    pointed = {a for t in layer.inputs if t.kind == "integer" for a in domain.index_ranges(layer, t.name)}
    listed = layer.sequence_axis  # a list without entries is another case
    return [a for a in axes if not (a in pointed or a in layer.sizes or a == listed or _windowed(layer, a))]


def emptied(case: Case, axis: str) -> Case:
    """The case with nothing along one axis."""
    tensors = {t.name: _without(case.layer, case, t.name, axis) for t in case.layer.inputs}
    return Case(case.layer, tensors, case.options, case.words)


def _windowed(layer: Layer, axis: str) -> bool:
    """Whether a computed size depends on the axis."""
    from derive.notation.expr import Size, walk

    return any(Size(axis) in walk(e) for e in layer.sizes.values())


def _without(layer: Layer, case: Case, name: str, axis: str) -> Value:
    """The argument with nothing along one axis."""
    tensor = layer.tensors[name]
    value = case.tensors[name]
    if value is None:
        return None
    parts = layout.slots(layer, tensor)
    chained = domain.chained(layer)

    def cut(array: Any, entry: int) -> Any:
        at = 0
        for part in parts:
            width = np.ndim(array) - len(parts) + 1 if part == (ELLIPSIS,) else 1
            if axis in part and width:
                place = at
                if (move := layout.moved(case, tensor)) is not None and part != (ELLIPSIS,):
                    place = move[0]
                elif move is not None:
                    place = next(p for p in range(np.ndim(array)) if p != move[0] % np.ndim(array))
                if not (tensor.sequence and axis in chained and entry > 0):
                    array = np.take(array, [], axis=place)
            elif tensor.sequence and chained.get(part[0]) == axis and entry > 0:
                array = np.take(array, [], axis=at)
            at += width
        return array

    return [cut(a, n) for n, a in enumerate(value)] if tensor.sequence else cut(value, 0)


def transposed(a: Any) -> Any:
    return np.asfortranarray(a)


def reversed_strides(a: Any) -> Any:
    backwards = tuple(slice(None, None, -1) for _ in a.shape)
    return np.ascontiguousarray(a[backwards])[backwards]


def sliced(a: Any) -> Any:
    """Every second element of a larger array."""
    wide = np.empty(tuple(2 * n for n in a.shape), a.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def broadcast(a: Any) -> Any:
    """Stride 0 along the first axis: its first entry again and again."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim and a.shape[0] else a


LAYOUTS = (transposed, reversed_strides, sliced, broadcast)


def _layouts(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    form = enclosure.FORMATS[0]
    for n, change in enumerate(LAYOUTS[:1] if inputs.composed(derivation.layer) else LAYOUTS):
        case = inputs.cases(derivation.layer, seed + n, 1, PLAN)[0]
        own = replace(case, tensors={k: changed(v, change) for k, v in case.tensors.items()})
        cotangents = {k: changed(v, change) for k, v in inputs.cotangents(case, seed + n).items()}
        tangents = {k: changed(v, change) for k, v in inputs.tangents(case, seed + n).items()}
        enclosure.check(derivation, kernel, own, cotangents, tangents, form, tally)


def _ignored(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    """Labels that are an option's value, and no position of any axis."""
    for case in ignored_cases(derivation.layer, seed):
        cotangents, tangents = inputs.cotangents(case, seed), inputs.tangents(case, seed)
        enclosure.check(derivation, kernel, case, cotangents, tangents, enclosure.FORMATS[0], tally)


def ignored_cases(layer: Layer, seed: int) -> Iterator[Case]:
    """Cases of a layer whose labels may be ignored, in which some are."""
    for label, option in spared(layer).items():
        for case in inputs.cases(layer, seed, 2, replace(PLAN, leading=((3,), (2, 3)), options={option: IGNORED})):
            labels = np.array(case.tensors[label])
            labels.reshape(-1)[::2] = IGNORED
            yield replace(case, tensors={**case.tensors, label: labels}, words=f"{case.words}, some {label} ignored")


def changed(value: Value, change: Callable[[Any], Any]) -> Value:
    if value is None:
        return None
    return (
        [changed(v, change) for v in value] if isinstance(value, list) else change(value) if np.ndim(value) else value
    )


def _of_activations(case: Case) -> list[Equation]:
    """The equations of the elementwise layers that a case's options name."""
    named = [case.options[o.name] for o in case.layer.options if o.kind == "Activation"]
    return [e for name in named for e in REGISTRY[name][0].equations]


def _fractions(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    layer = derivation.layer
    equations = layer.equations + derivation.backward
    for case in inputs.cases(layer, seed, None, PLAN):
        if not domain.exact_inside(layer, case.options):
            continue
        if domain.constants(_of_activations(case)):
            tally.leave("results from fractions: a constant of the activation is a float in its kernel")
            continue
        cotangents = inputs.cotangents(case, seed)
        exact = kernels.over(case, kernels.to_fraction)
        along = {n: kernels.convert(v, kernels.to_fraction) for n, v in cotangents.items()}
        got = kernels.elements(case, kernels.backward(kernel, exact, along))
        true = fractions(case, cotangents).backward
        for name, values in got.items():
            for i, v in values.items():
                wanted = true[name][i]
                same_fraction(v, wanted, equations, f"{case.words}: gradient of {name}{list(i)}", tally)
