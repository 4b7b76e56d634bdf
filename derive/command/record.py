"""The record of the last verification: what ``gradbook verify`` writes and the pages show.

A JSON file, checked in (docs/assets/verification.json), so that the pages are a function of the checked-in
files alone; for a user's own layers it is beside their kernels, and in the list of what gradbook made there. An
entry counts only for the definition it was made with.
"""

from __future__ import annotations

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
    """Every entry: a layer's name to ``{"definition": ..., "legs": [...]}``; nothing if there is no record.

    Raises:
        ValueError: the file is not such a record.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(text_of(path))
        return {str(name): {"definition": e["definition"], "legs": list(e["legs"])} for name, e in found.items()}
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


def store(path: Path, found: Mapping[str, tuple[str, Legs]], listed: bool = False) -> None:
    """Put new entries (name to definition and legs) beside the others. Legs that were not run again stay.

    Args:
        path: the record.
        found: the new entries.
        listed: whether the record goes into the folder's list of what gradbook made.

    Raises:
        derive.command.files.FileError: the file cannot be written; it is whole.
    """
    with locked(path.parent):
        text = json.dumps(dict(sorted(merged(path, found).items())), indent=1, ensure_ascii=False) + "\n"
        if listed:
            Manifest.load(path.parent).write(SHARED, {path: text.encode(errors="backslashreplace")})
        else:
            replace({path: text.encode(errors="backslashreplace")})


def merged(path: Path, found: Mapping[str, tuple[str, Legs]]) -> dict[str, dict[str, Any]]:
    """A record with new entries."""
    record = load(path)
    for name, (definition, new) in found.items():
        old = legs(record, name, definition)
        known = {leg["leg"] for leg in old}
        new = [leg for leg in new if leg["passed"] is not None or leg["leg"] not in known]
        again = {leg["leg"] for leg in new}
        kept = [dict(leg) for leg in old if leg["leg"] not in again]
        record[name] = {"definition": definition, "legs": merge(kept, new)}
    return record


def merge(old: Iterable[dict[str, Any]], new: Iterable[dict[str, Any]]) -> Legs:
    def place(leg: dict[str, Any]) -> tuple[int, str]:
        return (LADDER.index(leg["leg"]) if leg["leg"] in LADDER else len(LADDER), leg["leg"])

    return sorted([*old, *new], key=place)
