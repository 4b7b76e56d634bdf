"""Errors of definitions: what is wrong, in which layer, at which place, and how to mend it."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derive.notation.layer import Layer


#: Most characters of a line that an error shows.
SHOWN = 160


class DefinitionError(ValueError):
    """A definition that cannot be read: says what, where (the statement, with the place marked) and how to mend it."""


@dataclass(frozen=True)
class Place:
    """A place in a file: rows from 1, columns of the row's text from 0."""

    file: str
    row: int
    text: str
    column: int = 0
    width: int = 1

    @classmethod
    def of(cls, node: ast.AST, file: str, lines: list[str]) -> Place:
        """Where a node stands; columns of a syntax tree count bytes, and a node may end on another row."""
        row = getattr(node, "lineno", 1)
        text = lines[row - 1] if row <= len(lines) else ""
        begin = characters(text, getattr(node, "col_offset", 0))
        ends_here = getattr(node, "end_lineno", row) == row
        end = characters(text, getattr(node, "end_col_offset", 0)) if ends_here else len(text.rstrip())
        return cls(file, row, text, begin, end - begin)

    @classmethod
    def line(cls, file: str, row: int, text: str) -> Place:
        """A whole row."""
        return cls(file, row, text, len(text) - len(text.lstrip()), len(text.strip()))

    def __str__(self) -> str:
        skipped = max(0, self.column - SHOWN // 2) if len(self.text.rstrip()) > SHOWN else 0
        text = self.text.rstrip()[skipped : skipped + SHOWN]
        column = self.column - skipped
        indent = "".join("\t" if c == "\t" else " " for c in text[:column])
        marks = "^" * max(1, min(self.width, len(text) - column))
        return f"  {self.file}:{self.row}\n    {text}\n    {indent}{marks}"


def characters(text: str, octets: int) -> int:
    """How many characters the first so many bytes of a text are."""
    return len(text.encode(errors="surrogatepass")[:octets].decode(errors="ignore"))


def error(layer: str, what: str, place: Place | str, mend: str) -> DefinitionError:
    """An error in the one form that all have; ``layer`` is what has it, or the file's name."""
    return DefinitionError(f"{layer}: {what}\n{place}\n  {mend}")


# ---- what goes wrong after a definition is read ----------------------------------------------------------------------

#: The row of the equation that is being worked on, in the definition's file; 0 where that is not known.
ROW: ContextVar[int] = ContextVar("ROW", default=0)
DEBUG = "GRADBOOK_DEBUG"


SECONDS = "GRADBOOK_SECONDS"


class TooLong(Exception):
    """The time allowed is over."""


#: When to give up, in seconds of this process.
DEADLINE: ContextVar[float] = ContextVar("DEADLINE", default=inf)


@dataclass
class Clock:
    """Looks at the time, every so many ticks."""

    count: int = 0

    def tick(self) -> None:
        """Look at the time now and then; called wherever expressions are rewritten.

        Raises:
            TooLong: it is over.
        """
        self.count += 1
        if not self.count % 1024 and process_time() > DEADLINE.get():
            raise TooLong


CLOCK = Clock()


def seconds() -> float:
    """How long one layer's derivation, its kernel and its page may take, each."""
    try:
        return float(os.environ.get(SECONDS, ""))
    except ValueError:
        return 120.0


@contextmanager
def at(row: int) -> Iterator[None]:
    """Work on the equation that stands in a row; where it is derived (row 0), on the one before.

    The row is left as it is where an exception passes, so that what catches it can name the place.
    """
    before = ROW.get()
    ROW.set(row or before)
    yield
    ROW.set(before)


def place_in(layer: Layer, row: int) -> Place:
    """A statement of a layer's definition; its first line where the row is not one of them."""
    lines = layer.source.split("\n")
    first = next((n for n, line in enumerate(lines) if line.lstrip().startswith("def ")), 0)
    at_line = row - layer.first_line if layer.first_line <= row < layer.first_line + len(lines) else first
    return Place.line(layer.file, layer.first_line + at_line, lines[at_line])


@contextmanager
def placed(layer: Layer, doing: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes an error of the definition, with the statement that was being worked on.

    Args:
        layer: what is being worked on.
        doing: what is being done to it, as it follows "while".

    Raises:
        DefinitionError: something went wrong.
    """
    row = ROW.set(0)
    deadline = DEADLINE.set(min(DEADLINE.get(), process_time() + seconds()))
    try:
        yield
    except DefinitionError:
        raise
    except RecursionError as problem:
        mend = "give parts of it equations of their own, or make it several layers that call one another"
        raise error(layer.name, "nested too deeply", place_in(layer, ROW.get()), mend) from problem
    except TooLong as problem:
        what = f"takes more than {seconds():g} seconds: given up while {doing}"
        mend = "give parts of it equations of their own, or make it several layers that call one another; "
        mend += f"{SECONDS} in the environment allows more"
        raise error(layer.name, what, place_in(layer, ROW.get()), mend) from problem
    except Stuck as problem:
        raise error(layer.name, str(problem), place_in(layer, ROW.get()), problem.mend) from problem
    except Exception as problem:
        if os.environ.get(DEBUG):
            raise
        what = f"internal error while {doing}: {type(problem).__name__}: {problem}"
        mend = "this is a fault of gradbook, not of the definition: please report it together with the definition; "
        mend += f"{DEBUG}=1 in the environment shows the traceback"
        raise error(layer.name, what, place_in(layer, ROW.get()), mend) from problem
    finally:
        ROW.reset(row)
        DEADLINE.reset(deadline)


class Stuck(ValueError):
    """A definition that is read, and that the engine cannot go on with: says what, and how to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend
