"""Reads expressions: each word against what it takes, each operand against its kind: number, integer or condition."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable
from dataclasses import dataclass, field

from derive.notation import expr as x
from derive.notation.applications import ALLOWED, Applications, Kind, Typed
from derive.notation.conditions import decided
from derive.notation.constants import NotANumber, numeral, power
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.layer import Option
from derive.notation.options import NUMBERS, Span, items, name_of, span
from derive.notation.text import show
from derive.notation.words import WORDS

KIND_OF: dict[str, Kind] = {"real": "real", "saved": "real", "integer": "integer", "boolean": "boolean"}

BINARY: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: x.add,
    ast.Sub: x.sub,
    ast.Mult: x.mul,
}
#: Operators that stand one after another without parentheses.
LEVEL = (*BINARY, ast.Div, ast.FloorDiv, ast.Mod)
COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
#: Operators of Python that the notation does not have.
OPERATORS: dict[type[ast.AST], str] = {
    ast.MatMult: "write the sum: sum(k, A[i, k] * B[k, j])",
    ast.BitAnd: "write: a and b",
    ast.BitOr: "write: a or b",
    ast.BitXor: "write: a != b",
    ast.Invert: "write: not a",
    ast.LShift: "write: a * 2 ** b",
    ast.RShift: "write: a // 2 ** b",
}
CONSTRUCTS: dict[type[ast.AST], str] = {
    ast.Slice: "an index in place of a slice: x[..., i + 1] is what x[1:] is, along i",
    ast.Lambda: "write the expression where it is used",
    ast.ListComp: "an index runs over its axis by itself: sum(i, x[i])",
    ast.GeneratorExp: "an index runs over its axis by itself: sum(i, x[i])",
    ast.NamedExpr: "give it an equation of its own above",
    ast.Attribute: "write functions and tensors by their names alone",
    ast.JoinedStr: "words stand only where a Choice is compared",
    ast.List: "name the entries, or take an axis",
    ast.Tuple: "write one number",
    ast.Starred: "write the arguments out",
}


@dataclass
class Expressions(Applications):
    """Reads expressions.

    Attributes:
        left: the indices on the left of the equation that is being read.
        taken: cases of conditional expressions that were read, for one choice or another.
    """

    taken: set[Span] = field(default_factory=set)

    # ---- kinds -----------------------------------------------------------------------------------------------------

    def number(self, node: ast.expr) -> Typed:
        """An expression that is a number; a boolean array counts 0 or 1."""
        e, kind = self.typed(node)
        if kind == "boolean":
            return x.iverson(e), "integer"
        if kind == "condition":
            mend = "write (1 if c else 0); a flag is a condition by itself: f, or not f"
            self.fail(node, "a condition stands where a number is wanted", mend)
        return e, kind

    def condition(self, node: ast.expr) -> Expr:
        """An expression that holds or not; 1 or 0 where the choice decides it."""
        e, kind = self.typed(node)
        if kind not in ("boolean", "condition"):
            self.fail(
                node, "a number stands where a condition is wanted", "compare it: x[..., i] > 0, or x[..., i] != 0"
            )
        return e

    def whole_number(self, node: ast.expr, what: str) -> Expr:
        e, kind = self.number(node)
        if kind != "integer":
            if isinstance(e, Ref) and not e.index and self.tensors[e.tensor].role not in ("input", "state"):
                mend = f"write what {e.tensor} is; a length has a name in half = axis(size(i) // 2), size(half)"
                self.fail(node, f"{what} is the result of an equation", mend)
            mend = "whole numbers are sizes, indices, integer options and arrays, and + - * // max and abs of them"
            divided = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) for n in ast.walk(node))
            mend = f"write a // b in place of a / b; {mend}" if divided else mend
            self.fail(node, f"{what} is not a whole number", mend)
        return e

    def index(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            self.used.setdefault(ELLIPSIS, node)
            return Pos(ELLIPSIS)
        e = self.divided_exactly(node) or self.whole_number(node, "an index")
        for n in x.walk(e):
            if isinstance(n, Op) and n.fn in ("mul", "pow") and len([a for a in n.args if indexed(a)]) > 1:
                self.fail(node, "an index times an index", "an index is a sum of indices, each times a number")
            if isinstance(n, Op) and n.fn == "pow" and indexed(n):
                self.fail(node, "a power of an index", "an index is a sum of indices, each times a number")
        return e

    def divided_exactly(self, node: ast.expr) -> Expr | None:
        """``x[(i - k) / stride]``: an index that counts only where it is whole, divided by what is not 0."""
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            return None
        (a, kind_a), (b, kind_b) = self.number(node.left), self.number(node.right)
        counts = isinstance(b, Num) or any(b in o.elements and o.kind == "Count" for o in self.options)
        if kind_a != "integer" or kind_b != "integer" or not counts or b == x.ZERO:
            return None
        return a if b == x.ONE else Op("exactdiv", (a, b))

    def typed(self, node: ast.expr) -> Typed:
        """Any expression, and its kind."""
        match node:
            case ast.Constant(value=value):
                return self.constant(node, value)
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.Subscript():
                return self.reference(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                e, kind = self.number(operand)
                return x.neg(e), kind
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.logic("not", (self.condition(operand),))
            case ast.BoolOp(op=op, values=values):
                return self.logic("and" if isinstance(op, ast.And) else "or", tuple(map(self.condition, values)))
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.case(test, body, orelse)
            case ast.Call():
                return self.function_call(node)
        foreign: type[ast.AST] = type(node.op) if isinstance(node, ast.UnaryOp) else type(node)
        self.fail(node, "not part of the notation", OPERATORS.get(foreign) or CONSTRUCTS.get(foreign, ALLOWED))

    def constant(self, node: ast.Constant, value: object) -> Typed:
        if isinstance(value, bool):
            mend = f"write {int(value)}; a flag is a condition by itself: f, or not f"
            self.fail(node, f"{value} is not a number", mend)
        if isinstance(value, str):
            self.fail(node, "a word stands where a number is wanted", 'words are compared with a Choice: r == "mean"')
        try:
            return Num(numeral(node, self.text(node))), "integer" if isinstance(value, int) else "real"
        except NotANumber as problem:
            self.fail(node, f"not a number: {problem}", "write a number such as 3, 1e-5 or 1 / 3")

    def by_option(self, n: Expr) -> Expr | None:
        """The option that says how long an axis is, in the length of another: lengths come from what a caller gives."""
        own = (o for o in self.options if isinstance(n, Size) and o.axis == n.axis)
        return next((Opt(o.name) for o in own), None)

    def name(self, node: ast.AST, name: str) -> Typed:
        """An option, a constant, a tensor without axes, or an index."""
        option = next((o for o in self.options if o.name == name), None)
        if option is not None:
            match option.kind:
                case "Flag":
                    return Opt(name), "condition"
                case "Choice":
                    self.fail(node, f"{name} is a word", f'compare it: {name} == "{option.choices[0]}"')
                case "Activation":
                    self.fail(node, f"{name} is a function", f"call it: {name}(x[..., i])")
                case "Axis":
                    self.fail(node, f"{name} is the position of an axis", "no equation can use it as a number")
            if option.shape:
                self.fail(node, f"{name} is several numbers", f"say which: {places(option)}")
            if option.axis:  # it is the length of that axis, wherever it stands
                return Size(option.axis), "integer"
            return Opt(name), "integer" if NUMBERS[option.kind][0] else "real"
        if name in x.CONSTANTS:
            return Opt(name), "real"
        if name in self.tensors:
            tensor = self.tensors[name]
            if tensor.axes:
                shown = ", ".join(a for a in tensor.axes if "." not in a or a == ELLIPSIS)
                mend = f"write {name}[{shown}]"
                if self.target and not self.left and not self.inside:  # a = gelu(u)
                    mend += f" here, and {self.target}[{shown}] on the left for an element each"
                self.fail(node, f"{name} stands without its indices", mend)
            return Ref(name, ()), KIND_OF[tensor.kind]
        is_index = name in self.declared() or name in self.left or name in self.inside
        if (name in WORDS or name in self.known) and not is_index:
            self.fail(
                node, f"{name} is a function", f"call it: {WORDS[name].example if name in WORDS else name + '(...)'}"
            )
        self.used.setdefault(name, node)
        return Pos(name), "integer"

    # ---- operators -------------------------------------------------------------------------------------------------

    def arithmetic(self, node: ast.BinOp) -> Typed:
        """Operators that stand one after another on one level are taken in turn, so that long sums nest no calls."""
        operators: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and type(first.op) in LEVEL:
            operators.append(first)
            first = first.left
        if not operators:
            return self.power(node)
        e, kind = self.number(first)
        for n in reversed(operators):
            right = n.right
            b, kind_b = self.number(right)
            both: Kind = "integer" if (kind, kind_b) == ("integer", "integer") else "real"
            match n.op:
                case ast.Div():
                    if b == x.ZERO:
                        self.fail(right, "division by 0", "divide by something that is not 0")
                    e, kind = x.div(e, b), "real"
                case ast.FloorDiv() | ast.Mod():
                    remainder = isinstance(n.op, ast.Mod)
                    if both != "integer":
                        mend = "write a / b for numbers" if not remainder else "round outside, and pass what is left"
                        self.fail(n, f"{'%' if remainder else '//'} is of whole numbers", mend)
                    if b == x.ZERO:
                        self.fail(right, "division by 0", "divide by something that is not 0")
                    whole = Op("floordiv", (e, b))
                    e, kind = (x.sub(e, x.mul(b, whole)) if remainder else whole), "integer"
                case op:
                    e, kind = BINARY[type(op)](e, b), both
            self.check_length(n, e)
        return e, kind

    def power(self, node: ast.BinOp) -> Typed:
        if not isinstance(node.op, ast.Pow):
            self.fail(node, "not part of the notation", OPERATORS.get(type(node.op), ALLOWED))
        (a, kind_a), (b, kind_b) = self.number(node.left), self.number(node.right)
        counts = kind_a == kind_b == "integer" and isinstance(b, Num) and b.value >= 0
        whole: Kind = "integer" if counts else "real"
        if isinstance(a, Num) and isinstance(b, Num):
            try:
                if b.value.denominator == 1:
                    return Num(power(a.value, b.value)), whole
            except NotANumber as problem:
                self.fail(node, str(problem), "write a number such as 3, 1e-5 or 1 / 3")
            if a.value < 0 or (a.value == 0 and b.value < 0):
                self.fail(node, "not a real number", "take powers of what is positive")
        if isinstance(b, Num) and abs(b.value) > POWER:
            self.fail(node.right, f"an exponent beyond {POWER}", "write exp(n * log(x)) for large powers")
        return x.power(a, b), whole

    def check_length(self, node: ast.AST, e: Expr) -> None:
        if isinstance(e, Num) and max(abs(e.value.numerator), e.value.denominator).bit_length() > 1200:
            self.fail(node, "a number too long for float64", "write a shorter number")

    def logic(self, fn: str, args: tuple[Expr, ...]) -> Typed:
        e = Op(fn, args)
        return decided(e) if any(isinstance(a, Num) for a in args) else e, "condition"

    def comparison(self, node: ast.Compare) -> Typed:
        if len(node.ops) > 1:
            names = [self.text(n) for n in (node.left, *node.comparators)]
            signs = [COMPARE.get(type(o), "?") for o in node.ops]
            parts = " and ".join(f"{a} {o} {b}" for a, o, b in zip(names, signs, names[1:], strict=False))
            self.fail(node, "two comparisons in one", f"write them apart: {parts}")
        left, op, right = node.left, node.ops[0], node.comparators[0]
        for choice, word in ((left, right), (right, left)):
            if name_of(choice) in self.chosen:
                return self.chosen_is(node, op, name_of(choice), word)
        if type(op) not in COMPARE:
            self.fail(node, "not a comparison of the notation", "compare with == != < <= > >=, joined by and, or")
        a, b = self.number(left)[0], self.number(right)[0]
        if isinstance(a, Num) and isinstance(b, Num):
            self.fail(node, "a comparison of two numbers that are known", "write the case that holds")
        return Op(COMPARE[type(op)], (a, b)), "condition"

    def chosen_is(self, node: ast.Compare, op: ast.cmpop, name: str, word: ast.expr) -> Typed:
        """A choice compared with one of its words: decided here."""
        words = next(o.choices for o in self.options if o.name == name)
        mend = f"compare {name} with == or != and one of {', '.join(map(repr, words))}"
        if not isinstance(op, ast.Eq | ast.NotEq):
            self.fail(node, f"{name} is a word", mend)
        if not isinstance(word, ast.Constant) or word.value not in words or not isinstance(word.value, str):
            self.fail(word, f"{name} is never {self.text(word)}", mend)
        same = self.chosen[name] == word.value
        return x.ONE if same == isinstance(op, ast.Eq) else x.ZERO, "condition"

    def case(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Typed:
        """A piecewise case; a test on an option that chooses equations is decided here."""
        condition = self.condition(test)
        if isinstance(condition, Num):
            branch = body if condition.value else orelse
            self.taken.add(span(branch))
            return self.number(branch)
        self.taken |= {span(body), span(orelse)}
        (a, kind_a), (b, kind_b) = self.number(body), self.number(orelse)
        return x.where(condition, a, b), "integer" if kind_a == kind_b == "integer" else "real"

    # ---- tensors ---------------------------------------------------------------------------------------------------

    def reference(self, node: ast.Subscript) -> Typed:
        name = name_of(node.value)
        if not name:
            inner = isinstance(node.value, ast.Subscript)
            mend = (
                "write all indices in one pair of brackets: x[i, j]"
                if inner
                else "give it an equation of its own above"
            )
            self.fail(node, "only a tensor has indices", mend)
        option = next((o for o in self.options if o.name == name and o.shape), None)
        if option is not None:
            return self.one_of_several(node, option)
        tensor = self.tensors.get(name)
        if tensor is None:
            self.fail(node, f"{name} is not defined yet", self.unknown(name))
        nodes = items(node.slice)
        index = tuple(self.index(s) for s in nodes)
        if len(index) != len(tensor.axes):
            self.fail(
                node,
                f"{name} has {len(tensor.axes)} axes but {len(index)} indices",
                f"its axes are {name}[{', '.join(tensor.axes)}]",
            )
        for n, (place, e, axis) in enumerate(zip(nodes, index, tensor.axes, strict=True)):
            self.check_rest(place, x.plain(e) or "", axis, name)
            if isinstance(e, Num) and n not in self.begun.get(name, ()):
                self.check_inside(place, e, axis)
            if (i := x.plain(e)) is not None and not tensor.sequence:
                self.along(place, i, axis, name)
        self.check_entry(node, name, index)
        return Ref(name, index), KIND_OF[tensor.kind]

    def one_of_several(self, node: ast.Subscript, option: Option) -> Typed:
        """``stride[0]``: one number of an option that has several."""
        at = [n.value if isinstance(n, ast.Constant) and type(n.value) is int else None for n in items(node.slice)]
        e = Opt(option.name, tuple(n for n in at if n is not None))
        if e not in option.elements or None in at:
            self.fail(node, f"{option.name} has no number there", f"write {places(option)}")
        return e, "integer" if NUMBERS[option.kind][0] else "real"

    def check_entry(self, node: ast.AST, name: str, index: tuple[Expr, ...]) -> None:
        """Entries of lists are read one by one; what they need of one another goes through a recurrence."""
        counted = next((t.axes[0] for t in self.tensors.values() if t.sequence), None)
        if counted is None or not index or name in self.begun or self.tensors[name].axes[0] != counted:
            return
        if index[0] != Pos(counted):
            mend = f"from one entry to the next goes h[{counted}] = ... h[{counted} - 1], begun by h[-1] = ..."
            what = f"an entry of {name} is read elsewhere than at {counted}"
            self.fail(node, what, f"read {name}[{counted}]; {mend}")

    def check_inside(self, node: ast.AST, e: Num, axis: str) -> None:
        """A number as an index: outside the array there is nothing but 0."""
        length = self.length(axis)
        if e.value < 0:
            mend = f"the last one is at size({axis}) - 1"
            self.fail(node, "before the beginning of the array, where there is nothing but 0", mend)
        if isinstance(length, Num) and e.value >= length.value:
            self.fail(
                node, "behind the end of the array, where there is nothing but 0", f"size({axis}) is {length.value}"
            )

    def unknown(self, name: str) -> str:
        """How to mend a tensor that there is not."""
        option = next((o for o in self.options if o.name == name), None)
        if option is not None:
            many = f", or declare {name}: {option.kind}[2] for two numbers" if option.kind in NUMBERS else ""
            return f"{name} is an option and has no axes: write {name}{many}"
        if name in self.known:
            return f"{name} is a layer: give it a statement of its own, z = {name}(...)"
        if name == self.target:
            edge = "an edge that is a recurrence itself has a name of its own, edge[t] = ... edge[t - 1] ..."
            return f"a recurrence begins above, {name}[-1] = ..., and its beginning reads nothing of it: {edge}"
        near = difflib.get_close_matches(name, self.tensors, 1)
        mend = "define it above, or add it to the signature"
        return f"did you mean {near[0]}? {mend}" if near else mend


def places(option: Option) -> str:
    """How equations name the numbers of an option that has several."""
    *before, last = map(show, option.elements)
    return f"{', '.join(before)} or {last}" if before else last


#: Largest exponent that is written as a number.
POWER = 1000


def indexed(e: Expr) -> bool:
    """Whether an index is in an expression, outside those of tensors."""
    return isinstance(e, Pos) or (not isinstance(e, Ref | Size) and any(map(indexed, x.children(e))))
