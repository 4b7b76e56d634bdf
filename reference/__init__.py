"""Verified reference implementations of neural-network layers, generated from their equations.

``from reference import layer_norm``; every layer is a module with ``forward``, ``backward`` and ``jvp``.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from reference import layers as _layers

__all__ = sorted(module.name for module in pkgutil.iter_modules(_layers.__path__))


def __getattr__(name: str) -> ModuleType:
    """Layers are imported when they are first asked for."""
    if name in __all__:
        return importlib.import_module(f"reference.layers.{name}")
    raise AttributeError(f"reference has no layer {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
