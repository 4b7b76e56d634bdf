"""Symbols of the table with their subscripts, indices and sizes, read from tokens."""

from __future__ import annotations

from collections.abc import Sequence

from tests.page.dialect import ACCENTS, GREEK
from tests.page.symbols import Row, Symbols
from tests.page.tokens import Tokens
from tests.page.tree import Abs, Add, Call, Floor, Frac, Index, Int, Mul, Neg, Node, Ref, Size


class Names(Tokens):
    def __init__(self, tex: str, symbols: Symbols, scope: Sequence[str] = ()) -> None:
        super().__init__(tex)
        self.symbols = symbols
        self.scope = list(scope)

    def sum(self) -> Node:
        """A place in a subscript, which may be any sum."""
        raise NotImplementedError

    def symbol(self) -> tuple[Row, str] | None:
        """The longest symbol of the table here, consumed; accents are read where no row has them."""
        for n in self.symbols.lengths:
            row = self.symbols.by_tokens.get(self.texts[self.at : self.at + n])
            if row:
                self.at += n
                return row, ""
        if self.peek() in ACCENTS and self.peek(1) == "{":
            back = self.at
            accent = ACCENTS[self.peek()]
            self.at += 2
            inner = self.symbol()
            if inner and self.accept("}"):
                return inner[0], f"{accent} {inner[1]}".strip()
            self.at = back
        return None

    def subscript(self, row: Row, left: bool = False) -> tuple[Node, ...]:
        start, rank = self.at, len(row.axes)
        found: list[Node] = []
        if self.accept("_"):
            self.take("{")
            while True:
                found.append(self.left_index() if left else self.sum())
                if not self.accept(","):
                    break
            self.take("}")
        if len(found) != rank:
            shape = f"{row.name}[{', '.join(row.axes)}]"
            raise self.fail(f"{shape} takes {rank} indices, {len(found)} given", start)
        if not left:
            for part in found:
                self.affine(part, start)
        return tuple(found)

    def left_index(self) -> Node:
        start = self.at
        name = self.index_name()
        if name is not None and self.peek() in (",", "}"):
            self.bind(name, start)
            self.scope.append(name)
            return Index(name)
        self.at = start
        kept, self.scope = self.scope, []  # a constant place: no index may be used
        part = self.sum()
        self.scope = kept
        self.affine(part, start)
        return part

    def affine(self, part: Node, at: int) -> None:
        match part:
            case Int() | Index() | Size() | Ref():
                return
            case Add(terms):
                inner = terms
            case Mul(factors):
                inner = factors
            case Neg(of) | Floor(of) | Abs(of):
                inner = (of,)
            case Call("max", args):
                inner = args
            case Frac(top, bottom):
                inner = (top, bottom)
            case _:
                raise self.fail(
                    "an index is made of integers, indices, options, sizes, + -, quotients, | | and max", at
                )
        for node in inner:
            self.affine(node, at)

    # indices

    def index_name(self) -> str | None:
        """A letter that may be an index, consumed; None where there is none."""
        text = self.peek()
        if text == r"\ast":
            name = "..."
        elif text in GREEK or (len(text) == 1 and text.isalpha()) or text.startswith(r"\mathrm"):
            name = text
        else:
            return None
        self.at += 1
        if self.peek() == "_" and self.peek(1) == "{" and self.peek(2).isdigit() and self.peek(3) == "}":
            name += self.peek(2)
            self.at += 4
        return name

    def bind(self, name: str, at: int, over: Sequence[str] = ()) -> None:
        """Check that an index may be bound here."""
        if name in self.scope or name in over:
            raise self.fail(f"index {name} is already bound", at)
        row = self.symbols.by_tokens.get((r"\ast" if name == "..." else name,))
        if row and not row.axes:
            raise self.fail(f"{name} is both an index and {row.name!r} of the table", at)

    def size(self, new: bool = False) -> Size:
        start = self.at
        self.take("N", "_", "{")
        name = self.index_name()
        if name not in self.symbols.axes and not (new and name):
            raise self.fail(f"no shape in the table has an axis {name}, nor does an equation give N_{{{name}}}", start)
        self.take("}")
        return Size(name)  # type: ignore[arg-type]
