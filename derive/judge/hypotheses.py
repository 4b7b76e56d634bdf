"""What a candidate may be computing instead: each hypothesis gives the numbers that it would lead to at a case."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import layout, world
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.mutate import Mutant, mutants
from derive.evidence.numbers import COMPARE, FLOAT
from derive.evidence.truth import traced
from derive.judge.changes import known_mistakes, said
from derive.notation import several
from derive.notation.expr import ELLIPSIS, Expr, Ref, Size, refs
from derive.notation.layer import Equation, Tensor

Results = dict[str, Elements]
PLAIN = 1e-4  # from 1 on, a factor is a mistake and no rounding
PLACE = "it gives"  # numbers that belong elsewhere
SAME = 1e-6  # of an element, within which it is another's

LAST = replace(FLOAT, name="ties to the last", truth=lambda op, a, b: bool(COMPARE[">=" if op == ">" else op](a, b)))


@dataclass(frozen=True)
class Hypothesis:
    """Another way to compute one part of a layer.

    Attributes:
        words: follows "it is ours". values: the results at a case, in float64.
        plain: whether it is a word on the result itself (a factor, a sign).
    """

    words: str
    values: Callable[[Derivation, Case, Arrays], Results]


def of_definition(part: str, words: str, change: Callable[[Case, Arrays], tuple[Case, Arrays]]) -> Hypothesis:
    """The definition itself, at other arguments."""

    def values(derivation: Derivation, case: Case, cotangents: Arrays) -> Results:
        other, u = change(case, cotangents)
        found: Results = traced(other, u, None, FLOAT).of(part)
        if not any(o.kind == "Axis" for o in case.layer.options):
            return found
        arrays = {n: layout.array(other, n, own, float) for n, own in found.items()}
        return {n: layout.elements(case, n, a, float) for n, a in arrays.items()}

    return Hypothesis(words, values)


def hypotheses(derivation: Derivation, case: Case, part: str) -> Iterator[Hypothesis]:
    """What to try, what is simplest first."""
    yield from options(case, part)
    yield from choices(case, part)
    if part == "backward":
        yield from cotangent(part)
    if part == "backward" or any(t.kind == "integer" for t in map(case.layer.tensors.get, case.layer.outputs) if t):
        yield Hypothesis("with ties going to the last of equals", _last(part))
    if part == "backward":
        for n, mutant in _all(derivation.backward):
            yield Hypothesis(said(mutant), _backward(n, mutant))
    tell = "for the definition " if part == "backward" else ""
    for n, mutant in _all(case.layer.equations):
        yield Hypothesis(tell + said(mutant), _forward(part, n, mutant))
    yield from arguments(case, part)
    if part == "backward":
        for n, mutant in _others(derivation.backward, derivation.tensors):
            yield Hypothesis(said(mutant), _backward(n, mutant))
    for n, mutant in _others(case.layer.equations, case.layer.tensors):
        yield Hypothesis(tell + said(mutant), _forward(part, n, mutant))


def _all(equations: tuple[Equation, ...]) -> Iterator[tuple[int, Mutant]]:
    for rule in (None, known_mistakes):
        for n, equation in enumerate(equations):
            for mutant in mutants(equation, rule):
                yield n, mutant


def _others(equations: tuple[Equation, ...], tensors: dict[str, Tensor]) -> Iterator[tuple[int, Mutant]]:
    """Another tensor of the same axes in the place of one, another axis's length in the place of one's."""
    computed = {e.target for e in equations}
    axes = dict.fromkeys(a for t in tensors.values() for a in t.axes if a != ELLIPSIS)

    def rule(e: Expr, scope: set[str]) -> Iterator[tuple[str, Expr]]:
        if isinstance(e, Ref) and e.tensor in tensors:
            own = tensors[e.tensor]
            for name, other in tensors.items():
                if name != e.tensor and other.axes == own.axes and other.kind == own.kind:
                    yield "another array", Ref(name, e.index)
        if isinstance(e, Size):
            yield from (("the length of another axis", Size(a)) for a in axes if a != e.axis)

    for n, equation in enumerate(equations):
        for mutant in mutants(equation, rule):
            later = {e.target for e in equations[n:]} if equation.target in computed else set()
            if not later & {r.tensor for r in refs(mutant.after.body)} - {r.tensor for r in refs(equation.body)}:
                yield n, mutant


def _last(part: str) -> Callable[[Derivation, Case, Arrays], Results]:
    return lambda derivation, case, cotangents: traced(case, cotangents, None, LAST).of(part)


def _backward(n: int, mutant: Mutant) -> Callable[[Derivation, Case, Arrays], Results]:
    def values(derivation: Derivation, case: Case, cotangents: Arrays) -> Results:
        all_ = derivation.backward
        changed = (*all_[:n], mutant.after, *all_[n + 1 :])
        return world.gradients(derivation, world.backward(derivation, case, cotangents, FLOAT, changed))

    return values


def _forward(part: str, n: int, mutant: Mutant) -> Callable[[Derivation, Case, Arrays], Results]:
    def values(derivation: Derivation, case: Case, cotangents: Arrays) -> Results:
        own = _changed_layer(case, n, mutant.after)
        if part == "forward":
            run = world.forward(own, FLOAT)
            return {o: run.values(o, o) for o in own.layer.outputs}
        return traced(own, cotangents, None, FLOAT).backward

    return values


def _changed_layer(case: Case, n: int, after: Equation) -> Case:
    layer = replace(case.layer, steps=(*case.layer.equations[:n], after, *case.layer.equations[n + 1 :]))
    return replace(case, layer=layer)


def options(case: Case, part: str) -> Iterator[Hypothesis]:
    """Options that are ignored or taken otherwise."""
    for option in case.layer.options:
        own = case.options[option.name]
        if isinstance(own, str):
            continue
        if isinstance(own, bool):
            others: list[tuple[str, Any]] = [("the other way round", not own)]
        elif option.shape:
            others = [("at its default, whatever is asked for", option.default), ("with its axes exchanged", own[::-1])]
            others += [("with its first number for all", several.coarse(own, 0))]
            if len(option.shape) > 1:
                others += [("with the first number of each axis for both", several.coarse(own, 1))]
                others += [("with the numbers of each axis exchanged", tuple(pair[::-1] for pair in own))]
            steps: dict[str, Callable[[Any], Any]]
            steps = {"as 0": lambda v: type(v)(0), "one larger": lambda v: v + 1, "one smaller": lambda v: v - 1}
            others += [(words, several.changed(own, step)) for words, step in steps.items()]
        else:
            others = [("at its default, whatever is asked for", option.default), ("as 0", type(own)(0))]
            others += [("as its magnitude", abs(own)), ("negated", -own)]
            if isinstance(own, int):
                others += [("one larger", own + 1), ("one smaller", own - 1)]
            else:
                others += [("as 1 - it", 1 - own), ("as 1", 1.0), ("squared", own * own)]
                others += [("as 1 / it", 1 / own)] if own else []
        for words, value in others:
            if value != own:
                yield of_definition(part, f"with the option {option.name} {words}", _option(option.name, value))


def choices(case: Case, part: str) -> Iterator[Hypothesis]:
    """Masks and integers taken otherwise."""
    for tensor in case.layer.inputs:
        name, value = tensor.name, case.tensors[tensor.name]
        if value is None:
            continue
        if tensor.kind == "boolean":
            yield of_definition(part, f"with {name} ignored", _tensor(name, lambda v: np.ones_like(v)))
            yield of_definition(part, f"with {name} the other way round", _tensor(name, lambda v: ~v))
        elif tensor.kind == "integer":
            if part == "backward":
                yield of_definition(part, f"with what {name} names again written over, and not added", _over(name))
            yield of_definition(part, f"with {name} counted from 1", _tensor(name, lambda v: v - 1))
            yield of_definition(part, f"with {name} one too many", _tensor(name, lambda v: v + 1))


def _over(name: str) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
    """Cotangents of places that are named again later: left out, for the last one's is written over theirs."""

    def change(case: Case, u: Arrays) -> tuple[Case, Arrays]:
        places = np.asarray(case.tensors[name])
        rows = places.reshape(-1, places.shape[-1]) if places.ndim > 1 and not _alone(case) else places.reshape(1, -1)
        last = np.array([[v not in row[n + 1 :] for n, v in enumerate(row)] for row in rows]).reshape(places.shape)

        def kept(value: Any) -> Any:
            if isinstance(value, list) or np.shape(value)[: places.ndim] != places.shape:
                raise Undecided("no cotangent for each place")
            return np.where(last.reshape(places.shape + (1,) * (np.ndim(value) - places.ndim)), value, 0.0)

        return case, {n: kept(v) for n, v in u.items()}

    return change


