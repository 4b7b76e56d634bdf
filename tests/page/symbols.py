"""The symbol table of a page: which TeX symbol is which tensor or option of the kernel, and of what shape.

One row a symbol, three or four columns (symbol, code name, shape, meaning; shape and meaning may share a
cell):

    x          | x          | [..., i]   | input
    t          | t          | [...]      | integer input below v; the tokens
    W          | W          | [l][o, i]  | input, a list of arrays
    \\hat{x}    | x_hat      | [..., i]   | intermediate: normalised input
    y          | y          | [..., o]   | output
    \\epsilon   | epsilon    | option     | a positive number; default `1e-5`
    \\phi       | activation | option     | the name of an elementwise layer; default `relu`
    \\dot{\\phi} | activation'| function   | derivative of activation
    N_{g}      | groups     | option     | a positive integer; default `1`
    s_{0}      | stride[0]  | option     | a positive integer; default `1`
    j          | j          | index      | along i

An option of several numbers has a row for each.

A shape: `...` stands for any number of axes (one flattened axis here), `g*c` for a product of axes (two
indices on the page), a numeral for a fixed size, `[l][axes]` for a Python list whose entries may differ in
shape. Where the shape of a list has two axes, consecutive entries chain (a tensor whose first axis counts a
list's entries is a list too): the second axis of one is as long as the first axis of the entry before.

The meaning up to the first of ; : , is strict: roles (ROLES; `input without gradient` is a state), kinds
(KINDS), and for integers `below AXIS` where the equations do not say into which axis they point. Of what follows,
`in [-1, 1]` and `-1 or 1` say which integers there are; the rest is for people. An option's meaning is one of
OPTION_KINDS. A symbol `N_{i}` in an option's row says that the option is the length of axis i. An index row is needed
only for an index that stands alone on no axis and is called otherwise than its axis.

`\\overline{S}` is the adjoint of S, and `\\overline{\\overline{S}}` another adjoint of S: rows of these are
not read. Inputs and states are the kernel's arguments, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

KINDS = ("real", "positive", "nonnegative", "probability", "binary", "boolean", "integer")
ROLES = ("input", "output", "state", "intermediate", "auxiliary")
OPTION_KINDS = {
    "a positive number": "positive",
    "a number": "real",
    "a number in (0, 1]": "probability",
    "a number in [0, 1]": "probability",
    "a positive integer": "count",
    "an integer >= 0": "natural",
    "an integer": "integer",
    "True or False": "boolean",
    "the position of an axis": "axis",
    "the name of an elementwise layer": "function",
}

_SHAPE = re.compile(r"(?:\[(\w)\](?=\[))?\[([^\]]*)\]")
_WITHIN = re.compile(r", in \[(-?\d+), (-?\d+)\]")
_TOKEN = re.compile(r"\\(?:mathrm|operatorname)\s*\{[^{}]*\}|\\[a-zA-Z]+|\\.|\d+|\S")


class PageError(ValueError):
    """A page that does not keep to its conventions: says what and where."""


@dataclass(frozen=True)
class Row:
    """One symbol.

    Attributes:
        axes: index letters, product slots split, the list axis included.
        slots: the axes as the kernel's array has them: a tuple of letters for each.
        sequence: the list axis, or "".
        kind: one of KINDS, for an option one of the values of OPTION_KINDS, or choice.
        default: of an option.
        below: for an integer, the axis into which it points, where the table says so.
        within: the values of an integer, where the table says which there are.
    """

    tex: str
    name: str
    slots: tuple[tuple[str, ...], ...] = ()
    sequence: str = ""
    role: str = ""
    kind: str = "real"
    below: str = ""
    within: tuple[int, ...] = ()
    option: bool = False
    default: str = ""

    @cached_property
    def inner(self) -> tuple[str, ...]:
        return tuple(part for slot in self.slots for part in slot)

    @cached_property
    def axes(self) -> tuple[str, ...]:
        return (self.sequence, *self.inner) if self.sequence else self.inner


@cache
def tokens(tex: str) -> tuple[str, ...]:
    """The tokens of a symbol."""
    return tuple(re.sub(r"\s", "", t) for t in _TOKEN.findall(tex))


def row(tex: str, name: str, cell: str) -> Row:
    """Read one row. Raises PageError."""

    def fail(why: str) -> PageError:
        return PageError(f"symbol table, row of {name!r}: {why} in {cell!r}")

    cell = cell.strip().removeprefix(name)
    first, _, rest = cell.partition(" ")
    if first == "function":
        return Row(tex, name, kind="function", option=True)
    if first == "option":
        default = rest.partition("default ")[2].strip(" `\"'")
        if rest.startswith("one of "):
            return Row(tex, name, kind="choice", option=True, default=default)
        words = next((w for w in sorted(OPTION_KINDS, key=len, reverse=True) if rest.startswith(w)), None)
        if words is None:
            raise fail(f"an option is one of: {'; '.join(OPTION_KINDS)}; one of ... (its choices)")
        return Row(tex, name, kind=OPTION_KINDS[words], option=True, default=default)
    shape = _SHAPE.match(cell)
    if not shape:
        raise fail("neither a shape such as `[..., i]` nor the word option, function or index")
    slots = tuple(tuple(p.strip() for p in s.split("*")) for s in shape[2].split(",")) if shape[2].strip() else ()
    words = re.split(r"[;:,]", cell[shape.end() :])[0].replace("without gradient", "state").split()
    role, kind, below = "", "real", ""
    while words and words[:2] not in (
        ["position", "of"],
        ["cotangent", "of"],
        ["gradient", "of"],
        ["adjoint", "of"],
    ):
        word = words.pop(0)
        if word in ROLES:
            role = word
        elif word in KINDS:
            kind = word
        elif word == "below" and words:
            below = words.pop(0)
        elif word != "optional":
            raise fail(f"{word!r} is no role ({', '.join(ROLES)}) and no kind ({', '.join(KINDS)})")
    bounds = _WITHIN.search(cell) if kind == "integer" else None
    within = tuple(range(int(bounds[1]), int(bounds[2]) + 1)) if bounds else ()
    if kind == "integer" and ", -1 or 1" in cell:
        within = (-1, 1)
    return Row(tex, name, slots, shape[1] or "", role, kind, below, within)


@dataclass(frozen=True)
class Symbols:
    """The table."""

    rows: tuple[Row, ...]
    along: tuple[tuple[str, str], ...] = ()  # index, axis
    sized: frozenset[str] = frozenset()  # axes whose length is an equation of the page

    @staticmethod
    def read(cells: Iterable[tuple[str, str, str]], sized: Iterable[str] = ()) -> Symbols:
        """From (TeX, code name, shape and meaning); ``sized`` axes have an equation. Raises PageError."""
        rows: list[Row] = []
        along: list[tuple[str, str]] = []
        for tex, name, cell in cells:
            if cell.split()[:2] == ["index", "along"]:
                along.append((tex.strip(), cell.split()[2].rstrip(";:,")))
                continue
            new = row(tex.strip(), name.strip(), cell)
            if any(tokens(r.tex) == tokens(new.tex) for r in rows):
                raise PageError(f"symbol table: {tex} stands for both {name!r} and another row's name")
            if not tokens(tex):
                raise PageError(f"symbol table: no TeX symbol for {name!r}")
            if tokens(tex)[0] != r"\overline":
                rows.append(new)
        lists = {r.sequence for r in rows if r.sequence}
        rows = [
            replace(r, sequence=r.slots[0][0], slots=r.slots[1:])
            if not r.sequence and r.slots and r.slots[0][0] in lists and len(r.slots[0]) == 1
            else r
            for r in rows
        ]
        return Symbols(tuple(rows), tuple(along), frozenset(sized))

    @cached_property
    def by_name(self) -> Mapping[str, Row]:
        return {r.name: r for r in self.rows if not self.size_axis(r)}

    @cached_property
    def by_tokens(self) -> Mapping[tuple[str, ...], Row]:
        return {tokens(r.tex): r for r in self.rows if not self.size_axis(r)}

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Token counts of symbols, the longest first."""
        return tuple(sorted({len(t) for t in self.by_tokens}, reverse=True))

    @cached_property
    def axes(self) -> frozenset[str]:
        """Letters that name an axis."""
        return (
            self.sized
            | frozenset(a for r in self.rows for a in r.axes)
            | {a for r in self.rows if (a := self.size_axis(r))}
        )

    def axis(self, index: str) -> str:
        """The axis that an index runs along where its place does not say: i2 runs along i."""
        declared = dict(self.along).get(index)
        if declared or index in self.axes:
            return declared or index
        return index.rstrip("0123456789")

    @staticmethod
    def size_axis(r: Row) -> str:
        """For a row with the symbol N_{i}, the axis i; else ""."""
        t = tokens(r.tex)
        return t[3] if r.option and len(t) == 5 and t[:3] == ("N", "_", "{") else ""
