"""docs/kernelbench.md: every problem of KernelBench, levels 1 to 3, and how the project says it.

``python -m tests.kernelbench.page`` writes it; a test fails where it is not what this makes.
"""

from __future__ import annotations

import re
from pathlib import Path

from derive.notation.define import load_project
from tests.kernelbench.definitions import FOLDER, ROOT, compositions, numbers, problems
from tests.kernelbench.means import LAYERS, MISSING

PAGE = ROOT / "docs" / "kernelbench.md"
SOURCE = "https://github.com/ScalingIntelligence/KernelBench"
HEAD = f"""# KernelBench

The 250 problems of [KernelBench]({SOURCE}), levels 1 to 3, which generated kernels are judged on, and what
each is here: a layer, a composition of layers, or what is missing.
{{ .gb-lead }}

The definitions are in `examples/kernelbench/`. `gradbook build examples/kernelbench/FILE.py --out FOLDER` writes their
kernels, forward and backward. `python -m pytest tests/kernelbench` compares values and gradients of each with the same
network in PyTorch, at small sizes in float64 to 1e-10; layers are compared in `tests/peers`. The benchmark runs forward
alone. Where it detaches what it adds (level 2, problems 20, 40 and 51), the gradient here is of the whole sum. A
dropout mask is an argument. `python -m tests.kernelbench.page` makes this page.
"""
TITLES = {1: "One operation", 2: "A few operations", 3: "Networks and their blocks"}


def where() -> dict[str, str]:
    """The file of each composition."""
    found = {}
    for path in sorted(FOLDER.glob("level*.py")):
        found |= dict.fromkeys(re.findall(r"(?m)^def (\w+)", path.read_text(encoding="utf-8")), path.name)
    return found


def composed(level: int) -> dict[int, str]:
    """Problems of a level that a composition is for."""
    return {n: name for name, layer in compositions(level).items() for n in numbers(layer)[1]}


def cells(level: int) -> dict[int, tuple[str, bool]]:
    """What stands beside each problem, and whether it is there."""
    own, files, layers = composed(level), where(), load_project()
    found = {}
    for n, name in problems()[level].items():
        if n in own:
            found[n] = f"`{own[n]}` in `{files[own[n]]}`", True
        elif said := LAYERS.get((level, n)):
            for layer in said.layers:
                assert layer in layers, f"problem {n} {name}: there is no layer {layer}"
            linked = " and ".join(f"[{layer}](layers/{layer}.md)" for layer in said.layers)
            found[n] = f"{linked}{f', {said.how}' if said.how else ''}", True
        else:
            found[n] = f"missing: {MISSING[level, n]}", False
    return found


def page() -> str:
    """The text of the page."""
    out = [HEAD]
    made = {level: cells(level) for level in TITLES}
    out.append("| level | problems | here |\n| --- | --- | --- |")
    out += [f"| {level} | {len(made[level])} | {sum(there for _, there in made[level].values())} |" for level in TITLES]
    for level, title in TITLES.items():
        out.append(f"\n## Level {level}: {title.lower()}\n\n| problem | | here |\n| --- | --- | --- |")
        out += [f"| {n} | {problems()[level][n]} | {made[level][n][0]} |" for n in made[level]]
    return "\n".join(out) + "\n"


def main(path: Path = PAGE) -> None:
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
