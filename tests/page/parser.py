r"""A strict recursive-descent parser of the pages' TeX dialect. Whatever is outside the dialect is a
DialectError.

    equation  := reference "=" sum | N_{axis} "=" sum
    sum       := ["-"] term (("+" | "-") term)*
    term      := factor* (factor | reduction)         juxtaposition is multiplication
    reduction := (\sum | \max | \operatorname{argmax}) _{index, ...} term
    factor    := atom ["^" {sum}]
    atom      := integer | \pi | \infty | index | N_{axis} | symbol [_{sum, ...}]
               | \left( sum \right) | \left| sum \right| | \left\lfloor sum \right\rfloor | \left[ condition
               \right] | function symbol \left( sum \right) | \frac{sum}{sum} | \sqrt{sum} | function \left(
               sum, ... \right) | \begin{cases} sum & \text{if } condition \\ ... \\ sum & \text{otherwise}
               \end{cases}
    condition := conjunction (\lor conjunction)*      conjunction := negation (\land negation)*
    negation  := \lnot negation | \left( condition \right) | sum (= | \ne | < | \le | > | \ge) sum | atom

A symbol is what the page's table lists, the longest match first; \overline{symbol} is its adjoint,
\dot{symbol} its tangent. An index is a letter, a Greek letter, \mathrm{name} or \ast (the leading
multi-index), with a number below it where one letter is used twice. Indices are those of the left-hand side
and those bound by a reduction; binding one twice is an error, and so is using one that is neither.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.page.dialect import (
    ACCENTS,
    COMPARISONS,
    CONSTANTS,
    FENCES,
    REDUCTIONS,
    DialectError,
    function,
)
from tests.page.names import Names
from tests.page.symbols import Symbols
from tests.page.tree import (
    Abs,
    Add,
    And,
    Call,
    Cases,
    Compare,
    Const,
    Equation,
    Floor,
    Frac,
    Index,
    Int,
    Iverson,
    Mul,
    Neg,
    Node,
    Not,
    Or,
    Pow,
    Reduce,
    Ref,
    Sqrt,
)  # fmt: skip


def parse(tex: str, symbols: Symbols) -> Equation:
    """Parse one display equation. Raises DialectError."""
    return _Parser(tex, symbols).equation()


def relation(tex: str, symbols: Symbols, scope: Sequence[str], sign: Sequence[str] = ("=",)) -> tuple[Node, Node]:
    """Two expressions in indices that the words around them bind, and a sign between. Raises DialectError."""
    parser = _Parser(tex, symbols, scope)
    left = parser.sum()
    parser.take(*sign)
    return left, parser.whole()


def expression(tex: str, symbols: Symbols, scope: Sequence[str]) -> Node:
    """An expression in indices that the words around it bind. Raises DialectError."""
    return _Parser(tex, symbols, scope).whole()


def index_list(tex: str, symbols: Symbols) -> tuple[str, ...]:
    """Indices with commas between them, each once. Raises DialectError."""
    return _Parser(tex, symbols).indices()


class _Parser(Names):
    # equations

    def equation(self) -> Equation:
        start = self.at
        left: Node
        if self.peek() == "N" and self.peek(1) == "_":
            left = self.size(new=True)
        else:
            matched = self.symbol()
            if matched is None:
                raise self.fail("an equation begins with a symbol of the table")
            row, accent = matched
            if row.option:
                raise self.fail(f"{row.name} is an option: it has no equation", start)
            left = Ref(row.name, accent, self.subscript(row, left=True))
        self.take("=")
        return Equation(left, self.whole())

    def whole(self) -> Node:
        """An expression and nothing after it."""
        found = self.sum()
        if self.at < len(self.tokens):
            raise self.fail(f"unexpected {self.peek()}")
        return found

    def indices(self) -> tuple[str, ...]:
        while True:
            start = self.at
            name = self.index_name()
            if name is None:
                raise self.fail(f"expected an index, found {self.peek() or 'the end'}")
            self.bind(name, start)
            self.scope.append(name)
            if not self.accept(","):
                break
        if self.at < len(self.tokens):
            raise self.fail(f"unexpected {self.peek()}")
        return tuple(self.scope)

    # expressions

    def sum(self) -> Node:
        terms = [Neg(self.term()) if self.accept("-") else self.term()]
        while self.peek() in ("+", "-"):
            terms.append(Neg(self.term()) if self.take(self.peek()) == "-" else self.term())
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def term(self) -> Node:
        factors: list[Node] = []
        while True:
            start = self.at
            if self.peek() in REDUCTIONS and self.peek(1) == "_":
                factors.append(self.reduction())
                break
            factor = self.factor()
            if factor is None:
                break
            if isinstance(factor, Int) and factors and isinstance(factors[-1], Int):
                raise self.fail("a number next to a number", start)
            factors.append(factor)
        if not factors:
            raise self.fail(f"expected an expression, found {self.peek() or 'the end'}")
        return factors[0] if len(factors) == 1 else Mul(tuple(factors))

    def reduction(self) -> Reduce:
        op = REDUCTIONS[self.take(self.peek())]
        self.take("_", "{")
        over: list[str] = []
        while True:
            start = self.at
            name = self.index_name()
            if name is None:
                raise self.fail(f"expected an index, found {self.peek()}")
            self.bind(name, start, over)
            over.append(name)
            if not self.accept(","):
                break
        self.take("}")
        self.scope += over
        body = self.term()
        del self.scope[len(self.scope) - len(over) :]
        return Reduce(op, tuple(over), body)

    def factor(self) -> Node | None:
        start = self.at
        base = self.atom()
        if base is None or not self.accept("^"):
            return base
        first = self.tokens[start].text
        if (
            first != r"\left"
            and isinstance(base, Ref)
            and not base.accent
            and "^" in self.symbols.by_name[base.name].tex
        ):
            raise self.fail("a second superscript; put the symbol in parentheses", start)
        if first in (r"\frac", r"\begin{cases}"):
            raise self.fail("the base of a power must be in parentheses", start)
        return Pow(base, self.braces())

    def braces(self) -> Node:
        self.take("{")
        inside = self.sum()
        self.take("}")
        return inside

    def atom(self) -> Node | None:
        text, start = self.peek(), self.at
        if text.isdigit():
            self.at += 1
            return Int(int(text))
        if text in CONSTANTS:
            self.at += 1
            return Const(CONSTANTS[text])
        if text == r"\left":
            return self.fence()
        if text == r"\frac":
            self.at += 1
            return Frac(self.braces(), self.braces())
        if text == r"\sqrt":
            self.at += 1
            return Sqrt(self.braces())
        if text == r"\begin{cases}":
            return self.cases()
        if function(text) and self.peek(1) == r"\left":
            return self.call()
        matched = self.symbol()
        if matched:
            row, accent = matched
            if row.kind == "function":
                if self.peek() != r"\left":
                    raise self.fail(f"{row.name} is a function: an argument in parentheses follows")
                return Call(row.name, self.arguments(row.name, 1))
            if self.peek() == "_" or not row.axes:
                return Ref(row.name, accent, self.subscript(row))
            single = self.at - start == 1
            self.at = start
            if not single or text not in self.scope:
                raise self.fail(f"{row.name} takes {len(row.axes)} indices, none given")
        elif text == "N" and self.peek(1) == "_":
            return self.size()
        name = self.index_name()
        if name is None:
            if text in ACCENTS or text == r"\hat" or (text.startswith("\\") and self.starts_unknown(text)):
                raise self.fail(f"{text} is no symbol of the table and not in the dialect")
            return None
        if name not in self.scope:
            raise self.fail(f"{name} is no symbol of the table, and as an index it is not bound here", start)
        return Index(name)

    @staticmethod
    def starts_unknown(text: str) -> bool:
        known = {
            r"\right",
            r"\mathrel{+}",
            r"\\",
            r"\land",
            r"\lor",
            r"\lnot",
            r"\rfloor",
            r"\end{cases}",
            *COMPARISONS,
        }
        return text not in known

    def fence(self) -> Node:
        self.take(r"\left")
        start, opening = self.at, self.peek()
        closing = dict(FENCES).get(opening)
        if closing is None:
            raise self.fail(f"\\left{opening} is not in the dialect", start)
        self.at += 1
        inside = self.condition() if opening == "[" else self.sum()
        self.take(r"\right", closing)
        if opening == "[":
            return Iverson(inside)
        return Abs(inside) if opening == "|" else Floor(inside) if opening == r"\lfloor" else inside

    def call(self) -> Call:
        found = function(self.peek())
        assert found is not None
        fn, arity = found
        self.at += 1
        return Call(fn, self.arguments(fn, arity))

    def arguments(self, fn: str, arity: int) -> tuple[Node, ...]:
        start = self.at
        self.take(r"\left", "(")
        args = [self.sum()]
        while self.accept(","):
            args.append(self.sum())
        self.take(r"\right", ")")
        if arity and len(args) != arity:
            raise self.fail(f"{fn} takes {arity} arguments, {len(args)} given", start)
        return tuple(args)

    def cases(self) -> Cases:
        self.take(r"\begin{cases}")
        rows: list[tuple[Node, Node]] = []
        while True:
            value = self.sum()
            self.take("&")
            word = " ".join(self.peek().removeprefix(r"\text").strip("{} ").split())
            if not self.peek().startswith(r"\text") or word not in ("if", "otherwise"):
                raise self.fail(r"expected \text{if } or \text{otherwise}")
            self.at += 1
            if word == "otherwise":
                break
            rows.append((value, self.condition()))
            self.take(r"\\")
        self.take(r"\end{cases}")
        if not rows:
            raise self.fail("cases with a single row")
        return Cases(tuple(rows), value)

    # conditions

    def condition(self) -> Node:
        args = [self.conjunction()]
        while self.accept(r"\lor"):
            args.append(self.conjunction())
        return args[0] if len(args) == 1 else Or(tuple(args))

    def conjunction(self) -> Node:
        args = [self.negation()]
        while self.accept(r"\land"):
            args.append(self.negation())
        return args[0] if len(args) == 1 else And(tuple(args))

    def negation(self) -> Node:
        if self.accept(r"\lnot"):
            return Not(self.negation())
        back = self.at
        if self.accept(r"\left") and self.accept("("):  # a condition in parentheses, or the left side of a comparison
            try:
                inside = self.condition()
                self.take(r"\right", ")")
                if isinstance(inside, (And, Or, Not, Compare)):
                    return inside
            except DialectError:
                pass
        self.at = back
        left = self.sum()
        if self.peek() in COMPARISONS:
            op = COMPARISONS[self.take(self.peek())]
            return Compare(op, left, self.sum())
        if not isinstance(left, Ref):
            raise self.fail("a condition is a comparison or a boolean tensor", back)
        return left
