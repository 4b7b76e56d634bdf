"""What the definition keeps and a candidate does not: linear in the cotangent, one position independent of others,
positions treated alike, a number added, a factor.

No table says which layer keeps which: the definition is evaluated at the changed arguments, too. Where its results
stand in the relation and the candidate's do not, that says more than where its numbers are wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.judge.arithmetic import UNITS
from derive.notation.expr import ELLIPSIS
from derive.notation.layer import Layer, Tensor

if TYPE_CHECKING:
    from derive.judge.session import Failure, Session

KEPT, BROKEN = 2.0**12, 2.0**16  # units of roundoff of a result's largest: within, it holds; beyond, it does not


@dataclass(frozen=True)
class Relation:
    """Changed arguments, and what becomes of the results.

    Attributes:
        words: what is said of a candidate that does not keep it. change: of arguments and cotangents.
        expected: of a result before, by its name, that after the change; elements that nothing is said of left out.
    """

    words: str
    change: Callable[[Case, Arrays], tuple[Case, Arrays]]
    expected: Callable[[str, Elements], Elements]
    exact: bool = True  # whatever is rounded on the way: factors of 2, and what takes no part


def relations(case: Case, part: str) -> Iterator[Relation]:
    """Those that a definition may keep."""
    layer = case.layer
    if part == "backward":
        yield Relation(
            "it is not linear in the cotangent: of -2 times as much it is not -2 times itself",
            lambda c, u: (c, {n: _each(v, lambda a: -2 * a) for n, v in u.items()}),
            lambda name, e: {i: -2 * v for i, v in e.items()},
        )
    if all(o.kind != "Axis" for o in layer.options):
        for axis in dict.fromkeys(a for t in layer.inputs for a in t.axes[t.sequence :]):
            yield from _along(layer, axis, part)
    for tensor in layer.inputs:
        if tensor.kind == "real" and isinstance(case.tensors[tensor.name], np.ndarray):
            yield from _of_one(tensor.name, part)


def _along(layer: Layer, axis: str, part: str) -> Iterator[Relation]:
    label = "the first axis of ..." if axis == ELLIPSIS else axis

    def moved(value: Any, tensor: Tensor, change: Callable[[Any, int], Any]) -> Any:
        place = _place(tensor, axis)
        if place is None or not isinstance(value, np.ndarray) or value.ndim <= _least(tensor, axis):
            return value
        return change(value, place)

    def changed(change: Callable[[Any, int], Any]) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
        def both(case: Case, u: Arrays) -> tuple[Case, Arrays]:
            tensors = {t.name: moved(case.tensors[t.name], t, change) for t in layer.inputs}
            return replace(case, tensors=tensors), {n: moved(v, layer.tensors[n], change) for n, v in u.items()}

        return both

    def turned(name: str, e: Elements) -> Elements:
        p = _place(layer.tensors[name], axis)
        if p is None or not e or len(next(iter(e))) <= _least(layer.tensors[name], axis):
            return e
        length = 1 + max(i[p] for i in e)
        at = p % len(next(iter(e)))
        return {(*i[:at], length - 1 - i[at], *i[at + 1 :]): v for i, v in e.items()}

    def first(name: str, e: Elements) -> Elements:
        p = _place(layer.tensors[name], axis)
        if p is None or not e or len(next(iter(e))) <= _least(layer.tensors[name], axis):
            return {}
        return {i: v for i, v in e.items() if i[p] == 0}

    def louder(value: Any, place: int) -> Any:
        if value.dtype.kind != "f":
            return value
        factor = np.where(np.arange(value.shape[place]) == 0, 1.0, 2.0)
        shape = [1] * value.ndim
        shape[place] = -1
        return (value * factor.reshape(shape)).astype(value.dtype)

    yield Relation(
        f"what stands elsewhere along {label} changes it, and it depends on its own position alone",
        changed(louder),
        first,
    )
    yield Relation(
        f"the positions along {label} are not treated alike: in another order it is not the same in that order",
        changed(lambda v, p: np.flip(v, p).copy()),
        turned,
        exact=False,
    )


def _place(tensor: Tensor, axis: str) -> int | None:
    """Where an array has an axis: counted from the end behind leading ones."""
    if axis not in tensor.axes or tensor.sequence or any(len(s.parts) > 1 for s in tensor.slots):
        return None
    at = tensor.axes.index(axis)
    return at if ELLIPSIS not in tensor.axes[:at] else at - len(tensor.axes)


def _least(tensor: Tensor, axis: str) -> int:
    """How many dimensions an array has where there is no leading axis, less one where none is asked for."""
    return len(tensor.axes) - 1 if axis == ELLIPSIS else len(tensor.axes) - 1 - (ELLIPSIS in tensor.axes)


def _of_one(name: str, part: str) -> Iterator[Relation]:
    def changed(change: Callable[[Any], Any]) -> Callable[[Case, Arrays], tuple[Case, Arrays]]:
        def both(case: Case, u: Arrays) -> tuple[Case, Arrays]:
            return replace(case, tensors={**case.tensors, name: change(case.tensors[name])}), u

        return both

    same = "changes it, and should not"
    yield Relation(f"twice {name} {same}", changed(lambda a: 2 * a), lambda _, e: e)
    added = changed(lambda a: a + a.dtype.type(1))
    yield Relation(f"a number added to {name} {same}", added, lambda _, e: e, exact=False)
    if part == "forward":
        double = changed(lambda a: 2 * a)
        yield Relation(f"of twice {name} it is not twice itself", double, lambda _, e: {i: 2 * v for i, v in e.items()})


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return [_each(v, change) for v in value] if isinstance(value, list) else change(np.asarray(value))


def broken(session: Session, failure: Failure, part: str, end: float, exactly: bool = False) -> str:
    """The first relation that the definition keeps at a case, by its numbers, and the candidate does not; ``exactly``:
    of those alone that no rounding breaks."""
    trial, unit = failure.trial, 2.0 ** UNITS[session.arithmetic.working]
    wrong = [m for m in failure.measured if m.part == part and not m.ok]
    for relation in relations(trial.case, part):
        if time.process_time() > end:
            return ""
        if exactly and not relation.exact:
            continue
        case, u = relation.change(trial.case, trial.cotangents)
        again = {m.name: m for m in session.quietly(replace(trial, case=case, cotangents=u), failure.derivation, part)}
        for m in wrong:
            after = again.get(m.name)
            if after is None or not _finite(m.got, after.got, m.true, after.true):
                continue
            kept = _residual(relation.expected(m.name, m.true), after.true)
            own = _residual(relation.expected(m.name, m.got), after.got)
            if kept is not None and own is not None and kept <= KEPT * unit and own > BROKEN * unit:
                return relation.words
    return ""


def _finite(*every: Elements) -> bool:
    return all(np.isfinite(list(e.values())).all() for e in every)


def _residual(expected: Elements, got: Elements) -> float | None:
    """The largest difference in units of the largest number; None where there is nothing to compare."""
    if not expected or not expected.keys() <= got.keys():
        return None
    scale = max((abs(v) for v in (*expected.values(), *got.values())), default=0.0)
    return max(abs(v - got[i]) for i, v in expected.items()) / scale if scale else 0.0
