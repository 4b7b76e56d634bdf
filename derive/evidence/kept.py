"""Cases that several legs of a layer ask for are made once, with what was computed of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from derive.evidence.layout import Case
from derive.notation.layer import Layer

_KNOWN: ContextVar[dict[Any, tuple[Layer, list[Case]]] | None] = ContextVar("kept", default=None)


@contextmanager
def kept() -> Iterator[None]:
    """Meanwhile cases are kept for those who ask for the same ones, and who leave their arrays as they are."""
    before = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(before)


def once(layer: Layer, asked: tuple[Any, ...], make: Callable[[], list[Case]]) -> list[Case]:
    """The cases of a layer that are asked for, made if they are not kept."""
    known = _KNOWN.get()
    if known is None:
        return make()
    key = id(layer), asked  # the layer is kept with them, so that its identity is no other one's
    if key not in known:
        known[key] = layer, make()
    return list(known[key][1])
