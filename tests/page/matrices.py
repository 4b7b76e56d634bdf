"""Numbers of a page's worked example as they are printed: what a formula with a matrix says, and its misprints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.page.dialect import DialectError
from tests.page.names import Names
from tests.page.symbols import Row, Symbols

NUMBER = re.compile(r"-?(\d+)(?:\.(\d+))?|-?\\infty")
MATRIX = re.compile(r"\\begin\{pmatrix\} (.*) \\end\{pmatrix\}")
SIZE = re.compile(r"\d+(?: \\times \d+)*")
ROUNDED = 4  # digits from which on a number may be rounded
Place = tuple[int, ...]


@dataclass(frozen=True)
class Array:
    """What one formula says: of which tensor, at which places along its first axes, and the numbers as printed."""

    key: str
    row: Row
    at: Place
    numbers: tuple[tuple[str, ...], ...]
    shape: tuple[int, ...]  # of the numbers: a matrix's, or (n,) of a row, () of a number


def read_array(tex: str, symbols: Symbols) -> Array:
    """Raises DialectError."""
    left, sign, right = tex.partition(" = ")
    parser = _Left(left, symbols)
    key, row, at = parser.element()
    whole = MATRIX.fullmatch(right)
    rows = [line.split(" & ") for line in (whole[1] if whole else right).split(r" \\ ")]
    wrong = next((n for line in rows for n in line if not NUMBER.fullmatch(n)), "")
    if not sign or wrong or len({len(line) for line in rows}) > 1:
        raise DialectError(tex, tex.find(wrong), "not a number" if wrong else "no matrix")
    if not whole and (len(rows), len(rows[0])) != (1, 1):
        raise DialectError(tex, 0, "several numbers without a bracket")
    shape = () if not whole else (len(rows[0]),) if len(rows) == 1 else (len(rows), len(rows[0]))
    return Array(key, row, at, tuple(map(tuple, rows)), shape)


class _Left(Names):
    """A symbol, and places in numerals."""

    def element(self) -> tuple[str, Row, Place]:
        found = self.symbol()
        if found is None:
            raise self.fail("no symbol of the table")
        row, accent = found
        at: list[int] = []
        if self.accept("_"):
            self.take("{")
            while self.peek().isdigit():
                at.append(int(self.take(self.peek())))
                if not self.accept(","):
                    break
            self.take("}")
        if self.at < len(self.tokens):
            raise self.fail(f"unexpected {self.peek()}")
        return f"{accent} {row.name}".strip(), row, tuple(at)


def wrong_number(text: str, value: float) -> bool:
    """Whether a printed number is another one than a value: a short one is exact, another within half of its last
    digit."""
    if "infty" in text:
        return value != (-np.inf if text.startswith("-") else np.inf)
    whole, decimals = NUMBER.fullmatch(text).groups(default="")  # type: ignore[union-attr]
    digits = len((whole + decimals).lstrip("0"))
    half = 0.5 * 10.0 ** -len(decimals) if digits >= ROUNDED else 0.0
    return not abs(float(text) - value) <= half + 1e-12 * max(1.0, abs(value))


def number(text: str) -> float:
    return float(text.replace(r"\infty", "inf"))


def size(tex: str) -> tuple[int, ...]:
    return tuple(map(int, tex.split(r" \times ")))


# ---- misprints -----------------------------------------------------------------------------------------------------


def misprints(tex: str) -> Iterator[str]:
    """Every digit another one, every sign the other, neighbours exchanged, a bar put on or taken off."""
    left, sign, right = tex.partition(" = ")
    for m in re.finditer(r"\d", right):
        yield f"{left}{sign}{right[: m.start()]}{(int(m[0]) + 1) % 10}{right[m.end() :]}"
    for m in NUMBER.finditer(right):
        if float(number(m[0])):
            other = m[0][1:] if m[0].startswith("-") else f"-{m[0]}"
            yield f"{left}{sign}{right[: m.start()]}{other}{right[m.end() :]}"
    for m in re.finditer(rf"({NUMBER.pattern})( & )({NUMBER.pattern})", right):
        first, second = m[0].split(" & ")
        if first != second:
            yield f"{left}{sign}{right[: m.start()]}{second} & {first}{right[m.end() :]}"
    for m in re.finditer(r"(?<=[{,])\d(?=[,}])", left):
        yield f"{left[: m.start()]}{int(m[0]) + 1}{left[m.end() :]}{sign}{right}"
    bare = re.fullmatch(r"\\overline\{([^{}]*)\}", left)
    other = bare[1] if bare else rf"\overline{{{left}}}"
    yield f"{other}{sign}{right}"


def sizes_misprinted(tex: str) -> Iterator[str]:
    """Another number in each place, two exchanged, one left out."""
    found = size(tex)
    for n, length in enumerate(found):
        yield r" \times ".join(map(str, (*found[:n], length + 1, *found[n + 1 :])))
        if len(found) > 1:
            yield r" \times ".join(map(str, (*found[:n], *found[n + 1 :])))
    if len(found) > 1 and found[0] != found[1]:
        yield r" \times ".join(map(str, (found[1], found[0], *found[2:])))
