"""What a kernel meets in use: large arrays, one call after another, numbers that are none.

* One argument of more elements than any block of the runtime holds. Values and tangents are compared with the
  definition at some elements, evaluated there alone; gradients by <J v, u> = <v, J^T u>, second gradients by the
  symmetry of the Hessian and by the tangents. The same in float16 and float32 beside float64: a sum of thousands of
  numbers must not stand still.
* What a call gave is the same after the next call, shares no memory with arguments, and may be written to.
* A NaN that takes part shows, one that does not leaves the others alone: the definition, evaluated over marks, says
  which results it reaches for sure, which it may reach (a comparison with it decides), and which it does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import inputs, kernels, layout, world
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.large import MANY, large
from derive.evidence.layout import Case, Elements, Value, flat
from derive.evidence.numbers import COMPARE, FLOAT, Numbers
from derive.evidence.result import Tally
from derive.evidence.traced import Node, Tape
from derive.evidence.truth import traced
from derive.notation import expr as x
from derive.notation.expr import Op, Reduce, Ref
from derive.notation.layer import Layer

LOOK = 5  # elements compared with the definition
CLOSE = 1e-9  # in float64, of the sum of magnitudes: a block left out or taken twice is 1e5 times as much
COARSE = {np.float16: 2e-2, np.float32: 1e-3}  # of a result's largest: rounding alone is 20 times less


def used(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    """All of it, each reported in the tally."""
    _again(derivation, kernel, seed, tally)
    _nan(derivation, kernel, seed, tally)
    _large(derivation, kernel, seed, tally)


def everything(derivation: Derivation, kernel: Any, case: Case, u: Arrays, v: Arrays) -> Iterator[tuple[str, Arrays]]:
    """All that a kernel can compute at a case, along cotangents u and tangents v."""
    outputs, saved = kernels.forward(kernel, case)
    yield "forward", outputs
    yield "backward", kernels.backward(kernel, case, u, saved)
    yield "jvp", kernels.jvp(kernel, case, v)
    if hasattr(kernel, "double_backward"):
        yield "double_backward", kernels.double_backward(kernel, derivation, case, u, v)


# ---- one call after another --------------------------------------------------------------------------------------


def _again(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    layer = derivation.layer
    one, two = (inputs.cases(layer, seed + n, 1)[0] for n in (0, 0))
    two = replace(two, tensors={n: _other(v) for n, v in two.tensors.items()})
    u, v = inputs.cotangents(one, seed), inputs.tangents(one, seed)
    other = {n: inputs.like(a, np.random.default_rng(seed + 9)) for n, a in u.items()}

    found = {what: (results, _copy(results)) for what, results in everything(derivation, kernel, one, u, v)}
    outputs, saved = kernels.forward(kernel, one)
    first = kernels.backward(kernel, one, u, saved)
    kept = _copy(first)
    given = [a for arrays in (one.tensors, u, v) for value in arrays.values() for a in flat(value) if a is not None]
    for what, (results, _) in found.items():
        for name, value in results.items():
            own = any(np.shares_memory(a, b) for a in flat(value) for b in given)
            tally.claim(not own, f"{what}: {name} shares its memory with an argument")
    for value in outputs.values():
        for a in flat(value):
            if a.flags.writeable:  # a caller may do with a result as he likes
                a[...] = 7.5
    tally.claim(_same(kernels.backward(kernel, one, u, saved), kept), "backward: changed with what forward returned")
    for _ in everything(derivation, kernel, two, other, v):
        pass
    kernels.backward(kernel, one, other, saved)
    for what, (results, before) in found.items():
        tally.claim(_same(results, before), f"{what}: an earlier result has changed after a later call")
    tally.claim(_same(first, kept), "backward: an earlier gradient has changed after a later call")
    again = kernels.backward(kernel, one, u, saved)
    tally.claim(_same(again, kept), "backward: another answer when it is asked again")


def _other(value: Value) -> Value:
    """Another argument of the same shapes: what is real and lies in a domain may be turned about."""
    if isinstance(value, list):
        return [_other(v) for v in value]
    return value if value is None else np.flip(value).copy()


def _copy(arrays: Arrays) -> Arrays:
    return {n: [a.copy() for a in v] if isinstance(v, list) else np.array(v) for n, v in arrays.items()}


def _same(one: Arrays, two: Arrays) -> bool:
    return all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for n in one
        for a, b in zip(flat(one[n]), flat(two[n]), strict=True)
    )


# ---- numbers that are none ---------------------------------------------------------------------------------------

CLEAN, MAYBE, REACHED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A number, and whether a NaN has reached it."""

    value: float
    state: int = CLEAN


