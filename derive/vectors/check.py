"""Results of somebody's implementation beside the vectors: which elements are further off than is allowed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from derive.judge.report import plain
from derive.vectors.claims import PARTS
from derive.vectors.files import Unreadable
from derive.vectors.folder import arrays_of, manifest_of, results_of
from derive.vectors.made import Json

RIGHT, WRONG, UNREADABLE = 0, 1, 2
SHOWN = 20  # differences that are printed


@dataclass(frozen=True)
class Difference:
    """One result of one case that is further off than is allowed.

    Attributes:
        at: the element that is furthest off. value, truth, allowed: there. error: in units of what is allowed.
        wrong, elements: how many of how many. convention: what the case depends on; then it is no error.
    """

    layer: str
    case: str
    key: str
    at: tuple[int, ...]
    value: float
    truth: float
    allowed: float
    error: float
    wrong: int
    elements: int
    why: str
    id: str
    convention: str = ""

    def __str__(self) -> str:
        size = f"{self.error:.3g} times what is allowed" if math.isfinite(self.error) else "no number"
        lines = [
            f"{self.layer}/{self.case}: {self.key}{list(self.at)} is {self.value:.9g}, the truth {self.truth:.9g}: "
            f"{size} ({self.wrong} of {self.elements} elements)",
            f"    at {self.why}",
        ]
        return "\n".join([*lines, *([f"    a convention: {self.convention}"] if self.convention else [])])


@dataclass
class Checked:
    """What came of it.

    Attributes:
        worst: by layer and result, the largest error in units of what is allowed.
        differences: results that are wrong. conventions: those that follow another convention, maybe.
        damaged: files that could not be read, in words. missing: cases without results.
    """

    worst: dict[str, dict[str, float]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    conventions: list[Difference] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    cases: int = 0
    elements: int = 0
    unclaimed: int = 0

    @property
    def exit_status(self) -> int:
        if self.differences:
            return WRONG
        return UNREADABLE if self.damaged or self.missing or not self.elements else RIGHT

    def to_json(self) -> str:
        return json.dumps(plain({**asdict(self), "exit_status": self.exit_status}), indent=1, sort_keys=True)

    def __str__(self) -> str:
        lines = [f"{d}" for d in self.differences[:SHOWN]]
        lines += [f"... and {n} more" for n in [len(self.differences) - SHOWN] if n > 0]
        lines += [f"{d}" for d in self.conventions[:SHOWN]]
        lines += [f"cannot be read: {words}" for words in self.damaged]
        if self.missing:
            lines.append(f"no results for {len(self.missing)} cases: {', '.join(self.missing[:5])}")
        for layer, own in self.worst.items():
            wrong = {d.key for d in self.differences if d.layer == layer}
            words = ", ".join(f"{k} {'WRONG' if k in wrong else f'{v:.2g}'}" for k, v in own.items())
            lines.append(f"{layer}: {words} (largest errors in units of what is allowed)")
        counts = f"{self.cases} cases, {self.elements} elements compared, nothing is claimed about {self.unclaimed}"
        verdict = {RIGHT: "right", WRONG: "wrong", UNREADABLE: "not all could be compared"}[self.exit_status]
        return "\n".join([*lines, f"{verdict}: {counts}"])


def check(
    vectors: Path, results: Path, strict: bool = False, progress: Callable[[str], None] = lambda _: None
) -> Checked:
    """Compare a folder of results, LAYER/CASE.npz or .safetensors, with a folder of vectors.

    Args:
        strict: whether other conventions are errors, too.

    Raises:
        Unreadable: the folder of vectors is none, or damaged.
    """
    found = Checked()
    if not results.is_dir():
        raise Unreadable(f"there is no folder {results}")
    for case in manifest_of(vectors)["cases"]:
        name = f"{case['layer']}/{case['case']}"
        progress(name)
        truth = arrays_of(vectors, case)
        try:
            own = results_of(results, case)
        except Unreadable as error:
            found.damaged.append(str(error))
            continue
        if own is None:
            found.missing.append(name)
            continue
        found.cases += 1
        for part in PARTS:
            for tensor in case[part]["results"]:
                for key in (a["key"] for a in tensor["arrays"] if a["key"] in own):
                    _compared(case, part, key, own[key], truth, found, strict)
    return found


def _compared(case: Json, part: str, key: str, value: Any, truth: Json, found: Checked, strict: bool) -> None:
    """One array of results; what may depend on a convention by itself."""
    allowed = truth[f"allowed.{key}"]
    claimed = ~np.isnan(allowed)
    found.elements += int(claimed.sum())
    found.unclaimed += int((~claimed).sum())
    with np.errstate(all="ignore"):
        away = np.abs(np.asarray(value, np.float64) - truth[key])
        share = np.where(away == 0, 0.0, away / allowed)  # an infinite bound: any finite number
    share = np.where(np.isfinite(value), share, np.inf)
    depends = np.zeros(share.shape, bool) if strict else truth.get(f"depends.{key}", np.zeros(share.shape, bool))
    for kept, own in ((found.differences, claimed & ~depends), (found.conventions, claimed & depends)):
        part_of = np.where(own, share, 0.0)
        most = float(part_of.max(initial=0.0))
        if kept is found.differences:
            worst = found.worst.setdefault(case["layer"], {})
            worst[key] = max(worst.get(key, 0.0), most)
        if most > 1:
            at = tuple(int(n) for n in np.unravel_index(int(part_of.argmax()), share.shape))
            rows = "; ".join(f"{c['where']}: {c['what']} ({c['others']})" for c in case[part]["conventions"])
            kept.append(
                Difference(
                    case["layer"], case["case"], key, at, float(value[at]), float(truth[key][at]), float(allowed[at]),
                    most, int((part_of > 1).sum()), int(own.sum()), case["why"], case["id"],
                    rows if kept is found.conventions else "",
                )
            )  # fmt: skip
