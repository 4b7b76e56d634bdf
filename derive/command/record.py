"""The record of the last verification: what ``gradbook verify`` writes and the pages show.

A JSON file, checked in (docs/assets/verification.json), so that the pages are a function of the checked-in
files alone; for a user's own layers it is beside their kernels, and in the list of what gradbook made there. An
entry counts only for the definition it was made with; it also says with which kernel, which the tests look at.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from derive.command.files import locked, replace, text_of
from derive.command.manifest import SHARED, Manifest
from derive.evidence.ladder import LADDER

RECORD = Path("docs/assets/verification.json")
Legs = list[dict[str, Any]]


def load(path: Path) -> dict[str, dict[str, Any]]:
    """Every entry: a layer's name to ``{"definition": ..., "kernel": ..., "legs": [...]}``; none without a record.

    Raises:
        ValueError: the file is not such a record.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(text_of(path))
        return {str(n): {**e, "definition": e["definition"], "legs": list(e["legs"])} for n, e in found.items()}
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not a record of a verification ({error!r}); delete it and run gradbook verify"
        ) from error


def legs(record: Mapping[str, Mapping[str, Any]], name: str, definition: str) -> tuple[Mapping[str, Any], ...]:
    """A layer's legs, if they were run on this very definition."""
    entry = record.get(name)
    return tuple(entry["legs"]) if entry and entry["definition"] == definition else ()


def entry(leg: str, passed: bool | None, text: str, detail: str = "") -> dict[str, Any]:
    """One leg for the record: whether it holds, None if it was not run.

    ``text`` is short, for the badge; ``detail`` is a sentence, for the page.
    """
    return {"leg": leg, "passed": passed, "text": text} | ({"detail": detail} if detail else {})


def kernel_digest(name: str, folder: Path) -> str:
    """Which text a layer's kernel has, and the kernels that it calls; "" where there is none."""
    texts: dict[str, bytes] = {}
    left = [name]
    while left:
        path = folder / f"{left.pop()}.py"
        if path.stem not in texts and path.is_file():
            texts[path.stem] = path.read_bytes()
            for node in ast.parse(texts[path.stem]).body:
                match node:
                    case ast.ImportFrom(module="reference.layers"):
                        left += [alias.name for alias in node.names]
                    case ast.ImportFrom(module="reference.runtime.activations"):
                        functions = (p for p in folder.glob("*.py") if "def second_derivative(" in p.read_text("utf-8"))
                        left += [p.stem for p in functions]
    whole = hashlib.sha256()
    for own, text in sorted(texts.items()):
        whole.update(f"{own} {len(text)} ".encode() + text)
    return whole.hexdigest()[:8] if name in texts else ""


def store(
    path: Path, found: Mapping[str, tuple[str, Legs]], listed: bool = False, kernels: Mapping[str, str] | None = None
) -> None:
    """Put new entries (name to definition and legs) beside the others. Legs that were not run again stay.

    Args:
        path: the record.
        found: the new entries.
        listed: whether the record goes into the folder's list of what gradbook made.
        kernels: digests of the kernels that were run.

    Raises:
        derive.command.files.FileError: the file cannot be written; it is whole.
    """
    with locked(path.parent):
        text = json.dumps(dict(sorted(merged(path, found, kernels or {}).items())), indent=1, ensure_ascii=False) + "\n"
        if listed:
            Manifest.load(path.parent).write(SHARED, {path: text.encode(errors="backslashreplace")})
        else:
            replace({path: text.encode(errors="backslashreplace")})


def merged(path: Path, found: Mapping[str, tuple[str, Legs]], kernels: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """A record with new entries. Its kernel is the one that all of its legs were run on, or the one before."""
    record = load(path)
    for name, (definition, new) in found.items():
        old = legs(record, name, definition)
        known = {leg["leg"] for leg in old}
        new = [leg for leg in new if leg["passed"] is not None or leg["leg"] not in known]
        again = {leg["leg"] for leg in new}
        kept = [dict(leg) for leg in old if leg["leg"] not in again]
        kernel = record.get(name, {}).get("kernel") if kept else kernels.get(name)
        record[name] = {"definition": definition} | ({"kernel": kernel} if kernel else {}) | {"legs": merge(kept, new)}
    return record


def merge(old: Iterable[dict[str, Any]], new: Iterable[dict[str, Any]]) -> Legs:
    def place(leg: dict[str, Any]) -> tuple[int, str]:
        return (LADDER.index(leg["leg"]) if leg["leg"] in LADDER else len(LADDER), leg["leg"])

    return sorted([*old, *new], key=place)
