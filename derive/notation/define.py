"""The ``layer`` decorator and the registry of definitions."""

from __future__ import annotations

import importlib
import linecache
import pkgutil
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from derive.notation.errors import DefinitionError, Place, error
from derive.notation.layer import Layer
from derive.notation.read import read
from derive.notation.source import TEXTS, Definition, Isolated, of_function, parse, read_text

#: Every definition read so far: a layer's name to its variants, one for each combination of choices, default first.
REGISTRY: dict[str, tuple[Layer, ...]] = {}

#: The project's own, which a user's layer of the same name stands in front of in the registry.
PROJECT: dict[str, tuple[Layer, ...]] = {}


def layer(cites: str = "") -> Callable[[Callable[..., object]], Layer]:
    """Mark a function as the definition of a layer; its name then stands for the layer, which a notebook shows.

    Args:
        cites: where the mathematics comes from.

    Raises:
        DefinitionError: the function is not in the notation; says where and how to mend it.
    """
    if callable(cites):
        place = of_function(cites, "").place
        raise error(
            place.text.removeprefix("def ").split("(")[0].strip(),
            "@layer stands without brackets",
            place,
            'write @layer(cites="a text")',
        )

    def decorate(function: Callable[..., object]) -> Layer:
        return register(of_function(function, cites))

    return decorate


def register(definition: Definition) -> Layer:
    """Read a definition and keep it under its name; returns its default variant.

    A user's layer may have the name of one of the project: in the user's definitions it is meant first.

    Raises:
        DefinitionError: it cannot be read, or another one has its name.
    """
    name = definition.function.name
    own = Path(definition.file).parent == home()
    known = REGISTRY.get(name)
    if known is not None and not own and known is PROJECT.get(name):
        known = None
    if known is not None and (known[0].file, known[0].first_line) != (definition.file, definition.first):
        where = f"at line {known[0].first_line}" if known[0].file == definition.file else f"in {known[0].file}"
        raise error(name, f"{name} is defined {where} already", definition.place, "give this one another name")
    REGISTRY[name] = read(definition, REGISTRY)
    if own:
        PROJECT[name] = REGISTRY[name]
    return REGISTRY[name][0]


def home() -> Path:
    """The folder of the project's own definitions."""
    import derive.layers as package

    return Path(package.__path__[0])


def load_project() -> dict[str, tuple[Layer, ...]]:
    """Read every definition in derive/layers, in the order of the module names."""
    import derive.layers as package

    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        importlib.import_module(f"derive.layers.{module.name}")
    return dict(PROJECT)


def load_file(path: Path, isolated: bool = False) -> dict[str, tuple[Layer, ...]]:
    """Read the definitions in a user's own file. Annotations are never evaluated.

    Args:
        path: the file, which is Python and is run.
        isolated: run nothing; a file that holds more than definitions is an error.

    Raises:
        FileNotFoundError: there is no such file.
        DefinitionError: it holds no definition, or one that cannot be read.
    """
    text = read_text(path)
    if isolated:
        return read_source(text, path)
    with registered(str(path)) as found:
        run(text, str(path))
    return found


def read_source(text: str, file: str | Path) -> dict[str, tuple[Layer, ...]]:
    """Read the definitions in a text, where nothing stands but them and imports of derive; nothing is run.

    Args:
        text: the file's text.
        file: its name, for errors and pages.

    Raises:
        DefinitionError: the text holds something else, no definition, or one that cannot be read.
    """
    with registered(str(file)) as found:
        for definition in Isolated(text, str(file)).definitions():
            register(definition)
    return found


@contextmanager
def registered(file: str) -> Iterator[dict[str, tuple[Layer, ...]]]:
    """What a file defines: its earlier reading is forgotten, and after an error all is as before."""
    load_project()
    before = dict(REGISTRY)
    for name in [n for n, variants in REGISTRY.items() if variants[0].file == file]:
        del REGISTRY[name]
    REGISTRY.update({name: variants for name, variants in PROJECT.items() if name not in REGISTRY})
    found: dict[str, tuple[Layer, ...]] = {}
    try:
        yield found
        found |= {name: variants for name, variants in REGISTRY.items() if before.get(name) is not variants}
        if not found:
            raise DefinitionError(f"{file} defines no layer: decorate a function with @layer(cites=...)")
    except BaseException:
        REGISTRY.clear()
        REGISTRY.update(before)
        raise


def run(text: str, file: str) -> None:
    """Run a file of definitions.

    Raises:
        DefinitionError: it cannot be run.
    """
    import __future__

    parse(text, file)
    linecache.checkcache(file)
    TEXTS[file] = text
    module = types.ModuleType(Path(file).stem)
    module.__file__ = file
    sys.modules.setdefault(module.__name__, module)
    flags = __future__.annotations.compiler_flag
    mend = "a file of definitions holds functions decorated with @layer(cites=...), and what Python can run beside them"
    try:
        exec(compile(text, file, "exec", flags=flags, dont_inherit=True), module.__dict__)
    except DefinitionError:
        raise
    except (Exception, SystemExit) as problem:
        rows = [f.lineno for f in traceback.extract_tb(problem.__traceback__) if f.filename == file]
        row = (problem.lineno if isinstance(problem, SyntaxError) else rows[-1] if rows else 1) or 1
        lines = text.split("\n")
        place = Place.line(file, row, lines[row - 1] if row <= len(lines) else "")
        raise error(Path(file).name, f"{type(problem).__name__}: {problem}", place, mend) from problem
    finally:
        del TEXTS[file]
