"""A parser of the formulas in prose: matrices, vectors, layers and elements as textbooks write them.

A formula is read with the names that its page declares: whether `f(x)` is a value or a product, and `d_{in}` a symbol
or an element, is for them to say. What is read is a function of the open indices, so that a statement about a layer l
is executed for every l. Nothing is guessed: `a / b c` is refused, and so is a symbol that is not declared.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from itertools import product as combinations
from typing import Any

import numpy as np

from tests.page.prose.statement import EQUAL, RELATIONS, At, Meaning, Statement, key
from tests.page.prose.symbols import Reader
from tests.page.prose.values import Outside, Row, Space, entrywise, product


class Parser(Reader):
    """One formula and what its symbols are."""

    # ---- statements ------------------------------------------------------------------------------------------------

    def statements(self) -> Iterator[Statement]:
        """The statements of a formula: lines of an aligned display are one each."""
        before: tuple[Meaning, str] | None = None
        while True:
            self.open = []
            sides: list[Meaning] = []
            texts: list[str] = []
            relations: list[str] = []
            self.maybe("&")
            if self.now in (*RELATIONS, *EQUAL) and before:
                sides, texts = [before[0]], [before[1]]
                relations.append(self.take())
            while True:
                start = self.at
                sides.append(self.sum())
                texts.append(" ".join(t.text for t in self.tokens[start : self.at]))
                self.maybe("&")
                if self.now not in (*RELATIONS, *EQUAL):
                    break
                relations.append(self.take())
                self.maybe("&")
                if relations[-1] == r"\leftarrow":
                    sides[-1] = self.after(texts[-1])
            before = sides[-1], texts[-1]
            yield Statement(tuple(sides), tuple(relations), tuple(texts), tuple(dict.fromkeys(self.open)), self.ranges)
            if not self.now:
                return
            if not self.maybe(",", r"\\"):
                raise self.fail("not read to the end")
            if not self.now:
                return

    def after(self, symbol: str) -> Meaning:
        """What a symbol is worth once it has been assigned to."""
        if (value := self.names.get("after" + symbol)) is None:
            raise self.fail(f"after {symbol} is not declared")
        return lambda at: value

    # ---- expressions -----------------------------------------------------------------------------------------------

    def sum(self) -> Meaning:
        sign = self.maybe("-", "+")
        found = self.term()
        if sign == "-":
            found = (lambda f: lambda at: -f(at))(found)
        while now := self.maybe("+", "-"):
            found = both(found, self.term(), operator.add if now == "+" else operator.sub)
        return found

    def term(self) -> Meaning:
        found = self.quotient()
        while self.maybe(r"\odot"):
            found = both(found, self.quotient(), operator.mul)
        return found

    def quotient(self) -> Meaning:
        found = self.product()
        while now := self.maybe("/", r"\cdot", r"\times"):
            if now != "/":
                found = times(found, self.product())
                continue
            found = both(found, self.factor(), operator.truediv)
            if self.starts():
                raise self.fail("a quotient times what? put brackets")
        return found

    def product(self) -> Meaning:
        found = self.factor()
        while self.starts():
            found = times(found, self.factor())
        return found

    def factor(self) -> Meaning:
        found = self.atom()
        while True:
            if not self.maybe("^"):
                return found
            start, end = self.group()
            if [t.text for t in self.tokens[start:end]] in (["T"], [r"\top"]):
                found = (lambda f: lambda at: np.transpose(matrix(f(at))))(found)
            else:
                found = power(found, self.inside(start, end))

    def atom(self) -> Meaning:
        now = self.now
        if re.fullmatch(r"\d+(\.\d+)?", now):
            number = float(self.take())
            return lambda at: number
        if now in ("(", "["):
            return self.brackets()
        if now in (r"\vert", "|", r"\Vert"):
            self.take()
            self.bars += 1
            inner = self.sum()
            self.bars -= 1
            self.take(now)
            return (
                (lambda at: np.sqrt(np.sum(np.square(inner(at))))) if now == r"\Vert" else (lambda at: abs(inner(at)))
            )
        if now in (r"\sum", r"\prod") or (now in (r"\max", r"\min") and self.tokens[self.at + 1 : self.at + 2] != []
                                          and self.tokens[self.at + 1].text == "_"):  # fmt: skip
            return self.reduction()
        if now == r"\frac" and self.partial_fraction():
            return self.symbol()
        if now == r"\frac":
            self.take()
            over, under = self.inside(*self.group()), self.inside(*self.group())
            return both(over, under, operator.truediv)
        if now == r"\sqrt":
            self.take()
            inner = self.inside(*self.group())
            return lambda at: np.sqrt(inner(at))
        if now.startswith(r"\begin"):
            return self.environment()
        if now == r"\mathbb{R}":
            return self.space()
        if now == r"\infty":
            self.take()
            return lambda at: np.inf
        return self.symbol()

    def brackets(self) -> Meaning:
        left = self.take()
        bars, self.bars = self.bars, 0
        items = [self.sum()]
        while self.maybe(","):
            items.append(self.sum())
        self.bars = bars
        right = self.maybe(")", "]")
        if not right:
            raise self.fail("a bracket is not closed")
        if len(items) == 1:
            if left + right not in ("()", "[]"):
                raise self.fail("another bracket closes than opened")
            return items[0]
        return lambda at: Row(left, tuple(i(at) for i in items), right)

    def reduction(self) -> Meaning:
        does = {r"\sum": sum, r"\prod": np.prod, r"\max": max, r"\min": min}[self.take()]
        self.take("_")
        start, end = self.group()
        under = [t.text for t in self.tokens[start:end]]
        low: Meaning | None = None
        if "=" in under:
            low = self.inside(start + under.index("=") + 1, end)
            under = under[: under.index("=")]
        high = self.inside(*self.group()) if self.maybe("^") else None
        indices = [i for i in under if i != ","]
        for i in indices:
            if i not in self.ranges:
                raise self.fail(f"{i} is no index of this page")
        self.bound.extend(indices)
        body = self.term()
        del self.bound[-len(indices) :]

        def value(at: At) -> Any:
            if low is not None and high is not None:
                over: list[Sequence[int]] = [range(int(low(at)), int(high(at)) + 1)]
            else:
                over = [self.ranges[i] for i in indices]
            found = []
            for chosen in combinations(*over):
                try:
                    found.append(body({**at, **dict(zip(indices, chosen, strict=True))}))
                except Outside:
                    continue
            if not found:
                raise Outside("a sum of nothing")
            return does(found)

        return value

    def environment(self) -> Meaning:
        kind = self.take().removeprefix(r"\begin")
        rows: list[list[Meaning]] = [[]]
        conditions: list[Any] = []
        while self.now != rf"\end{kind}":
            if self.maybe(r"\\"):
                rows.append([])
            elif not self.maybe("&", ","):
                if kind == "{cases}" and rows[-1]:
                    conditions.append(self.condition())
                else:
                    rows[-1].append(self.sum())
        self.take()
        if kind == "{cases}":
            if len(rows) != len(conditions):
                raise self.fail("a case without a condition")
            return lambda at: np.select(
                [np.asarray(True if c is None else c(at)) for c in conditions], [r[0](at) for r in rows]
            )
        return lambda at: np.array([[float(np.squeeze(cell(at))) for cell in r] for r in rows if r])

    def condition(self) -> Meaning | None:
        if self.now.startswith(r"\text"):
            said = self.take().removeprefix(r"\text{").strip("} ")
            if said in ("otherwise", "else"):
                return None
            if said not in ("if", "for", "where"):
                raise self.fail("if, for, where or otherwise")
        left, relation, right = self.sum(), self.take(), self.sum()
        if relation not in (*RELATIONS, "="):
            raise self.fail("no condition")
        does = RELATIONS.get(relation, operator.eq)
        return lambda at: does(left(at), right(at))

    def space(self) -> Meaning:
        self.take()
        self.take("^")
        start, end = self.group()
        cuts = [start - 1, *(n for n in range(start, end) if self.tokens[n].text == r"\times"), end]
        sizes = [self.inside(a + 1, b) for a, b in pairwise(cuts)]
        return lambda at: Space(tuple(int(s(at)) for s in sizes))


def matrix(value: Any) -> Any:
    value = value.column() if isinstance(value, Row) else value
    if np.ndim(value) == 1:
        raise ValueError("only a matrix or a vector can be transposed")
    return value


def both(a: Meaning, b: Meaning, does: Callable[[Any, Any], Any]) -> Meaning:
    return lambda at: entrywise(a(at), b(at), does)


def times(a: Meaning, b: Meaning) -> Meaning:
    return lambda at: product(a(at), b(at))


def power(base: Meaning, exponent: Meaning) -> Meaning:
    def value(at: At) -> Any:
        b, e = base(at), exponent(at)
        if np.ndim(b) == 2 and np.size(b) > 1:
            raise ValueError("a power of a matrix")
        return b**e

    return value


def statements(tex: str, names: Mapping[str, Any], ranges: Mapping[str, Sequence[int]]) -> list[Statement]:
    """What a formula says, with the names of its page. Raises DialectError."""
    plain = re.sub(r"\\(?:begin|end)\{(?:aligned|align\*?|split)\}|\\(?:qquad|quad)", " ", tex)
    return list(Parser(plain, {key(k): v for k, v in names.items()}, ranges).statements())
