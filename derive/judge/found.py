"""A candidate by its name: found and loaded in its own process, or what is wrong with the name, and how to mend it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

DEFINITION = (
    "it says what is right, and is judged by nothing. Give the definition first and then what is to be judged: "
    "gradbook judge FILE.py:LAYER MODULE:FUNCTION"
)


class Unusable(Exception):
    """The candidate cannot be called as asked; says how to mend it."""


def named(spec: str) -> Any:
    """``package.module:name`` or ``file.py:name``; without a name, the module.

    Raises:
        Unusable: there is no such thing.
    """
    where, _, name = spec.partition(":")
    module = _file(where) if where.endswith(".py") else _module(where)
    found: Any = module
    for part in filter(None, name.split(".")):
        if not hasattr(found, part):
            own = [n for n, v in vars(found).items() if n[0] != "_" and not isinstance(v, ModuleType)]
            raise Unusable(f"{where} has no {part!r}; it has {', '.join(own) or 'nothing'}")
        found = getattr(found, part)
    return found


def _module(where: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ImportError as error:
        raise Unusable(_missing(where, error)) from error


def _file(where: str) -> ModuleType:
    path = Path(where)
    if not path.is_file():
        raise Unusable(f"there is no file {where}; write FILE.py:FUNCTION, from this folder on")
    made = importlib.util.spec_from_file_location(path.stem, path)
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    sys.modules.setdefault(path.stem, module)
    try:
        made.loader.exec_module(module)
    except ImportError as error:
        raise Unusable(_missing(where, error)) from error
    except SyntaxError as error:
        raise Unusable(
            f"{error.filename or where}:{error.lineno}: it is no Python: {error.msg}; mend it there"
        ) from error
    except NameError as error:
        if "@layer" not in path.read_text(encoding="utf-8", errors="replace"):
            raise
        line = next(
            (f.lineno for f in traceback.extract_tb(error.__traceback__)[::-1] if Path(f.filename).name == path.name), 0
        )
        words = f"{where} is a file of definitions (line {line}: {error}), and a definition is no implementation: "
        raise Unusable(words + DEFINITION) from error
    return module


def _missing(where: str, error: ImportError) -> str:
    """What cannot be imported: the module itself, or one that it needs."""
    own = where.endswith(".py") or (error.name or "") not in (where, where.split(".")[0])
    if own and isinstance(error, ModuleNotFoundError):
        return f"{where} imports {error.name}, which there is not here: install it, or put its folder on PYTHONPATH"
    if own:
        return f"{where} cannot be imported: {error}"
    return f"{where} cannot be imported: {error}; is its folder on PYTHONPATH? A file is given as FILE.py:FUNCTION"


def callable_(what: Any, part: str) -> None:
    """What can be called with arrays.

    Raises:
        Unusable: a module, a class, a number.
    """
    if what is None:
        return
    if isinstance(what, ModuleType):
        names = [n for n, v in vars(what).items() if callable(v) and n[0] != "_" and not isinstance(v, type)]
        there = f"it has {', '.join(names)}" if names else "it has none"
        raise Unusable(f"{part} is the module {what.__name__}: say which function of it, as MODULE:FUNCTION; {there}")
    if (kind := type(what)).__name__ == "Layer" and kind.__module__ == "derive.notation.layer":
        raise Unusable(f"{part} is the definition {what.name}: {DEFINITION}")
    if isinstance(what, type):
        raise Unusable(f"{part} is the class {what.__name__}: give one of its instances, or a function")
    if not callable(what):
        raise Unusable(f"{part} is of type {type(what).__name__}, which cannot be called")


def parts_of(module: Any) -> tuple[Any, Any]:
    """The two functions of a module of our own shape.

    Raises:
        Unusable: it has no forward.
    """
    forward = getattr(module, "forward", None)
    if forward is None:
        name = getattr(module, "__name__", type(module).__name__)
        raise Unusable(
            f"{name} has no forward: a candidate of framework module is a module, or an object, with forward and "
            "backward as our kernels have them; a function is of framework numpy"
        )
    return forward, getattr(module, "backward", None)
