"""Runs the evidence of layers and records the result for the pages.

The legs are those of derive.evidence.verify, and the page leg, which reads the built book. A layer with a
choice is verified for each value of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import itertools
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from derive.calculus.derivation import Derivation, derive
from derive.command import documents, forked, pageleg, record
from derive.command.build import KERNELS, ROOT, Plan, checkout, fingerprint, generate, known, write
from derive.command.ending import interrupts_ignored
from derive.evidence.kept import kept
from derive.evidence.result import STATES
from derive.notation.define import REGISTRY, load_project
from derive.notation.expr import Pos, walk

if TYPE_CHECKING:
    from derive.evidence.result import Result
    from derive.notation.layer import Layer

#: Legs that take longest, from the shortest of them on: with these begun first, no process waits long for the last.
COSTLY = ("exact", "generic", "text", "mutants", "enclosure")
PROSE = "prose"  # the leg of pages that are no layer's
COLOURS = {True: "green", False: "red", None: "yellow"}


@dataclass(frozen=True)
class Verdict:
    """One leg of one layer, all variants together; ``passed`` is None where it was not run, and ``detail`` says why."""

    layer: str
    leg: str
    passed: bool | None
    text: str
    detail: str
    seconds: float


def run_leg(leg: str, derivations: Iterable[Derivation], kernel: ModuleType) -> Verdict:
    """Run one leg on every variant; an exception is a failure and says where."""
    from derive.evidence import verify
    from derive.evidence.result import together

    begin = time.perf_counter()
    whole = together(verify.leg(leg, derivation, kernel) for derivation in derivations)
    seconds = time.perf_counter() - begin
    passed = whole.passed if whole.compared else None
    return Verdict(whole.layer, leg, passed, short(leg, whole), long(leg, whole), seconds)


def short(name: str, result: Result) -> str:
    """A leg's number, for a badge."""
    if not result.compared:
        return "not run"
    if not result.passed:
        return "FAILED"
    if name in (
        "steps",
        "mutants",
    ):  # these say it themselves: "10 steps, 1 facts", "31/31 killed, 2 equivalent"
        return result.detail.split(",")[0].removesuffix(" killed")
    if name == "enclosure":
        return worst(result) or f"{result.checks} comparisons"
    return f"{result.checks} comparisons"


def worst(result: Result) -> str:
    return f"worst {result.worst:.1g} {result.unit}" if result.worst else ""


def long(name: str, result: Result) -> str:
    """A leg's numbers and words, for the page's table."""
    numbers = [] if name in ("steps", "mutants") else [f"{result.checks} comparisons", worst(result)]
    said = result.detail.replace(f"{ROOT}{os.sep}", "")
    if not result.passed or not result.compared:
        numbers = []
    return "; ".join(part for part in [*numbers, said, *result.notes] if part)


def tasks_of(
    variants: tuple[Layer, ...], load: Callable[[str], ModuleType], derived: tuple[Derivation, ...] = ()
) -> list[tuple[str, Callable[[], Verdict]]]:
    """Every leg of one layer, with its name; a kernel that cannot be imported is a leg that fails, and the only one.

    ``derived`` are the derivations of its variants, where they are at hand.
    """
    from derive.evidence import verify

    begin = time.perf_counter()
    try:
        kernel = load(variants[0].name)
    except Exception as error:
        said = f"it cannot be imported: {type(error).__name__}: {error}".replace(f"{ROOT}{os.sep}", "")
        failed = Verdict(variants[0].name, "kernel", False, "FAILED", said, time.perf_counter() - begin)
        return [("kernel", lambda: failed)]
    derivations = derived or tuple(derive(v) for v in variants)
    legs = [leg for leg in verify.LEGS if verify.applies(leg, variants[0], kernel)]
    return [(leg, partial(run_leg, leg, derivations, kernel)) for leg in legs]


def run_layers(layers: Iterable[list[tuple[str, Callable[[], Verdict]]]]) -> Iterator[Verdict]:
    """Every leg of a few layers, some legs at a time: those of a layer before those of the next one."""
    legs = [(-n, COSTLY.index(leg) if leg in COSTLY else -1, task) for n, own in enumerate(layers) for leg, task in own]
    with kept():  # each process has its own
        yield from forked.results([task for *_, task in legs], lambda n: legs[n][:2])


