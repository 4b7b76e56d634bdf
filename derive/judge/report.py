"""What the judge says: a verdict, what was found, and how each case is repeated."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.judge.shrink import Smallest

RIGHT, WRONG, UNKNOWN = "right", "wrong", "could not judge"
NOTHING = "no case gave anything to compare"
EXIT = {RIGHT: 0, WRONG: 1, UNKNOWN: 2}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: value, gradient, default, form, state, raised, ended, independence.
        where: the result concerned: ``y``, ``dx``; "" for none.
        words: what is wrong, with the numbers. case: which case. replay: its id.
        worst: the error in units of what is allowed; ulps: in units in the last place.
        at: the element that is furthest off, value and truth there; None where no element is.
    """

    kind: str
    where: str
    words: str
    case: str = ""
    replay: str = ""
    worst: float = math.inf
    ulps: float = math.inf
    at: tuple[int, ...] | None = None
    value: float = math.nan
    truth: float = math.nan

    def __str__(self) -> str:
        at = f"\n    at {self.case}" if self.case else ""
        again = f"\n    repeat: --replay {self.replay}" if self.replay else ""
        return f"{self.words}{at}{again}"


def conditioned(number: float) -> str:
    """A condition number in words; nothing where it is not known."""
    return "" if math.isnan(number) else f", condition {number:.2g}"


@dataclass
class Margin:
    """How close one result came to what is allowed.

    Attributes:
        worst: the largest error in units of what is allowed. ulps: the largest in units in the last place.
        elements: how many were compared. unclaimed: how many nothing is claimed about.
        condition: of the element with that error, see derive.judge.conditioning; NaN where it is not known.
    """

    worst: float = 0.0
    ulps: float = 0.0
    elements: int = 0
    unclaimed: int = 0
    condition: float = math.nan


@dataclass
class Report:
    """The judge's answer.

    Attributes:
        layer: the definition's name. arithmetic: the formats that the allowed error was derived for.
        verdict: right, wrong or could not judge. findings: what is wrong, one of each kind, the plainest first.
        diagnosis: what exactly is wrong, in a sentence; "" where nothing is. margins: by result.
        notes: what is worth knowing and no fault: conventions, what was not judged.
        cases, seconds, seed: how much was tried.
        smallest: the smallest case found that shows what is wrong; None where there is none.
    """

    layer: str
    arithmetic: str
    verdict: str = RIGHT
    findings: list[Finding] = field(default_factory=list)
    diagnosis: str = ""
    margins: dict[str, Margin] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    cases: int = 0
    seconds: float = 0.0
    seed: int = 0
    smallest: Smallest | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found. A report that could not judge is not ok."""
        return self.verdict == RIGHT

    def __bool__(self) -> bool:
        return self.ok

    @property
    def nothing(self) -> bool:
        """Whether it could not judge because no case gave anything to compare."""
        return self.verdict == UNKNOWN and self.diagnosis == NOTHING

    @property
    def exit_status(self) -> int:
        return EXIT[self.verdict]

    def to_json(self) -> str:
        """Everything, as JSON; infinite numbers as strings."""
        told = {**asdict(self), "ok": self.ok, "smallest": self.smallest.told() if self.smallest else None}
        return json.dumps(plain(told), indent=2, sort_keys=True)

    def __str__(self) -> str:
        lines = [f"{self.layer}: {self.verdict} ({self.cases} cases of {self.arithmetic}, {self.seconds:.1f} s)"]
        if self.diagnosis:
            lines.append(f"  {self.diagnosis}")
        if self.smallest:
            lines.append(f"  smallest case: {self.smallest}")
        lines += [f"  - {finding}" for finding in self.findings]
        for name, margin in self.margins.items():
            share = f"{margin.worst:.2g} of what is allowed" if margin.worst else "exact"
            open_ = f", {margin.unclaimed} elements without a claim" if margin.unclaimed else ""
            far = f"{share}, {margin.ulps:.3g} ulp{conditioned(margin.condition)}"
            lines.append(f"  {name}: {far}, {margin.elements} elements{open_}")
        return "\n".join([*lines, *(f"  note: {n}" for n in self.notes)])


def plain(value: Any) -> Any:
    """What JSON has: lists and dictionaries, and infinite numbers and NaN as strings."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
