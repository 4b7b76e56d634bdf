"""Optional packages: what they are needed for is not run where they are not installed, and that is no failure."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

#: A module to the extra of the distribution that brings it.
EXTRAS = {"flint": "oracle", "mkdocs": "docs", "material": "docs", "math_core": "docs", "markdown": "docs"}


def lacking(modules: Iterable[str]) -> str:
    """What to type to get the modules that cannot be imported; nothing if all can."""
    wanted = dict.fromkeys(EXTRAS[name] for name in modules if not importable(name))
    return f"pip install gradbook[{','.join(wanted)}]" if wanted else ""


def importable(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
