"""Runs the evidence of layers and records the result for the pages.

A leg is a function ``leg(derivation) -> Result``; one that has a parameter ``kernel`` gets the generated
module too. A layer with a choice is verified for each value of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from derive import record
from derive.build import ROOT, BuildError, fingerprint, generate, write
from derive.calculus.derivation import Derivation, derive
from derive.notation.define import REGISTRY, load_file, load_project

if TYPE_CHECKING:
    from derive.evidence.result import Result
    from derive.notation.layer import Layer

#: Legs in the order of DESIGN's ladder: name, module of derive.evidence, function.
LEGS: tuple[tuple[str, str, str], ...] = (
    ("steps", "steps", "steps"),
    ("exact", "exact", "exact"),
    ("definition", "compare", "definition"),
    ("differences", "compare", "differences"),
    ("duality", "compare", "duality"),
    ("second order", "compare", "second"),
    ("enclosure", "enclosure", "enclosure"),
    ("mutants", "mutants", "score"),
)


@dataclass(frozen=True)
class Verdict:
    """One leg of one layer, all variants together."""

    layer: str
    leg: str
    passed: bool
    text: str
    detail: str
    seconds: float


def available() -> list[tuple[str, Callable[..., Any]]]:
    """The legs that this installation has."""
    found = []
    for name, module, function in LEGS:
        if importlib.util.find_spec(f"derive.evidence.{module}") is not None:
            found.append((name, getattr(importlib.import_module(f"derive.evidence.{module}"), function)))
    return found


def run_leg(
    name: str, leg: Callable[..., Any], variants: Iterable[Derivation], kernel: ModuleType | None
) -> Verdict:
    """Run one leg on every variant. An exception is a failure, with its last line as the detail."""
    from derive.evidence.result import together

    begin, results = time.perf_counter(), []
    wants = "kernel" in inspect.signature(leg).parameters
    variants = list(variants)
    layer = variants[0].layer.name
    try:
        for derivation in variants:
            answer = leg(derivation, kernel=kernel) if wants else leg(derivation)
            results.append(answer.result() if hasattr(answer, "result") else answer)
        whole = together(results)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        return Verdict(layer, name, False, "raised", words, time.perf_counter() - begin)
    return Verdict(layer, name, whole.passed, short(name, whole), whole.detail, time.perf_counter() - begin)


def short(name: str, result: Result) -> str:
    """A leg's number, for a badge."""
    if not result.passed:
        return "FAILED"
    if name in (
        "steps",
        "mutants",
    ):  # these say it themselves: "10 steps, 1 facts", "31/31 killed, 2 equivalent"
        return result.detail.split(",")[0].removesuffix(" killed")
    worst = f", worst {result.worst:.1g} {result.unit}" if result.worst else ""
    return f"{result.checks} comparisons{worst}"


def run_layers(
    layers: dict[str, tuple[Layer, ...]], kernel_of: Callable[[str], ModuleType | None]
) -> Iterator[Verdict]:
    legs = available()
    for name, variants in layers.items():
        derivations = [derive(v) for v in variants]
        kernel = kernel_of(name)
        for leg, function in legs:
            yield run_leg(leg, function, derivations, kernel)


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
            mark = "[green]✓[/green]" if verdict.passed else "[red]✗[/red]"
            line.append(f"{verdict.leg} {mark}")
            found.append(verdict)
            progress.update(task, advance=1, description=f"{verdict.layer}: {verdict.leg}")
        if line:
            progress.console.print(" · ".join(line))
    for verdict in found:
        if not verdict.passed:
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
        passed = sum(v.passed for v in own)
        table.add_row(leg, f"{passed}/{len(own)}", f"{sum(v.seconds for v in own):.1f}")
    console.print()
    console.print(table)
    return 0 if found and all(v.passed for v in found) else 1


def entries(found: Iterable[Verdict]) -> dict[str, record.Legs]:
    legs: dict[str, record.Legs] = {}
    for v in found:
        legs.setdefault(v.layer, []).append(record.entry(v.leg, v.passed, v.text, v.detail))
    return legs


def verify_project(console: Console, names: list[str], record: bool = True) -> int:
    """Verify layers of the project, all if none is named, and rebuild their pages.

    Raises:
        BuildError: an unknown name.
    """
    registry = load_project()
    unknown = [n for n in names if n not in registry]
    if unknown:
        raise BuildError(f"there is no layer {unknown[0]!r}; gradbook list shows what there is")
    chosen = {n: v for n, v in registry.items() if not names or n in names}
    found = show(console, run_layers(chosen, project_kernel), len(chosen) * len(available()))
    if record:
        keep(ROOT / RECORD, found)
        written, _ = write(generate(names))
        console.print(f"\nrecorded in {RECORD}; {len(written)} pages changed")
    return summary(console, found)


RECORD = record.RECORD


def keep(path: Path, found: list[Verdict]) -> None:
    record.store(path, {n: (fingerprint(REGISTRY[n][0]), legs) for n, legs in entries(found).items()})


def project_kernel(name: str) -> ModuleType:
    return importlib.import_module(f"reference.layers.{name}")


def verify_outside(console: Console, file: Path, out: Path) -> int:
    """Verify layers of a user's own file with the kernels in ``out``, and put the result on their pages."""
    chosen = load_file(file) or dict(REGISTRY)

    def kernel(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{out.name}.{name}", out / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    found = show(console, run_layers(chosen, kernel), len(chosen) * len(available()))
    keep(out / RECORD.name, found)
    write(generate(file=file, out=out))
    return summary(console, found)
