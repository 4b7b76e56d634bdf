"""Inputs for a layer, made from its page's own symbol table: nothing is known about a layer by name.

Every axis letter gets a size, different ones where they can be, or in a small trial mostly 1; values are
normal deviates, or in a trial with ties small integers, so that kinks, equal maxima and zeros occur; both also
around the numbers and options that equations compare with, and in a trial with ties these themselves. Where a
draw has no value (a logarithm of a negative number, a window larger than the image), another is drawn, in the
end with positive values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.page.symbols import Row, Symbols
from tests.page.tree import Call, Compare, Equation, Int, Ref, Size, walk

POOL = (2, 3, 4, 5, 6, 7)
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "gelu", "identity")
ENTRIES = 3  # arrays in a list
LARGEST = 300  # elements of all arguments together
MOST = 20  # that an element is compared with


def arguments(symbols: Symbols, equations: Sequence[Equation]) -> list[Row]:
    """The kernel's tensors: rows that no equation defines."""
    defined = {e.key for e in equations}
    return [r for r in symbols.by_name.values() if r.role in ("input", "state") and r.name not in defined]


def pointed(row: Row, symbols: Symbols, equations: Sequence[Equation]) -> str:
    """The axis into which an integer tensor points: by the table, or by its place as an index."""
    if row.below:
        return row.below
    for equation in equations:
        for node in walk(equation.right):
            if isinstance(node, Ref):
                for axis, index in zip(symbols.by_name[node.name].axes, node.index, strict=True):
                    if isinstance(index, Ref) and index.name == row.name:
                        return axis
    return ""


