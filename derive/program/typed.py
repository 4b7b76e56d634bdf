"""What every expression of a program is: boolean, integer or real, and its axes; and whether a program is sound.

`check` refuses a program that reads an array which is not there, an index that runs along nothing or stands outside the
array, a boolean where a number is meant and the reverse, and a function that is not declared. An integer may stand for
a real number. Positions that depend on data, and windows that reach beyond an edge, are the semantics of an element
outside an array, and no fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from derive.notation import expr as x
from derive.notation.expr import CONSTANTS, Expr, Num, Op, Opt, Part, Pos, Reduce, Ref, Size
from derive.notation.text import show
from derive.program.arrays import array
from derive.program.dependence import shift_of
from derive.program.draft import Draft
from derive.program.ir import (
    Array,
    Both,
    Contract,
    Fold,
    Function,
    Invoke,
    KernelProgram,
    Loop,
    Make,
    Map,
    Rows,
    Scatter,
    Statement,
    Variant,
    names,
)
from derive.program.rewriting.words import WORDS
from derive.program.show import statements

Kind = Literal["boolean", "integer", "real"]

BOOLEAN: Final = "boolean"
INTEGER: Final = "integer"
REAL: Final = "real"
ALONG = "index"  #: an argument that is an index and says along which axis
NUMBER = "number"  #: integer or real; the result is real if one of them is
TRUTHS = dict.fromkeys(("and", "or"), (f"{BOOLEAN}*", BOOLEAN))
COMPARISONS = dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), (f"{NUMBER} {NUMBER}", BOOLEAN))
#: Functions of real numbers, which give one.
REALS = (
    "exp log erf sin cos expm1 log1p xlogy xdivy copysign negative_part softplus powered within unbounded_exp logistic",
    "floor round exp_decay expm1_decay logistic_slope value derivative second_derivative",
)

#: Every function that an expression may have: the kinds of its arguments, of which one with ``*`` may stand any number
#: of times, and what it gives.
FUNCTIONS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("add", "mul", "max"), (f"{NUMBER}*", NUMBER)),
    "pow": (f"{NUMBER} {NUMBER}", NUMBER),
    "abs": (NUMBER, NUMBER),
    "group": (NUMBER, NUMBER),
    "stop_gradient": (NUMBER, NUMBER),  # in a function of its own, until it is printed: what it holds
    "floordiv": (f"{NUMBER} {NUMBER}", INTEGER),
    "exactdiv": (f"{NUMBER} {NUMBER}", INTEGER),
    "where": (f"{BOOLEAN} {NUMBER} {NUMBER}", NUMBER),
    "iverson": (BOOLEAN, INTEGER),
    "not": (BOOLEAN, BOOLEAN),
    **TRUTHS,
    **COMPARISONS,
    **{fn: (f"{NUMBER}*", REAL) for line in REALS for fn in line.split()},
    **dict.fromkeys(WORDS, (f"{NUMBER}*", REAL)),
    "row_exp": (f"{NUMBER} {ALONG}*", REAL),
    "less_mean": (f"{NUMBER} {NUMBER} {ALONG} {BOOLEAN}*", REAL),
    "less_share": (f"{NUMBER} {NUMBER} {ALONG} {BOOLEAN}*", REAL),
    "less_one_hot": (f"{NUMBER} {INTEGER}", REAL),
    "of": (f"{NUMBER} {NUMBER}", REAL),
    "there": (f"{NUMBER} {BOOLEAN}*", NUMBER),
    "run": (f"{NUMBER} {ALONG} {INTEGER} {INTEGER}", NUMBER),
}
#: Of functions that are named elsewhere: the runtime's, with what is before the name.
PREFIXES = ("library ", "runtime ", "first of runtime ", "second of runtime ")


class TypeFault(Exception):
    """A program that no target can be given; says which function and statement."""


@dataclass(frozen=True)
class Type:
    """What an expression is, and the indices that it has."""

    kind: Kind
    axes: tuple[str, ...]


@dataclass
class Checker:
    """Checks one function of a variant.

    Attributes:
        made: the arrays that are there.
        bound: the indices that run along something where an expression stands.
        reductions: whether expressions may have them: not in a program, but on the way there.
    """

    variant: Variant
    function: Function
    elementwise: frozenset[str]
    made: set[str]
    bound: frozenset[str] = frozenset()
    reductions: bool = False

    # ---- statements ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self.block(self.function.statements)
        for name in self.function.needed:
            self.array(name)

    def block(self, every: Iterable[Statement]) -> None:
        for s in every:
            try:
                self.statement(s)
            except TypeFault as fault:
                where = f"{self.variant.layer.name}.{self.function.name}"
                raise TypeFault(f"in {where}: {fault}, in {next(statements([s]))}") from None

    def statement(self, s: Statement) -> None:
        outer = self.bound
        match s:
            case Loop(axis=axis, body=body):
                self.bound |= {axis}
                self.made |= {*names(body)}  # the step before has made them
                self.block(body)
            case Rows(body=body):
                self.block(body)
            case Invoke(call=call, results=results):
                self.part(call)
                for _, ref in results:
                    self.made.add(ref.tensor)
                    self.place(ref)
            case Map(body=body):
                self.bound |= {*s.axes}
                if s.adds:  # to zeros, where nothing is there
                    self.made.add(s.name)
                self.assign(s, self.of(body).kind)
            case Make(name=name):
                self.made.add(name)
            case Both(first, second):
                self.block((first, second))
            case Fold(over=over, body=body, there=there):
                self.bound |= {*s.axes, *over}
                self.number(s.count)
                kind = self.number(body)
                self.truths(there)
                self.assign(s, INTEGER if s.op == "argmax" else kind if s.op in ("sum", "max") else REAL)
            case Contract(over=over, a=a, b=b, scale=scale, there=there):
                self.bound |= {*s.axes, *over}
                kinds = {self.number(e) for e in (a, b, scale)}
                self.truths(there)
                self.assign(s, REAL if REAL in kinds else INTEGER)
            case Scatter(index=index, over=over, values=values):
                self.bound |= {*s.axes, *over}
                if self.of(index).kind != INTEGER:
                    raise TypeFault(f"{show(index)} is no position")
                self.assign(s, self.number(values))
        self.bound = outer

    def assign(self, s: Map | Fold | Contract | Scatter, kind: Kind) -> None:
        self.made.add(s.name)
        self.place(Ref(s.name, s.left))
        declared = self.function.arrays[s.name].kind
        if declared != "number" and kind != declared and (kind, declared) != (INTEGER, REAL):
            raise TypeFault(f"{s.name} is {declared}, and is given what is {kind}")

    def place(self, ref: Ref) -> None:
        """What is written to has to be inside the array."""
        array = self.array(ref.tensor)
        self.of(ref)
        for e, start in zip(ref.index, array.starts, strict=True):
            shift = shift_of(e)
            if shift is not None and not start <= shift[1] <= 0:
                raise TypeFault(
                    f"position {shift[0]} {shift[1]:+d} of {ref.tensor}, which begins at {start}, is written"
                )

    def truths(self, conditions: Iterable[Expr]) -> None:
        for c in conditions:
            if self.of(c).kind != BOOLEAN:
                raise TypeFault(f"{show(c)} is no condition")

    # ---- expressions -----------------------------------------------------------------------------------------------

    def of(self, e: Expr) -> Type:
        """The type of an expression.

        Raises:
            TypeFault: it has none.
        """
        return Type(self.kind(e), tuple(x.free(e)))

    def number(self, e: Expr) -> Kind:
        kind = self.kind(e)
        if kind == BOOLEAN:
            raise TypeFault(f"{show(e)} is boolean where a number is meant")
        return kind

    def kind(self, e: Expr) -> Kind:
        match e:
            case Num(value):
                return INTEGER if value.denominator == 1 else REAL
            case Opt(name):
                return self.option(name)
            case Size():
                return INTEGER
            case Pos(index):
                if index not in self.bound:
                    raise TypeFault(f"the index {index} runs along nothing")
                return INTEGER
            case Ref():
                return self.element(e)
            case Op(fn, args):
                return self.applied(fn, args)
            case Reduce(op, over, body) if self.reductions:
                outer, self.bound = self.bound, self.bound | {*over}
                kind, self.bound = self.number(body), outer
                return INTEGER if op == "argmax" else kind if op in ("sum", "max") else REAL
        raise TypeFault(f"{show(e)} is no expression of a statement")

    def option(self, name: str) -> Kind:
        if name in CONSTANTS:
            return REAL
        kinds = {o.name: o.kind for o in self.variant.layer.options}
        if name not in kinds:
            raise TypeFault(f"{name} is no option")
        whole = ("Count", "Natural", "Integer", "Axis")
        return BOOLEAN if kinds[name] == "Flag" else INTEGER if kinds[name] in whole else REAL

    def element(self, ref: Ref) -> Kind:
        array = self.array(ref.tensor)
        if len(ref.index) != len(array.axes):
            raise TypeFault(f"{ref.tensor} has {len(array.axes)} axes, and {len(ref.index)} indices are given")
        for e, axis, start in zip(ref.index, array.axes, array.starts, strict=True):
            if self.kind(e) != INTEGER:
                raise TypeFault(f"{show(e)} is no position of {ref.tensor}")
            size = self.variant.layer.sizes.get(self.variant.layer.axis(axis))
            if isinstance(e, Num) and (e.value < start or (isinstance(size, Num) and e.value >= size.value)):
                raise TypeFault(f"position {e.value} of {ref.tensor}, which begins at {start}, is outside")
        return BOOLEAN if array.kind == "boolean" else INTEGER if array.kind == "integer" else REAL

    def array(self, name: str) -> Array:
        if name not in self.function.arrays:
            raise TypeFault(f"{name} is not declared")
        if name not in self.made:
            raise TypeFault(f"{name} is read before it is made")
        return self.function.arrays[name]

    def applied(self, fn: str, args: tuple[Expr, ...]) -> Kind:
        declared, gives = self.declaration(fn)
        if fn == "where" and {self.kind(a) for a in args[1:]} == {BOOLEAN}:
            declared, gives = f"{BOOLEAN} {BOOLEAN} {BOOLEAN}", BOOLEAN
        found: set[Kind] = set()
        for wanted, a in zip(arguments(fn, declared, len(args)), args, strict=True):
            if wanted == ALONG:
                if not isinstance(a, Pos):
                    raise TypeFault(f"{fn} goes along an index, and {show(a)} is none")
                continue
            kind = self.kind(a)
            if (kind == BOOLEAN) != (wanted == BOOLEAN):
                raise TypeFault(
                    f"{fn} takes {'a condition' if wanted == BOOLEAN else 'a number'}, and {show(a)} is {kind}"
                )
            if wanted == INTEGER and kind != INTEGER:
                raise TypeFault(f"{fn} takes whole numbers, and {show(a)} is real")
            found.add(kind)
        if fn == "pow" and args[1:] and not (isinstance(args[1], Num) and args[1].value >= 0):
            return REAL
        if gives == NUMBER:
            return REAL if REAL in found else INTEGER
        return gives  # type: ignore[return-value]

    def declaration(self, fn: str) -> tuple[str, str]:
        if fn in FUNCTIONS:
            return FUNCTIONS[fn]
        options = {o.name for o in self.variant.layer.options if o.kind == "Activation"}
        if fn.startswith(PREFIXES) or fn.rstrip("'") in self.elementwise | options:
            return f"{NUMBER}*", REAL
        raise TypeFault(f"there is no function {fn}")

    def part(self, call: Part) -> None:
        """The arguments of a part's function are whole arrays."""
        self.bound |= {*call.over}
        for group in call.groups:
            for _, e in group:
                if isinstance(e, Ref):
                    self.element(e)
                elif e != x.ZERO:
                    raise TypeFault(f"{show(e)} is no array to give to {call.layer}.{call.function}")


