"""Prints equations in the TeX dialect of the book.

The dialect is small enough for a strict parser (tests/page has one that shares no code with this): products
are juxtaposed, a sum's body is the product that follows it, a piecewise case is ``\\begin{cases}``, a
condition used as a number is an Iverson bracket. Every expression of the notation has exactly one spelling in
it.

Not in the dialect, so written out before printing: the derivative of a named elementwise layer
(``sigmoid'``), by the textbook form that the layer's own derivation found; and ``xdivy``, whose 0/0 is a
case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.calculus.derivation import Derivation, derive
from derive.calculus.patterns import match
from derive.calculus.scalars import Derivative, Scalars
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size, num
from derive.notation.functions import COMPARISONS, FUNCTIONS, LOGIC, sign_of
from derive.notation.layer import Equation, Layer
from derive.notation.text import shortest, split_quotient, split_sign
from derive.targets.symbols import Symbols, upright

SUM, OPEN, PRODUCT, POWER, ATOM = range(5)
LOGIC_LEVEL = -1
UPRIGHT = re.compile(r"(?:\\(?:overline|dot|hat|textcolor\{red\})\{)*\\mathrm\{")
UPRIGHT_END = re.compile(r"\\mathrm\{[^{}]*\}\}*$")
MARK = r"\textcolor{red}{%s}"
OPERATORS = {"sum": r"\sum", "max": r"\max", "argmax": r"\operatorname{argmax}"}


@dataclass
class Latex:
    """Prints expressions with the symbols of one page. ``show`` and ``equation`` are the whole interface.

    ``fixed`` letters are those of indices that mean the same in several formulas; ``marked`` says of an element or a
    power of one whether it is set off.

    Levels say where parentheses are needed: SUM; OPEN, which reaches as far right as it can (a reduction,
    cases); PRODUCT; POWER; ATOM.
    """

    symbols: Symbols
    letters: dict[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    marked: Callable[[Expr], bool] | None = None

    def equation(self, equation: Equation) -> str:
        """One display equation, without dollars."""
        return self.relation(equation.lhs, equation.body)

    def relation(self, lhs: Expr, body: Expr, sign: str = "=") -> str:
        lhs, body = written_out(lhs, self.symbols), unshadowed(self.prepare(body), frozenset(x.free(lhs)))
        self.letters = self.symbols.index_letters(lhs, body, fixed=self.fixed)
        return f"{replace(self, marked=None).show(lhs)} {sign} {self.show(body)}"

    def expression(self, e: Expr, around: Iterable[str] = ()) -> str:
        """An expression; ``around`` are indices of the sentence that it stands in, which it binds anew nowhere."""
        around = tuple(around)
        e = unshadowed(self.prepare(e), frozenset((*x.free(e), *around)))
        self.letters = self.symbols.index_letters(e, *map(Pos, around), fixed=self.fixed)
        return self.show(e)

    def prepare(self, e: Expr) -> Expr:
        return signs_out(written_out(e, self.symbols))

    # ---- nodes ---------------------------------------------------------------------------------------------

    def show(self, e: Expr, level: int = SUM) -> str:
        text, own = self.with_mark(e)
        return rf"\left({text}\right)" if own < level else text

    def with_mark(self, e: Expr) -> tuple[str, int]:
        match e:
            case Op("pow", (Ref(), Num(value))):
                element = value > 0  # what is divided by is marked where it stands below
            case _:
                element = isinstance(e, Ref)
        if not (element and self.marked and self.marked(e)):
            return self.node(e)
        text, own = replace(self, marked=None).node(e)
        return MARK % text, own

    def node(self, e: Expr) -> tuple[str, int]:
        match e:
            case Num(value):
                return self.number(value)
            case Opt(name, at):
                return self.symbols.symbol(name, at), ATOM
            case Pos(index):
                return self.index(index), ATOM
            case Size(index):  # a second index along an axis has a letter, and no length of its own
                layer = self.symbols.layer
                own = index in layer.sizes or (layer.axis(index) in layer.sizes and index in given_axes(layer))
                return f"N_{{{self.index(index if own else layer.axis(index))}}}", ATOM
            case Ref(tensor, index):
                return self.reference(tensor, index)
            case Reduce(op, over, body):
                under = ",".join(self.index(i) for i in over)
                return f"{OPERATORS[op]}_{{{under}}} {self.show(body, OPEN)}", OPEN
            case Op("add", args):
                return self.sum(args), SUM
            case Op("mul", _):
                return self.product(e)
            case Op("pow", (base, exponent)):
                return self.power(e, base, exponent)
            case Op("exactdiv", (a, b)):
                return self.fraction(a, b), PRODUCT
            case Op("floordiv", (a, b)):
                return rf"\left\lfloor {self.fraction(a, b)} \right\rfloor", ATOM
            case Op("where", _) if (of := sign_of(e)) is not None:
                return rf"\operatorname{{sign}}\left({self.show(of)}\right)", ATOM
            case Op("where", (c, a, b)):
                first = rf"{self.show(a)} & \text{{if }} {self.show(c, LOGIC_LEVEL)}"
                last = rf"{self.show(b)} & \text{{otherwise}}"
                return rf"\begin{{cases}} {first} \\ {last} \end{{cases}}", OPEN
            case Op("iverson", (c,)):
                return rf"\left[ {self.show(c, LOGIC_LEVEL)} \right]", ATOM
            case Op("xdivy", (a, b)):
                return self.fraction(a, b), PRODUCT
            case Op("xlogy", (a, b)):
                return rf"{self.show(a, PRODUCT)} \log\left({self.show(b)}\right)", PRODUCT
            case Op("abs", (a,)):
                return rf"\left|{self.show(a)}\right|", ATOM
        return self.operation(e)

    def operation(self, e: Expr) -> tuple[str, int]:
        match e:
            case Op("and" | "or" as fn, args):
                return f" {LOGIC[fn]} ".join(self.show(a, SUM) for a in args), LOGIC_LEVEL
            case Op("not", (a,)):
                return rf"\lnot {self.show(a, ATOM)}", SUM
            case Op(fn, (a, b)) if fn in COMPARISONS:
                return f"{self.show(a)} {COMPARISONS[fn]} {self.show(b)}", SUM
            case Op(fn, args):
                inside = ", ".join(self.show(a) for a in args)
                return rf"{self.function(fn)}\left({inside}\right)", ATOM
        raise TypeError(f"not an expression: {e!r}")

    def function(self, fn: str) -> str:
        if fn in FUNCTIONS:
            return FUNCTIONS[fn].tex
        if fn in self.symbols.names:
            return self.symbols.names[fn]
        return r"\tanh" if fn == "tanh" else upright(fn).replace("mathrm", "operatorname", 1)

    def index(self, i: str) -> str:
        return self.letters.get(i) or self.fixed.get(i) or self.symbols.letters.get(i) or i

    def number(self, value: Fraction) -> tuple[str, int]:
        sign = "-" if value < 0 else ""
        if value.denominator == 1:
            return str(value), SUM if sign else ATOM
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", SUM if sign else PRODUCT

    def reference(self, tensor: str, index: tuple[Expr, ...]) -> tuple[str, int]:
        symbol = self.symbols.symbol(tensor)
        squared = "^" in symbol and not symbol.startswith((r"\overline{", r"\dot{"))
        subscript = f"_{{{','.join(self.show(i) for i in index)}}}" if index else ""
        return symbol + subscript, POWER if squared else ATOM

    def power(self, e: Expr, base: Expr, exponent: Expr) -> tuple[str, int]:
        if isinstance(exponent, Num) and exponent.value < 0:
            return self.product(e)
        if exponent == Num(Fraction(1, 2)):
            return rf"\sqrt{{{self.show(base)}}}", ATOM
        return f"{self.show(base, ATOM)}^{{{self.show(exponent)}}}", POWER

    def fraction(self, a: Expr, b: Expr) -> str:
        return rf"\frac{{{self.show(a)}}}{{{self.show(b)}}}"

    # ---- sums and products ---------------------------------------------------------------------------------

    def sum(self, args: tuple[Expr, ...]) -> str:
        out = ""
        for n, term in enumerate(in_reading_order(args)):
            negative, rest = split_sign(term)
            joint = ("-" if negative else "") if n == 0 else (" - " if negative else " + ")
            # cases have no right delimiter: whatever follows them on the line would read as a part of them
            out += joint + self.show(rest, PRODUCT if n < len(args) - 1 and ends_in_cases(rest) else OPEN)
        return out

    def product(self, e: Expr) -> tuple[str, int]:
        negative, rest = split_sign(e)
        above, below = split_quotient(rest)
        text, level = self.quotient(above, below) if below else self.factors(above)
        return (f"-{text}", SUM) if negative else (text, level)

    def quotient(self, above: list[Expr], below: list[Expr]) -> tuple[str, int]:
        under = self.factors(below, alone=True)[0]
        reductions = [f for f in above if isinstance(f, Reduce)]
        if not reductions or not all(is_constant(f) for f in below):
            return rf"\frac{{{self.factors(above, alone=True)[0]}}}{{{under}}}", PRODUCT
        # a mean: the constants make a fraction of their own in front of the sum
        constants = [f for f in above if is_constant(f)]
        others = [f for f in above if not is_constant(f) and not isinstance(f, Reduce)]
        front = f"{self.factors(others, closed=True)[0]} " if others else ""
        fraction = rf"\frac{{{self.factors(constants, alone=True)[0]}}}{{{under}}}"
        return f"{front}{fraction} {self.factors(reductions)[0]}", OPEN

    def factors(self, parts: Sequence[Expr], alone: bool = False, closed: bool = False) -> tuple[str, int]:
        """Juxtaposed factors, what is open to the right last. ``alone``: nothing stands beside the product.

        ``closed``: something follows, so nothing may be open.
        """
        if not parts:
            return "1", ATOM
        if len(parts) == 1 and not closed:
            return (self.show(parts[0]), ATOM) if alone else self.with_mark(parts[0])
        ordered = sorted(parts, key=lambda f: (isinstance(f, Reduce), is_open(f)))
        words = []
        for n, factor in enumerate(ordered):
            last = n == len(ordered) - 1 and not closed
            words.append(self.show(factor, OPEN if last else PRODUCT))
        return apart(words), OPEN if is_open(ordered[-1]) and not closed else PRODUCT


def apart(words: Sequence[str]) -> str:
    """Factors side by side, with a space between two upright names, which would be one."""
    out = ""
    for word in words:
        joint = " " if out else ""
        if out and UPRIGHT_END.search(out) and UPRIGHT.match(word):
            joint = r" \, "
        out += joint + word
    return out


def is_open(e: Expr) -> bool:
    return isinstance(e, Reduce) or is_cases(e)


def is_cases(e: Expr) -> bool:
    return isinstance(e, Op) and e.fn == "where" and sign_of(e) is None


def ends_in_cases(e: Expr) -> bool:
    match e:
        case Reduce(_, _, body):
            return ends_in_cases(body)
        case Op("mul", args):
            return not split_quotient(e)[1] and any(map(is_cases, args))
    return is_cases(e)


def is_constant(e: Expr) -> bool:
    """Numbers, sizes, options and what is made of them."""
    return all(not isinstance(node, (Ref, Reduce, Pos)) for node in x.walk(e))


def in_reading_order(args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The author's order, but a numeral in front (``1 - y``, ``1 + exp(x)``) and no minus if possible."""
    constant = [a for a in args if isinstance(a, Num) and a.value > 0]
    rest = [a for a in args if a not in constant]
    if constant and rest and (split_sign(rest[0])[0] or isinstance(rest[0], Op)):
        return (*constant, *rest)
    if split_sign(args[0])[0]:
        first = next((a for a in args if not split_sign(a)[0]), None)
        if first is not None:
            return (first, *(a for a in args if a is not first))
    return args


