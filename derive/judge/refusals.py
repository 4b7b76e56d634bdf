"""What a candidate refuses, and may: a ValueError for what a library documents that it does not take.

Of a definition's options some have values that a library takes for a mistake (a negative learning rate, a lower bound
above the upper one), and of its means some are of a single number, which is the mean whatever it is (PyTorch's batch
norm). There a ValueError is noted; any other error, and any wrong number, stays one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from derive.judge.bridge import Bridge
from derive.judge.isolate import Broken
from derive.notation.expr import ELLIPSIS, Reduce, walk

if TYPE_CHECKING:
    from derive.evidence.layout import Case
    from derive.judge.plan import Trial
    from derive.judge.session import Session

NUMBERS = ("Scalar", "Positive", "Probability", "Fraction")  # kinds of options of real numbers
REFUSED = " raised ValueError: "


def refusal(session: Session, bridge: Bridge, trial: Trial, words: str) -> str:
    """What is noted of an error; nothing where it is none of a refusal."""
    if REFUSED not in words:
        return ""
    case, said = trial.case, words.split(REFUSED, 1)[1].split(" at ")[0]
    for one in (case, *([trial.later.case] if trial.later else [])):
        if single(one):
            return f"it refuses what is a mean or a sum of one number alone: {said}"
    own = {o.name: o.default for o in case.layer.options if o.kind in NUMBERS and case.options[o.name] != o.default}
    if own and answered(session, bridge, replace(trial, case=replace(case, options={**case.options, **own}))):
        values = ", ".join(f"{n} = {case.options[n]:g}" for n in own)
        return f"it refuses {values}: {said}"
    return ""


def answered(session: Session, bridge: Bridge, trial: Trial) -> bool:
    """Whether a case is answered, whatever with."""
    blobs: list[bytes] = []
    header: dict[str, Any] = bridge.request(trial.case, trial.cotangents, blobs)
    try:
        return "raised" not in session.worker.ask({**header, "wants": session.wants(trial)}, blobs)[0]
    except Broken:
        return False


def single(case: Case) -> bool:
    """Whether a reduction of the definition goes over one position alone."""
    over = {n.over for e in case.layer.equations for n in walk(e.body) if isinstance(n, Reduce)}
    return any(math.prod(length(case, a) for a in axes) == 1 for axes in over)


def length(case: Case, axis: str) -> int:
    if axis == ELLIPSIS:
        return math.prod(n for shape in case.leading.values() for n in shape)
    return case.sizes.get(case.layer.axis(axis), 2)
