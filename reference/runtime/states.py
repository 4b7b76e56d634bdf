"""Error states of floating point for the time of one call, at a fifth of what entering np.errstate costs.

NumPy keeps them in a context variable. It is set and set back; every other context variable, Decimal's context among
them, stays the caller's, and so does what is not changed here: what the caller wants done about underflow.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")


def _variable() -> ContextVar[Any]:
    """NumPy's context variable: what entering np.errstate changes."""
    before = copy_context()
    with np.errstate(all="ignore"):
        (found,) = (v for v, value in copy_context().items() if before.get(v) is not value)
    return found


STATES = _variable()


class States:
    """States that differ from those around a call in what is given, as it is given to np.errstate.

    Attributes:
        known: the states around the last call, and those during it: looked at and replaced as one, as threads may.
    """

    def __init__(self, **changed: Any) -> None:
        self.changed = changed
        self.known: tuple[Any, Any] = (None, None)
        self.made(STATES.get())

    def made(self, around: Any) -> Any:
        """The states during a call, from those around it, which are in force now."""
        with np.errstate(**self.changed):
            during = STATES.get()
        self.known = around, during
        return during

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """function(*arguments) in these states."""
        around = STATES.get()
        known, during = self.known
        token = STATES.set(during if around is known else self.made(around))
        try:
            return function(*arguments)
        finally:
            STATES.reset(token)