def signs_out(e: Expr) -> Expr:
    """``sum(i, -a)`` as ``-sum(i, a)``."""

    def visit(node: Expr) -> Expr | None:
        if isinstance(node, Reduce) and node.op == "sum":
            body = signs_out(node.body)
            negative, rest = split_sign(body)
            if negative:
                return x.mul(num(-1), Reduce("sum", node.over, rest))
            return Reduce("sum", node.over, body)
        return None

    return x.transform(e, visit)


def given_axes(layer: Layer) -> set[str]:
    """The axes of what is given: their lengths are known, that of an axis which another is as long as among them."""
    return {a for t in layer.inputs for a in t.axes}


def unshadowed(e: Expr, scope: frozenset[str]) -> Expr:
    """Bound indices renamed where one is called like an index in scope: readers have no scopes."""
    if not isinstance(e, Reduce):
        return x.rebuild(e, lambda child: unshadowed(child, scope))
    taken = {*scope, *e.over, *x.free(e.body), *x.bound(e.body)}
    moved: dict[str, str] = {}
    for i in e.over:
        moved[i] = x.fresh(i, taken) if i in scope else i
        taken.add(moved[i])
    body = x.rename(e.body, {a: Pos(b) for a, b in moved.items()})
    return Reduce(e.op, tuple(moved.values()), unshadowed(body, scope | frozenset(moved.values())))


