"""The tokens of a formula in prose, and what a statement says once it is read: sides with values, and relations."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any

import numpy as np

from tests.page.dialect import DialectError, Token
from tests.page.prose.values import Outside, Row, Space, same

At = Mapping[str, int]
Meaning = Callable[[At], Any]
_TOKEN = re.compile(
    r"\\(?:mathrm|operatorname|mathbf|text|begin|end)\s*\{[^{}]*\}|\\mathbb\s*\{R\}|\\[a-zA-Z]+|\\\\|\d+(?:\.\d+)?|[A-Za-z]"
    r"|[-+=<>(){}\[\]|,_^&/'!*:]"
)
SPACE = re.compile(r"\s+|\\[,;:! ]|\\(?:quad|qquad|left|right|bigl|bigr|big|Big|displaystyle|limits)(?![a-zA-Z])|~")
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, ">": operator.gt, r"\le": operator.le, r"\leq": operator.le, r"\ge": operator.ge,
    r"\geq": operator.ge, r"\ne": operator.ne, r"\neq": operator.ne,
}  # fmt: skip
EQUAL = ("=", r"\approx", r"\leftarrow", r"\in", r"\coloneqq")


def split(tex: str) -> list[Token]:
    """Tokens with their places. Raises DialectError."""
    found, at = [], 0
    while at < len(tex):
        if space := SPACE.match(tex, at):
            at = space.end()
            continue
        m = _TOKEN.match(tex, at)
        if not m:
            raise DialectError(tex, at, f"{tex[at]!r} is not in the notation of prose")
        found.append(Token(re.sub(r"\s", "", m[0]), at))
        at = m.end()
    return found


def key(tex: str) -> str:
    """A symbol without braces and spaces: how it is looked up."""
    return "".join(t.text for t in split(tex) if t.text not in "{}")


@dataclass(frozen=True)
class Statement:
    """Sides and the relations between them; one side alone has a value."""

    sides: tuple[Meaning, ...]
    relations: tuple[str, ...]
    texts: tuple[str, ...]
    open: tuple[str, ...]
    ranges: Mapping[str, Sequence[int]]

    def places(self) -> Iterator[At]:
        for chosen in combinations(*(self.ranges[i] for i in self.open)):
            yield dict(zip(self.open, chosen, strict=True))

    def value(self) -> Any:
        """What the formula is worth: a value, for an open index {its value: that}; a relation is true or false."""
        found = {}
        for at in self.places():
            try:
                found[tuple(at.values())] = self.one(at)
            except Outside:
                continue
        if not found:
            raise Outside("there is nothing that this speaks of")
        if not self.open:
            return found[()]
        return {k[0]: v for k, v in found.items()} if len(self.open) == 1 else found

    def one(self, at: At) -> Any:
        values = [side(at) for side in self.sides]
        if not self.relations:
            return values[0]
        results = [
            self.holds(r, a, b, n) for n, (r, a, b) in enumerate(zip(self.relations, values, values[1:], strict=False))
        ]
        return results[0] if len(results) == 1 else all(np.all(r) for r in results)

    def holds(self, relation: str, a: Any, b: Any, n: int) -> Any:
        if relation in RELATIONS:
            return RELATIONS[relation](a, b)
        if relation == r"\in":
            return b.has(a) if isinstance(b, Space) else within(a, b)
        if relation == r"\approx":
            return same(a, b, precision(self.texts[n + 1]))
        if np.ndim(a) == 1 and not np.ndim(b) and not isinstance(b, Row):
            return np.isclose(a, b)
        return same(a, b)

    def wrong(self) -> str:
        """Why a relation does not hold; "" where it does, everywhere."""
        spoken = False
        for at in self.places():
            try:
                values = [side(at) for side in self.sides]
            except Outside:
                continue
            spoken = True
            for n, (r, a, b) in enumerate(zip(self.relations, values, values[1:], strict=False)):
                if not np.all(self.holds(r, a, b, n)):
                    where = "".join(f" at {i} = {v}" for i, v in at.items())
                    return f"{self.texts[n]} is {shown(a)}{where}, {self.texts[n + 1]} is {shown(b)}"
        return "" if spoken else "there is nothing that this speaks of"


def shown(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=8) if isinstance(value, np.ndarray) else str(value)


def within(value: Any, row: Row) -> Any:
    low, high = row.items
    above = value >= low if row.left == "[" else value > low
    return above & (value <= high if row.right == "]" else value < high)


def precision(tex: str) -> float:
    """Half a unit of the last digit that is printed: the coarsest number's; of a product 0, but by a power of 10."""
    compact = tex.replace(" ", "")
    if re.search(r"\\(?:times|cdot)(?!10\^)", compact):
        return 0.0
    numbers = re.findall(r"(\d+(?:\.\d+)?)(?:\\(?:times|cdot)10\^\{?(-?\d+))?", compact)
    return max((0.5000001 * 10.0 ** (int(e or 0) - len(n.partition(".")[2])) for n, e in numbers), default=0.0)
