"""The judge: a candidate's process, the battery of cases, a verdict."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from derive.evidence.inputs import Plan
from derive.evidence.large import running
from derive.judge import defaults, nans, wire
from derive.judge import plan as plans
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import arranged, framework_of, known, variants_of
from derive.judge.isolate import Candidate, CannotJudge, Limits, Worker
from derive.judge.report import NOTHING, UNKNOWN, Report
from derive.judge.session import Session

COMPOSED = ("torch", "jax")  # frameworks whose operators keep their results in the format of their arguments
ENOUGH = 5  # failing cases after which no more are tried
CRASHES = 2  # and cases without an answer
LARGE, NANS, DEFAULTS, LATER = -1, -2, -3, 3  # numbers of what is no case of the battery, and what is tried before
LAST = 16  # and of a recurrence, of which every element takes long
SHRINK = 0.2  # of the budget, for a smaller case, where one is wrong
CONDITION = 0.1  # and for how ill-conditioned its elements are
SHARE = 0.2  # of the time that is left, for its elements
LONG = 0.2  # seconds for the elements of a case of one long axis


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
    intermediates: Any = "",
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
    worker: Worker | None = None,
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
        intermediates: of every operator's result; that of inputs for torch and jax, where they work operator by
        operator. Name float32 for one kernel that keeps in it what lies between inputs and results.
        rename: a definition's name to the candidate's. layout: axes of a tensor in the candidate's order.
        shape: lengths of axes. budget: seconds. options (or keywords): options that are not to be varied.
        replay: the id of a case, from a report: that case alone.
        worker: the candidate's process, where it is kept for several calls.

    Returns a report: ``ok``, ``verdict``, ``findings``, ``diagnosis``, ``to_json()``.
    """
    from derive.judge.arithmetic import format_named
    from derive.judge.diagnose import NONE_FITS, diagnosed

    begin = time.perf_counter()
    if forward is None and candidate is not None:
        forward = candidate
    framework = framework or framework_of(forward if forward is not None else backward)
    storage = format_named(dtype) if dtype is not None else "float64" if framework in ("numpy", "module") else "float32"
    if not intermediates and framework in COMPOSED and storage not in wire.EIGHT:
        intermediates = storage
    named = (format_named(f) if f else "" for f in (accumulate, products, intermediates))
    arithmetic = Arithmetic(storage, *named)
    report = Report(str(getattr(layer, "name", layer)), str(arithmetic))
    chosen = {**(options or {}), **more}
    try:
        if forward is None and backward is None:
            raise CannotJudge("there is nothing to judge: give forward=, backward= or a module")
        variants = variants_of(layer)
        arrangement = arranged(variants[0], layout or {})
        chosen = known(variants[0], chosen, shape or {}, rename or {})
        candidate = Candidate(forward, backward, framework, rename or {}, device)
        with nullcontext(worker) if worker else Worker(candidate, limits or Limits()) as worker:
            fixed = Plan(options=chosen)
            session = Session(variants, worker, arithmetic, report, rename or {}, arrangement, fixed)
            session.begin()
            end = time.perf_counter() + budget  # what it takes to load a candidate is not the judge's
            _battery(session, replay, seed, end, progress, shape or {})
            numeric = ("value", "gradient", "nan") if session.failures else ("value", "gradient")
            plain = [f.words for f in report.findings if f.kind not in numeric]  # a NaN goes where numbers go
            numbers = diagnosed(session, time.process_time() + budget / 2)
            if NONE_FITS in numbers and any(f.kind == "state" for f in report.findings):
                numbers = ""  # what an earlier call left behind is no formula
            session.conditioned(time.perf_counter() + CONDITION * budget)
            if session.failures and not replay:
                _shrunk(session, SHRINK * budget)
            report.diagnosis = "; ".join([*plain, *filter(None, [numbers or session.large_failure])])
    except CannotJudge as error:
        report.verdict, report.diagnosis = UNKNOWN, str(error)
    claimed = any(m.elements > m.unclaimed for m in report.margins.values())
    if report.verdict != UNKNOWN and not claimed and not report.findings:
        report.verdict, report.diagnosis = UNKNOWN, NOTHING
    report.seconds = time.perf_counter() - begin
    return report


def _shrunk(session: Session, seconds: float) -> None:
    """The smallest case that shows what is wrong, by Hypothesis where that is installed."""
    try:
        from derive.judge.shrink import smallest
    except ImportError:
        session.note("a smaller case is looked for where Hypothesis is installed: pip install 'gradbook[oracle]'")
        return
    session.report.smallest = smallest(session, time.perf_counter() + seconds)


def _battery(
    session: Session,
    replay: str,
    seed: int | None,
    end: float,
    progress: Callable[[str, int], None] | None,
    shape: Mapping[str, int],
) -> None:
    report, only = session.report, None
    if replay:
        only, seed = _place(replay, session)
    report.seed = int.from_bytes(os.urandom(4), "little") if seed is None else seed
    offered = session.offered()
    if not offered:
        raise CannotJudge("no variant of the definition has these options")
    todo = plans.battery(offered, session.arithmetic)
    later = min(LAST if running(offered[0][1]) else LATER, len(todo))
    todo.insert(later, (*offered[0], LARGE, plans.Design("a large case")))
    todo.insert(later, (*offered[0], DEFAULTS, plans.Design("options left out")))
    todo.insert(later, (*offered[0], NANS, plans.Design("a NaN among the arguments")))
    if only is not None and only not in [(n, turn) for n, _, turn, _ in todo]:
        raise CannotJudge(f"{replay!r} is no case of {report.layer} now: another version of its definition had it")
    for place, (n, layer, turn, design) in enumerate(todo):
        if only is not None and (n, turn) != only:
            continue
        if only is None and time.perf_counter() > end + session.worker.compiling:
            report.notes.append(f"{len(todo) - place} of {len(todo)} cases were left out, for lack of time")
            break
        if len(session.failures) >= ENOUGH or session.crashes >= CRASHES:
            break
        if progress:
            progress(design.words, place)
        if turn == LARGE:
            left = (end + session.worker.compiling - time.perf_counter()) * (1 if only else SHARE)
            session.large(n, layer, report.seed, shape, max(left, 1.0))
        elif design.long:
            session.large(n, layer, report.seed, design.long, LONG, turn)
        elif turn == DEFAULTS:
            defaults.tried(session, report.seed)
        elif turn == NANS:
            nans.tried(session, n, layer, report.seed)
        else:
            session.run(n, layer, turn, design, report.seed)


def _place(replay: str, session: Session) -> tuple[tuple[int, int], int]:
    try:
        name, variant, number, storage, seed = replay.rsplit(".", 4)
        place = int(variant), {"large": LARGE, "nan": NANS, "defaults": DEFAULTS}.get(number) or int(number)
        found = int(seed, 16)
    except ValueError:
        raise CannotJudge(f"{replay!r} is no id of a case; a report shows them behind --replay") from None
    if name != session.variants[0].name or storage != session.arithmetic.storage:
        raise CannotJudge(f"{replay!r} is a case of {name} in {storage}")
    return place, found
