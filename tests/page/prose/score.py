"""A page of prose, executed, and its misprints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.page.prose.page import Piece, pieces


@dataclass
class Score:
    """How many formulas a page has and how many were read and executed; what is wrong; misprints and survivors."""

    name: str
    formulas: int
    read: int
    wrong: list[str]
    tried: int = 0
    same: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong and self.read == self.formulas and not self.survivors

    def line(self) -> str:
        caught = self.tried - len(self.survivors)
        return (
            f"{self.name:30} {caught}/{self.tried} caught, {self.same} equivalent, {self.read}/{self.formulas} formulas"
        )

    def lines(self) -> Iterator[str]:
        yield from (f"  DISAGREES {w}" for w in self.wrong)
        yield from (f"  SURVIVES {s}" for s in self.survivors)


def scored(name: str, site: Mapping[str, str], misprints: bool = True) -> Score:
    html = site[name]
    found, missing = pieces(name, html, site)
    wrong = [f"{name}, {p.where}: {said}" for p in found if (said := p.check(p.formula.tex))]
    score = Score(name, html.count("<math"), 0 if wrong else len(found), [*missing, *wrong])
    if misprints and not score.wrong:
        for piece in found:
            for changed in dict.fromkeys(piece.misprints()):
                tried(score, piece, changed)
    return score


def tried(score: Score, piece: Piece, changed: str) -> None:
    """A misprint is caught, or known to say the same, or survives."""
    if piece.check(changed):
        score.tried += 1
    elif any(re.fullmatch(pattern, changed) for pattern in piece.page.equivalent):
        score.same += 1
    else:
        score.tried += 1
        score.survivors.append(f"{piece.where} as {changed}")
