"""Diagnosis: the change to the equations that gives a candidate's numbers, or else where its numbers are wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from derive.conventions import CONVENTIONS
from derive.evidence import generic, layout
from derive.evidence.layout import Elements
from derive.judge.allowed import Measured
from derive.judge.arithmetic import UNITS, Arithmetic
from derive.judge.handed import exchanged_results, numberless, of_another_call
from derive.judge.hypotheses import PLACE, Hypothesis, Results, hypotheses, on_the_result, options
from derive.judge.plan import HALVES, TILE
from derive.judge.relations import broken

if TYPE_CHECKING:
    from derive.judge.session import Failure, Session

SLACK = 2.0**10  # units of roundoff, of a result's largest element, within which numbers are the same
LOSSES = ("values around", "values spread", "special", "constant rows")
CANCEL = ("values around", "values spread", "constant rows")
CANCELLED = 64  # units of roundoff of the largest argument that numbers lose which cancel
COMMON = 4  # cases at which a hypothesis must hold
WITHIN = 16  # or times what rounding is allowed to do to the result
BETTER = 30  # times a hypothesis must be nearer than the truth
RELATIONS, FEW = 3.0, 2  # seconds for what a definition keeps, and at how many cases it is looked at
ROUNDING = "the error is that of"
NONE_FITS = "no known mistake gives these numbers"
MOSTLY = 0.75  # of the cases where a result is wrong: in others rounding may hide what is wrong with it
TIMES = "it is ours times "  # a number of two rows may be their number: all that fit are said
CUT = 4  # times the bound of a coarser arithmetic: numbers may be cut off, and not rounded
TIES = ("tie", "special", "constant", "whole numbers")


def diagnosed(session: Session, end: float) -> str:
    """What exactly is wrong, in a sentence for each part that is."""
    found = []
    for part in ("forward", "backward"):
        failures = [f for f in session.failures if any(m.part == part and not m.ok for m in f.measured)]
        failures.sort(key=lambda f: f.size)
        if failures:
            failures = _lying(session, failures, part)
            words = explained(session.arithmetic, failures, part, end)
            stale = any(f.kind == "state" for f in session.report.findings)
            if not stale and (NONE_FITS in words or ROUNDING in words):
                some = list({id(f): f for f in (*failures[:FEW], *failures[-FEW:])}.values())
                until, exactly = time.process_time() + RELATIONS, NONE_FITS not in words
                if kept := next(filter(None, (broken(session, f, part, until, exactly) for f in some)), ""):
                    where = located(failures, part) + convention(failures)
                    words = words.replace(NONE_FITS, kept) if not exactly else f"{part}: {kept}; {where}"
            found.append(words)
    return "; ".join(dict.fromkeys(found))


def _lying(session: Session, failures: list[Failure], part: str) -> list[Failure]:
    """The failures; where all are of arrays that lie otherwise, and the first is wrong row by row too, the layout is
    not what is wrong."""
    if not all(f.trial.design.change for f in failures):
        return failures
    trial = failures[0].trial
    tensors = {n: generic.changed(v, np.ascontiguousarray) for n, v in trial.case.tensors.items()}
    case = replace(trial.case, tensors=tensors)
    u = {n: generic.changed(v, np.ascontiguousarray) for n, v in trial.cotangents.items()}
    again = session.quietly(replace(trial, case=case, cotangents=u), failures[0].derivation, part)
    if all(m.ok for m in again):
        return failures
    return [replace(f, trial=replace(f.trial, design=replace(f.trial.design, change=""))) for f in failures]


def explained(arithmetic: Arithmetic, failures: Sequence[Failure], part: str, end: float) -> str:
    """One part's failing results, at the smallest cases where they fail."""
    labels = list(dict.fromkeys(m.label for f in failures for m in f.measured if m.part == part and not m.ok))
    whole = f"{part}: " if len(labels) > 3 else f"{' and '.join(labels)}: "
    close = SLACK * 2.0 ** UNITS[arithmetic.storage] if UNITS[arithmetic.storage] < -11 else 0.05
    if all(f.trial.design.words == HALVES for f in failures):
        return f"{whole}only where a half is rounded: it goes to the even whole number of the two"
    if (
        ordinary := _at_ordinary_values(failures, part, 2.0**arithmetic.unit)
        or _in_memory(failures)
        or _beyond_a_tile(failures, part)
    ):
        return f"{whole}{ordinary}"
    told = {n: w for n in labels if (w := _as_a_whole(failures, part, n, close))}
    moved = bool(told) and all(w.startswith(PLACE) for w in told.values())  # an option may say that it is there
    if moved and (best := _fitting(failures, part, close, end, lambda f: options(f.trial.case, part))):
        return f"{whole}it is ours {best.words}"
    if len(told) == len(labels):
        same = len(set(told.values())) == 1
        return whole + told[labels[0]] if same else "; ".join(f"{n}: {w}" for n, w in told.items())
    if len(found := {n: w for n in labels if (w := _numberless(failures, part, n))}) == len(labels):
        return whole + "; ".join(dict.fromkeys(found.values()))
    if best := _fitting(failures, part, close, end):
        return f"{whole}it is ours {best.words}{convention(failures)}"
    if lost := coarser(arithmetic, failures, part):
        return f"{whole}{ROUNDING} {' or '.join(map(str, lost))}, and more than {arithmetic} excuses"
    told = {**found, **told}
    if told:
        return "; ".join(f"{n}: {w}" for n, w in told.items())
    return f"{whole}{NONE_FITS}; {located(failures, part)}{convention(failures)}"


