"""Reading a formula token by token, and what its symbols are: names with marks, functions of something, derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tests.page.dialect import DialectError
from tests.page.prose.statement import EQUAL, RELATIONS, At, Meaning, split
from tests.page.prose.values import Outside, Row

FUNCTIONS: dict[str, Callable[..., Any]] = {
    r"\exp": np.exp, r"\log": np.log, r"\ln": np.log, r"\tanh": np.tanh, r"\cosh": np.cosh, r"\sinh": np.sinh,
    r"\max": np.maximum, r"\min": np.minimum, r"\sqrt": np.sqrt, r"\operatorname{sign}": np.sign,
}  # fmt: skip
ACCENTS = (r"\overline", r"\hat", r"\bar", r"\tilde", r"\dot", r"\mathbf")
STOPS = {
    "+", "-", ",", ")", "]", "}", "&", r"\\", r"\odot", "/", r"\cdot", r"\times", r"\pm", *RELATIONS, *EQUAL,
}  # fmt: skip


@dataclass
class Reader:
    """One formula and what its symbols are."""

    tex: str
    names: Mapping[str, Any]
    ranges: Mapping[str, Sequence[int]]
    at: int = 0
    bound: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    bars: int = 0

    def __post_init__(self) -> None:
        self.tokens = split(self.tex)

    # ---- tokens ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def fail(self, why: str) -> DialectError:
        return DialectError(self.tex, self.tokens[self.at].at if self.at < len(self.tokens) else len(self.tex), why)

    def take(self, text: str = "") -> str:
        if not self.now or (text and self.now != text):
            raise self.fail(f"expected {text or 'more'}")
        self.at += 1
        return self.tokens[self.at - 1].text

    def maybe(self, *texts: str) -> str:
        return self.take() if self.now and self.now in texts else ""

    def group(self) -> tuple[int, int]:
        """Where the tokens of an argument are: between braces, or one. Steps over it."""
        if not self.maybe("{"):
            self.take()
            return self.at - 1, self.at
        start, depth = self.at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
        return start, self.at - 1

    def inside(self, start: int, end: int) -> Meaning:
        """Read the tokens of a group as an expression."""
        inner = type(self)(self.tex, self.names, self.ranges, bound=self.bound, open=self.open)
        inner.tokens = self.tokens[start:end]
        found = inner.sum()
        if inner.now:
            raise inner.fail("not read to the end")
        return found

    def sum(self) -> Meaning:
        raise NotImplementedError

    def factor(self) -> Meaning:
        raise NotImplementedError

    def brackets(self) -> Meaning:
        raise NotImplementedError

    # ---- symbols ---------------------------------------------------------------------------------------------------

    def starts(self) -> bool:
        closing = self.now in (r"\vert", "|", r"\Vert") and self.bars
        return bool(self.now) and self.now not in STOPS and not closing and not self.now.startswith(r"\end")

    def partial_fraction(self) -> bool:
        ahead = [t.text for t in self.tokens[self.at : self.at + 3]]
        return ahead == [r"\frac", "{", r"\partial"]

    def base(self) -> str:
        """A symbol without what stands behind it."""
        if self.now in ACCENTS:
            accent = self.take()
            start, end = self.group()
            return accent + "".join(t.text for t in self.tokens[start:end] if t.text not in "{}")
        name = self.take()
        if name in "{}_^&'!*:" or name in STOPS:
            self.at -= 1
            raise self.fail("a value is missing")
        while self.now == "'":
            name += self.take()
        return name

    def one_of_a_derivative(self, marks: list[tuple[str, int, int]]) -> str:
        """`\\partial h_i`: the name, its marks kept."""
        self.take(r"\partial")
        name = self.base()
        while self.now in ("_", "^"):
            name = self.marked(name, marks)
        return name

    def marked(self, name: str, marks: list[tuple[str, int, int]]) -> str:
        """A subscript or superscript: part of the name where there is such a name, else a mark."""
        where = self.take()
        start, end = self.group()
        longer = name + where + "".join(t.text for t in self.tokens[start:end] if t.text not in "{}")
        parts = {side.removeprefix(r"\partial") for name in self.names for side in name.split("/")}
        if where == "_" and longer in parts:
            return longer
        marks.append((where, start, end))
        return name

    def derivative(self, marks: list[tuple[str, int, int]]) -> str:
        if self.maybe(r"\nabla"):
            self.take("_")
            below: list[tuple[str, int, int]] = []
            start, end = self.group()
            inner = type(self)(self.tex, self.names, self.ranges)
            inner.tokens = self.tokens[:end]
            inner.at = start
            name = inner.base()
            while inner.now in ("_", "^"):
                name = inner.marked(name, below)
            over = self.base()
            marks += below
            return rf"\partial{over}/\partial{name}"
        fraction = bool(self.maybe(r"\frac"))
        above: list[tuple[str, int, int]] = []
        below = []
        if fraction:
            self.take("{")
        over = self.one_of_a_derivative(above)
        if fraction:
            self.take("}")
            self.take("{")
        else:
            self.take("/")
        under = self.one_of_a_derivative(below)
        if fraction:
            self.take("}")
        families = [m for m in above if m[0] == "^"] if not [m for m in below if m[0] == "^"] else []
        marks += [*families, *(m for m in above if m[0] == "_"), *below]
        return rf"\partial{over}/\partial{under}"

    def symbol(self) -> Meaning:
        marks: list[tuple[str, int, int]] = []
        begin = self.at
        derived = self.now in (r"\partial", r"\nabla") or self.partial_fraction()
        name = self.derivative(marks) if derived else self.base()
        while not derived and self.now in ("_", "^"):
            if self.now == "^" and not self.is_layer(name):
                break
            name = self.marked(name, marks)
        if name in self.names:
            value = self.names[name]
        elif name in self.ranges and not marks:
            return self.index(name)
        elif name in FUNCTIONS:
            value = FUNCTIONS[name]
        elif name == "e":
            value = np.e
        elif name == r"\pi":
            value = np.pi
        else:
            self.at = begin
            raise self.fail(f"{name} is not declared")
        return self.called(name, value) if callable(value) else self.element(value, marks)

    def is_layer(self, name: str) -> bool:
        """Whether a superscript is in brackets, behind what there is one of for each layer."""
        ahead = [t.text for t in self.tokens[self.at + 1 : self.at + 3]]
        return ahead == ["{", "("] and isinstance(self.names.get(name), Mapping)

    def index(self, name: str) -> Meaning:
        if name not in self.bound:
            self.open.append(name)
        return lambda at: at[name]

    def called(self, name: str, function: Callable[..., Any]) -> Meaning:
        power_: Meaning | None = None
        if self.now == "^":
            self.take()
            power_ = self.inside(*self.group())
        if self.now in ("(", "["):
            start = self.at
            argument = self.brackets()
            if self.tokens[start].text + self.tokens[self.at - 1].text not in ("()", "[]"):
                raise self.fail("another bracket closes than opened")
        elif (
            name.startswith("\\")
            and (name in FUNCTIONS or name.startswith((r"\mathrm", r"\operatorname")))
            and self.starts()
        ):
            argument = self.factor()
        elif power_ is None:
            return lambda at: function
        else:
            raise self.fail("a function of what?")

        def value(at: At) -> Any:
            given = argument(at)
            found = function(*map(np.asarray, given.items)) if isinstance(given, Row) else function(np.asarray(given))
            return found if power_ is None else found ** power_(at)

        return value

    def element(self, value: Any, marks: list[tuple[str, int, int]]) -> Meaning:
        layers: list[Meaning] = []
        elements: list[Meaning] = []
        for where, start, end in marks:
            texts = [t.text for t in self.tokens[start:end]]
            if where == "^" or (isinstance(value, Mapping) and not any(w == "^" for w, _, _ in marks) and not layers):
                layers.append(self.inside(start, end))
                continue
            alone = texts[0] if len(texts) == 1 else ""
            if alone.isdigit() and np.ndim(one_of(value)) == len(alone) > 1:  # W_{31}
                elements += map(constant, alone)
                continue
            cuts = [n for n in range(start, end) if self.tokens[n].text == ","]
            if not cuts and all(re.fullmatch(r"[A-Za-z]|\d", t) for t in texts):
                elements += [self.inside(n, n + 1) for n in range(start, end)]
            else:
                edges = [start - 1, *cuts, end]
                elements += [self.inside(a + 1, b) for a, b in pairwise(edges)]
        if isinstance(value, Mapping) and not marks:
            return lambda at: value
        if len(layers) != isinstance(value, Mapping):
            raise self.fail("of which layer?" if not layers else "there is one of it, not one for each layer")

        def found(at: At) -> Any:
            one = value
            for layer in layers:
                if (number := int(layer(at))) not in one:
                    raise Outside(f"layer {number}")
                one = one[number]
            if not elements:
                return one
            place = [int(e(at)) - 1 for e in elements]
            array = one[:, 0] if np.ndim(one) == 2 and len(place) == 1 and one.shape[1] == 1 else np.asarray(one)
            if len(place) != array.ndim or any(not 0 <= p < n for p, n in zip(place, array.shape, strict=True)):
                raise Outside("an element that there is not")
            return array[tuple(place)]

        return found


def one_of(value: Any) -> Any:
    """A value, or that of one layer."""
    return next(iter(value.values())) if isinstance(value, Mapping) else value


def constant(digit: str) -> Meaning:
    return lambda at: int(digit)
