"""What is claimed of each element of a case: the truth, the error allowed, and the conventions that it depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import mpmath
import numpy as np

from derive.convention import Convention
from derive.conventions import CONVENTIONS
from derive.evidence import kernels, layout
from derive.evidence.balls import ball_truth, exactly
from derive.evidence.enclosure import Analysis
from derive.evidence.evaluation import Undecided
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import COMPARE, MP, Numbers
from derive.evidence.truth import Truth, traced
from derive.judge.allowed import Yardstick
from derive.judge.arithmetic import Arithmetic

PARTS = {"outputs": "forward", "gradients": "backward"}
FAR = mpmath.mpf(10) ** -30  # of the larger of two values: more than the digits of the evaluation leave
ROOM = 2.0**-40  # for what a comparison in float64 loses


@dataclass(frozen=True)
class Claim:
    """One result.

    Attributes:
        true: the truth, rounded to float64. allowed: how far a result may be from it; infinite where it must be a
            number and nothing else, NaN where nothing is claimed.
    """

    true: Any
    allowed: Any


def claims(yardstick: Yardstick, part: str, arithmetic: Arithmetic, flushed: bool = True) -> dict[str, Claim]:
    """Every result of a part: of the outputs, or of the gradients by the input's name."""
    case, own = yardstick.case, yardstick.true.of(PARTS[part])
    nothing = part == "gradients" and yardstick.true.singular
    analysis = None if nothing else yardstick.analysis(PARTS[part], arithmetic)
    found = {}
    for name, true in own.items():
        allowed = {i: _allowed(analysis, name, i, v) if analysis else np.nan for i, v in true.items()}
        values = {i: float(v) for i, v in true.items()}
        found[name] = Claim(layout.array(case, name, values, np.float64), layout.array(case, name, allowed, np.float64))
    return found


def _allowed(analysis: Analysis, name: str, index: tuple[int, ...], true: Any) -> float:
    """The bound of derive.evidence.enclosure.outcome as a number, counted from the truth rounded to float64.

    With what underflow on the way may cost, and no less than the smallest normal number for a result below it.
    """
    import flint

    if not analysis.claimed(name, index, true):
        return float("nan")
    form = analysis.form
    with kernels.precision():
        final = analysis.rounding(true)
        away = (true - flint.arb(float(true))).abs_upper()
        reach = (analysis.ball(name, index) - true).abs_upper()
        for flushed in (form.working.tiny, 1 / form.working.largest):
            wider = (analysis.ball(name, index, form.working.tiny, flushed) - true).abs_upper()
            reach = wider if wider.is_finite() and not wider <= reach else reach
        if not reach.is_finite():
            return float("inf")
        most = (reach + final + form.tiny + away).abs_upper()
        if true.abs_upper() < form.normal and most < form.normal:
            most = flint.arb(form.normal)
        return float(np.nextafter(float(most * (1 + ROOM)), np.inf))


# ---- conventions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dependence:
    """What the results of a part depend on beside the equations.

    Attributes:
        rows: of the table of conventions; one of no layer where the table has none.
        elements: by result, the elements concerned.
    """

    rows: list[Convention]
    elements: dict[str, set[tuple[int, ...]]]


UNNAMED = {
    "range": Convention((), "numbers whose products or squares are beyond the format", "", ""),
    "tie": Convention((), "values that tie, or lie at a kink", "as the definition says", ""),
    "nothing": Convention((), "0 / 0 or 0 log 0", "0, where the definition says so", "NaN"),
}


def dependence(yardstick: Yardstick, extreme: bool) -> dict[str, Dependence]:
    """By part, what changes where equals are told apart the other way, where 0 / 0 is NaN, or beyond the range."""
    case = yardstick.case
    known = any(_concerns(row, case) for row in CONVENTIONS)  # or a layer that the table knows nothing of
    empty = any(n == 0 for n in case.sizes.values()) or any(0 in shape for shape in case.leading.values())
    ties = _evaluated(yardstick, MP), _evaluated(yardstick, replace(MP, truth=_the_other_way))
    with kernels.precision():
        balls = exactly()
        nothing = _evaluated(yardstick, replace(balls, truth=_no_zeros))
    found, outputs = {}, list(yardstick.true.forward.items())
    for part, name in PARTS.items():
        rows: list[Convention] = [c for c in CONVENTIONS if empty and c.at == "empty" and _concerns(c, case)]
        own: dict[str, set[tuple[int, ...]]] = {n: set() for n in yardstick.true.of(name)}
        for kind in UNNAMED:
            for n, true in yardstick.true.of(name).items():
                if kind == "range":
                    met = set(true) if extreme and (_rows(case, kind) or not known) else set()
                elif kind == "tie":
                    met = _unequal(*(t.of(name)[n] for t in ties if t)) if all(ties) else set()
                else:
                    met = _not_numbers(nothing, name, n, true)
                    if part == "gradients" and any(_not_numbers(nothing, "forward", *o) for o in outputs):
                        met = {i for i, v in true.items() if v.is_finite()}  # a NaN goes back to all it is made of
                if met:
                    own[n] |= met
                    rows += [row for row in _rows(case, kind) or [UNNAMED[kind]] if row not in rows]
        found[part] = Dependence(rows, own)
    return found


def _not_numbers(found: Truth | None, part: str, name: str, true: Elements) -> set[tuple[int, ...]]:
    """Where a result is no number, and the true one is."""
    return {i for i, v in found.of(part)[name].items() if not v.is_finite() and true[i].is_finite()} if found else set()


def _concerns(row: Convention, case: Case) -> bool:
    """Whether a row is of the layer, of one it is made of, or of one that an option names."""
    names = {case.layer.name, *(c.part.name for c in case.layer.calls)}
    names |= {str(case.options[o.name]) for o in case.layer.options if o.kind == "Activation"}
    return bool(names & set(row.layers))


def _rows(case: Case, kind: str) -> list[Convention]:
    return [c for c in CONVENTIONS if c.at == kind and _concerns(c, case)]


def _evaluated(yardstick: Yardstick, numbers: Numbers) -> Truth | None:
    """The definition and its gradients over some numbers; None where they have none."""
    try:
        return traced(yardstick.case, yardstick.cotangents, None, numbers)
    except (Undecided, ArithmeticError, AssertionError):
        return None


def _the_other_way(op: str, a: Any, b: Any) -> bool:
    """A comparison of equals as if they were not, or were."""
    turned = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
    return bool(COMPARE[turned.get(op, op)](a, b))


def _no_zeros(op: str, a: Any, b: Any) -> bool | None:
    """A comparison in which 0 is not found, so that 0 / 0 and 0 log 0 are NaN."""
    return op == "!=" if op in ("==", "!=") and a == 0 and b == 0 else ball_truth(op, a, b)


def _unequal(one: Elements, two: Elements) -> set[tuple[int, ...]]:
    pairs = ((i, v, two[i]) for i, v in one.items())
    return {i for i, a, b in pairs if a != b and not abs(a - b) <= FAR * max(abs(a), abs(b))}