def arguments(fn: str, declared: str, count: int) -> Iterator[str]:
    """The kinds of so many arguments."""
    words = declared.split()
    more = count - len(words) + 1 if words[-1].endswith("*") else int(count == len(words))
    if more < 0 or (more != 1 and not words[-1].endswith("*")):
        raise TypeFault(f"{fn} takes {declared}, and {count} arguments are given")
    yield from words[:-1]
    for _ in range(more):
        yield words[-1].rstrip("*")


def check_draft(draft: Draft, elementwise: Iterable[str]) -> None:
    """Refuse equations, or statements, that are not sound; the order of equations is not looked at.

    Raises:
        TypeFault: says which function, and which equation or statement.
    """
    variant = Variant(draft.layer, {})
    known = frozenset(elementwise)
    arrays = {name: array(draft, name) for name in draft.tensors}
    for function in draft.functions:
        function = replace(function, arrays=arrays, saved=())
        Checker(variant, function, known, {*arrays}).block(function.statements)
        checker = Checker(variant, function, known, {*arrays}, reductions=True)
        for e in draft.equations if not function.statements else ():
            part = Invoke(e.body, ((e.body.field, e.lhs),)) if isinstance(e.body, Part) else None
            checker.bound = frozenset(x.free(e.lhs))
            checker.block([part or Map(e.target, e.left, e.indices, e.body)])


def check(program: KernelProgram, elementwise: Iterable[str]) -> None:
    """Refuse a program that is not sound.

    Args:
        elementwise: the layers that are functions of one number.

    Raises:
        TypeFault: says which function, statement and expression.
    """
    known = frozenset(elementwise) | {*program.own}
    for variant in program.variants:
        for function in variant.functions.values():
            given = {p.name for p in function.parameters}
            if function.name == "backward":
                given |= {*variant.functions["forward"].saved}
            Checker(variant, function, known, given).run()
