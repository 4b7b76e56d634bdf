"""What PyTorch says of every case, kept: so that comparing with it needs no PyTorch.

An array of more than KEPT elements is kept as its shape and KEPT sums of it with random weights: a wrong element
changes all of them. ``python -m tests.generality.probes.figures`` computes the file again.
"""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.generality.probes import references
from tests.generality.probes.cases import CASES, Arrays, Case, in_torch, torch
from tests.generality.probes.probe import names

FILE = Path(__file__).parent / "figures.json"
KEPT = 3
RELATIVE = 1e-10  # of an element or of what is summed: float64, a few hundred operations, 16 digits
NOTHING = 1e-13  # of the case's largest number: what is 0 in exact arithmetic and a rounding error here and there


def load_references() -> None:
    for module in pkgutil.iter_modules(references.__path__):
        importlib.import_module(f"{references.__name__}.{module.name}")


load_references()


@cache
def weights(size: int) -> np.ndarray:
    """KEPT rows of weights between -1 and 1."""
    random = Random(size)
    return np.array([[2 * random.random() - 1 for _ in range(size)] for _ in range(KEPT)])


def whole(case: Case, size: int) -> bool:
    return case.each or size <= KEPT


def kept(case: Case, array: np.ndarray) -> list[Any]:
    """Its shape, then its elements or sums of them."""
    flat = np.asarray(array, float).reshape(-1)
    numbers = flat if whole(case, flat.size) else weights(flat.size) @ flat
    return [list(np.shape(array)), *(float(f"{v:.11g}") for v in numbers)]


def known(case: Case) -> dict[str, list[Any]]:
    """What is kept of a case, by the names of its results."""
    found: dict[str, list[Any]] = stored()[case.probe][case.number]
    return found


@cache
def stored() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def compared(case: Case, found: Arrays) -> list[str]:
    """What differs from the figures, in words."""
    wrong = []
    nothing = NOTHING * max((np.abs(v).max(initial=0) for v in found.values()), default=0)
    for name, (shape, *numbers) in known(case).items():
        if name not in found:
            wrong.append(f"{name} is missing")
        elif list(found[name].shape) != shape:
            wrong.append(f"{name} has the shape {found[name].shape} in place of {tuple(shape)}")
        else:
            strict = case.each and not name.startswith("second")  # PyTorch's second derivatives cancel
            wrong += [f"{name}: {line}" for line in lines(found[name], np.array(numbers), strict, nothing)]
    return [f"{case}: {line}" for line in wrong]


def lines(array: np.ndarray, numbers: np.ndarray, strict: bool, nothing: float) -> Iterator[str]:
    """Where an array differs from its figures by more than it may."""
    flat = np.asarray(array, float).reshape(-1)
    if flat.size == numbers.size:
        what, found, scale = "element", flat, np.full(flat.size, np.abs(numbers).max(initial=0))
    else:
        rows = weights(flat.size)
        what, found, scale = "sum", rows @ flat, np.abs(rows) @ np.abs(flat)
    bound = RELATIVE * np.abs(numbers) if strict else RELATIVE * scale + nothing
    for n in np.flatnonzero(~(np.abs(found - numbers) <= bound)):
        yield f"{what} {n} is {found[n]!s}, PyTorch says {numbers[n]!s}"


def computed(case: Case) -> dict[str, list[Any]]:
    """The figures of a case, from PyTorch."""
    found = in_torch(case, names(case.probe))
    bad = [n for n, v in found.items() if not np.isfinite(v).all()]
    if bad:
        raise ValueError(f"{case}: the reference of {', '.join(bad)} is not finite")
    return {n: kept(case, v) for n, v in found.items()}


def main() -> None:
    if torch is None:
        raise SystemExit("PyTorch is not installed: pip install torch")
    figures = {}
    for probe in sorted(CASES):
        try:
            figures[probe] = [computed(case) for case in CASES[probe]]
        except Exception as error:
            print(f"{probe}: {type(error).__name__}: {error}")
    rows = [f'"{probe}": {json.dumps(figures[probe], separators=(",", ":"))}' for probe in figures]
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    total = sum(len(v) for v in figures.values())
    print(f"{FILE.name}: {len(figures)} probes, {total} cases, {math.ceil(FILE.stat().st_size / 1000)} kB")


if __name__ == "__main__":
    main()
