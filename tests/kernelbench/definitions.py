"""The definitions of examples/kernelbench/, and the problems of the benchmark that each is for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from derive.notation.define import REGISTRY, load_file, load_project
from derive.notation.layer import Layer

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "kernelbench"
PROBLEMS = Path(__file__).parent / "problems.json"
CITES = re.compile(r"KernelBench, level (\d), problems? ([\d and]+)")


@cache
def compositions(level: int) -> dict[str, Layer]:
    """The layers of a level by name; the registry is left as it was."""
    before = dict(load_project())
    try:
        found = [load_file(path) for path in sorted(FOLDER.glob(f"level{level}*.py"))]
        every = {name: variants[0] for layers in found for name, variants in layers.items()}
        return {name: one for name, one in every.items() if CITES.fullmatch(one.cites)}  # others are parts of them
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


@contextmanager
def registered(layer: Layer) -> Iterator[None]:
    """While a kernel is made, its layer is in the registry, and those of its file that it may be made of."""
    before = dict(load_project())
    if layer.calls:
        load_file(Path(layer.file))
    REGISTRY[layer.name] = (layer,)
    try:
        yield
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


def numbers(layer: Layer) -> tuple[int, list[int]]:
    """The level and the problems that a definition cites."""
    found = CITES.fullmatch(layer.cites)
    assert found, layer.cites
    return int(found[1]), [int(n) for n in re.findall(r"\d+", found[2])]


def problems() -> dict[int, dict[int, str]]:
    """The names of the benchmark's problems: level, number, name."""
    table = json.loads(PROBLEMS.read_text(encoding="utf-8"))
    return {int(level): dict(enumerate(names, 1)) for level, names in table.items()}
