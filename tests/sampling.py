"""Which layers a test of every layer runs on: those that changed since their evidence was recorded, and a sample.

A test says so with the marker ``sampled``, which names the parameter that holds the layer, or its name. What changed is
a layer whose definition or kernel, or the kernel of a layer that it calls, is not what the evidence in
docs/assets/verification.json was recorded with, or whose evidence there is not complete and green: it is never sampled
away. Of the others each test draws ``FEW``, other ones every day; under Hypothesis's profile `ci` the same ones.

``--every-layer`` runs all, and so do ``-k`` and a test named with ``::``; `gradbook verify`, which `.ci/run` runs,
is the full ladder.
"""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

import pytest

from derive.command import record
from derive.command.build import KERNELS, ROOT, fingerprint
from derive.evidence.ladder import LEGS
from derive.evidence.verify import applies
from derive.notation.define import load_project

FEW = 10  # layers a test beside those that changed
SEED = "GRADBOOK_SAMPLE"  # set before workers begin, so that all of them draw the same


def seed() -> str:
    """Of this run: the day's, or a fixed one under the profile `ci`."""
    day = "ci" if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else datetime.date.today().isoformat()
    return os.environ.setdefault(SEED, day)


@cache
def changed() -> frozenset[str]:
    """Layers of the project whose evidence is not that of what is there."""
    kept = record.load(ROOT / record.RECORD)
    return frozenset(n for n, v in load_project().items() if not current(kept.get(n, {}), n, v[0]))


def current(entry: dict[str, Any], name: str, layer: Any) -> bool:
    """Whether an entry of the record is of this definition and of this kernel, with every leg green."""
    if entry.get("definition") != fingerprint(layer):
        return False
    if entry.get("kernel") != record.kernel_digest(name, ROOT / KERNELS):
        return False
    green = {leg["leg"] for leg in entry["legs"] if leg["passed"]}
    return all(leg in green for leg in LEGS if applies(leg, layer))


def drawn(group: str, names: Iterable[str], always: Collection[str], seed: str, few: int = FEW) -> set[str]:
    """The layers of these that a test runs on."""
    found = set(names)
    kept = found & set(always)
    rest = sorted(found - kept)
    return kept | set(random.Random(f"{seed} {group}").sample(rest, min(few, len(rest))))


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not drawn, as pytest's hook that may change what was collected."""
    asked = config.getoption("keyword") or any("::" in str(a) for a in config.args)
    if asked or config.getoption("every_layer"):
        return
    groups: dict[str, list[tuple[pytest.Item, str]]] = {}
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            parameters = item.callspec.params  # type: ignore[attr-defined]
            own = parameters[mark.args[0]]
            by = [str(parameters[p]) for p in mark.args[1:]]
            group = " ".join([item.nodeid.partition("[")[0], *by])
            groups.setdefault(group, []).append((item, getattr(own, "name", own)))
    project = set(load_project()) if groups else set()
    out = set()
    for group, members in groups.items():
        chosen = drawn(group, {name for _, name in members} & project, changed(), seed())
        out |= {item for item, name in members if name in project - chosen}
    if out:
        config.hook.pytest_deselected(items=[i for i in items if i in out])
        items[:] = [i for i in items if i not in out]