def _alone(case: Case) -> bool:
    """Whether places are those of one table, and not of a row of their own for each."""
    return not any(ELLIPSIS in t.axes for t in case.layer.inputs if t.kind == "real")


def arguments(case: Case, part: str) -> Iterator[Hypothesis]:
    """Real inputs ignored, exchanged or taken otherwise."""
    layer = case.layer
    for tensor in layer.inputs:
        name, value = tensor.name, case.tensors[tensor.name]
        if value is not None and tensor.kind == "real" and not tensor.sequence:
            for words, change in (
                ("taken for zeros", np.zeros_like), ("taken for ones", np.ones_like), ("negated", np.negative),
                ("taken as 1 + it", lambda v: v + 1), ("transposed", _transposed),
                ("with two leading axes in the wrong order", _leading),
            ):  # fmt: skip
                yield of_definition(part, f"with {name} {words}", _tensor(name, change))
    real = [t for t in layer.inputs if t.kind == "real" and not t.sequence]
    for n, one in enumerate(real):
        for two in real[n + 1 :]:
            if np.shape(case.tensors[one.name]) == np.shape(case.tensors[two.name]):
                yield of_definition(part, f"with {one.name} and {two.name} exchanged", _exchanged(one.name, two.name))


def _option(name: str, value: Any) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
    return lambda case, u: (replace(case, options={**case.options, name: value}), u)


