"""A wrong kernel, and how one is made of a right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from derive.evidence import kernels

FUNCTIONS = ("forward", "backward", "jvp", "double_backward")


@dataclass(frozen=True)
class Wrong:
    """One wrong kernel.

    Attributes:
        kind: the class of the mistake.
        words: what is wrong.
        layer: whose kernel it claims to be.
        make: gives it.
    """

    kind: str
    words: str
    layer: str
    make: Callable[[], Any]

    def __str__(self) -> str:
        return f"{self.layer}: {self.words}"


Change = Callable[[Any], Any]


def mapped(value: Any, change: Change) -> Any:
    """A change made to every array of a result."""
    if hasattr(value, "_fields"):
        return type(value)(*(mapped(v, change) for v in value))
    if isinstance(value, list | tuple):
        return type(value)(mapped(v, change) for v in value)
    return value if value is None else change(value)


def changed(kernel: Any, part: str, change: Change) -> Any:
    """A kernel of which one function's results are changed; what forward saves is left alone."""
    function = getattr(kernel, part)

    def wrapped(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        return (mapped(result[0], change), result[1]) if part == "forward" else mapped(result, change)

    return with_function(kernel, **{part: wrapped})


def with_function(kernel: Any, **functions: Any) -> Any:
    own = {n: getattr(kernel, n) for n in FUNCTIONS if hasattr(kernel, n)}
    return SimpleNamespace(**{**own, **functions})


def wrapped(part: str, change: Change, name: str) -> Callable[[], Any]:
    return lambda: changed(kernels.kernel_of(name), part, change)


def floats(change: Change) -> Change:
    """The change where there are floats: numbers of other types, balls among them, are computed right."""
    return lambda a: change(a) if isinstance(a, np.ndarray) and a.dtype != object else a


SINGLE: list[Wrong] = []


def single(kind: str, name: str) -> Callable[[Callable[[Any], dict[str, Any]]], Callable[[Any], dict[str, Any]]]:
    """Registers a function that takes a right kernel and gives those of its functions that are to be wrong."""

    def register(function: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
        def make() -> Any:
            kernel = kernels.kernel_of(name)
            return with_function(kernel, **function(kernel))

        SINGLE.append(Wrong(kind, (function.__doc__ or "").strip().rstrip("."), name, make))
        return function

    return register


def numeric(a: Any) -> bool:
    return bool(np.asarray(a).dtype != object)
