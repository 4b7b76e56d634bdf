"""What a wrong kernel of the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wrong:
    """One wrong kernel.

    Attributes:
        id: ``layer/source/name``. layer: whose definition it claims to keep.
        group: forward, backward or state: which of its promises it breaks.
        kind: the mistake's kind. words: what is wrong, for people.
        cause: a regular expression that a diagnosis which names the cause matches.
        make: forward and backward, as judge takes them; backward None for a module with both.
        framework: how it is called. thread: the public report that it is modelled on.
        dtype: in which it is wrong.
    """

    id: str
    layer: str
    group: str
    kind: str
    words: str
    cause: str
    make: Callable[[], tuple[Any, Any]]
    framework: str = "module"
    thread: str = ""
    dtype: str = "float64"
