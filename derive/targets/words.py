"""What somebody typed, as data: in source text, on pages and in the terminal it stands for itself and nothing else.

One function for each place a word can go to. Characters that cannot be seen, that turn the reading direction or
that no file can hold (controls, marks of direction, lone surrogates) are shown as Python would escape them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

PLAIN = re.compile(r"[A-Za-z0-9_ .+\-]*")  # what a string literal may hold for every pass over a kernel's text
MARKDOWN = re.compile(r"""[\\`*{}\[\]<>&$|#!~^]|(?<![^\W_])_|_(?![^\W_])""")
BEGINS = re.compile(r"^(\d+(?=[.)])|)([^\w\s&\"'(])")  # a list, a heading's underline, an admonition


def visible(text: str, keep: str = "") -> str:
    """Text in which every character can be seen, those of ``keep`` excepted."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" or c in keep else escaped(c) for c in text)


def escaped(c: str) -> str:
    """``\\x07``, ``\\u202e``, ``\\U000e0001``, as Python reads them in a string."""
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ---- in Python -----------------------------------------------------------------------------------------------------


def docstring(text: str) -> str:
    """The inside of a string between triple quotes, which Python reads as the text."""
    text = visible(text.replace("\\", "\\\\"), keep="\n")
    return re.sub(r'"(?="|\Z)', r"\"", text)  # no two quotes in a row, and none at the end


def literal(word: str) -> str:
    """A string literal in double quotes, and nothing in it that a reader of code may take for code."""
    if word.isidentifier():
        return f'"{word}"'
    return '"' + "".join(c if PLAIN.fullmatch(c) else escaped(c) for c in word) + '"'


def identifier(word: str) -> str:
    """A part of a name for a word; different ones for different words."""
    if re.fullmatch(r"[A-Za-z0-9_]*", word):
        return word
    return f"word_{hashlib.sha256(repr(word).encode()).hexdigest()[:8]}"


# ---- on pages ------------------------------------------------------------------------------------------------------


def entity(c: str) -> str:
    return f"&#{ord(c)};"


def prose(text: str) -> str:
    """Text within a line of Markdown: no HTML, no emphasis, link, formula, cell of a table, no block of its own."""
    text = MARKDOWN.sub(lambda m: entity(m[0]), visible(" ".join(text.split())))
    return BEGINS.sub(lambda m: m[1] + entity(m[2]), text)


def code(text: str) -> str:
    """Text as inline code, in a table too."""
    shown = visible(text)
    if re.search(r"[`\\|<>&]|^\s|\s$|^$", shown):
        return f"<code>{re.sub('[^A-Za-z0-9]', lambda m: entity(m[0]), shown)}</code>"
    return f"`{shown}`"


def fenced(text: str, language: str = "python") -> str:
    """Text as a block of code, between fences that are longer than any in it."""
    shown = visible(text, keep="\n\t")
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", shown))])
    return f"{fence}{language}\n{shown}\n{fence}"


def html(text: str) -> str:
    """Text within HTML, attributes included."""
    return escape(visible(text))


def comment(text: str) -> str:
    """Text within an HTML comment."""
    return visible(text).replace("--", "- -").replace(">", "&gt;").replace("<", "&lt;")


def anchors(section: str, names: Sequence[str]) -> list[str]:
    """The ids of equations, by what they define: ``eq-backward-dx``, a second one for it ``eq-backward-dx-2``."""
    found = []
    for n, name in enumerate(map(identifier, names)):
        again = [*map(identifier, names[:n])].count(name)  # a recurrence has several
        found.append(f"eq-{section}-{name}" + (f"-{again + 1}" if again else ""))
    return found


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
