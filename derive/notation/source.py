"""Files of definitions as text: read, parsed, and where a function stands in them. Nothing is run here."""

from __future__ import annotations

import ast
import inspect
import linecache
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path
from typing import NoReturn

from derive.notation.errors import DefinitionError, Place, error

#: Texts of files that are being run: what is read of them is what is run.
TEXTS: dict[str, str] = {}

FORM = 'a definition is a function below @layer(cites="where it comes from"), and is not run'


@dataclass(frozen=True)
class Definition:
    """One function of a file, as syntax."""

    function: ast.FunctionDef
    cites: str
    file: str
    lines: list[str]

    @property
    def first(self) -> int:
        """The row of the first decorator."""
        return beginning(self.function)

    @property
    def source(self) -> str:
        """The text from the decorator to the last statement."""
        return textwrap.dedent("\n".join(self.lines[self.first - 1 : self.function.end_lineno])).rstrip("\n")

    @property
    def doc(self) -> str:
        """What it says of itself; a layer that says nothing is what its equations say."""
        return ast.get_docstring(self.function) or f"The layer {self.function.name}, as its equations define it."

    @property
    def place(self) -> Place:
        return Place.of(self.function, self.file, self.lines)


def beginning(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    """The row of a function's first decorator, or of its own."""
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(d.lineno for d in decorators)])


def read_text(path: Path) -> str:
    """A file's text, in the encoding that Python would read it in.

    Raises:
        FileNotFoundError: there is no such file.
        DefinitionError: it is a folder, or cannot be read, or is not text.
    """
    try:
        return decode_source(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as problem:
        reason = "is a folder" if path.is_dir() else f"cannot be read: {problem.strerror}"
        raise DefinitionError(f"{path} {reason}; give a file of definitions, such as my_layers.py") from problem
    except (SyntaxError, UnicodeError, LookupError) as problem:
        raise DefinitionError(f"{path} is not text in UTF-8 ({problem}); save it as UTF-8") from problem


def parse(text: str, file: str) -> ast.Module:
    """The syntax tree of a file.

    Raises:
        DefinitionError: it is not Python.
    """
    try:
        return ast.parse(text, file)
    except SyntaxError as problem:
        lines = text.split("\n")
        row = min(max(1, problem.lineno or 1), len(lines))
        column = max(0, (problem.offset or 1) - 1)
        same = problem.end_lineno == problem.lineno
        width = (problem.end_offset or 0) - (problem.offset or 0) if same else len(lines[row - 1]) - column
        place = Place(file, row, lines[row - 1], min(column, len(lines[row - 1].rstrip())), max(1, width))
        empty = any(f"{kind}[]" in lines[row - 1].replace(" ", "") for kind in ("Real", "State", "Integer", "Boolean"))
        mend = "Real[...] has any number of axes, none too; one number is an option, a: Scalar = 1.0" if empty else ""
        mend = mend or f"mend the Python there; {FORM}"
        raise error(Path(file).name, f"SyntaxError: {problem.msg}", place, mend) from problem
    except (ValueError, RecursionError, MemoryError) as problem:
        what = "holds a null character" if isinstance(problem, ValueError) else "nests deeper than Python can parse"
        raise DefinitionError(f"{file} {what}; {FORM}") from problem


def of_function(function: Callable[..., object], cites: object) -> Definition:
    """The syntax of a function that Python has made from a file.

    Raises:
        TypeError: it is not a function.
        DefinitionError: it is not a definition, or its text is not to be had.
    """
    inner = inspect.unwrap(function) if callable(function) else function
    code = getattr(inner, "__code__", None)
    name = getattr(function, "__name__", repr(function))
    if code is None:
        raise TypeError(f"{name} is not a function; {FORM}")
    file: str = code.co_filename
    text = TEXTS[file] if file in TEXTS else "".join(linecache.getlines(file))
    if not text:
        raise DefinitionError(f"{name}: its text is not to be had from {file}; write the definition into a file")
    tree, lines = parse(text, file), text.split("\n")
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))
    for node in functions:
        if (beginning(node), getattr(node, "name", "<lambda>")) != (code.co_firstlineno, code.co_name):
            continue
        if not isinstance(node, ast.FunctionDef):
            raise error(name, "not a definition", Place.of(node, file, lines), FORM)
        if not isinstance(cites, str):
            raise error(name, f"cites is {cites!r}", Place.of(node, file, lines), 'write @layer(cites="a text")')
        return Definition(node, cites, file, lines)
    raise DefinitionError(f"{name}: {file} has changed since it was loaded; start again")


