"""What a leg of the evidence answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: Whether a leg holds, None where it was not run, to the colour, mark and word for it.
STATES = {True: ("ok", "✓", "holds"), False: ("bad", "✗", "**fails**"), None: ("none", "–", "not run")}


@dataclass(frozen=True)
class Result:
    """One leg's verdict on one layer.

    Attributes:
        leg: the leg's name.
        layer: the layer's name.
        passed: whether every comparison held.
        worst: the largest error seen, in ``unit``.
        unit: what ``worst`` is counted in: relative error, or multiples of a bound.
        checks: how many comparisons were made.
        detail: where it failed, or what was compared.
        notes: what could not be compared, and why. A leg with notes and no comparisons has not been run.
    """

    leg: str
    layer: str
    passed: bool
    worst: float = 0.0
    unit: str = "relative error"
    checks: int = 0
    detail: str = ""
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether there is a verdict; where there is none, ``notes`` say why."""
        return self.checks > 0 or not self.notes

    @property
    def text(self) -> str:
        """A few words for a badge."""
        if not self.compared:
            return "not compared"
        if not self.passed:
            return "failed"
        if "bound" in self.unit:
            return f"worst {self.worst:.2f} of the bound"
        return self.detail if self.leg == "mutants" else f"{self.checks} comparisons"

    def __str__(self) -> str:
        mark = "not compared" if not self.compared else "ok" if self.passed else "FAILED"
        text = f"{self.layer}: {self.leg} {mark}, {self.checks} comparisons, worst {self.worst:.2g} {self.unit}"
        return "\n  ".join([text, *([self.detail] if self.detail else []), *self.notes])


@dataclass
class Tally:
    """Collects comparisons on the way to a Result."""

    leg: str
    layer: str
    tolerance: Any
    unit: str = "relative error"
    worst: float = 0.0
    checks: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def leave(self, what: str) -> None:
        """What cannot be compared, and why; said once however often it occurs."""
        self.notes[what] = None

    def compare(self, got: Any, wanted: Any, where: str, scale: Any = 0) -> bool:
        """Relative to what is wanted or to ``scale``, or to 1 where both are smaller than that."""
        size = max(1, abs(wanted), abs(scale))
        error = abs(got - wanted) / size
        return self.measure(error, where, f"got {_short(got)}, wanted {_short(wanted)}")

    def measure(self, error: Any, where: str, words: str = "") -> bool:
        """One error in units of the tally; NaN is a failure."""
        self.checks += 1
        if not error <= self.tolerance:
            self.wrong.append(f"{where}: {words or _short(error)}")
            self.worst = max(self.worst, float(error)) if error == error else float("nan")
            return False
        self.worst = max(self.worst, float(error))
        return True

    def within(self, error: Any, bound: Any, where: str, words: str = "") -> bool:
        """An error in units of a bound, which may be zero if the error is."""
        return self.measure(error / bound if bound > 0 else (0.0 if error == 0 else float("inf")), where, words)

    def claim(self, holds: bool, where: str) -> bool:
        """One yes or no."""
        self.checks += 1
        if not holds:
            self.wrong.append(where)
            self.worst = float("inf")
        return holds

    def result(self, detail: str = "") -> Result:
        """A leg that compared nothing has not passed, unless it says why it could not."""
        if self.wrong:
            more = f" (and {len(self.wrong) - 1} more)" if len(self.wrong) > 1 else ""
            detail = f"{self.wrong[0]}{more}"
        elif not self.checks:
            detail = "" if self.notes else "nothing was compared"
        passed = not self.wrong and (self.checks > 0 or bool(self.notes))
        return Result(self.leg, self.layer, passed, self.worst, self.unit, self.checks, detail, tuple(self.notes))


def _short(value: Any) -> str:
    try:
        return f"{float(value):.6g}"
    except (TypeError, ValueError):
        return str(value)


def together(results: Iterable[Result]) -> Result:
    """One Result for several of the same leg and layer."""
    found = list(results)
    first = found[0]
    failed = [r for r in found if not r.passed]
    return Result(
        first.leg,
        first.layer,
        not failed,
        max(r.worst for r in failed or found),
        first.unit,
        sum(r.checks for r in found),
        failed[0].detail if failed else first.detail,
        tuple(dict.fromkeys(note for r in found for note in r.notes)),
    )