def _on_marks(f: Callable[..., float]) -> Callable[..., Mark]:
    def apply(*marks: Mark) -> Mark:
        state = max(m.state for m in marks)
        try:
            return Mark(f(*(m.value for m in marks)) if state == CLEAN else math.nan, state)
        except (ArithmeticError, ValueError):
            return Mark(math.nan, MAYBE)

    return apply


def _product_of(a: Mark, b: Mark) -> Mark:
    """What may be 0 or 1 (a choice that a NaN decides), or is 0 (a weight that a mask leaves out), may leave out what
    it is multiplied with."""
    zero = any(m.state == CLEAN and m.value == 0 for m in (a, b))
    if MAYBE in (a.state, b.state) or (zero and REACHED in (a.state, b.state)):
        return Mark(math.nan, MAYBE)
    return _on_marks(lambda p, q: p * q)(a, b)


def _told(op: str, a: Mark, b: Mark) -> bool | None:
    return None if a.state or b.state else bool(COMPARE[op](a.value, b.value))


def _either(a: Mark, b: Mark) -> Mark:
    return a if a == b else Mark(math.nan, REACHED if a.state == b.state == REACHED else MAYBE)


def _raise(a: Mark, b: Fraction) -> Mark:
    return _on_marks(lambda v: FLOAT.power(v, b))(a) if b else Mark(1.0)


MARKS = Numbers(
    "marks",
    exact=lambda v: v if isinstance(v, Mark) else Mark(float(v), REACHED if v != v else CLEAN),
    functions={n: _on_marks(f) for n, f in FLOAT.functions.items()},
    power=_raise,
    raised=_on_marks(FLOAT.raised),
    pi=Mark(math.pi),
    inf=Mark(math.inf),
    add=_on_marks(lambda a, b: a + b),
    mul=_product_of,
    truth=_told,
    either=_either,
    beyond=Mark(0.0),  # a kernel may multiply what it has padded with zeros
)