# ---- definitions that are never run ---------------------------------------------------------------------------------


class Isolated:
    """Reads a file of which nothing is run: definitions, and imports of what they use, and no more."""

    imported = False  #: whether ``layer`` is known without an import

    def __init__(self, text: str, file: str) -> None:
        self.file, self.tree, self.lines = file, parse(text, file), text.split("\n")

    def fail(self, node: ast.AST, what: str, mend: str) -> NoReturn:
        raise error(Path(self.file).name, what, Place.of(node, self.file, self.lines), mend)

    def definitions(self) -> Iterator[Definition]:
        """The file's definitions, one after another.

        Raises:
            DefinitionError: the file holds something else.
        """
        imported = self.imported
        for n, node in enumerate(self.tree.body):
            match node:
                case ast.Expr(value=ast.Constant(value=str())) if n == 0:
                    pass
                case ast.Import() | ast.ImportFrom():
                    imported = self.check_import(node) or imported
                case ast.FunctionDef():
                    if not imported:
                        self.fail(node, "layer is not imported", "write above it: from derive import layer")
                    yield Definition(node, self.cites(node), self.file, self.lines)
                case _:
                    self.fail(
                        node,
                        "not a definition, and an isolated build runs nothing",
                        "leave only definitions and imports of derive, or build without --isolated",
                    )

    def check_import(self, node: ast.Import | ast.ImportFrom) -> bool:
        """Whether an import brings ``layer``; one of anything but this project is an error."""
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level:
            if [a.name for a in node.names] == ["annotations"]:
                return False
            self.fail(node, "not an import for definitions", "write: from __future__ import annotations")
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        if isinstance(node, ast.ImportFrom) and node.module == "derive.layers":
            modules = [f"derive.layers.{a.name}" for a in node.names]
        wrong = [m for m in modules if m not in ("derive", *project_modules())]
        if wrong or (isinstance(node, ast.ImportFrom) and node.level):
            self.fail(
                node,
                "an isolated build imports this project alone",
                f"there are derive, {', '.join(project_modules())}; or build without --isolated",
            )
        names = [a for a in node.names if isinstance(node, ast.ImportFrom) and node.module == "derive"]
        for alias in node.names:
            taken = (alias.asname or alias.name) == "layer"
            if taken and not (alias.name == "layer" and alias in names):
                self.fail(node, "layer is the decorator", "import it by its name: from derive import layer")
        return any(a.name == "layer" and a.asname in (None, "layer") for a in names)

    def cites(self, node: ast.FunctionDef) -> str:
        """What the decorator cites.

        Raises:
            DefinitionError: there is no decorator, or another one.
        """
        match node.decorator_list:
            case [ast.Call(func=ast.Name(id="layer"), args=[], keywords=[])]:
                return ""
            case [ast.Call(func=ast.Name(id="layer"), args=[ast.Constant(value=str(words))], keywords=[])]:
                return words
            case [
                ast.Call(
                    func=ast.Name(id="layer"),
                    args=[],
                    keywords=[ast.keyword(arg="cites", value=ast.Constant(value=str(words)))],
                )
            ]:
                return words
        place = node.decorator_list[0] if node.decorator_list else node
        self.fail(place, f"{node.name} is not decorated with a plain @layer", 'write @layer(cites="a text") above it')


def project_modules() -> list[str]:
    """The modules of the project's own definitions."""
    import derive.layers as package

    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__))
    return ["derive.layers", *(f"derive.layers.{name}" for name in names)]