def together(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a kernel takes them: ``stride[0]`` and ``stride[1]``, each a row of its own, as one tuple."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(n.partition("[")[0] for n in options):
        of = {n: v for n, v in options.items() if n.partition("[")[0] == name}
        places = {tuple(map(int, n.partition("[")[2].rstrip("]").split(", "))): v for n, v in of.items() if n != name}
        found[name] = of[name] if name in of else nested(places)
    return found


def nested(places: Mapping[tuple[int, ...], Any]) -> Any:
    """Numbers by their places, in tuples inside one another."""
    if () in places:
        return places[()]
    return tuple(nested({p[1:]: v for p, v in places.items() if p[0] == n}) for n in sorted({p[0] for p in places}))


def compared(equations: Sequence[Equation], options: Mapping[str, Any]) -> list[float]:
    """The numbers, and values of options, that stand in comparisons and maxima with elements; both signs."""
    found: set[float] = set()
    for node in (n for e in equations for n in walk(e.right)):
        if isinstance(node, Compare) or (isinstance(node, Call) and node.fn == "max"):
            inside = list(walk(node))
            if any(isinstance(n, Ref) and n.index for n in inside):
                found |= {float(n.value) for n in inside if isinstance(n, Int)}
                given = (options.get(n.name) for n in inside if isinstance(n, Ref))
                found |= {v for v in given if isinstance(v, float)}
    return sorted({v for n in found if 0 < abs(n) <= MOST for v in (n, -n)})


class Draw:
    """One draw of sizes, options and values.

    Attributes:
        tensors: the kernel's arguments by code name, in order; a list for a list, None for what is left out.
        options: the values of the rows that are options; see together.
    """

    def __init__(
        self,
        symbols: Symbols,
        equations: Sequence[Equation],
        choice: dict[str, Any],
        seed: int,
        ties: bool = False,
        small: bool = False,
        positive: bool = False,
    ) -> None:
        self.symbols, self.equations = symbols, equations
        self.rng = np.random.default_rng(seed)
        self.ties, self.small, self.positive = ties, small, positive
        self.entries = int(self.rng.integers(1, 3)) if small else ENTRIES
        self.rows = arguments(symbols, equations)
        self.left_out = {name for name, value in choice.items() if value is None}
        self.options = {k: v for k, v in choice.items() if v is not None} | {
            r.name: self.option(r) for r in symbols.rows if r.option and r.name not in choice and self.passed(r)
        }
        self.marks = compared(equations, self.options)
        while True:
            self.sizes = self.draw_sizes()
            self.tensors = {r.name: None if r.name in self.left_out else self.tensor(r) for r in self.rows}
            if (
                sum(np.asarray(a).size for t in self.tensors.values() for a in (t if isinstance(t, list) else [t]))
                < LARGEST
            ):
                break

    @staticmethod
    def passed(row: Row) -> bool:
        return row.kind not in ("axis", "choice") and not row.name.endswith("'")

    def option(self, row: Row) -> Any:
        match row.kind:
            case "count":
                return int(self.rng.choice([1, 2, 2, 3]))
            case "natural":
                return int(self.rng.integers(0, 3))
            case "integer":
                return int(self.rng.integers(-1, 2))
            case "boolean":
                return bool(self.rng.integers(2))
            case "function":
                return str(self.rng.choice(ACTIVATIONS))
            case "real":
                drawn = float(self.rng.normal())
                if self.ties:
                    drawn = math.copysign(1 + (abs(drawn) > 1), drawn)
                # in small trials of any sign; else the ends of an interval in order
                return drawn if self.small else math.copysign(drawn, float(row.default or drawn))
        if row.kind == "probability":
            return float(self.rng.uniform(0.2, 0.9))
        if self.ties:
            return float(self.rng.integers(1, 3))
        return float(self.rng.uniform(0.2, 0.9) if self.rng.random() < 0.6 else self.rng.uniform(5, 20))

    def draw_sizes(self) -> dict[str, int]:
        letters = list(dict.fromkeys(a for r in self.rows for a in r.axes if not a.isdigit()))
        pool = (
            ([1, 2, 1, 2, 1] if self.ties else [1, 1, 1, 1, 2])
            if self.small
            else list(POOL)
            if len(letters) <= 4
            else [1, 2, 2, 3, 3, 5, 6, 7]
        )
        sizes = self.rng.permutation([pool[n % len(pool)] for n in range(max(len(letters), len(pool)))])
        found = {a: int(n) for a, n in zip(letters, sizes, strict=False)}
        for row in self.symbols.rows:
            if axis := self.symbols.size_axis(row):
                found[axis] = self.options[row.name]
        for equation in self.equations:  # N_{g} = groups, N_{g} = 4, N_{m} = N_{n}
            if isinstance(equation.left, Size) and equation.left.axis in found:
                match equation.right:
                    case Int(value):
                        found[equation.left.axis] = value
                    case Ref(name, "", ()) if name in self.options:
                        found[equation.left.axis] = self.options[name]
                    case Size(other) if other in found:
                        found[equation.left.axis] = found[other]
        for r in self.rows:
            if r.sequence:
                found[r.sequence] = self.entries
        widths = self.rng.permutation(POOL)[: self.entries + 1]
        self.ragged: dict[str, list[int]] = {}
        for r in self.rows:
            if r.sequence and len(r.inner) == 2 and "..." not in r.inner:
                second, first = r.inner
                self.ragged |= {second: [int(w) for w in widths[1:]], first: [int(w) for w in widths[:-1]]}
                found[first] = int(widths[0])
        self.shapes = [
            tuple(int(n) for n in self.rng.integers(1, 2 if self.small else 4, size=self.rng.integers(1, 4)))
            for _ in range(self.entries)
        ]
        return found

    def shape(self, row: Row, entry: int | None = None) -> tuple[int, ...]:
        shape: list[int] = []
        for slot in row.slots:
            if slot == ("...",):
                shape += self.shapes[entry] if entry is not None else [self.sizes["..."]]
                continue
            length = 1
            for part in slot:
                if part.isdigit():
                    length *= int(part)
                else:
                    length *= (
                        self.ragged[part][entry] if entry is not None and part in self.ragged else self.sizes[part]
                    )
            shape.append(length)
        return tuple(shape)

    def tensor(self, row: Row) -> Any:
        if row.sequence:
            return [self.values(row, self.shape(row, n)) for n in range(self.entries)]
        return self.values(row, self.shape(row))

    def values(self, row: Row, shape: tuple[int, ...]) -> np.ndarray:
        rng = self.rng
        match row.kind:
            case "boolean":
                return rng.random(shape) < 0.6
            case "integer":
                if row.within:
                    return rng.choice(row.within, shape)
                axis = pointed(row, self.symbols, self.equations)
                return rng.integers(0, self.sizes[axis] if axis else 3, shape)
            case "binary":
                return rng.integers(0, 2, shape).astype(float)
            case "probability":
                return rng.choice([0.25, 0.5, 1.0], shape) if self.ties else rng.uniform(0.05, 0.95, shape)
        if self.positive or row.kind in ("positive", "nonnegative"):
            return rng.integers(1, 4, shape).astype(float) if self.ties else np.exp(rng.normal(size=shape))
        if not self.marks:
            return rng.integers(-2, 3, shape).astype(float) if self.ties else rng.normal(size=shape)
        if self.ties:
            beside = (m + d for m in self.marks for d in (-0.5, 0.5))
            return rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0, *self.marks, *beside], shape)
        return rng.normal(size=shape) + rng.choice([0.0, 0.0, *self.marks], shape)

    def cotangent(self, like: Any) -> Any:
        """A random cotangent in the shape of an output."""
        if isinstance(like, list):
            return [self.cotangent(a) for a in like]
        return self.rng.normal(size=np.shape(like))
