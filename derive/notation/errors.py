"""Errors of definitions: what is wrong, in which layer, at which place, and how to mend it."""

from __future__ import annotations

import ast
from dataclasses import dataclass


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
        text = self.text.rstrip()
        indent = "".join("\t" if c == "\t" else " " for c in text[: self.column])
        marks = "^" * max(1, min(self.width, len(text) - self.column))
        return f"  {self.file}:{self.row}\n    {text}\n    {indent}{marks}"


def characters(text: str, octets: int) -> int:
    """How many characters the first so many bytes of a text are."""
    return len(text.encode(errors="surrogatepass")[:octets].decode(errors="ignore"))


def error(layer: str, what: str, place: Place | str, mend: str) -> DefinitionError:
    """An error in the one form that all have; ``layer`` is what has it, or the file's name."""
    return DefinitionError(f"{layer}: {what}\n{place}\n  {mend}")
