"""The project's own kernels and pages, made in several processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from derive.command import forked
from derive.command.build import KERNELS, PAGES, ROOT, Plan, Told, check_kernel
from derive.notation.layer import Layer


def make(plan: Plan, chosen: Mapping[str, tuple[Layer, ...]], files_of: Callable[..., None], told: Told) -> None:
    """The project's kernels and pages, some layers at a time; then those kernels compared that are new."""

    def one(variants: tuple[Layer, ...]) -> tuple[dict[Path, str], float]:
        begin, own = time.perf_counter(), Plan(plan.folder)
        files_of(own, variants, ROOT / KERNELS, ROOT / PAGES)
        return own.files, time.perf_counter() - begin

    def compared(variants: tuple[Layer, ...]) -> float:
        begin = time.perf_counter()
        check_kernel(plan, variants, ROOT / KERNELS)
        return time.perf_counter() - begin

    def length(variants: tuple[Layer, ...]) -> int:
        return len(variants) * len(variants[0].source)

    layers = list(chosen.values())
    tasks = [partial(one, variants) for variants in layers]
    for (name, _), (files, took) in zip(
        chosen.items(), forked.results(tasks, lambda n: length(layers[n])), strict=True
    ):
        plan.files |= files
        plan.seconds[name] = took
        told(name, took)
    stale = {p.stem for p in plan.stale() if p.parent == ROOT / KERNELS}
    new = [variants for name, variants in chosen.items() if name in stale]
    tests = [partial(compared, variants) for variants in new]
    for variants, took in zip(new, forked.results(tests, lambda n: length(new[n])), strict=True):
        plan.seconds[variants[0].name] += took
