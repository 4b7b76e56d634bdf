"""Gradbook's engine: from a layer's equations to its gradient, kernels, pages and evidence.

``from derive import layer`` and the annotations below are all that a file of definitions needs. A program that makes
kernels itself takes ``from derive import build``, which is derive.command.build, or ``kernel``, which makes one in
memory. ``%load_ext derive`` brings ``%%layer`` into a notebook.
Importing this package is light; SymPy is loaded when a definition is read.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.notation.layer import Layer

__version__ = "0.1.0"
__all__ = ["layer"]


def layer(cites: str = "") -> Callable[[Callable[..., object]], Layer]:
    """Mark a function as the definition of a layer; see derive.notation.define.layer."""
    from derive.notation.define import layer as define

    return define(cites)


def load_ipython_extension(shell: Any) -> None:
    """Bring ``%%layer`` into a notebook: what IPython calls for ``%load_ext derive``."""
    from derive.command.notebook import bring

    bring(shell)


def __getattr__(name: str) -> Any:
    """The annotations of a definition (Real, Positive, ...), read as syntax, never run; what builds, imported late."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "build":
        return import_module("derive.command.build")
    if name == "kernel":
        return import_module("derive.command.kernels").kernel
    from derive.notation.options import OPTION_KINDS
    from derive.notation.signature import TENSOR_KINDS

    if name in OPTION_KINDS or name in TENSOR_KINDS:
        return name
    raise AttributeError(f"module 'derive' has no attribute {name!r}")
