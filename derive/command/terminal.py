"""A layer in the terminal: equations, shapes, gradient, derivation, kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from derive.calculus.derivation import Derivation, derive
from derive.calculus.steps import Rewrite, Scatter
from derive.command import record
from derive.command.build import KERNELS, ROOT, Plan, fingerprint, shown
from derive.command.files import text_of
from derive.evidence.ladder import LADDER
from derive.evidence.result import STATES
from derive.notation.expr import Ref, mul
from derive.notation.layer import Equation, Layer
from derive.notation.text import show, show_equation
from derive.program.compile import program_of
from derive.targets.loops.printer import source
from derive.targets.tables import families
from derive.targets.words import visible


def show_layer(console: Console, layer: Layer, file: Path | None, steps: bool = False, form: str = "kernel") -> None:
    """Print everything there is to know about a layer of the project, or of a file with its kernel beside it.

    Args:
        steps: whether every step of the derivation is shown.
        form: what its functions are shown as: kernel, loops, or not at all where it is empty.
    """
    derivation = derive(layer)
    console.print(f"[bold]{layer.name}[/bold]   {escape(visible(layer.summary))}")
    console.print(visible(layer.cites), style="dim", markup=False)
    console.print(arguments(layer))
    equations(console, "forward", layer.equations)
    equations(console, "backward", (*derivation.auxiliary, *derivation.backward))
    folder = ROOT / KERNELS if file is None else file.with_name("kernels")
    evidence(console, layer, file, len(derivation.steps))
    if steps:
        for n, line in enumerate(step_lines(derivation), 1):
            console.print(f"{n:3}  {line}", markup=False)
    path = folder / f"{layer.name}.py"
    if form == "loops":
        code(console, "as plain loops", source(program_of(layer.name))[0])
    elif form and path.exists():
        code(console, shown(path), text_of(path))


def code(console: Console, title: str, text: str) -> None:
    console.print()
    console.print(title, style="dim", markup=False)
    console.print(Syntax(text, "python", background_color="default"))


def arguments(layer: Layer) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for tensor in layer.inputs:
        slots = ", ".join(str(s) for s in tensor.slots[tensor.sequence :])
        said = tensor.kind + (f", {escape(str(tensor.domain))}" if tensor.domain else "")
        table.add_row(f"  {tensor.name}", f"{'list of ' if tensor.sequence else ''}\\[{slots}]", said)
    for option in layer.options:
        table.add_row(f"  {option.name}", option.kind.lower(), f"= {escape(visible(str(option.default)))}")
    return table


def equations(console: Console, title: str, found: tuple[Equation, ...]) -> None:
    console.print(f"\n[bold]{title}[/bold]")
    width = max((len(show(e.lhs)) for e in found), default=0)
    for e in found:
        console.print(f"  {show(e.lhs):{width}} = {show(e.body)}", markup=False)


def evidence(console: Console, layer: Layer, file: Path | None, steps: int) -> None:
    """The last verification of this definition in one line."""
    path = Plan(ROOT if file is None else file.with_name("kernels"), file).record()
    legs = record.legs(record.load(path), layer.name, fingerprint(layer))
    words = [f"{leg['leg']} {STATES[leg['passed']][1]} {leg['text']}" for leg in legs]
    command = f"gradbook verify {layer.name}" if file is None else f"gradbook build {file}"
    said = " · ".join(words) if words else f"not verified: {command}"
    console.print(f"\n{steps} steps · {said}", markup=False)


def by_family(registry: Mapping[str, tuple[Layer, ...]]) -> Iterator[str]:
    """Every layer in a line: its name, a mark for each leg as recorded for this definition, what it does."""
    kept = record.load(ROOT / record.RECORD)
    found = {
        n: {leg["leg"]: leg["passed"] for leg in record.legs(kept, n, fingerprint(v[0]))} for n, v in registry.items()
    }
    ladder = [leg for leg in LADDER if any(leg in own for own in found.values())]
    marks = ", ".join(f"{mark} {words.strip('*')}" for _, mark, words in STATES.values())
    yield f"{len(registry)} layers; marks: {', '.join(ladder)} ({marks}, - does not apply)" if ladder else "no record"
    width = max(map(len, registry))
    for title, layers in families(registry).items():
        yield f"\n{title}"
        for layer in layers:
            own = found[layer.name]
            state = "".join(STATES[own[leg]][1] if leg in own else "-" for leg in ladder) if own else "not verified"
            yield f"  {layer.name:<{width}}  {state:<{len(ladder)}}  {visible(layer.summary)}"


def step_lines(derivation: Derivation) -> list[str]:
    lines = []
    for step in derivation.steps:
        if isinstance(step, Scatter):
            target = Ref(step.name, step.ref.index)
            lines.append(
                f"through {show_equation(step.equation)}:  {show(target)} += "
                f"{show(mul(step.cotangent, step.coefficient))}"
            )
        elif isinstance(step, Rewrite):
            lines.append(f"{step.rule}: {show(step.target)} = {show(step.after)}   ({step.words})")
    return lines