def _tensor(name: str, change: Callable[[Any], Any]) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
    return lambda case, u: (replace(case, tensors={**case.tensors, name: change(np.asarray(case.tensors[name]))}), u)


def _exchanged(one: str, two: str) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
    def change(case: Case, u: Arrays) -> tuple[Case, Arrays]:
        return replace(case, tensors={**case.tensors, one: case.tensors[two], two: case.tensors[one]}), u

    return change


def _transposed(value: Any) -> Any:
    if value.ndim < 2 or value.shape[-1] != value.shape[-2]:
        raise Undecided("not square")
    return np.swapaxes(value, -1, -2)


def _first(value: Any) -> Any:
    return np.full_like(value, value.reshape(-1)[0]) if value.size else value


def _leading(value: Any) -> Any:
    if value.ndim < 3 or min(value.shape[:2]) < 2:
        raise Undecided("no two leading axes")
    return np.swapaxes(value, 0, 1).reshape(value.shape)


def cotangent(part: str) -> Iterator[Hypothesis]:
    """The cotangent ignored, or taken for something else."""

    def each(change: Callable[[Any], Any]) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
        def one(value: Any) -> Any:
            return [one(v) for v in value] if isinstance(value, list) else np.asarray(change(np.asarray(value)))

        return lambda case, u: (case, {n: one(v) for n, v in u.items()})

    for words, change in (
        ("with the cotangent taken for ones", np.ones_like),
        ("with the mean of the cotangent for the cotangent", lambda v: np.full_like(v, v.mean() if v.size else 0)),
        ("with the sum of the cotangent for the cotangent", lambda v: np.full_like(v, v.sum())),
        ("with the cotangent's sign for the cotangent", np.sign),
        ("with the first cotangent for all of them", _first),
        ("with the cotangent read backwards", np.flip),
        ("with the cotangent transposed", _transposed),
        ("with two leading axes of the cotangent in the wrong order", _leading),
    ):
        yield of_definition(part, words, each(change))


# ---- words on the result itself ----------------------------------------------------------------------------


def factors(case: Case) -> dict[str, float]:
    """Numbers that a result may be multiplied with by mistake."""
    found: dict[str, float] = {"2": 2.0, "1/2": 0.5, "-1": -1.0, "-2": -2.0, "4": 4.0, "1/4": 0.25}
    sizes = {f"size({a})": float(n) for a, n in case.sizes.items() if n > 1}
    sizes |= {f"the number of rows{n}": float(math.prod(s)) for n, s in _rows(case) if math.prod(s) > 1}
    values = {n: float(v) for n, v in case.options.items() if isinstance(v, float) and v not in (0.0, 1.0)}
    for name, value in {**sizes, **values}.items():
        found |= {name: value, f"1/{name}": 1 / value, f"-{name}": -value, f"1/sqrt({name})": abs(value) ** -0.5}
        found |= {f"sqrt({name})": abs(value) ** 0.5, f"1 - {name}": 1 - value}
        if name in sizes:
            found |= {f"{name}/({name} - 1)": value / (value - 1), f"({name} - 1)/{name}": (value - 1) / value}
    names = list(sizes)
    for n, one in enumerate(names):
        for two in names[n + 1 :]:
            found |= {f"{one} {two}": sizes[one] * sizes[two], f"1/({one} {two})": 1 / (sizes[one] * sizes[two])}
            found |= {f"{one}/{two}": sizes[one] / sizes[two], f"{two}/{one}": sizes[two] / sizes[one]}
    return found


def _rows(case: Case) -> Iterator[tuple[str, tuple[int, ...]]]:
    for entry, shape in case.leading.items():
        yield "" if entry is None else f" of entry {entry}", shape


