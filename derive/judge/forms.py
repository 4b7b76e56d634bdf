"""In which form a candidate takes options of several numbers: one for all, one for each axis, or more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from derive.evidence.inputs import NoArguments
from derive.judge import plan as plans
from derive.judge.isolate import Broken
from derive.notation.several import coarse

if TYPE_CHECKING:
    from derive.judge.session import Session


def looked_at(session: Session) -> None:
    """Ask a candidate with options in each form, and keep for the session those in which it answers."""
    layer, taken = session.variants[0], dict[str, tuple[int, ...]]()
    several = [o for o in layer.options if o.shape and o.name in session.options]
    try:
        design = next(plans.designs(layer, session.arithmetic))
        trial = plans.trial(layer, 0, 0, design, session.arithmetic, 0, session.fixed)
    except NoArguments:
        return
    for mask in (t.name for t in layer.inputs if t.kind == "boolean" and t.optional and t.name in session.given):
        without = replace(trial, case=replace(trial.case, tensors={**trial.case.tensors, mask: None}))
        if mask not in session.fixed.absent and not answers(session, without, {}):
            session.filled.append(mask)
            if answers(session, without, {}):
                session.note(f"it takes no None for {mask}: judged with all of it True instead")
            else:
                session.filled.remove(mask)
    for option in several:
        value, ways = trial.case.options[option.name], range(len(option.shape) + 1)
        own = [n for n in ways if coarse(value, n) == value and answers(session, trial, {option.name: (n,)})]
        if own and len(own) < len(ways):
            taken[option.name] = tuple(own)
        if own and max(own) < len(option.shape):
            words = "one number" if max(own) == 0 else "one number for each axis"
            session.note(f"it takes {words} for {option.name}, and no more: judged so")
    session.depths = taken
    session.fixed = replace(session.fixed, depth={n: max(own) for n, own in taken.items()})


def answers(session: Session, trial: plans.Trial, depths: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a case is answered at all, with options in these forms."""
    blobs: list[bytes] = []
    header = session.bridge(trial.case.layer, depths).request(trial.case, trial.cotangents, blobs)
    try:
        answer, _ = session.worker.ask({**header, "wants": session.wants(trial)}, blobs)
    except Broken:
        return False
    for words in answer.get("noticed", []):  # a first call may change what later ones leave as it is
        session.notice(str(words), trial)
    return "raised" not in answer
