"""Run contenders in turn (A B C A B C ...), so that a slow moment of the machine hits all; report the fastest of each.

Time is the processor's for this process, all threads together. What else the machine does only ever adds to it: the
fastest of many samples is the one that was disturbed least.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, Array, Missing, Step, arrays, pose, spread

TIMES = "processor time, the fastest of many samples"
SAMPLE = 2e-3  # seconds: a sample repeats a short step until it lasts about this long
TOLERANCE = {
    "float32": 1e-4,
    "float64": 1e-11,
}  # of an array's largest element, for two ways to compute the same


class Disagreement(Exception):
    """A contender computes something else, or in another precision: its time would mean nothing."""


@dataclass(frozen=True)
class Row:
    """One layer at one kind of shape and precision: seconds a step (forward and backward) of each contender."""

    layer: str
    size: str
    dtype: str
    seconds: Mapping[str, float]
    elements: int = 0  # of all inputs together

    def ratio(self, base: str) -> float | None:
        """Time of the generated kernel over that of `base`; None where either was not timed."""
        if base in self.seconds and "gradbook" in self.seconds:
            return self.seconds["gradbook"] / self.seconds[base]
        return None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(layer: str, name: str, found: list[Array], expected: list[Array], dtype: str) -> None:
    """Raise Disagreement unless arrays agree to TOLERANCE; gradbook's must keep the inputs' precision."""
    for position, (ours, theirs) in enumerate(zip(found, expected, strict=False)):
        where = f"{layer} in {dtype}: array {position} of {name}"
        if name == "gradbook" and ours.dtype != dtype:
            raise Disagreement(f"{where} is {ours.dtype}")
        if ours.shape != theirs.shape:
            raise Disagreement(f"{where} has shape {ours.shape}, by hand it has {theirs.shape}")
        if ours.size == 0:
            continue
        error = float(np.abs(ours - theirs).max()) / max(float(np.abs(theirs).max()), 1e-30)
        if not error <= TOLERANCE[dtype]:
            raise Disagreement(f"{where} differs from the one by hand by {error:.1e} of its largest element")


def prepare(layer: str, size: str, dtype: str, names: list[str]) -> tuple[dict[str, Step], int]:
    """Build the steps, run each once, and check that they agree with the hand-written one.

    Returns the steps, and how many elements the inputs have.
    """
    problem = pose(layer, size, np.dtype(dtype), CASES[layer].timed_with(size))
    steps: dict[str, Step] = {}
    for name in names:
        try:
            steps[name] = CONTENDERS[name](problem)
        except Missing:
            continue
    y, gradients = (arrays(part) for part in steps["by hand"]())
    for name, step in steps.items():
        if name != "by hand":
            found, found_gradients = (arrays(part) for part in step())
            compare(layer, name, found, y, dtype)
            if len(found_gradients) != len(gradients):
                raise Disagreement(f"{layer}: {name} returns {len(found_gradients)} gradients, not {len(gradients)}")
            compare(layer, name, found_gradients, gradients, dtype)
    return steps, sum(np.size(leaf) for leaf in spread(list(problem.tensors)) if leaf is not None)


def once(step: Step, repeats: int) -> float:
    """Seconds of processor time a step, over `repeats` of them; what it returns is freed before the next one starts."""
    start = time.process_time()
    for _ in range(repeats):
        step()
    return (time.process_time() - start) / repeats


def measure(layer: str, size: str, dtype: str, names: list[str], rounds: int, seconds: float) -> Row:
    """Time all contenders in turn, for `rounds` rounds or until `seconds` are over (but three rounds)."""
    steps, elements = prepare(layer, size, dtype, names)
    repeats = {name: max(1, round(SAMPLE / max(once(step, 1), 1e-7))) for name, step in steps.items()}
    samples: dict[str, list[float]] = {name: [] for name in steps}
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        for done in range(rounds):
            if done >= 3 and time.perf_counter() > end:
                break
            for name, step in steps.items():
                samples[name].append(once(step, repeats[name]))
    finally:
        gc.enable()
    fastest = {name: min(times) for name, times in samples.items()}
    return Row(layer, size, dtype, fastest, elements)


def geometric_mean(values: list[float]) -> float:
    """Geometric mean; nan for none."""
    return statistics.geometric_mean(values) if values else float("nan")
