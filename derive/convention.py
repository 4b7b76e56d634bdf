"""What a row of the table of conventions holds; the rows are in derive.conventions and the modules it names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Convention:
    """One row.

    Attributes:
        layers: the layers concerned.
        where: the argument at which something has to be decided.
        what: what is decided.
        others: which framework does what.
        check: an expression that is true of the generated kernels, with ``np``, ``inf`` and every layer in
            scope.
        at: where test vectors meet it: range, tie, nothing (0 / 0, 0 log 0), empty; "" for elsewhere.
    """

    layers: tuple[str, ...]
    where: str
    what: str
    others: str
    check: str = ""
    at: str = ""
