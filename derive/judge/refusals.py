"""What a candidate refuses, and may: errors that a library raises for what it documents that it does not take.

Of a definition's options some have values that a library takes for a mistake (a negative learning rate, a lower bound
above the upper one, a padding of more than half the window), of its means some are of a single number, which is the
mean whatever it is (PyTorch's batch norm), and some libraries take no array of a single axis. There an error that is
raised on purpose is noted; any other error, and any wrong number, stays one.
"""

from __future__ import annotations

import math
import re
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
COUNTS = ("Count", "Natural", "Integer")
RAISED = re.compile(r" raised (ValueError|NotImplementedError|RuntimeError): (.*)", re.DOTALL)
LIBRARIES = ("/torch/", "/jax/", "/jaxlib/")


def refusal(session: Session, bridge: Bridge, trial: Trial, words: str) -> str:
    """What is noted of an error; nothing where it is none of a refusal."""
    found = RAISED.search(words)
    if found is None:
        return ""
    said, _, place = found[2].rpartition(" at ")
    theirs = session.worker.candidate.framework in ("torch", "jax") and found[1] == "RuntimeError"  # C++ has no place
    library = theirs or any(name in place for name in LIBRARIES)
    if found[1] == "NotImplementedError":
        return f"it refuses {trial.design.words}: {said}"
    if found[1] == "RuntimeError" and not library:
        return ""
    cases = [trial.case, *([trial.later.case] if trial.later else [])]
    if any(map(single, cases)):
        return f"it refuses what is a mean or a sum of one number alone: {said}"
    if library and any(1 in case.sizes.values() for case in cases):
        return f"it refuses axes of one position: {said}"
    if library and any(() in case.leading.values() for case in cases):
        return f"it refuses arrays of so few axes: {said}"
    case, kinds = trial.case, (*NUMBERS, *COUNTS) if library else NUMBERS
    own = {o.name: o.default for o in case.layer.options if o.kind in kinds and case.options[o.name] != o.default}
    at_default = replace(trial, case=replace(case, options=case.options | own))
    if own and (library or answered(session, bridge, at_default)):  # of default windows none may fit the array
        return f"it refuses {', '.join(f'{n} = {case.options[n]}' for n in own)}: {said}"
    return ""


def answered(session: Session, bridge: Bridge, trial: Trial) -> bool:
    """Whether a case is answered, whatever with."""
    blobs: list[bytes] = []
    header: dict[str, Any] = bridge.request(trial.case, trial.cotangents, blobs)
    try:
        return "raised" not in session.worker.ask({**header, "wants": [True, False]}, blobs)[0]  # of any shape
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
