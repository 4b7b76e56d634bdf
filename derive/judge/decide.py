"""The judge: a candidate's process, the battery of cases, a verdict."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence.evaluation import Undecided
from derive.evidence.inputs import NoArguments, Plan
from derive.judge import plan as plans
from derive.judge.allowed import Measured, Yardstick
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import arranged, derived, framework_of, known, variants_of
from derive.judge.bridge import Bridge, Shape
from derive.judge.isolate import Broken, Candidate, CannotJudge, Limits, Worker
from derive.judge.report import UNKNOWN, WRONG, Finding, Margin, Report
from derive.notation.layer import Layer

ENOUGH = 5  # failing cases after which no more are tried
CRASHES = 2  # and cases without an answer


@dataclass
class Failure:
    """A case whose numbers are wrong, for the diagnosis."""

    trial: plans.Trial
    derivation: Derivation
    yardstick: Yardstick
    measured: list[Measured]

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
    crashes: int = 0
    options: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """What the candidate takes: options that it has no parameter for keep their defaults."""
        layer, known = self.variants[0], self.worker.hello["parameters"]
        self.given = [t.name for t in layer.inputs]
        if known is None:
            self.options = [o.name for o in layer.options]
            return
        self.options = [o.name for o in layer.options if self.rename.get(o.name, o.name) in known]
        for option in layer.options:
            if option.name not in self.options and option.name not in self.fixed.options:
                self.fixed = _with(self.fixed, {option.name: option.default})
                self.report.notes.append(f"it has no parameter {option.name}: judged at {option.default}")
        room = len([p for p in known if p not in {self.rename.get(o, o) for o in self.options}])
        optional = [t.name for t in layer.inputs if t.optional]
        if len(self.given) > room and optional:
            self.given = [n for n in self.given if n not in optional]
            self.fixed = Plan(fixed=self.fixed.fixed, options=self.fixed.options, absent=frozenset(optional))
            self.report.notes.append(f"it takes no {', '.join(optional)}: judged without")

    def offered(self) -> list[tuple[int, Layer]]:
        """The variants that the candidate can be asked for: those of the choices that are decided."""
        return [
            (n, layer)
            for n, layer in enumerate(self.variants)
            if all(self.fixed.options.get(name, value) == value for name, value in layer.choice)
        ]

    def run(self, number: int, layer: Layer, turn: int, design: plans.Design, seed: int) -> None:
        """One case of the battery."""
        try:
            trial = plans.trial(layer, number, turn, design, self.arithmetic, seed, self.fixed)
        except NoArguments:
            return
        self.ask(trial, derived(layer, number))

    def ask(self, trial: plans.Trial, derivation: Derivation) -> None:
        layer, case = derivation.layer, trial.case
        bridge = Bridge(layer, self.arrangement, self.arithmetic.storage, self.options, self.rename, self.given)
        blobs: list[bytes] = []
        has_forward, has_backward = self.worker.hello["gives"]
        wants = [has_forward, has_backward and bool(trial.cotangents)]
        header = {**bridge.request(case, trial.cotangents, blobs), "wants": wants}
        if trial.design.probe:
            header["other"] = bridge.request(_others(case), _turned(trial.cotangents), blobs)
        self.report.cases += 1
        try:
            answer, parts = self.worker.ask(header, blobs)
        except Broken as error:
            self.crashes += 1
            self.find("ended", "", str(error), trial)
            return
        if "unusable" in answer:
            raise CannotJudge(str(answer["unusable"]))
        for words in answer.get("noticed", []):
            self.notice(str(words), trial)
        if "raised" in answer:
            self.find("raised", "", str(answer["raised"]), trial)
        results = {}
        readers: dict[str, Callable[..., Any]] = {"forward": bridge.outputs, "backward": bridge.gradients}
        for part, read in readers.items():
            if part in answer:
                try:
                    results[part] = read(case, answer[part], parts)
                except Shape as error:
                    self.find("form", part, str(error), trial)
                except Exception as error:  # what a stranger sends may be anything
                    self.find("form", part, f"{part} gives what cannot be read: {error!r}", trial)
        self.measure(trial, derivation, results)

    def measure(self, trial: plans.Trial, derivation: Derivation, results: dict[str, Any]) -> None:
        if not results:
            return
        try:
            with np.errstate(all="ignore"):
                yardstick = Yardstick(derivation, trial.case, trial.cotangents)
        except (Undecided, ArithmeticError):
            return
        found: list[Measured] = []
        for part, own in results.items():
            found += yardstick.measured(part, own, self.arithmetic, trial.design.extreme)
        for m in found:
            if trial.design.extreme:
                self.extreme(m, trial)
                continue
            margin = self.report.margins.setdefault(label(m), Margin())
            margin.elements += len(m.got)
            margin.unclaimed += m.unclaimed
            if m.worst >= margin.worst:
                margin.worst, margin.ulps = m.worst, max(m.ulps, margin.ulps if m.worst == margin.worst else 0.0)
            if not m.ok:
                kind = "value" if m.part == "forward" else "gradient"
                many = f"{len(m.failing)} of {len(m.got)} elements of {label(m)} are wrong: "
                size = (
                    f"{m.worst:.3g} times what is allowed, {m.ulps:.3g} ulp"
                    if m.worst < np.inf
                    else "no error is allowed"
                )
                words = f"{many}{list(m.at)} {m.words}; {size}"
                self.find(kind, label(m), words, trial, m.worst, m.ulps)
        if any(not m.ok for m in found) and not trial.design.extreme:
            self.failures.append(Failure(trial, derivation, yardstick, found))

    def extreme(self, m: Measured, trial: plans.Trial) -> None:
        """Numbers whose squares are beyond the format: what is lost on the way depends on a convention."""
        if m.ok and not m.lost:
            return
        words = f"{trial.design.words}: {label(m)} is lost to overflow or underflow on the way"
        self.note(f"{words} (ours is computed again in a wider format; PyTorch, TensorFlow and JAX do not)")

    def note(self, words: str) -> None:
        if words not in self.report.notes:
            self.report.notes.append(words)

    def notice(self, words: str, trial: plans.Trial) -> None:
        gentle = "shares its memory" in words and self.worker.candidate.framework in ("torch", "jax")
        if gentle:
            self.note(words)
        else:
            self.find("state", "", words, trial)

    def find(
        self, kind: str, where: str, words: str, trial: plans.Trial, worst: float = np.inf, ulps: float = np.inf
    ) -> None:
        """One finding of each kind and result is kept: of numbers the smallest case, of others the first."""
        self.report.verdict = WRONG
        own = Finding(kind, where, words, trial.case.words, trial.id, worst, ulps)
        same = [f for f in self.report.findings if (f.kind, f.where) == (kind, where)]
        if kind in ("state", "raised"):
            same = [f for f in same if f.words.split(" at ")[0] == words.split(" at ")[0]]
        if not same:
            self.report.findings.append(own)


def label(m: Measured) -> str:
    """``y`` for an output, ``dx`` for a gradient."""
    return m.name if m.part == "forward" else f"d{m.name}"


def _with(plan: Plan, options: Mapping[str, Any]) -> Plan:
    return Plan(fixed=plan.fixed, options={**plan.options, **options}, absent=plan.absent)


def _others(case: Any) -> Any:
    """Other arguments of the same shapes, as good as these."""
    from dataclasses import replace

    return replace(case, tensors={n: _flipped(v) for n, v in case.tensors.items()})


def _flipped(value: Any) -> Any:
    if isinstance(value, list):
        return [_flipped(v) for v in value]
    return value if value is None else np.flip(value).copy()


def _turned(cotangents: Mapping[str, Any]) -> dict[str, Any]:
    return {n: _flipped(v) for n, v in cotangents.items()}


def judge(
    layer: Any,
    candidate: Any = None,
    *,
    forward: Any = None,
    backward: Any = None,
    framework: str = "",
    dtype: Any = None,
    accumulate: Any = "",
    products: Any = "",
    rename: Mapping[str, str] | None = None,
    layout: Mapping[str, Any] | None = None,
    shape: Mapping[str, int] | None = None,
    device: str = "cpu",
    budget: float = 10.0,
    limits: Limits | None = None,
    seed: int | None = None,
    replay: str = "",
    progress: Callable[[str, int], None] | None = None,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> Report:
    """Whether an implementation of a layer is right and, if not, what is wrong.

    Args:
        layer: its name, or ``file.py:name`` for one of the caller's own.
        candidate: a module with ``forward`` and ``backward`` of our shape, a torch module; or give
        forward: ``f(*inputs, **options)``, the result or a tuple of them.
        backward: ``g(cotangents, *inputs, **options)``, the gradients in the inputs' order, None for one not given.
        framework: numpy, module, torch, jax, c or exec; found out where it can be.
        dtype: of real inputs and results; float64 for NumPy, float32 otherwise.
        accumulate, products: formats of sums, and of factors (tf32), that the allowed error is derived for.
        rename: a definition's name to the candidate's. layout: axes of a tensor in the candidate's order.
        shape: lengths of axes. budget: seconds. options (or keywords): options that are not to be varied.
        replay: the id of a case, from a report: that case alone.

    Returns a report: ``ok``, ``verdict``, ``findings``, ``diagnosis``, ``to_json()``.
    """
    from derive.judge.arithmetic import format_named
    from derive.judge.diagnose import diagnosed

    begin = time.perf_counter()
    if forward is None and candidate is not None:
        forward = candidate
    framework = framework or framework_of(forward if forward is not None else backward)
    storage = format_named(dtype) if dtype is not None else "float64" if framework in ("numpy", "module") else "float32"
    arithmetic = Arithmetic(storage, *(format_named(f) if f else "" for f in (accumulate, products)))
    report = Report(str(getattr(layer, "name", layer)), str(arithmetic))
    chosen = {**(options or {}), **more}
    try:
        if forward is None and backward is None:
            raise CannotJudge("there is nothing to judge: give forward=, backward= or a module")
        variants = variants_of(layer)
        arrangement = arranged(variants[0], layout or {})
        known(variants[0], chosen, shape or {}, rename or {})
        with Worker(Candidate(forward, backward, framework, rename or {}, device), limits or Limits()) as worker:
            fixed = Plan(fixed=shape or {}, options=chosen)
            session = Session(variants, worker, arithmetic, report, rename or {}, arrangement, fixed)
            session.begin()
            _battery(session, replay, seed, begin + budget, progress)
            plain = [f.words for f in report.findings if f.kind not in ("value", "gradient")]
            numbers = diagnosed(session, max(begin + budget, time.perf_counter() + budget / 3))
            report.diagnosis = "; ".join([*plain, *filter(None, [numbers])])
    except CannotJudge as error:
        report.verdict, report.diagnosis = UNKNOWN, str(error)
    if report.verdict != UNKNOWN and not report.margins and not report.findings:
        report.verdict, report.diagnosis = UNKNOWN, "no case gave anything to compare"
    report.seconds = time.perf_counter() - begin
    return report


def _battery(
    session: Session, replay: str, seed: int | None, end: float, progress: Callable[[str, int], None] | None
) -> None:
    report, only = session.report, None
    if replay:
        only, seed = _place(replay, session)
    report.seed = int.from_bytes(os.urandom(4), "little") if seed is None else seed
    offered = session.offered()
    if not offered:
        raise CannotJudge("no variant of the definition has these options")
    lists = [(n, layer, list(plans.designs(layer, session.arithmetic))) for n, layer in offered]
    todo = [
        (n, layer, turn, ds[turn])
        for turn in range(max(len(ds) for *_, ds in lists))
        for n, layer, ds in lists
        if turn < len(ds)
    ]
    for place, (n, layer, turn, design) in enumerate(todo):
        if only is not None and (n, turn) != only:
            continue
        if time.perf_counter() > end:
            report.notes.append(f"{len(todo) - place} of {len(todo)} cases were left out, for lack of time")
            break
        if len(session.failures) >= ENOUGH or session.crashes >= CRASHES:
            break
        if progress:
            progress(design.words, place)
        session.run(n, layer, turn, design, report.seed)


def _place(replay: str, session: Session) -> tuple[tuple[int, int], int]:
    try:
        name, variant, number, storage, seed = replay.rsplit(".", 4)
        place = int(variant), int(number)
        found = int(seed, 16)
    except ValueError:
        raise CannotJudge(f"{replay!r} is no id of a case; a report shows them behind --replay") from None
    if name != session.variants[0].name or storage != session.arithmetic.storage:
        raise CannotJudge(f"{replay!r} is a case of {name} in {storage}")
    return place, found
