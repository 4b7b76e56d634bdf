"""A row of the ledger: a statement, its verdict, and what shows it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["proved", "assumption", "corrected", "planned"]


@dataclass(frozen=True)
class Row:
    """One statement.

    Attributes:
        id: S01 to S42.
        statement: the claim, in our words; formulas between dollar signs.
        verdict: what became of it.
        layers: the layers whose equations or derivation cover it.
        where: what covers it, where that is not a layer.
        note: the assumption and what happens without it, or what is right instead, or how it is shown.
        shown_by: the module of the function that shows it, which is called like the id.
    """

    id: str
    statement: str
    verdict: Verdict
    layers: tuple[str, ...] = ()
    where: str = ""
    note: str = ""
    shown_by: str = ""

    def check(self) -> None:
        """Run what shows the verdict.

        Raises:
            AssertionError: it does not hold.
            LookupError: nothing shows it yet (planned).
        """
        if not self.shown_by:
            raise LookupError(f"{self.id} is planned")
        module = importlib.import_module(f"derive.ledger.{self.shown_by}")
        getattr(module, self.id.lower())()


def row(id: str, statement: str, verdict: Verdict, layers: str = "", note: str = "", where: str = "") -> Row:
    number = int(id[1:])
    module = "" if verdict == "planned" else "scalars" if number < 12 else "networks" if number < 24 else "training"
    module = "architectures" if verdict != "planned" and number > 38 else module
    return Row(id, statement, verdict, tuple(layers.split()), where, note, module)