def written_out(e: Expr, symbols: Symbols) -> Expr:
    """Write out what the dialect has no word for."""

    def visit(node: Expr) -> Expr | None:
        match node:
            case Op(fn, (a, *given)) if fn.endswith("'") and fn not in symbols.names:
                name = fn[:-1]
                if name not in symbols.slopes:
                    symbols.slopes[name] = slope(name)
                return written_out(symbols.slopes[name](a, *given), symbols)  # which may hold slopes of others
            case Num(value):
                return Num(shortest(value))
            case Op("where", (c, a, b)) if (a, b) == (x.ONE, x.ZERO):
                return x.iverson(written_out(c, symbols))
            case Op("floordiv" | "exactdiv", (a, Num(value))) if value == 1:  # a stride of a part, left at 1
                return written_out(a, symbols)
        return None

    return x.transform(e, visit)


def with_values(e: Expr, layer: Layer, symbols: Symbols) -> Expr:
    """Written out, ``sigmoid(s)`` as ``i`` where the definition has ``i = sigmoid(s)``: the slope is ``i (1 - i)``."""
    known = [d for d in layer.equations if is_call(d.body) and None not in map(x.plain, d.left)]

    def visit(node: Expr) -> Expr | None:
        for d in known if is_call(node) else ():
            for found in match(d.body, node, frozenset(d.indices), {}):
                return x.rename(d.lhs, found)
        return None

    return x.transform(written_out(e, symbols), visit)


