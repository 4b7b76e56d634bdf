"""Trees back to TeX, in the dialect; parse(print(tree)) is the tree."""

from __future__ import annotations

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
    Size,
    Sqrt,
)  # fmt: skip

COMMANDS = {
    "exp": r"\exp",
    "log": r"\log",
    "sin": r"\sin",
    "cos": r"\cos",
    "tanh": r"\tanh",
    "max": r"\max",
    "leaky_relu": r"\operatorname{leaky\_relu}",
}
COMPARISONS = {"=": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
REDUCTIONS = {"sum": r"\sum", "max": r"\max", "argmax": r"\operatorname{argmax}"}
ACCENTS = {"bar": r"\overline", "dot": r"\dot"}


def index_tex(name: str) -> str:
    stem = name.rstrip("0123456789")
    letter = r"\ast" if stem == "..." else stem
    return f"{letter}_{{{name[len(stem) :]}}}" if name != stem else letter


def parens(text: str) -> str:
    return rf"\left({text}\right)"


class Printer:
    """Prints with the symbols of one table."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    def equation(self, e: Equation) -> str:
        return f"{self.sum(e.left)} = {self.sum(e.right)}"

    def sum(self, e: Node) -> str:
        if isinstance(e, Neg):
            return "-" + self.term(e.of)
        if not isinstance(e, Add):
            return self.term(e)
        text = ""
        for n, term in enumerate(e.terms):
            minus = isinstance(term, Neg)
            sign = ("-" if minus else "") if n == 0 else (" - " if minus else " + ")
            text += sign + self.term(term.of if isinstance(term, Neg) else term)
        return text

    def term(self, e: Node) -> str:
        if isinstance(e, Reduce):
            return rf"{REDUCTIONS[e.op]}_{{{','.join(map(index_tex, e.over))}}} {self.term(e.body)}"
        if not isinstance(e, Mul):
            return self.factor(e)
        *first, last = e.factors
        end = self.term(last) if isinstance(last, Reduce) else self.factor(last)
        return " ".join([*(self.factor(f) for f in first), end])

    def factor(self, e: Node) -> str:
        if isinstance(e, Pow):
            base = self.atom(e.base)
            if isinstance(e.base, Ref) and not e.base.accent and "^" in self.symbols.by_name[e.base.name].tex:
                base = parens(base)
            if isinstance(e.base, (Frac, Cases)):
                base = parens(base)
            return f"{base}^{{{self.sum(e.exponent)}}}"
        return self.atom(e)

    def atom(self, e: Node) -> str:
        match e:
            case Int(value):
                return str(value)
            case Const(name):
                return {"pi": r"\pi", "inf": r"\infty"}[name]
            case Index(name):
                return index_tex(name)
            case Size(axis):
                return f"N_{{{index_tex(axis)}}}"
            case Ref(name, accent, index):
                tex = self.symbols.by_name[name].tex
                for word in reversed(accent.split()):
                    tex = f"{ACCENTS[word]}{{{tex}}}"
                return tex + (f"_{{{','.join(map(self.sum, index))}}}" if index else "")
            case Frac(top, bottom):
                return rf"\frac{{{self.sum(top)}}}{{{self.sum(bottom)}}}"
            case Sqrt(of):
                return rf"\sqrt{{{self.sum(of)}}}"
            case Abs(of):
                return rf"\left|{self.sum(of)}\right|"
            case Floor(of):
                return rf"\left\lfloor {self.sum(of)} \right\rfloor"
            case Call(fn, args):
                inside = parens(", ".join(map(self.sum, args)))
                own = self.symbols.by_name.get(fn)
                return (own.tex if own else COMMANDS.get(fn, rf"\operatorname{{{fn}}}")) + inside
            case Iverson(condition):
                return rf"\left[ {self.condition(condition)} \right]"
            case Cases(rows, otherwise):
                lines = [rf"{self.sum(v)} & \text{{if }} {self.condition(c)} \\ " for v, c in rows]
                last = rf"{self.sum(otherwise)} & \text{{otherwise}}"
                return rf"\begin{{cases}} {''.join(lines)}{last} \end{{cases}}"
        return parens(self.sum(e))

    def condition(self, e: Node) -> str:
        match e:
            case Or(args):
                return r" \lor ".join(
                    parens(self.condition(a)) if isinstance(a, Or) else self.condition(a) for a in args
                )
            case And(args):
                return r" \land ".join(
                    parens(self.condition(a)) if isinstance(a, (Or, And)) else self.condition(a) for a in args
                )
            case Not(of):
                return r"\lnot " + (parens(self.condition(of)) if isinstance(of, (Or, And)) else self.condition(of))
            case Compare(op, left, right):
                return f"{self.sum(left)} {COMPARISONS[op]} {self.sum(right)}"
        return self.sum(e)
