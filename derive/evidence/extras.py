"""Optional packages: what they are needed for is not run where they are not installed, and that is no failure."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable

#: A module to the extra of the distribution that brings it.
BOOK = ("mkdocs", "material", "math_core", "markdown", "pymdownx", "pygments", "fontTools", "brotli", "ziamath")
EXTRAS = {"flint": "oracle"} | dict.fromkeys(BOOK, "docs")


def lacking(modules: Iterable[str], there: Callable[[str], bool] | None = None) -> str:
    """What to type to get the modules that are not ``there``; nothing if all are."""
    wanted = dict.fromkeys(EXTRAS[name] for name in modules if not (there or importable)(name))
    return f"pip install gradbook[{','.join(wanted)}]" if wanted else ""


def importable(module: str) -> bool:
    """Whether a module is there; it is not imported, which takes time and may warn."""
    return importlib.util.find_spec(module) is not None


def loads(module: str) -> bool:
    """Whether a module can be imported: one that is there may miss what it needs itself."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
