"""Options that a caller leaves out: a candidate's own defaults are then what it computes with.

Everywhere else options are passed by name, so that a default that is not the definition's would never be looked at.
Here those whose values are the definition's defaults are left out of the call, where the candidate's functions have
defaults for them and call them as the definition does; what is right with them passed and wrong without is its own
default.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from derive.calculus.derivation import Derivation
from derive.evidence.inputs import NoArguments, Plan
from derive.judge import plan as plans
from derive.judge.allowed import Measured
from derive.judge.asked import derived
from derive.notation.layer import Layer, Option

if TYPE_CHECKING:
    from derive.judge.session import Session

PARTS = ("forward", "backward")
NUMBER = 1 << 19  # in the place of a number in the battery
ROWS = Plan((2, 3, 4, 5), ((2, 3),), (2, 3))  # of three axes: the last of two is the second, too
#: Numbers as they are usually, and some whose squares are next to what is added to them.
SCALES = (1.0, 2.0**-8)


def left_out(session: Session, layer: Layer) -> list[Option]:
    """The options that a caller may leave out, in every function whose parameters are known."""
    known = [names for names in session.worker.hello["parameters"].values() if names is not None]

    def may(option: Option) -> bool:
        name = option.name  # one that is renamed is of an interface with defaults of its own: dim=None of a library
        return name not in session.rename and all(name in names and not names[name] for names in known)

    taken = [o for o in layer.options if o.name in session.options and o.name not in session.fixed.options]
    return [o for o in taken if may(o)] if known else []


def tried(session: Session, seed: int) -> None:
    """Ask a candidate with options left out; a default of its own that gives other numbers is found."""
    offered = session.offered()
    n, layer = next(((n, v) for n, v in offered if _at_defaults(v)), offered[0])
    options = left_out(session, layer)
    for scale in SCALES if options else ():
        fixed = replace(session.fixed, options={**{o.name: o.default for o in options}, **session.fixed.options})
        design = plans.Design("options left out", ROWS, 0, {"scale": scale})
        try:
            trial = plans.trial(layer, n, NUMBER, design, session.arithmetic, seed, fixed)
        except NoArguments:
            continue
        trial = replace(trial, id=trial.id.replace(f".{NUMBER}.", ".defaults.", 1))
        own = [o for o in options if trial.case.options[o.name] == o.default]
        if own and _differ(session, trial, derived(layer, n), own):
            return


def _at_defaults(layer: Layer) -> bool:
    defaults = {o.name: o.default for o in layer.options}
    return all(defaults.get(name, value) == value for name, value in layer.choice)


def _differ(session: Session, trial: plans.Trial, derivation: Derivation, options: list[Option]) -> bool:
    """Whether what is right with all options passed is not with some left out; which, is found."""

    def wrong(left: Collection[str]) -> dict[str, Measured] | None:
        """What is wrong by name; None where nothing is answered."""
        found = [m for p in PARTS for m in session.quietly(trial, derivation, p, left)]
        return {m.label: m for m in found if not m.ok} if found else None

    session.report.cases += 1
    every = [o.name for o in options]
    if (together := wrong(every)) == {} or wrong(()) != {}:  # what is wrong anyway is found by other cases
        return False
    for option in options:
        alone = wrong([option.name])
        if alone == {}:
            continue
        own = session.worker.hello.get("defaults", {}).get(option.name, "another")
        words = f"its own default of {option.name} is {own}, the definition's is {option.default!r}"
        one = next(iter(alone.values())) if alone else None
        numbers = f": left out, {one.label}{list(one.at)} {one.words}" if one else ": left out, it gives no answer"
        session.find("default", option.name, words + numbers, trial, one)
    if together and not any(f.kind == "default" for f in session.report.findings):
        one = next(iter(together.values()))
        words = f"with {', '.join(every)} left out, {one.label}{list(one.at)} {one.words}"
        session.find("default", "", words, trial, one)
    return True
