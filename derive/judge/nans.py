"""A NaN among the arguments: where it takes part it shows, where it does not it stays out.

The definition, evaluated over marks (derive.evidence.use), says which results a NaN reaches for sure; of functions of
one number ours says it where a comparison with the NaN decides. That one is swallowed there is wrong; that it shows
elsewhere is noted, for a mask that multiplies by 0 lets it through in PyTorch.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from derive.evidence import inputs, kernels, layout
from derive.evidence.evaluation import Undecided
from derive.evidence.inputs import NoArguments
from derive.evidence.layout import Case, Elements, Value
from derive.evidence.truth import traced
from derive.evidence.use import CLEAN, MARKS, MAYBE, REACHED, poisoned
from derive.judge.asked import derived
from derive.judge.large import own
from derive.judge.plan import Design, Trial
from derive.judge.report import Margin
from derive.notation.layer import Layer

if TYPE_CHECKING:
    from derive.judge.session import Session

MOST = 4  # cases


def tried(session: Session, variant: int, layer: Layer, seed: int) -> None:
    """Ask a candidate for a few cases with a NaN, where it takes them as they are."""
    if session.arithmetic.storage == "bfloat16":
        return
    design = Design("a NaN among the arguments")
    try:
        some = list(islice(poisoned(layer, seed % (1 << 31), session.fixed), MOST))
        plain = [
            replace(c, words="a NaN in the cotangent")
            for c in inputs.cases(layer, seed, 1, session.fixed)
            if session.graded
        ]
        for case, where in [*some, *((c, c.words) for c in plain)]:
            u = {n: session.arithmetic.rounded(v) for n, v in inputs.cotangents(case, seed % (1 << 31)).items()}
            if case.words == "a NaN in the cotangent":
                u = {n: spoiled(v) for n, v in u.items()}
            real = {t.name for t in layer.inputs if t.kind == "real"}
            tensors = {n: session.arithmetic.rounded(v) if n in real else v for n, v in case.tensors.items()}
            case = type(case)(layer, tensors, case.options, where)
            try:
                marks = traced(case, u, None, MARKS)
            except Undecided:
                continue
            identity = f"{layer.name}.{variant}.nan.{session.arithmetic.storage}.{seed:x}"
            trial = Trial(identity, design, case, u)
            results = session.answer(trial, derived(layer, variant))
            ours = _kept(case)
            outside = all(m.state == CLEAN for own in marks.forward.values() for m in own.values())
            for part, own in results.items():
                for name, value in own.items():
                    got = layout.elements(case, name, value, float)
                    label = name if part == "forward" else f"d{name}"
                    kept = ours.get(name, {}) if part == "forward" else {}
                    told(session, trial, label, got, marks.of(part)[name], outside, kept)
    except (NoArguments, ArithmeticError):
        return


def spoiled(value: Value) -> Value:
    """A cotangent with a NaN in its last element."""
    if isinstance(value, list):
        return [*value[:-1], spoiled(value[-1])] if value else value
    found = np.array(value)
    found.reshape(-1)[-1:] = np.nan
    return found


def _kept(case: Case) -> dict[str, Elements]:
    """What our kernel gives of a function of one number, of which a NaN is NaN also where a comparison with it decides.
    Nothing of other layers, where what is compared may be left out."""
    kernel = own(case.layer) if case.layer.elementwise else None
    if kernel is None:
        return {}
    with np.errstate(all="ignore"):
        outputs, _ = kernels.forward(kernel, kernels.cast(case, np.float64))
    return {n: layout.elements(case, n, v, float) for n, v in outputs.items()}


def told(
    session: Session, trial: Trial, label: str, got: Elements, marks: Elements, outside: bool, ours: Elements
) -> None:
    """What is said of one result; ``outside``: whether the NaN takes part in no value; ``ours``: where that says what
    becomes of a NaN that is compared."""
    session.report.margins.setdefault(label, Margin()).elements += len(got)

    def reached(i: tuple[int, ...]) -> bool:
        return bool(marks[i].state == REACHED or (marks[i].state == MAYBE and np.isnan(ours.get(i, 0.0))))

    swallowed = [i for i, v in got.items() if reached(i) and not np.isnan(v)]
    if swallowed:
        i = swallowed[0]
        words = f"a NaN is swallowed: {label}{list(i)} is {got[i]:.6g} where a NaN takes part"
        session.find("nan", label, words, trial)
    leaked = [i for i, v in got.items() if marks[i].state == CLEAN and np.isnan(v)]
    if leaked and (outside or label in session.variants[0].outputs):
        session.note(f"{label}{list(leaked[0])} is NaN where no NaN takes part ({trial.case.words})")