def on_the_result(
    case: Case, name: str, got: Elements, true: Elements, close: float, failing: tuple[tuple[int, ...], ...] = ()
) -> list[str]:
    """What may be wrong with one result as a whole, what is plainest first."""
    values, wanted = (np.array([e[i] for i in true], float) for e in (got, true))
    scale = float(np.max(np.abs(wanted), initial=0.0))
    if not values.size:
        return []
    if np.isnan(values).all():
        return ["it is NaN everywhere"]
    if not values.any() and wanted.any():
        return ["it is 0 everywhere"]
    found = []
    for other in case.layer.inputs:
        value = case.tensors[other.name]
        if other.kind == "real" and value is not None and not other.sequence and np.size(value) == values.size:
            own = np.asarray(value, float).reshape(-1)
            if np.array_equal(own, values) and not np.allclose(own, wanted):
                found.append(f"it is a copy of {other.name}")
    if not np.isfinite(values).all() or not np.isfinite(scale) or scale == 0:
        return found
    if values.size > 1 and np.ptp(values) == 0 and np.ptp(wanted) > close * scale:
        found.append(f"it is {values[0]:.6g} everywhere")
    at = int(np.argmax(np.abs(wanted)))
    factor = values[at] / wanted[at]
    if abs(factor - 1) > max(close, PLAIN) and np.max(np.abs(values - factor * wanted)) <= close * abs(factor) * scale:
        found += [
            f"it is ours times {w}"
            for w, f in factors(case).items()
            if abs(f / factor - 1) <= 4 * close and abs(f - 1) > PLAIN  # of two lengths that are equal by chance
        ]
        found.append(f"it is ours times {factor:.6g}")
    for words, changed in (("its absolute value", np.abs(wanted)), ("its positive part", np.maximum(wanted, 0))):
        other = np.max(np.abs(changed - wanted)) > close * scale  # of what is positive it is the same
        if other and np.max(np.abs(values - changed)) <= close * scale:
            found.append(f"it is {words}")
    low, high = values.min(), values.max()
    if scale > 0 and np.max(np.abs(values - np.clip(wanted, low, high))) <= close * scale:
        beyond = {"at": high, "below": low}
        cut = {"at": wanted > high + close * scale, "below": wanted < low - close * scale}
        found += [f"it is cut off {side} {beyond[side]:.6g}" for side, own in cut.items() if own.any()]
    return found + list(_turned(case, name, got, true, close * scale)) + list(_moved(case, name, got, true, failing))


def _moved(case: Case, name: str, got: Elements, true: Elements, failing: tuple[tuple[int, ...], ...]) -> Iterator[str]:
    """Elements that belong at another position: what is wrong gives what is right a few places further."""
    own = {float(got[i]) for i in failing}
    if not any(own) or len(own) == 1 < len(failing):  # a constant is found elsewhere
        return
    chosen = any(o.kind == "Axis" for o in case.layer.options)  # which of the equations' axes it is then varies
    for p, axis in enumerate(case.layer.tensors[name].axes):
        length = 1 + max(i[p] for i in true)
        last = " at its last" if {i[p] for i in failing} == {length - 1} else ""
        for step in (-1, 1, -2, 2):
            if not step % length:
                continue
            places = [(*i[:p], (i[p] + step) % length, *i[p + 1 :]) for i in failing]
            pairs = [(got[i], true.get(j, np.nan)) for i, j in zip(failing, places, strict=True)]
            if all(abs(g - t) <= SAME * abs(t) for g, t in pairs):
                where = f"{abs(step)} {'earlier' if step < 0 else 'later'} along {'an axis' if chosen else axis}"
                yield f"{PLACE}{last} what belongs {where}{' (off by one)' if abs(step) == 1 else ''}"


def _turned(case: Case, name: str, got: Elements, true: Elements, close: float) -> Iterator[str]:
    """Axes in another order or direction."""
    own, array = (layout.array(case, name, e, float) for e in (true, got))
    if isinstance(own, list) or own.ndim < 2:
        return
    for axis in range(own.ndim):
        if own.shape[axis] > 1 and np.max(np.abs(np.flip(own, axis) - array)) <= close:
            yield f"it is turned round along axis {axis}"
    if own.shape[-1] == own.shape[-2] and np.max(np.abs(np.swapaxes(own, -1, -2) - array)) <= close:
        yield "it is transposed where it is square"
    if min(own.shape[:2]) > 1 and own.ndim > 2:
        mixed = np.swapaxes(own, 0, 1).reshape(own.shape)
        if np.max(np.abs(mixed - array)) <= close:
            yield "two of its leading axes are in the wrong order"