def run_named(name: str) -> list[Verdict]:
    """Every leg of one layer of the project; runs in a process of its own."""
    with kept():
        return [task() for _, task in tasks_of(load_project()[name], project_kernel)]


def work_of(name: str) -> int:
    """How long a layer's legs take, about: how many terms its equations have where every axis has 3 positions.

    The longest are begun first, so that no core waits long for the last one.
    """
    variants = load_project()[name]
    own = ({n.index for n in (*walk(e.lhs), *walk(e.body)) if isinstance(n, Pos)} for e in variants[0].equations)
    return len(variants) * sum(int(3 ** len(indices)) for indices in own)


def run_project(names: list[str]) -> Iterator[Verdict]:
    """Every leg of layers of the project, some layers at a time where there are more than a few."""
    if len(names) < 4 or forked.cores() < 2:
        yield from run_layers(tasks_of(load_project()[name], project_kernel) for name in names)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(forked.cores(), mp_context=context) as pool:
        try:
            with interrupts_ignored():  # workers begin with the first task: Ctrl-C is for the command, which ends them
                running = [pool.submit(run_named, name) for name in sorted(names, key=work_of, reverse=True)]
            for one in as_completed(running):
                yield from one.result()
        except BaseException:  # an interrupt ends them, and does not wait for what they are at
            forked.ended()
            raise


def count(layers: Sized) -> int:
    """How many verdicts there will be, about: not every leg applies to every layer."""
    from derive.evidence import verify

    return len(layers) * len(verify.LEGS)


def show(console: Console, verdicts: Iterable[Verdict], expected: int) -> list[Verdict]:
    """Print each leg as it comes: one line a layer, failures in full below it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    found: list[Verdict] = []
    line: list[str] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("verifying", total=expected)
        for verdict in verdicts:
            if found and found[-1].layer != verdict.layer:
                progress.console.print(" · ".join(line))
                line = []
            if not line:
                line = [f"[bold]{verdict.layer:<30}[/bold]"]
            line.append(f"{verdict.leg} [{COLOURS[verdict.passed]}]{STATES[verdict.passed][1]}[/]")
            found.append(verdict)
            progress.update(task, advance=1, description=f"{verdict.layer}: {verdict.leg}")
        if line:
            progress.console.print(" · ".join(line))
    for verdict in found:
        if verdict.passed is False:
            console.print(f"\n[red]✗[/red] {verdict.layer}: {verdict.leg}\n  ", end="")
            console.print(verdict.detail, markup=False)
    return found


def summary(console: Console, found: list[Verdict]) -> int:
    """A line for each leg; returns the exit status."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("leg", "passed", "seconds"):
        table.add_column(head, justify="left" if head == "leg" else "right")
    for leg in dict.fromkeys(v.leg for v in found):
        own = [v for v in found if v.leg == leg]
        run = [v for v in own if v.passed is not None]
        passed = f"{sum(bool(v.passed) for v in run)}/{len(run)}" if run else "not run"
        table.add_row(leg, passed, f"{sum(v.seconds for v in own):.1f}")
    console.print()
    console.print(table)
    if read := formulas(found):
        console.print(read, markup=False, highlight=False)
    for reason, legs in left_out(found).items():
        console.print(f"not run: {', '.join(legs)}: {reason.removeprefix('not run: ')}", markup=False)
    return 0 if any(v.passed for v in found) and not any(v.passed is False for v in found) else 1


def formulas(found: Iterable[Verdict]) -> str:
    """How many formulas of the built pages were read and executed; nothing where none was to be."""
    counts = [
        tuple(map(int, m.groups())) for v in found if v.leg in ("page", PROSE) and (m := pageleg.FORMULAS.match(v.text))
    ]
    return f"formulas  {sum(r for r, _ in counts)} of {sum(n for _, n in counts)} read and executed" if counts else ""


def left_out(found: Iterable[Verdict]) -> dict[str, list[str]]:
    """Why legs were not run, and which."""
    reasons: dict[str, dict[str, None]] = {}
    for v in found:
        if v.passed is None:
            reasons.setdefault(v.detail, {})[v.leg] = None
    return {reason: list(legs) for reason, legs in reasons.items()}