def _at_ordinary_values(failures: Sequence[Failure], part: str, unit: float) -> str:
    """What is said of a formula that is right on paper: where it overflows, or where it cancels."""
    if not all(any(w in f.trial.design.words for w in LOSSES) for f in failures):
        return ""
    wrong = [m for f in failures for m in f.measured if m.part == part and not m.ok]
    pairs = [(m.got[i], m.true[i]) for m in wrong for i in m.failing]
    names = ", ".join(dict.fromkeys(f.trial.design.words for f in failures))
    if all(_rounded(f, m, unit) for f in failures for m in f.measured if m.part == part and not m.ok):
        return f"digits are lost at {names}: the error is what rounding does to larger numbers on the way, which cancel"
    right = f"at {names}, and at ordinary values it is right: a formula that is right on paper and"
    if any(not np.isfinite(g) for g, _ in pairs):
        return f"it is {next(g for g, _ in pairs if not np.isfinite(g))} {right} overflows"
    if all(any(w in f.trial.design.words for w in CANCEL) for f in failures):
        return f"digits are lost {right} cancels"
    return ""


def _rounded(failure: Failure, m: Measured, unit: float) -> bool:
    """Whether errors are as small as what rounding does to the largest of the arguments, and no element is lost."""
    given = [a for v in failure.trial.case.tensors.values() if v is not None for a in layout.flat(v)]
    most = max((float(np.max(np.abs(a), initial=0)) for a in given if a.dtype.kind == "f"), default=0.0)
    return all(abs(m.got[i] - m.true[i]) <= CANCELLED * unit * most for i in m.failing)


def _in_memory(failures: Sequence[Failure]) -> str:
    """What is said where it is wrong only for arrays that do not lie row by row."""
    changes = list(dict.fromkeys(f.trial.design.change for f in failures))
    if not all(changes):
        return ""
    return f"it is wrong only for arrays that lie {', '.join(changes)}: their strides are not looked at (layout)"


def _beyond_a_tile(failures: Sequence[Failure], part: str) -> str:
    """What is said where only elements beyond a multiple of a tile's length are wrong."""
    found: dict[str, None] = {}
    for f in failures:
        for m in (m for m in f.measured if m.part == part and not m.ok):
            own = [name for name, tail in _tails(f.trial.case, m.name) if all(tail(i) for i in m.failing)]
            if not own:
                return ""
            found |= dict.fromkeys(own[:1])
    axes = ", ".join(found)
    return f"it is right but for what lies beyond the last multiple of {TILE - 1} along {axes}: the tail of a tile"


