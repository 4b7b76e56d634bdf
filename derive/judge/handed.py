"""More of what a candidate may be doing: what it hands over in another order, keeps of another call, or cannot take
the logarithm of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import layout
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import FLOAT
from derive.evidence.truth import traced
from derive.evidence.use import CLEAN, MARKS
from derive.judge.hypotheses import Hypothesis, Results
from derive.judge.plan import Trial

NUMBERLESS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("negative", lambda v: v < 0),
    ("0", lambda v: v == 0),
    ("0 or negative", lambda v: v <= 0),
)


def exchanged_results(case: Case, part: str) -> Iterator[Hypothesis]:
    """Two results of one shape, in the wrong order."""
    layer = case.layer
    names = list(layer.outputs) if part == "forward" else [t.name for t in layer.differentiable]
    label = "" if part == "forward" else "d"

    def exchanged(one: str, two: str) -> Callable[[Derivation, Case, Arrays], Results]:
        def values(derivation: Derivation, case: Case, cotangents: Arrays) -> Results:
            found = dict(traced(case, cotangents, None, FLOAT).of(part))
            if found[one].keys() != found[two].keys():
                raise Undecided("results of two shapes")
            return {**found, one: found[two], two: found[one]}

        return values

    for one, two in combinations(names, 2):
        if layer.tensors[one].axes == layer.tensors[two].axes:
            yield Hypothesis(f"with {label}{one} and {label}{two} in each other's place", exchanged(one, two))


def of_another_call(trial: Trial, before: Mapping[int, Sequence[Trial]], part: str) -> Iterator[Hypothesis]:
    """Arguments, options or cotangents of a call before, the first or the last of such shapes.

    Args:
        before: by the identity of a case, the trials of its shapes that were asked before.
    """
    case = trial.case
    kept: list[tuple[str, Callable[[Case, Arrays, Trial], tuple[Case, Arrays]]]]
    kept = [(t.name, _one(t.name)) for t in case.layer.inputs]
    if part == "backward":
        kept.append(("all arguments", lambda case, u, old: (replace(case, tensors=old.case.tensors), u)))
        kept.append(("the cotangent", lambda case, u, old: (case, old.cotangents)))
    if len(case.layer.options) > 0:
        kept.append(("the options", lambda case, u, old: (replace(case, options=old.case.options), u)))

    def made(change: Callable[[Case, Arrays, Trial], tuple[Case, Arrays]], place: int) -> Any:
        def values(derivation: Derivation, case: Case, cotangents: Arrays) -> Results:
            other, u = change(case, cotangents, before[id(case)][place])
            return traced(other, u, None, FLOAT).of(part)

        return values

    if before.get(id(case)):
        for words, change in kept:
            for place in (0, -1):
                yield Hypothesis(f"with {words} of an earlier call", made(change, place))


def _one(name: str) -> Callable[[Case, Arrays, Trial], tuple[Case, Arrays]]:
    return lambda case, u, old: (replace(case, tensors={**case.tensors, name: old.case.tensors[name]}), u)


def others(case: Case) -> Case:
    """Other arguments of the same shapes, as good as these."""
    return replace(case, tensors={n: _flipped(v) for n, v in case.tensors.items()})


def turned(cotangents: Arrays) -> dict[str, Any]:
    return {n: _flipped(v) for n, v in cotangents.items()}


def _flipped(value: Any) -> Any:
    if isinstance(value, list):
        return [_flipped(v) for v in value]
    return value if value is None else np.flip(value).copy()


def shapes(trial: Trial) -> tuple[Any, ...]:
    """The shapes of all arguments, by which calls are alike."""
    return tuple(None if v is None else tuple(np.shape(a) for a in layout.flat(v)) for v in trial.case.tensors.values())


def numberless(trial: Trial, part: str, name: str, got: Elements) -> Iterator[str]:
    """Where a result is no number: just where it depends on an argument of one sign, of which it takes a logarithm."""
    lost = {i for i, v in got.items() if np.isnan(v)}
    case = trial.case
    real = [t.name for t in case.layer.inputs if t.kind == "real" and isinstance(case.tensors[t.name], np.ndarray)]
    if not lost:
        return
    if part == "backward" and name in real:
        own = layout.elements(case, name, case.tensors[name], float)
        for words, of in NUMBERLESS:
            if lost == {i for i in got if of(own[i])}:
                yield f"it is no number where {name} is {words}: a logarithm, a root or a quotient of it"
    for names in dict.fromkeys([*((n,) for n in real), tuple(real)]):
        for words, of in NUMBERLESS:
            marked = {n: np.where(of(case.tensors[n]), np.nan, case.tensors[n]) for n in names}
            if not any(np.isnan(v).any() for v in marked.values()):
                continue
            try:
                marks = traced(replace(case, tensors={**case.tensors, **marked}), trial.cotangents, None, MARKS)
            except (Undecided, ArithmeticError, RecursionError):
                continue
            reached = {i for i, m in marks.of(part)[name].items() if m.state != CLEAN}
            if lost == reached & got.keys():
                yield f"it is no number where {' or '.join(names)} is {words}: a logarithm, a root or a quotient of it"
