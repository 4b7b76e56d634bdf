"""Reads expressions: each word against what it takes, each operand against its kind: number, integer or condition."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from derive.notation import expr as x
from derive.notation.calls import Calls
from derive.notation.constants import NotANumber, numeral, power
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.functions import FUNCTIONS
from derive.notation.signature import NUMBERS, items, name_of
from derive.notation.words import INSTEAD, KINDS, WORDS

#: A whole number may stand for a real one, and a boolean array counts 0 or 1; a condition is not a number.
Kind = Literal["real", "integer", "boolean", "condition"]
Typed = tuple[Expr, Kind]
KIND_OF: dict[str, Kind] = {"real": "real", "saved": "real", "integer": "integer", "boolean": "boolean"}

BINARY: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: x.add,
    ast.Sub: x.sub,
    ast.Mult: x.mul,
}
COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
#: Operators of Python that the notation does not have.
OPERATORS: dict[type[ast.AST], str] = {
    ast.Mod: "for whole numbers, the remainder of a by b is a - b * (a // b)",
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
ALLOWED = "an expression has + - * / **, comparisons, a if c else b, sums and functions"


@dataclass
class Expressions(Calls):
    """Reads expressions.

    Attributes:
        left: the indices on the left of the equation that is being read.
        inside: the indices of the reductions around what is being read.
        hidden: indices that a reduction inside reduces once more, and where.
        taken: cases of conditional expressions that were read, for one choice or another.
    """

    inside: list[str] = field(default_factory=list)
    hidden: dict[str, ast.AST] = field(default_factory=dict)
    taken: set[ast.expr] = field(default_factory=set)

    # ---- kinds -----------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Expr:
        return self.number(node)[0]

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
            mend = "whole numbers are sizes, indices, integer options and arrays, and + - * // max and abs of them"
            divided = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) for n in ast.walk(node))
            mend = f"write a // b in place of a / b; {mend}" if divided else mend
            self.fail(node, f"{what} is not a whole number", mend)
        return e

    def index(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            self.used.setdefault(ELLIPSIS, node)
            return Pos(ELLIPSIS)
        e = self.whole_number(node, "an index")
        for n in x.walk(e):
            if isinstance(n, Op) and n.fn in ("mul", "pow") and len([a for a in n.args if indexed(a)]) > 1:
                self.fail(node, "an index times an index", "an index is a sum of indices, each times a number")
            if isinstance(n, Op) and n.fn == "pow" and indexed(n):
                self.fail(node, "a power of an index", "an index is a sum of indices, each times a number")
        return e

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
            return Opt(name), "integer" if NUMBERS[option.kind][0] else "real"
        if name in x.CONSTANTS:
            return Opt(name), "real"
        if name in self.tensors:
            tensor = self.tensors[name]
            if tensor.axes:
                shown = ", ".join(a for a in tensor.axes if "." not in a or a == ELLIPSIS)
                self.fail(node, f"{name} stands without its indices", f"write {name}[{shown}]")
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
        while isinstance(first, ast.BinOp) and type(first.op) in (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv):
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
                case ast.FloorDiv():
                    if both != "integer":
                        self.fail(n, "// is of whole numbers", "write a / b for numbers")
                    if b == x.ZERO:
                        self.fail(right, "division by 0", "divide by something that is not 0")
                    e, kind = Op("floordiv", (e, b)), "integer"
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
        return x.decided(e) if any(isinstance(a, Num) for a in args) else e, "condition"

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
            self.taken.add(branch)
            return self.number(branch)
        self.taken |= {body, orelse}
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
            if isinstance(e, Num) and self.begun.get(name) != n:
                self.check_inside(place, e, axis)
            if (i := x.plain(e)) is not None and not tensor.sequence:
                self.along(place, i, axis, name)
        self.check_entry(node, name, index)
        return Ref(name, index), KIND_OF[tensor.kind]

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
        if any(o.name == name for o in self.options):
            return f"{name} is an option and has no axes: write {name}"
        if name in self.known:
            return f"{name} is a layer: give it a statement of its own, z = {name}(...)"
        near = difflib.get_close_matches(name, self.tensors, 1)
        mend = "define it above, or add it to the signature"
        return f"did you mean {near[0]}? {mend}" if near else mend

    # ---- calls -----------------------------------------------------------------------------------------------------

    def function_call(self, node: ast.Call) -> Typed:
        name = name_of(node.func)
        if not name:
            shown = self.text(node.func)
            last = shown.split(".")[-1]
            mend = (
                f"write {WORDS[last].example}"
                if last in WORDS
                else f"write {INSTEAD[last]}"
                if last in INSTEAD
                else ALLOWED
            )
            self.fail(node.func, f"{shown} is not a function of the notation", mend)
        if self.is_activation(name):
            return self.elementwise(node, name, ())
        if name in WORDS:
            return self.word(node, name)
        if name in self.known and self.is_elementwise(name):
            return self.elementwise(node, name, self.known[name][0].options)
        self.fail(node, f"{name} is not a function of the notation", self.instead(name))

    def instead(self, name: str) -> str:
        """What to write in place of a function that there is not."""
        if name in self.tensors:
            return f"{name} is a tensor: its indices stand in square brackets"
        if name in self.known:
            part = self.known[name][0]
            call = f"{', '.join(part.outputs)} = {name}({', '.join(t.name for t in part.inputs)})"
            return f"a layer takes whole arrays: write {call} as a statement of its own, and use what it gives"
        if name in INSTEAD:
            return INSTEAD[name] if INSTEAD[name].startswith("there ") else f"write {INSTEAD[name]}"
        elementwise = [n for n in self.known if self.is_elementwise(n)]
        near = difflib.get_close_matches(name, [*WORDS, *elementwise], 1)
        functions = ", ".join(sorted({*FUNCTIONS, "sqrt"}))
        mend = f"functions are {functions}, and elementwise layers: {', '.join(elementwise)}"
        return f"did you mean {near[0]}? {mend}" if near else mend

    def is_activation(self, name: str) -> bool:
        return any(o.name == name and o.kind == "Activation" for o in self.options)

    def elementwise(self, node: ast.Call, name: str, options: tuple[object, ...]) -> Typed:
        """An elementwise layer, or one that an option chooses, of a number; options that are given follow it."""
        if len(node.args) != 1 or isinstance(node.args[0], ast.Starred):
            what = f"{name} takes one number" + (", and its options by keyword" if options else "")
            example = f"{name}(x[..., i]" + "".join(f", {o.name}={o.default}" for o in options) + ")"  # type: ignore[attr-defined]
            self.fail(node, what, f"write {example}")
        if node.keywords and not options:
            self.fail(node.keywords[0], f"{name} has no option {node.keywords[0].arg!r}", f"write {name}(x[..., i])")
        argument = self.value(node.args[0])
        given = dict(self.call_options(node, self.known[name][0])) if node.keywords else {}
        return Op(name, (argument, *(self.bound_options(node, name, given) if given else ()))), "real"

    def check_call(self, node: ast.Call, name: str) -> tuple[str, ...]:
        """A call of a word against its signature; the form that it has."""
        word = WORDS[name]
        if node.keywords:
            keyword = node.keywords[0]
            self.fail(keyword, f"{name} has no keyword {keyword.arg!r}", f"write {word.example}")
        form = next((f for f in word.forms if len(f) == len(node.args)), None)
        if form is None or any(isinstance(a, ast.Starred) for a in node.args):
            wanted = " and ".join(KINDS[k] for k in word.forms[0])
            count = len(node.args)
            what = f"{name} takes {wanted}, and here {'is' if count == 1 else 'are'} {count or 'none'}"
            self.fail(node, what, f"write {word.example}")
        return form

    def word(self, node: ast.Call, name: str) -> Typed:
        word = WORDS[name]
        if word.place != "anywhere":
            where = "as the whole right side of an equation" if word.place == "right" else "in the return"
            self.fail(node, f"{name} stands only {where}", f"write {word.example}")
        form = self.check_call(node, name)
        args = node.args
        if form == ("indices", "number") and (("number", "number") not in word.forms or self.is_indices(args[0])):
            return self.reduction(node, name, args[0], args[1])
        if name == "size":
            return self.size(args[0]), "integer"
        values = [self.number(a) for a in args]
        kinds = {kind for _, kind in values}
        outside = {"sqrt": lambda v: v < 0, "log": lambda v: v <= 0}.get(name)
        if outside is not None and isinstance(first := values[0][0], Num) and outside(first.value):
            self.fail(node, "not a real number", f"take {name} of what is positive")
        if name == "sqrt":
            return x.sqrt(values[0][0]), "real"
        kind: Kind = "integer" if name in ("max", "abs") and kinds == {"integer"} else "real"
        return Op(name, tuple(e for e, _ in values)), kind

    def reduction(self, node: ast.Call, name: str, indices: ast.expr, body: ast.expr) -> Typed:
        over = tuple(map(self.index_name, items(indices)))
        if not over:
            self.fail(indices, f"{name} over nothing", f"write {WORDS[name].example}")
        for i, place in zip(over, items(indices), strict=True):
            if over.count(i) > 1:
                self.fail(place, f"{i} stands twice", "name each index once")
        outer = {i: place for i, place in zip(over, items(indices), strict=True) if i in (*self.left, *self.inside)}
        self.inside += over
        e, kind = self.number(body)
        self.check_hidden(over, e)
        del self.inside[len(self.inside) - len(over) :]
        if outer:  # another index of the same axis, so that no index is two things
            here = {i: self.another(i, {*x.free(e), *x.bound(e), *over}) for i in outer if i != ELLIPSIS}
            here |= {i: x.fresh(i, {*x.free(e), *x.bound(e), *over, i}) for i in outer if i == ELLIPSIS}
            e, over = x.rename(e, {i: Pos(to) for i, to in here.items()}), tuple(here.get(i, i) for i in over)
            self.hidden |= outer
        if name == "mean":
            return x.mul(*(x.power(Size(i), x.num(-1)) for i in over), Reduce("sum", over, e)), "real"
        return Reduce(name, over, e), kind

    def check_hidden(self, outer: Iterable[str], e: Expr) -> None:
        """An index that is reduced inside although it stands outside too is used outside: else nobody meant it."""
        for i in outer:
            place = self.hidden.pop(i, None)
            if place is not None and i not in x.free(e):
                where = "on the left" if i in self.left else "around this"
                self.fail(
                    place, f"{i} is {where}, and here it is reduced", f"use another index here, that runs along {i}"
                )

    def size(self, node: ast.expr) -> Expr:
        if not isinstance(node, ast.Name) and not (isinstance(node, ast.Constant) and node.value is Ellipsis):
            self.fail(node, "size takes an index", "write size(i) for the length of the axis i")
        tensor = self.tensors.get(name_of(node))
        if tensor is not None or any(o.name == name_of(node) for o in self.options):
            axes = ", or ".join(f"size({a})" for a in tensor.axes) if tensor is not None else ""
            mend = f"write {axes}" if axes else "write size(i) for the axis i"
            self.fail(node, f"{name_of(node)} is not an index", mend)
        return Size(self.index_name(node))

    def reduced(self, node: ast.Call) -> Expr:
        """``reduced(reduction, L[...])``: the mean, the sum or the loss itself."""
        self.check_call(node, "reduced")
        name = name_of(node.args[0])
        if name not in self.chosen:
            mend = 'declare reduction: Choice["mean", "sum", "none"] = "mean"'
            self.fail(node.args[0], "reduced takes an option of kind Choice", mend)
        option = next(o for o in self.options if o.name == name)
        wrong = [w for w in option.choices if w not in ("mean", "sum", "none")]
        if wrong:
            self.fail(node.args[0], f"{name} may be {wrong[0]!r}", 'reduced knows "mean", "sum" and "none"')
        body = self.value(node.args[1])
        over = tuple(x.free(body))
        match self.chosen[name]:
            case "mean":
                return x.mul(*(x.power(Size(i), x.num(-1)) for i in over), x.reduce("sum", over, body))
            case "sum":
                return x.reduce("sum", over, body)
        return body

    def is_indices(self, node: ast.expr) -> bool:
        return all(
            (isinstance(n, ast.Name) and n.id not in {*self.tensors, *x.CONSTANTS, *(o.name for o in self.options)})
            or (isinstance(n, ast.Constant) and n.value is Ellipsis)
            for n in items(node)
        )

    def index_name(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            self.used.setdefault(ELLIPSIS, node)
            return ELLIPSIS
        if not isinstance(node, ast.Name) or not self.is_indices(node):
            self.fail(node, "not an index", "the indices come first, by their names: sum(i, x[..., i])")
        self.used.setdefault(node.id, node)
        return node.id


#: Largest exponent that is written as a number.
POWER = 1000


def indexed(e: Expr) -> bool:
    """Whether an index is in an expression, outside those of tensors."""
    return isinstance(e, Pos) or (not isinstance(e, Ref | Size) and any(map(indexed, x.children(e))))
