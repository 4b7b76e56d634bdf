"""The ``layer`` decorator and the registry of definitions."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from derive.files import text_of
from derive.notation.layer import Layer
from derive.notation.read import DefinitionError, read

#: Every definition read so far: a layer's name to its variants, one for each combination of choices, default first.
REGISTRY: dict[str, tuple[Layer, ...]] = {}


def layer(cites: str = "") -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Mark a function as the definition of a layer.

    Args:
        cites: where the mathematics comes from.

    Raises:
        DefinitionError: the function is not in the notation; says where and how to mend it.
    """

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        variants = read(function, cites, REGISTRY)
        name = variants[0].name
        if name in REGISTRY and REGISTRY[name][0].file != variants[0].file:
            raise DefinitionError(
                f"{name} is defined in {REGISTRY[name][0].file} already; give {variants[0].file}'s another name"
            )
        REGISTRY[name] = variants
        return function

    return decorate


def home() -> Path:
    """The folder of the project's own definitions."""
    import derive.layers as package

    return Path(package.__path__[0])


def load_project() -> dict[str, tuple[Layer, ...]]:
    """Read every definition in derive/layers, in the order of the module names."""
    import derive.layers as package

    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        importlib.import_module(f"derive.layers.{module.name}")
    return {name: variants for name, variants in REGISTRY.items() if Path(variants[0].file).parent == home()}


def load_file(path: Path) -> dict[str, tuple[Layer, ...]]:
    """Read the definitions in a user's own file. Annotations are never evaluated.

    Raises:
        FileNotFoundError: there is no such file.
        DefinitionError: it holds no definition, or one that cannot be read.
    """
    import __future__

    import linecache
    import types

    load_project()
    before = dict(REGISTRY)
    source = text_of(path)
    linecache.checkcache(str(path))
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules.setdefault(path.stem, module)
    flags = __future__.annotations.compiler_flag
    try:
        exec(compile(source, str(path), "exec", flags=flags, dont_inherit=True), module.__dict__)
    except DefinitionError:
        raise
    except (Exception, SystemExit) as error:
        rows = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        row = error.lineno if isinstance(error, SyntaxError) else rows[-1] if rows else 1
        raise DefinitionError(
            f"{path}:{row}: {type(error).__name__}: {error}\n  a file of definitions holds functions decorated with "
            "@layer(cites=...), and what Python can run beside them"
        ) from error
    found = {name: variants for name, variants in REGISTRY.items() if before.get(name) is not variants}
    if not found:
        raise DefinitionError(f"{path} defines no layer: decorate a function with @layer(cites=...)")
    return found
