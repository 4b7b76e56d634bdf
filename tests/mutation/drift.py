"""The drift check, a layer at a time, so that it can end at the first that differs and leave out what nothing changes.

``python -m tests.mutation.drift`` runs all of it; ``RECORDED`` names a folder for the lines each layer runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.mutation.reach import DRIFT, Recorder

BOOK = "the book's tables"


def differing(names: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Each layer (all, or some in their order), and the first of its files that is not what its definition says."""
    from derive.command import build
    from derive.notation.define import load_project

    registry = load_project()
    plan = build.Plan(build.ROOT)
    notes = build.record.load(plan.record())
    for name in names or [*registry, BOOK]:
        yield name, ""  # it begins
        plan.files = {}
        if name == BOOK:
            plan.files |= {build.ROOT / path: text for path, text in build.book(registry).items()}
        else:
            kernels, pages = build.ROOT / build.KERNELS, build.ROOT / build.PAGES
            build.layer_files(plan, registry[name], kernels, pages, notes)
        yield name, "".join(p.name for p in plan.stale()[:1])


def recorded(folder: Path) -> None:
    """The lines that each layer runs."""
    recorder = Recorder(folder, "drift")
    for n, (name, _) in enumerate(differing()):
        (recorder.end if n % 2 else recorder.begin)(DRIFT + name)
    recorder.save()


def main() -> int:
    if os.environ.get("RECORDED"):
        recorded(Path(os.environ["RECORDED"]))
        return 0
    for _, file in differing():
        if file:
            print(file)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