def is_call(e: Expr) -> bool:
    """Whether this is an elementwise layer's function of elements."""
    from derive.notation.define import REGISTRY

    return isinstance(e, Op) and e.fn in REGISTRY and any(isinstance(node, Ref) for node in x.walk(e.args[0]))


def slope(name: str) -> Callable[..., Expr]:
    """The derivative of an elementwise layer of that name, or of ``sigmoid'`` that of its derivative."""
    from derive.notation.define import REGISTRY

    stem = name.rstrip("'")
    return slope_of(derive(REGISTRY[stem][0]), 1 + len(name) - len(stem))


def slope_of(derivation: Derivation, order: int = 1) -> Callable[..., Expr]:
    """The derivative of an elementwise layer, in the form its own derivation found, at an argument and its options;
    of a higher order, what that form gives when it is differentiated again.

    Options that are not given are at their defaults.
    """
    layer = derivation.layer
    (argument,), (output,) = layer.inputs, layer.outputs
    found = next(e for e in derivation.backward if e.target == derivation.gradients[argument.name])
    cotangent = derivation.adjoint.cotangents[output]

    def at(value: Expr, *given: Expr) -> Expr:
        options = {o.name: x.num(Fraction(str(o.default))) for o in layer.options} if not given else {
            o.name: e for o, e in zip(layer.options, given, strict=True)
        }  # fmt: skip

        def visit(node: Expr) -> Expr | None:
            if isinstance(node, Opt):
                return options.get(node.name)
            if isinstance(node, Ref):
                own: dict[str, Expr] = {cotangent: x.ONE, output: Op(layer.name, (value, *given)), argument.name: value}
                return own.get(node.tensor)
            return None

        return x.transform(found.body, visit)

    def again(value: Expr, *given: Expr) -> Expr:
        bent = Derivative(Scalars())(slope_of(derivation, order - 1)(argument.ref(), *given), argument.ref())
        return x.transform(bent, lambda node: value if node == argument.ref() else None)

    return at if order == 1 else again