def entries(found: Iterable[Verdict]) -> dict[str, record.Legs]:
    legs: dict[str, record.Legs] = {}
    for v in found:
        legs.setdefault(v.layer, []).append(record.entry(v.leg, v.passed, v.text, v.detail))
    return legs


def verify_project(console: Console, names: list[str], record: bool = True, misprints: int | None = None) -> int:
    """Verify layers of the project, all if none is named, and rebuild their pages.

    Of a page about as many ``misprints`` are tried, twice: of its equations, and of the rest; all where it is None.

    Raises:
        BuildError: an unknown name.
    """
    registry = known(names, load_project())
    record = record and checkout()
    chosen = {n: v for n, v in registry.items() if not names or n in names}
    leg = partial(pageleg.page_leg, whole=not names, most=misprints)
    verdicts = itertools.chain(run_project(list(chosen)), pages(leg, chosen))
    found = show(console, verdicts, count(chosen) + len(chosen))
    if record:
        keep(Plan(ROOT), found)
        written, _ = write(generate(names))
        console.print(f"\nrecorded in {RECORD}; {len(written)} pages changed")
    elif not checkout():
        console.print("\nnot recorded: there is no project here, only an installation of it")
    return summary(console, found)


def pages(leg: Callable[[Iterable[str]], Iterator[pageleg.Answer]], names: Collection[str]) -> Iterator[Verdict]:
    """The page leg, run where this is a checkout with MkDocs: it reads built pages, so it comes last."""
    if reason := pageleg.missing():
        yield from (Verdict(name, "page", None, "not run", reason, 0.0) for name in names)
        return
    for name, passed, text, detail, seconds in leg(names):
        yield Verdict(name, "page" if name in names else PROSE, passed, text, detail, seconds)


RECORD = record.RECORD


def keep(plan: Plan, found: list[Verdict]) -> None:
    """Put verdicts into the record of the project or of a user's folder."""
    legs = {n: (fingerprint(REGISTRY[n][0]) if n in REGISTRY else "", legs) for n, legs in entries(found).items()}
    kernels = {n: record.kernel_digest(n, ROOT / KERNELS) for n in legs} if plan.file is None else {}
    record.store(plan.record(), legs, listed=plan.file is not None, kernels=kernels)


def project_kernel(name: str) -> ModuleType:
    return importlib.import_module(f"reference.layers.{name}")


def outside_kernels(out: Path) -> Callable[[str], ModuleType]:
    """Loads kernels from a folder as a package of their own, whatever else has its name: some call one another.

    A user's own ``__init__.py`` there is not run.
    """
    package = f"kernels_{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]}"
    for name in [n for n in sys.modules if n.split(".")[0] == package]:
        del sys.modules[name]
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(out.resolve())]
    importlib.invalidate_caches()
    return lambda name: importlib.import_module(f"{package}.{name}")


def judged(plan: Plan) -> Plan:
    """The same files, with what the record says now on the pages."""
    from derive.targets.markdown import markdown

    notes = record.load(plan.record())
    for path, page in plan.pages.items():
        plan.files[path] = markdown(replace(page, legs=record.legs(notes, page.layer.name, page.fingerprint)))
    return documents.add(plan)


def verify_outside(console: Console, file: Path, out: Path, isolated: bool = False, plan: Plan | None = None) -> int:
    """Verify layers of a user's own file with the kernels in ``out``, and put the result on their pages.

    ``plan`` is that of the build that made them: what was derived there is not derived again.
    """
    plan = plan or generate(file=file, out=out, isolated=isolated)
    chosen = {page.layer.name: page.derivations for page in plan.pages.values()}
    kernel = outside_kernels(out)
    own = run_layers(tasks_of(tuple(d.layer for d in v), kernel, v) for v in chosen.values())
    with contextlib.ExitStack() as beside:
        read = iter(()) if pageleg.missing() else beside.enter_context(pageleg.begun_outside(chosen, out))
        verdicts = itertools.chain(own, pages(lambda names: read, chosen))
        found = show(console, verdicts, count(chosen) + len(chosen))
    keep(plan, found)
    write(judged(plan))
    return summary(console, found)