def _tails(case: layout.Case, name: str) -> Iterator[tuple[str, Callable[[tuple[int, ...]], bool]]]:
    """The axes of a tensor as a caller passes it, and whether an element lies beyond the last whole tile of one."""
    tensor, sizes, first = case.layer.tensors[name], case.sizes, 0
    for parts in () if tensor.sequence else layout.slots(case.layer, tensor):
        shape = tuple(sizes.get(a, 0) for a in parts)
        own, first = slice(first, first + len(parts)), first + len(parts)
        if not prod(shape):  # without a position it has no tail
            continue
        least = max(1, prod(shape) // (TILE - 1)) * (TILE - 1)
        yield "*".join(parts), lambda i, s=shape, o=own, n=least: int(np.ravel_multi_index(i[o], s)) >= n  # type: ignore[misc]


def _as_a_whole(failures: Sequence[Failure], part: str, label: str, close: float) -> str:
    """What is wrong with a result as a whole wherever it is wrong."""
    common: dict[str, int] = {}
    wrong = [(f, m) for f in failures for m in f.measured if m.part == part and m.label == label and not m.ok]
    for failure, m in wrong:
        for words in dict.fromkeys(on_the_result(failure.trial.case, m.name, m.got, m.true, close, m.failing)):
            common[words] = common.get(words, 0) + 1
    best = max(common.values(), default=0)
    if not best >= MOSTLY * len(wrong) > 0:
        return ""
    equal = [w for w, n in common.items() if n == best]
    factors = [w.removeprefix(TIMES) for w in equal if w.startswith(TIMES)]
    return f"{TIMES}{', or times '.join(factors[:3])}" if equal[0].startswith(TIMES) else equal[0]


def _numberless(failures: Sequence[Failure], part: str, label: str) -> str:
    """Where a result is no number, in all cases where it is not."""
    wrong = [(f, m) for f in failures for m in f.measured if m.part == part and m.label == label and not m.ok]
    lost = [(f, m) for f, m in wrong if any(np.isnan(m.got[i]) for i in m.failing)]
    every = [list(numberless(f.trial, part, m.name, m.got)) for f, m in lost]
    return next((w for w in every[0] if all(w in own for own in every)), "") if every else ""


def _fitting(
    failures: Sequence[Failure],
    part: str,
    close: float,
    end: float,
    offered: Callable[[Failure], Iterable[Hypothesis]] | None = None,
) -> Hypothesis | None:
    """The first hypothesis that gives the candidate's numbers at several cases, or else at one of them."""
    some, before = None, {id(f.trial.case): f.before for f in failures}
    failures = sorted(failures, key=lambda f: not _telling(f, part))
    for failure in failures[:2]:
        others = [f for f in failures[:COMMON] if f is not failure]
        kept = of_another_call(failure.trial, before, part)
        usual = hypotheses(failure.derivation, failure.trial.case, part)
        every = offered(failure) if offered else chain(exchanged_results(failure.trial.case, part), kept, usual)
        for hypothesis in every:
            if time.process_time() > end:
                return some
            if _fits(hypothesis, failure, part, close):
                if all(_fits(hypothesis, f, part, close, told=_telling(failure, part)) for f in others):
                    return hypothesis
                some = some or hypothesis
    return some


def _telling(failure: Failure, part: str) -> bool:
    """Whether a case is so far off that a hypothesis within rounding is nearer than the truth by what it must be."""
    return all(not m.worst < BETTER for m in failure.measured if m.part == part and not m.ok)


def _fits(hypothesis: Hypothesis, failure: Failure, part: str, close: float, *, told: bool = False) -> bool:
    """Whether a hypothesis gives all results of the part, those among them that are right. Where another case has
    told it, one that is hardly wrong need only be right under it."""
    try:
        with np.errstate(all="ignore"):
            values = hypothesis.values(failure.derivation, failure.trial.case, failure.trial.cotangents)
    except (ArithmeticError, ValueError, LookupError, TypeError, StopIteration, RecursionError):
        return False  # a change may leave nothing that can be computed
    own = [m for m in failure.measured if m.part == part]
    wrong = [m for m in own if not m.ok]
    return bool(wrong) and all(_near(m, values, close, told and m.worst < BETTER) for m in wrong)


def _near(m: Measured, values: Results, close: float, faint: bool) -> bool:
    other: Elements = values.get(m.name, {})
    if not other.keys() >= m.got.keys():
        return False
    pairs = [(m.got[i], float(other[i]), m.true[i]) for i in m.got]
    if any(np.isnan(g) != np.isnan(h) for g, h, _ in pairs):
        return False
    numbers = [(g, h, t) for g, h, t in pairs if not np.isnan(g)]
    scale = max((abs(v) for _, h, t in numbers for v in (h, t) if np.isfinite(v)), default=0.0)
    residual = max((abs(g - h) for g, h, _ in numbers if g != h), default=0.0)
    before = max((abs(g - t) for g, _, t in numbers if np.isfinite(t)), default=np.inf)
    same = max(close * scale, WITHIN * m.allowed)
    if faint:
        return bool(residual <= m.allowed and residual < before)
    return bool(residual <= same and (residual * BETTER <= before or np.isnan(before)))


def coarser(arithmetic: Arithmetic, failures: Sequence[Failure], part: str) -> list[Arithmetic]:
    """The least coarse arithmetics whose bound holds in all cases: those of one unit. Where none holds, numbers may
    have been cut off, and not rounded."""
    wrong = [(f, m) for f in failures for m in f.measured if m.part == part and not m.ok]
    for slack in (1, CUT):
        found: list[Arithmetic] = []
        for other in arithmetic.coarser():
            if found and other.unit != found[0].unit:
                break
            if all(_holds(f, m, other, slack) for f, m in wrong):
                found.append(other)
        if found:
            return found
    return []


def _holds(failure: Failure, m: Measured, other: Arithmetic, slack: float) -> bool:
    results = {m.name: layout.array(failure.trial.case, m.name, m.got, float)}
    again = failure.yardstick.measured(m.part, results, other, failure.trial.design.extreme)
    return bool(again) and all(a.worst <= slack and a.unclaimed < len(a.got) for a in again)


def located(failures: Sequence[Failure], part: str) -> str:
    """Where the wrong elements lie, and in which cases."""
    words = []
    failure = max(failures, key=lambda f: sum(len(m.got) - len(m.failing) for m in f.measured))
    for m in failure.measured:
        if m.part != part or m.ok:
            continue
        if len(m.failing) == len(m.got):
            words.append(f"all elements of {m.label} are wrong")
            continue
        tensor = failure.trial.case.layer.tensors[m.name]
        special = []
        for p, axis in enumerate(tensor.axes):
            all_ = {i[p] for i in m.got}
            own = {i[p] for i in m.failing}
            if len(own) < len(all_):
                last = own == {max(all_)}
                special.append(f"{axis} = {'its last' if last else ', '.join(map(str, sorted(own)[:4]))}")
        where = f" at {'; '.join(special)}" if special else ""
        words.append(f"{len(m.failing)} of {len(m.got)} elements of {m.label} are wrong{where}")
    names = list(dict.fromkeys(f.trial.design.words for f in failures))
    return f"{', '.join(words)} ({'; '.join(names[:4])})"


def convention(failures: Sequence[Failure]) -> str:
    """The convention at stake, where only ties and kinks are wrong."""
    names = [f.trial.design.words for f in failures]
    if not all(any(t in n for t in TIES) for n in names):
        return ""
    layer = failures[0].trial.case.layer.name
    words = ("x = 0", "equal", "tie", "kink", "= 0")
    rows = [c for c in CONVENTIONS if layer in c.layers and any(w in f"{c.where} {c.what}" for w in words)]
    if not rows:
        return "; only where values tie or lie at a kink"
    row = f"{rows[0].where}: {rows[0].what} ({rows[0].others})"
    return f"; only where values tie or lie at a kink, which is a convention: {row}"