def _nan(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    for case, where in poisoned(derivation.layer, seed):
        u = inputs.cotangents(case, seed)
        try:
            true = traced(case, u, None, MARKS)
        except Undecided:
            tally.leave(f"{where}: it decides which element is taken")
            continue
        with np.errstate(all="ignore"):
            outputs, saved = kernels.forward(kernel, case)
            gradients = kernels.backward(kernel, case, u, saved)
        marks = [m for own in true.forward.values() for m in own.values()]
        for name, own in kernels.elements(case, outputs).items():
            _marked(own, true.forward[name], f"{where}: {name}", True, tally)
        excluded = all(m.state == CLEAN for m in marks)  # from the values, and so from the gradients
        for name, own in kernels.elements(case, gradients).items():
            _marked(own, true.backward[name], f"{where}: gradient of {name}", excluded, tally)


def poisoned(layer: Layer, seed: int, plan: inputs.Plan = inputs.USUAL) -> Iterator[tuple[Case, str]]:
    """Cases with a NaN: anywhere in each real input, and at an element that takes no part, where there is one."""
    rng = np.random.default_rng(seed)
    real = [t for t in layer.inputs if t.kind == "real"]
    for case in inputs.cases(layer, seed, plan=plan):
        plain = traced(case, inputs.cotangents(case, seed), None, FLOAT)
        for tensor in inputs.some(layer, real, rng):
            values = layout.elements(case, tensor.name, case.tensors[tensor.name])
            idle = [i for i, bar in plain.backward.get(tensor.name, {}).items() if bar == 0]
            for chosen in (list(values), idle):
                if chosen:
                    at = chosen[int(rng.integers(len(chosen)))]
                    own = {**values, at: math.nan}
                    tensors = {**case.tensors, tensor.name: layout.array(case, tensor.name, own, np.float64)}
                    yield replace(case, tensors=tensors), f"{case.words}: NaN at {tensor.name}{list(at)}"


def _marked(own: Elements, marks: Elements, where: str, clean: bool, tally: Tally) -> None:
    """What a NaN reaches is NaN; with ``clean``, what it does not reach is not."""
    for i, got in own.items():
        if marks[i].state == REACHED:
            tally.claim(bool(np.isnan(got)), f"{where}{list(i)} is {got}, but the NaN takes part")
        elif clean and marks[i].state == CLEAN:
            tally.claim(not np.isnan(got), f"{where}{list(i)} is NaN, but no NaN takes part")


# ---- large arrays ------------------------------------------------------------------------------------------------


def _large(derivation: Derivation, kernel: Any, seed: int, tally: Tally) -> None:
    layer = derivation.layer
    try:
        case = large(layer, seed)
    except inputs.NoArguments as error:
        tally.leave(f"large arrays: {error}")
        return
    u, v, w = inputs.cotangents(case, seed), inputs.tangents(case, seed), inputs.tangents(case, seed + 1)
    with np.errstate(all="ignore"):
        found = dict(everything(derivation, kernel, case, u, v))
    if not all(np.isfinite(a).all() for own in found.values() for value in own.values() for a in flat(value)):
        tally.leave("large arrays: the definition is not finite there")
        return
    _sampled(case, v, found, seed, tally)
    _balanced(found["jvp"], u, found["backward"], v, "large: <J v, u>", tally)
    if "double_backward" in found:
        second = found["double_backward"]
        names = derivation.adjoint.cotangents
        for name, value in found["jvp"].items():
            own = second.get(names.get(name, ""), second.get(name))
            if own is not None:
                _balanced({name: value}, {name: u[name]}, {name: own}, {name: u[name]}, "large: d/d cotangent", tally)
        other = kernels.double_backward(kernel, derivation, case, u, w)
        real = {t.name for t in layer.differentiable}
        one = {n: a for n, a in second.items() if n in real}
        _balanced(one, w, {n: a for n, a in other.items() if n in real}, v, "large: <H v, w>", tally)
    for dtype, limit in COARSE.items():
        coarse(derivation, kernel, dtype, limit, seed, tally)


def _sampled(case: Case, v: Arrays, found: dict[str, Arrays], seed: int, tally: Tally) -> None:
    """Some elements of values and tangents against the definition, evaluated for them alone."""
    tape = Tape(FLOAT)
    layer, rng = case.layer, np.random.default_rng(seed)
    given: dict[str, Elements] = {}
    for tensor in layer.differentiable:
        along = layout.elements(case, tensor.name, v[tensor.name], float)
        values = layout.elements(case, tensor.name, case.tensors[tensor.name], float)
        given[tensor.name] = {i: Node(value, along[i]) for i, value in values.items()}
    along_too, alone = world.forward(case, tape.numbers, given), world.forward(case, FLOAT)
    for name in layer.outputs:
        values = layout.elements(case, name, found["forward"][name], float)
        slopes = layout.elements(case, name, found["jvp"][name], float) if name in found["jvp"] else {}
        indices = list(values)
        if len(indices) < MANY // 100:  # a sum of everything: its tangent is compared with the gradients alone
            for i in indices[:LOOK]:
                true = alone.value(name, i)
                close = not math.isfinite(true) or abs(values[i] - true) <= CLOSE * max(1.0, abs(true))
                tally.claim(close, f"large: {name}{list(i)} is {values[i]}, the definition says {true}")
            continue
        chosen = {0, len(indices) - 1, *rng.integers(len(indices), size=LOOK - 2).tolist()}
        for i in (indices[n] for n in sorted(chosen)):
            node = along_too.value(name, i)
            for what, got, true in (("", values[i], node.value), ("tangent of ", slopes.get(i), node.slope or 0.0)):
                if got is not None and math.isfinite(true):
                    close = abs(got - true) <= CLOSE * max(1.0, abs(true))
                    tally.claim(close, f"large: {what}{name}{list(i)} is {got}, the definition says {true}")


def _balanced(a: Arrays, x: Arrays, b: Arrays, y: Arrays, words: str, tally: Tally) -> None:
    """<a, x> = <b, y>, up to what rounding leaves of so many products."""
    (one, size), (two, more) = _product(a, x), _product(b, y)
    tally.claim(abs(one - two) <= CLOSE * (size + more), f"{words} = {one} on one side, {two} on the other")


def _product(a: Arrays, x: Arrays) -> tuple[float, float]:
    """The sum of products, and of their magnitudes."""
    pairs = [(np.asarray(p, np.float64), np.asarray(q)) for n in a for p, q in zip(flat(a[n]), flat(x[n]), strict=True)]
    return sum(float(np.sum(p * q)) for p, q in pairs), sum(float(np.sum(np.abs(p * q))) for p, q in pairs)


def coarse(derivation: Derivation, kernel: Any, dtype: Any, limit: float, seed: int, tally: Tally) -> None:
    """A narrow format beside float64, on numbers of one sign that add up.

    Where a definition has the largest of numbers that it computed, rounding may choose another one, on which a whole
    window depends, and a sum over all of them a little; where it squares the difference of two that it computed, as
    the variance behind another layer, some differences are rounding. Then half of the elements are looked at, the
    better ones, and five times as much is allowed.
    """
    coarser = chooses(derivation.layer) or cancels(derivation.layer)
    share, limit = (0.5, 5 * limit) if coarser else (1.0, limit)
    case = large(derivation.layer, seed, np.float16)
    wide, narrow = kernels.cast(case, np.float64), kernels.cast(case, dtype)
    rng = np.random.default_rng(seed)

    def positive(value: Value) -> Value:
        if isinstance(value, list):
            return [positive(a) for a in value]
        return rng.integers(1, 8, np.shape(value)) / 8.0

    u = {n: positive(a) for n, a in inputs.cotangents(case, 0).items()}
    v = {n: positive(a) for n, a in inputs.tangents(case, 0).items()}
    with np.errstate(all="ignore"):
        true = dict(everything(derivation, kernel, wide, u, v))
        own = everything(derivation, kernel, narrow, _cast(u, dtype), _cast(v, dtype))
        for what, results in own:
            all_of_it = max((_largest(b) for v in true[what].values() for b in flat(v)), default=0.0)
            for name, value in results.items():
                for a, b in zip(flat(value), flat(true[what][name]), strict=True):
                    largest = _largest(b)
                    if largest <= CLOSE * all_of_it:  # 0 but for rounding, as what softmax does not depend on
                        largest = all_of_it
                    if 0 < largest < float(np.finfo(dtype).max) / 4:
                        error = float(np.quantile(np.abs(np.asarray(a, np.float64) - b), share)) / largest
                        words = f"large, {np.dtype(dtype)}: {what} {name} is {error:.1g} of its largest off"
                        tally.claim(error <= limit, words)


def chooses(layer: Layer) -> bool:
    """Whether there is a maximum among numbers that the layer computes."""
    given = {t.name for t in layer.inputs}
    found = (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Reduce) and n.op in ("max", "argmax"))
    return any(isinstance(n, Ref) and n.tensor not in given for reduction in found for n in x.walk(reduction.body))


def cancels(layer: Layer) -> bool:
    """Whether a difference of numbers that the layer computes, each of them at every place, is squared."""
    given = {t.name for t in layer.inputs}
    powers = (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Op) and n.fn == "pow")
    sums = (n.args[0] for n in powers if isinstance(n.args[0], Op) and n.args[0].fn == "add")
    terms = ([m.tensor for m in x.walk(s) if isinstance(m, Ref)] for s in sums)
    return any(len(names) > 1 and not given.intersection(names) for names in terms)


def _largest(array: Any) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _cast(arrays: Arrays, dtype: Any) -> Arrays:
    return {n: [a.astype(dtype) for a in v] if isinstance(v, list) else v.astype(dtype) for n, v in arrays.items()}
