"""Misprints that no check of a page notices: of every kind of formula why, and one by one, from the record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from derive.targets.words import table

#: What a kind of formula is compared with, and what that cannot tell apart. A kind without a row fails the build.
REASONS = {
    "forward": "compared with the kernel on drawn inputs: two options or lengths that are equal in all of them, and "
    "a condition that none of them meets, may be taken for one another",
    "backward": "as forward",
    "step": "compared with a difference, or with the line before it, at drawn points: a bound that none of them meets "
    "may be another; of a mean all cotangents are equal",
    "collected": "as a step",
    "tangent": "compared with jvp as forward is with the kernel",
    "second": "compared with double_backward on few draws: as forward",
    "seconds": "as second",
    "mistake": "a formula that has to be wrong, and that is so with a misprint, too",
    "count": "compared with counted operations: where cases differ in how many they take, with the least and the most",
    "kept": "compared with what is saved at small sizes, of which some are equal",
    "note": "a sum over all outputs, differentiated by a few elements of each input",
    "numbers": "a number compared within its last digit, or next to one that is the same",
    "shown": "as numbers",
    "symbol": "a letter with another accent than any on the page: nothing else has that name",
    "fact": "what is 0 is 0 with the other sign, too",
    "rule": "as a fact",
}  # fmt: skip
SURVIVES = re.compile(r"; SURVIVES [^,]+, ([^;|]*[^;| ])(?: \| ([^;]*))?")


class Unnoticed(NamedTuple):
    """One misprint: where it stands, its kind, and what is changed to what."""

    where: str
    kind: str
    change: str


def unnoticed(detail: str) -> Iterator[Unnoticed]:
    """Those of a page, from the detail of its leg in the record."""
    for where, change in SURVIVES.findall(detail):
        kind = re.match(r"[a-z]+", where)
        yield Unnoticed(where, kind[0] if kind else where, change)


def tallied(detail: str) -> str:
    """A detail with the misprints that nothing caught counted by where they stand."""
    kinds = Counter(one.where for one in unnoticed(detail))
    said = "; ".join(f"{count} of {kind}" for kind, count in kinds.most_common())
    return SURVIVES.sub("", detail) + (f"; not caught: {said}" if said else "")


def listed(record: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: why, by kind, and then every one by its page.

    Raises:
        KeyError: a kind has no reason.
    """
    found = {
        name: own
        for name, entry in sorted(record.items())
        for leg in entry["legs"]
        if leg["leg"] == "page" and (own := [*unnoticed(str(leg.get("detail", "")))])
    }
    kinds = Counter(one.kind for own in found.values() for one in own)
    rows = ((kind, str(number), REASONS[kind]) for kind, number in kinds.most_common())
    blocks = [table(("formula", "misprints", "why"), rows), "## One by one"]
    for name, own in found.items():
        lines = [f"    {one.where}: {one.change}" for one in own]
        blocks.append("\n".join([f'??? note "{name}: {len(own)}"', "", "    ```text", *lines, "    ```"]))
    return "\n\n".join(blocks)
