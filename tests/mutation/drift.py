"""The drift check, which ends at the first file that differs: ``python -m tests.mutation.drift``; ends with 1 then."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.mutation.reach import Functions


def differing() -> str:
    """The first generated file that is not what its definition says; nothing if all are."""
    from derive.command import build
    from derive.notation.define import load_project

    registry = load_project()
    activations = tuple(sorted(n for n, v in registry.items() if v[0].elementwise))
    plan = build.Plan(build.ROOT)
    notes = build.record.load(plan.record())
    for variants in registry.values():
        kernels, pages = build.ROOT / build.KERNELS, build.ROOT / build.PAGES
        build.layer_files(plan, variants, activations, kernels, pages, notes)
        if stale := plan.stale():
            return stale[0].name
    plan.files |= {build.ROOT / path: text for path, text in build.book(registry).items()}
    return "".join(p.name for p in plan.stale()[:1])


def main() -> int:
    functions = Functions()
    if os.environ.get("REACHED"):
        sys.settrace(functions)
    found = differing()
    sys.settrace(None)
    if target := os.environ.get("REACHED"):
        line = {"test": "drift", "seconds": 0, "functions": functions.names()}
        Path(target).write_text(json.dumps(line) + "\n", encoding="utf-8")
    print(found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
