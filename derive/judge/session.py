"""One candidate in its process: cases asked, answers measured, what is wrong kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import layout
from derive.evidence.evaluation import Undecided
from derive.evidence.inputs import NoArguments, Plan
from derive.evidence.layout import Elements
from derive.judge import forms
from derive.judge import large as big
from derive.judge import plan as plans
from derive.judge.allowed import Measured, Yardstick
from derive.judge.arithmetic import UNITS, Arithmetic
from derive.judge.asked import derived
from derive.judge.bridge import Bridge, Shape
from derive.judge.conditioning import condition
from derive.judge.handed import others, shapes, turned
from derive.judge.isolate import Broken, CannotJudge, Worker
from derive.judge.refusals import refusal
from derive.judge.report import WRONG, Finding, Margin, Report
from derive.notation.layer import Layer

DIVIDED = 4  # units of roundoff that a formula may lose that divides, where ours does not
FEW = 300  # numbers up to which a condition is found
NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
#: The parts of an answer, in the order in which they are asked for, and what reads them.
READ: dict[str, Callable[..., Any]] = {"forward": Bridge.outputs, "backward": Bridge.gradients}


@dataclass
class Failure:
    """A case whose numbers are wrong, for the diagnosis."""

    trial: plans.Trial
    derivation: Derivation
    yardstick: Yardstick
    measured: list[Measured]
    before: tuple[plans.Trial, ...] = ()  # asked before, of the same shapes

    @property
    def size(self) -> int:
        return sum(len(m.got) for m in self.measured)


@dataclass
class Session:
    """One candidate in its process, and what has been found about it."""

    variants: tuple[Layer, ...]
    worker: Worker
    arithmetic: Arithmetic
    report: Report
    rename: Mapping[str, str]
    arrangement: Mapping[str, Any]
    fixed: Plan
    failures: list[Failure] = field(default_factory=list)
    later: list[tuple[plans.Trial, dict[str, Any]]] = field(default_factory=list)
    answers: dict[tuple[Any, ...], tuple[str, Elements]] = field(default_factory=dict)
    worst: dict[str, tuple[plans.Trial, Measured]] = field(default_factory=dict)
    asked: dict[tuple[Any, ...], list[plans.Trial]] = field(default_factory=dict)
    crashes: int = 0
    large_failure: str = ""
    options: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    depths: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def begin(self) -> None:
        """What the candidate takes: options that it has no parameter for keep their defaults."""
        layer, hello = self.variants[0], self.worker.hello
        parts = {p: names for p in ("forward", "backward") if (names := hello["parameters"].get(p)) is not None}
        self.given = [t.name for t in layer.inputs]
        self.options = [
            o.name for o in layer.options if all(self.rename.get(o.name, o.name) in names for names in parts.values())
        ]
        if not parts:
            forms.looked_at(self)
            return
        renamed = {o.name: self.rename[o.name] for o in layer.options if o.name in self.rename}
        if gone := [r for n, r in renamed.items() if n not in self.options]:
            part, names = next(iter(parts.items()))
            raise CannotJudge(f"rename: {part} has no parameter {', '.join(gone)}; it takes {', '.join(names)}")
        for option in layer.options:
            if option.name not in self.options and option.name not in self.fixed.options:
                self.fixed = _with(self.fixed, {option.name: option.default})
                self.report.notes.append(f"it has no parameter {option.name}: judged at {option.default}")
        room = min(len(self.free(part, names)) for part, names in parts.items())
        optional = [t.name for t in layer.inputs if t.optional]
        if len(self.passed()) > room and optional:
            self.given = [n for n in self.given if n not in optional]
            self.fixed = replace(self.fixed, absent=frozenset(optional))
            self.report.notes.append(f"it takes no {', '.join(optional)}: judged without")
        for part, names in parts.items():
            self.fitting(part, names)
        forms.looked_at(self)

    def wants(self, trial: plans.Trial) -> list[bool]:
        """Whether the candidate is asked for results, and for gradients."""
        has_forward, has_backward = self.worker.hello["gives"]
        return [bool(has_forward), bool(has_backward and trial.cotangents)]

    def free(self, part: str, names: Mapping[str, bool]) -> list[str]:
        """A function's parameters for inputs: those that are no options, nor a backward's cotangents."""
        options = {self.rename.get(o.name, o.name) for o in self.variants[0].options}
        return [n for n in names if n not in options][part == "backward" :]

    def passed(self) -> list[str]:
        """The inputs that are passed, by the candidate's names; others take the place of a module's own."""
        held = self.worker.hello.get("held", [])
        return [n for n in (self.rename.get(n, n) for n in self.given) if n not in held]

    def fitting(self, part: str, names: Mapping[str, bool]) -> None:
        """Raises:
        CannotJudge: a function cannot be called with the definition's inputs, whatever it computes.
        """
        free, passed = self.free(part, names), self.passed()
        needed = [n for n in free if names[n]]
        by_name = [r for n, r in self.rename.items() if n in self.given and r in passed]
        unknown = [r for r in by_name if r not in names]
        if len(needed) <= len(passed) <= len(free) and not unknown:
            return
        first = "cotangents, then " if part == "backward" else ""
        words = (
            f"{part} takes {', '.join(names) or 'nothing'}; it is called with {first}"
            f"{', '.join(passed) or 'no input'} of {self.variants[0].name}"
        )
        if held := self.worker.hello.get("held"):
            words += f". Its own are {', '.join(held)}: rename an input to the one whose place it takes"
        elif unknown:
            words += f". rename: it has no {', '.join(unknown)}"
        else:
            words += ". Write a function of these that calls it"
        raise CannotJudge(words)

    def offered(self) -> list[tuple[int, Layer]]:
        """The variants that the candidate can be asked for: those of the choices that are decided."""
        return [
            (n, layer)
            for n, layer in enumerate(self.variants)
            if all(self.fixed.options.get(name, value) == value for name, value in layer.choice)
        ]

    def run(self, number: int, layer: Layer, turn: int, design: plans.Design, seed: int) -> None:
        """One case of the battery."""
        with suppress(NoArguments):
            self.ask(
                plans.trial(layer, number, turn, design, self.arithmetic, seed, self.fixed), derived(layer, number)
            )

    def ask(self, trial: plans.Trial, derivation: Derivation) -> None:
        """A case: asked, and measured; what it gave for other values of the same shapes, too."""
        self.later.clear()
        self.measure(trial, derivation, self.answer(trial, derivation))
        for other, results in self.later:
            self.measure(other, derivation, results)

    @property
    def graded(self) -> bool:
        """Whether the candidate gives gradients."""
        return bool(self.worker.hello["gives"][1])

    def large(
        self, number: int, layer: Layer, seed: int, shape: Mapping[str, int], seconds: float, turn: int | None = None
    ) -> None:
        """A large case, of which single elements are looked at for so many seconds, not counting the candidate's own;
        ``turn``: its place in the battery."""
        counted = any(o.kind == "Count" and o.name in self.fixed.options for o in layer.options)
        if counted and not shape:  # other lengths go with them
            return
        trial: plans.Trial | None = None
        with suppress(NoArguments):
            trial = big.trial(layer, number, self.arithmetic, seed, dict(shape), self.fixed.options)
        if trial is None:
            return
        trial = replace(trial, case=replace(trial.case, options={**trial.case.options, **self.fixed.options}))
        if turn is not None:
            trial = replace(trial, id=trial.id.replace(".large.", f".{turn}.", 1))
        d = derived(layer, number)
        results = self.answer(trial, d)
        end = time.perf_counter() + seconds
        some = big.sampled(d, trial, results, self.arithmetic, end, self.note, turn is not None)
        found = [m for m in some if self.measured(m, trial)]
        if any(not m.ok for m in found) and not self.failures:
            m = max((m for m in found if not m.ok), key=lambda m: m.worst)
            self.large_failure = f"{m.label}: only in a large case, at {list(m.at)}: {m.words}"

    def quietly(self, trial: plans.Trial, derivation: Derivation, part: str, left: Any = ()) -> list[Measured]:
        """One part of what the candidate gives at a case, with some options left out, beside the truth: nothing is
        found by it. Empty where it gives nothing."""
        bridge = self.bridge(derivation.layer)
        bridge.options = [o for o in bridge.options if o not in left]
        blobs: list[bytes] = []
        request = {**bridge.request(trial.case, trial.cotangents, blobs), "wants": [part == p for p in READ]}
        try:
            answer, parts = self.worker.ask(request, blobs)
            if part not in answer:
                return []
            own = READ[part](bridge, trial.case, answer[part], parts)
            with np.errstate(all="ignore"):
                yardstick = Yardstick(derivation, trial.case, trial.cotangents)
                return yardstick.measured(part, own, self.arithmetic, trial.design.extreme)
        except (Broken, Shape, Undecided, ArithmeticError, RecursionError):
            return []

    def bridge(self, layer: Layer, depths: Mapping[str, tuple[int, ...]] | None = None) -> Bridge:
        """How the candidate sees a layer: its options in the forms that it takes, or in those of ``depths``."""
        form, own = self.arithmetic.storage, self.depths if depths is None else depths
        return Bridge(layer, self.arrangement, form, self.options, self.rename, self.given, own, self.filled)

    def answer(self, trial: plans.Trial, derivation: Derivation) -> dict[str, Any]:
        """What the candidate gives at a case, by part; what it does beside is found."""
        layer, case = derivation.layer, trial.case
        bridge = self.bridge(layer)
        blobs: list[bytes] = []
        header = {**bridge.request(case, trial.cotangents, blobs), "wants": self.wants(trial)}
        if trial.design.probe:
            then = trial.later or replace(trial, case=others(case), cotangents=turned(trial.cotangents))
            header["other"] = bridge.request(then.case, then.cotangents, blobs)
        self.report.cases += 1
        try:
            answer, parts = self.worker.ask(header, blobs)
        except Broken as error:
            self.crashes += 1
            self.find("ended", "", str(error), trial)
            return {}
        if "unusable" in answer:
            raise CannotJudge(str(answer["unusable"]))
        for words in answer.get("noticed", []):
            self.notice(str(words), trial)
        if "raised" in answer:
            if trial.design.empty:
                self.note(f"where an axis has no positions ({trial.design.words}), {answer['raised']}")
            elif words := refusal(self, bridge, trial, str(answer["raised"])):
                self.note(words)
            else:
                self.find("raised", "", str(answer["raised"]), trial)
        if "others" in answer:
            design = replace(trial.design, words=f"{trial.design.words}, then other values", probe=False)
            other = replace(then.case, words=f"{case.words}, then other values")
            later = plans.Trial(trial.id, design, other, then.cotangents)
            self.later.append((later, self.read(bridge, later, answer["others"], parts)))
        return self.read(bridge, trial, answer, parts)

    def read(self, bridge: Bridge, trial: plans.Trial, answer: Mapping[str, Any], parts: list[bytes]) -> dict[str, Any]:
        """The results in an answer, checked for form."""
        case, layer, results = trial.case, bridge.layer, {}
        for part, read in READ.items():
            if part in answer:
                try:
                    results[part] = read(bridge, case, answer[part], parts)
                    self.missing(layer, part, results[part])
                except Shape as error:
                    if trial.design.empty:
                        self.note(f"where an axis has no positions ({trial.design.words}), {error}")
                    else:
                        self.find("form", part, str(error), trial)
                except Exception as error:  # what a stranger sends may be anything
                    self.find("form", part, f"{part} gives what cannot be read: {error!r}", trial)
        return results

    def measure(self, trial: plans.Trial, derivation: Derivation, results: dict[str, Any]) -> None:
        if not results:
            return
        try:
            with np.errstate(all="ignore"):
                yardstick = Yardstick(derivation, trial.case, trial.cotangents)
        except (Undecided, ArithmeticError):
            return
        except RecursionError:
            self.note(f"{trial.design.words}: too long a recurrence to be enclosed")
            return
        found: list[Measured] = []
        beyond = {p for p in results if trial.design.extreme or yardstick.overflows(p, self.arithmetic)}
        for part, own in results.items():
            lenient = part in beyond or bool(trial.design.empty)
            found += yardstick.measured(part, own, self.arithmetic, lenient)
        if trial.design.exact:
            for m in found:
                _exactly(m, 2.0 ** UNITS[self.arithmetic.storage])
        for m in found:
            if m.part in beyond:
                self.extreme(m, trial)
                continue
            if trial.design.empty and m.lost:
                self.note(f"{m.label} is no number where an axis has no positions ({trial.design.words}); ours is")
            self.measured(m, trial)
        for m in found:
            self.recalled(m, trial, derivation)
        same = self.asked.setdefault(shapes(trial), [])
        found = [m for m in found if m.part not in beyond]
        if any(not m.ok for m in found):
            self.failures.append(Failure(trial, derivation, yardstick, found, tuple(same)))
        same.append(trial)

    def recalled(self, m: Measured, trial: plans.Trial, derivation: Derivation) -> None:
        """Whether a wrong result is, number for number, that of an earlier case, and not in a fresh process."""
        numbers = tuple(m.got.values())
        whole = trial.case.layer.tensors[m.name].kind == "integer"  # places are alike by chance
        if whole or not any(numbers) or not np.isfinite(numbers).all():
            return
        before, true = self.answers.setdefault((m.part, m.name, numbers), (trial.case.words, m.true))
        if not m.ok and any(not np.isclose(m.true[i], v, equal_nan=True) for i, v in true.items() if i in m.true):
            self.worker.stop()
            again = [a for a in self.quietly(trial, derivation, m.part) if a.name == m.name]
            if not any(tuple(a.got.values()) == numbers for a in again):  # what is summed over all may be as before
                self.find("state", m.label, f"{m.label} is the answer to an earlier case again ({before})", trial)

    def missing(self, layer: Layer, part: str, results: Mapping[str, Any]) -> None:
        """Gradients that were not given are not judged, which is said."""
        if part == "backward":
            gone = [f"d{t.name}" for t in layer.differentiable if t.name in self.given and t.name not in results]
            if gone:
                self.note(f"not judged, for it is not given: {', '.join(gone)}")

    def measured(self, m: Measured, trial: plans.Trial) -> bool:
        """Keep how close a result came, and find it where it is beyond."""
        margin = self.report.margins.setdefault(m.label, Margin())
        margin.elements += m.compared or len(m.got)
        margin.unclaimed += m.unclaimed
        if m.worst >= margin.worst:
            self.worst[m.label] = trial, m
            margin.worst, margin.ulps = m.worst, max(m.ulps, margin.ulps if m.worst == margin.worst else 0.0)
        if not m.ok:
            kind = "value" if m.part == "forward" else "gradient"
            many = f"{len(m.failing)} of {m.compared or len(m.got)} elements of {m.label} are wrong: "
            ulps = f", {m.ulps:.3g} ulp" if m.ulps else ""
            size = f"{m.worst:.3g} times what is allowed{ulps}" if m.worst < np.inf else "no error is allowed"
            words = f"{many}{list(m.at)} {m.words}; {size}"
            self.find(kind, m.label, words, trial, m)
        return True

    def extreme(self, m: Measured, trial: plans.Trial) -> None:
        """Numbers whose squares are beyond the format: what is lost on the way depends on a convention."""
        if m.ok and not m.lost:
            return
        words = f"{trial.design.words}: {m.label} is lost to overflow or underflow on the way"
        self.note(f"{words} (ours is computed again in a wider format; PyTorch, TensorFlow and JAX do not)")

    def conditioned(self, end: float) -> None:
        """How ill-conditioned the elements are that are wrong or, where none is, came closest to what is allowed."""
        for name, (trial, m) in self.worst.items():
            few = sum(np.size(a) for v in trial.case.tensors.values() for a in layout.flat(v) if a is not None) <= FEW
            if time.perf_counter() > end:
                break
            if few and m.got:
                found = condition(trial.case, trial.cotangents, m.part, m.name, m.at)
                self.report.margins[name].condition = found

    def note(self, words: str) -> None:
        if words not in self.report.notes:
            self.report.notes.append(words)

    def notice(self, words: str, trial: plans.Trial) -> None:
        gentle = "shares its memory" in words and self.worker.candidate.framework in ("torch", "jax")
        if gentle:
            self.note(words)
        else:
            self.find("state", "", words, trial)

    def find(self, kind: str, where: str, words: str, trial: plans.Trial, m: Measured | None = None) -> None:
        """One finding of each kind and result is kept: of numbers the smallest case, of others the first."""
        self.report.verdict = WRONG
        own = Finding(kind, where, words, trial.case.words, trial.id)
        if m is not None:
            value, truth = m.got.get(m.at, np.nan), m.true.get(m.at, np.nan)
            own = replace(own, worst=m.worst, ulps=m.ulps, at=m.at, value=value, truth=truth)
        same = [f for f in self.report.findings if (f.kind, f.where) == (kind, where)]
        if kind in ("state", "raised"):  # what differs in numbers alone is said once
            same = [f for f in same if alike(f.words) == alike(words)]
        if not same:
            self.report.findings.append(own)


def alike(words: str) -> str:
    """A message without where it was raised and the numbers in it."""
    return NUMBER.sub("#", words.split(" at ")[0])


def _exactly(m: Measured, unit: float) -> None:
    """Of numbers that nothing rounds, no error is allowed but what a quotient loses, of whole numbers too: a narrower
    format is off by thousands of units, or by the last of digits that it does not have."""
    wrong = tuple(i for i, v in m.got.items() if not abs(v - m.true[i]) <= DIVIDED * unit * abs(m.true[i]))
    if wrong:
        i = max(wrong, key=lambda i: abs(m.got[i] - m.true[i]))
        words = f"got {m.got[i]:.12g}, true value {m.true[i]:.12g}, and whole numbers in between that nothing rounds"
        m.failing, m.worst, m.at, m.words = wrong, float("inf"), i, words


def _with(plan: Plan, options: Mapping[str, Any]) -> Plan:
    return replace(plan, options={**plan.options, **options})
