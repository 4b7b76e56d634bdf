"""The program of a layer: the only contract between mathematics and targets.

``compile`` in derive.program.compile makes a `KernelProgram` of the derivations of a layer. It has a `Variant` for each
value of the layer's Choice options, the default first, and a variant has its functions by name: ``forward``,
``backward``, ``jvp`` and (where the layer has one) ``double_backward``; an elementwise layer also ``value``,
``derivative`` and ``second_derivative``, which other functions call as ``Op("value", (x, options...))`` or, from
another layer, as ``Op("gelu", ...)``, ``Op("gelu'", ...)`` and ``Op("gelu''", ...)``.

A `Function` is given the arrays of its parameters, runs its statements one after another, and returns its results. What
forward keeps beside its results, ``saved``, backward is given. Every array that it reads or makes is in
``arrays``: kind, axes, and where each axis begins (a recurrence reaches back to position -1; an array that begins there
has one position more, and position p of it is the element p + 1 in memory). An element that a statement reads outside
an array is 0; minus infinity, where a maximum is taken. An array that a statement adds to (`Map.adds`) before another
one has written to all of it begins as zeros; so does a place of a recurrence that no statement writes to.

A statement computes one named array from named arrays, a call of another layer's kernel several. ``left`` is what is
written to: all of an array (``name[i, j]``), or a place of it (``h[-1, n]``, ``dh[t - 1, n]``). ``axes`` are the
indices it runs over, in the order in memory. Expressions are those of derive.notation.expr without reductions, and with
the functions of derive.program.typed. The length of an axis is what the inputs say, or ``layer.sizes`` computes. An
index may have primes: it runs along the axis ``layer.axis(index)``. An axis of a list's arrays has a length for each
entry: that of an array which the statement reads there with this index.

An array that statements add to, or write in parts, holds zeros before. A product with a factor ``iverson`` is 0 where
that does not hold, whatever the other factors are. Which reads may lie outside is said by
derive.program.outside.may_lie_outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from derive.notation.domain import Domain
from derive.notation.expr import ONE, Expr, Op, Part, Ref
from derive.notation.layer import Equation, Layer

#: What an array has in it. A ``number`` depends on options and sizes alone; ``saved`` is what a part's forward keeps.
Kind = Literal["boolean", "integer", "real", "number", "saved"]
Operation = Literal[
    "sum", "mean", "max", "argmax", "largest", "norm", "squares", "square_sum", "exp_sum", "log_sum", "log_sum_exp"
]  # fmt: skip
Fill = Literal["nothing", "zeros", "zeros at the end"]
Role = Literal["input", "cotangent", "tangent", "direction", "saved"]


@dataclass(frozen=True)
class Map:
    """``name[axes] = body``, element by element.

    Where ``like`` names an array that is read, the result may be in memory such as it has; where that is a product
    which is read once, in its own: the other terms are added to it.
    """

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    body: Expr
    like: str = ""

    @property
    def adds(self) -> bool:
        """Whether it adds to what the array holds already: ``name[axes] = name[axes] + ...``."""
        return isinstance(self.body, Op) and self.body.fn == "add" and self.body.args[0] == Ref(self.name, self.left)


@dataclass(frozen=True)
class Fold:
    """``name[axes] = op over (over) of body``.

    op is sum, mean (a sum divided by ``count``), max, argmax (row-major position over ``over``), largest (a target's
    word for both), norm (root of the sum of squares), squares (that sum), square_sum (it again, along axes), exp_sum
    (of what row_exp gives), log_sum (of such terms and their sum, the log of the sum divided by its largest term) or
    log_sum_exp (the same of exponents less their largest, and the exponents). ``there`` says under which conditions a
    sum has a term. What is ``inline`` is read once, by the next statement.
    """

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    op: Operation
    over: tuple[str, ...]
    body: Expr
    there: tuple[Expr, ...] = ()
    count: Expr = ONE
    inline: bool = False


@dataclass(frozen=True)
class Contract:
    """``name[axes] = scale * sum over (over) of a * b``, a matrix product of terms that are ``there``; see Fold."""

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    over: tuple[str, ...]
    a: Expr
    b: Expr
    scale: Expr
    there: tuple[Expr, ...] = ()
    inline: bool = False


@dataclass(frozen=True)
class Scatter:
    """``name[axes] += values`` where the axis called ``axis`` is at the place ``index``; outside, nothing is added."""

    name: str
    left: tuple[Expr, ...]
    axes: tuple[str, ...]
    axis: str
    index: Expr
    over: tuple[str, ...]
    values: Expr


@dataclass(frozen=True)
class Both:
    """Two arrays that are found in one pass: a maximum and where it is, or two results of one function."""

    first: Map | Fold
    second: Map | Fold


@dataclass(frozen=True)
class Invoke:
    """A function of another layer's kernel: several arrays from several arrays at once.

    They are whole arrays: what comes before the axes that the part's own tensor has is its ``...``. A part's second
    gradient has the name of its cotangent as field, not that of its output; where there is none it is zeros.

    Attributes:
        call: the function and its arguments; its own field says nothing here.
        results: the field of each result that is wanted, and where it goes.
    """

    call: Part
    results: tuple[tuple[str, Ref], ...]


@dataclass(frozen=True)
class Make:
    """An array, or a list, that statements are going to write to in parts, and what it holds before."""

    name: str
    fill: Fill


@dataclass(frozen=True)
class Loop:
    """Statements run for one position of an axis after another: a recurrence, or the arrays of a list.

    A sum over the axis of the loop, among others, adds what is there at this position to what was there before.

    Attributes:
        local: the arrays of which only the element of the position that is run is ever needed.
    """

    axis: str
    backwards: bool
    body: tuple[Statement, ...]
    local: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rows:
    """Statements that may run for some positions of an axis at a time, in any order; see derive.program.rows.

    Attributes:
        given: what they read, and at which place it has the axis; None where it has not.
        results: what is needed after them.
        joins: the place of the axis in each result; None for a sum along it.
    """

    axis: str
    body: tuple[Statement, ...]
    given: tuple[tuple[str, int | None], ...]
    results: tuple[str, ...]
    joins: tuple[int | None, ...]


Single = Map | Fold | Contract | Scatter  #: what computes one array
Statement = Single | Both | Make | Invoke | Loop | Rows


@dataclass(frozen=True)
class Array:
    """One array of a function.

    Attributes:
        axes: in the order of its indices; none where it is one number.
        starts: the first position along each axis: 0, or -1 in a recurrence.
        listed: the first axis counts the entries of a list, whose arrays may differ in shape.
        optional: a mask that may be left out, and is True everywhere then.
        domain: where its numbers lie, as far as the definition says.
    """

    name: str
    axes: tuple[str, ...]
    kind: Kind = "real"
    starts: tuple[int, ...] = ()
    listed: bool = False
    optional: bool = False
    domain: Domain | None = None

    @property
    def early(self) -> str:
        """The axis that begins at -1; empty where none does."""
        return next((a for a, start in zip(self.axes, self.starts, strict=True) if start), "")


@dataclass(frozen=True)
class Parameter:
    """What a function is given.

    Attributes:
        name: of the array.
        role: an input of the layer, the cotangent of an output, the tangent of an input, the direction that a gradient
            is taken along (double_backward is the gradient of the sum of directions times gradients), or what forward
            saved.
        of: the input or output of the layer that it belongs to, and has the axes of.
    """

    name: str
    role: Role
    of: str


@dataclass(frozen=True)
class Function:
    """One function of a layer.

    Attributes:
        results: a field and the array that is returned as it, or None where it is zeros. A result that begins at -1 is
            returned without that position.
        saved: the arrays that forward keeps for backward.
        notes: on the forms chosen for accuracy.
        equations: what it computes, as the derivation has it.
        zeros: results that are 0 where one of these axes is empty, whatever the statements say; see
            derive.program.nothing.
    """

    name: str
    parameters: tuple[Parameter, ...]
    arrays: Mapping[str, Array]
    statements: tuple[Statement, ...]
    results: tuple[tuple[str, str | None], ...]
    saved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    equations: tuple[Equation, ...] = ()
    zeros: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def returned(self) -> tuple[str, ...]:
        """The arrays that are returned."""
        return tuple(dict.fromkeys(name for _, name in self.results if name is not None))

    @property
    def needed(self) -> tuple[str, ...]:
        """The arrays that are wanted when the statements have run: what is returned, and what is saved."""
        return tuple(dict.fromkeys((*self.returned, *self.saved)))

    def given(self, role: Role) -> dict[str, str]:
        """The parameters of one role: what they belong to, and their names."""
        return {p.of: p.name for p in self.parameters if p.role == role}


@dataclass(frozen=True)
class Variant:
    """A layer with its Choice options chosen.

    Attributes:
        layer: the definition, read for this choice: axes, sizes, options.
        functions: by name; forward is always there.
    """

    layer: Layer
    functions: Mapping[str, Function]


@dataclass(frozen=True)
class KernelProgram:
    """A layer as programs.

    Attributes:
        variants: the default first.
        own: the elementwise layers of the same file, which an Activation option may choose beside the project's.
        without_second: why there is no double_backward; empty where there is.
    """

    variants: tuple[Variant, ...]
    own: tuple[str, ...] = ()
    without_second: str = ""

    @property
    def layer(self) -> Layer:
        """The definition as it is by default."""
        return self.variants[0].layer

    def each(self, function: str) -> tuple[Function, ...]:
        """One function in all variants."""
        return tuple(v.functions[function] for v in self.variants)


def names(statements: tuple[Statement, ...]) -> list[str]:
    """Arrays computed, in order."""
    found: list[str] = []
    for s in statements:
        match s:
            case Loop() | Rows():
                found += names(s.body)
            case Make():
                pass
            case Both(first, second):
                found += [first.name, second.name]
            case Invoke():
                found += [ref.tensor for _, ref in s.results]
            case _:
                found.append(s.name)
    return list(dict.fromkeys(found))


def expressions(s: Statement) -> tuple[Expr, ...]:
    """The expressions a statement reads."""
    match s:
        case Map():
            return (s.body,)
        case Fold():
            return (s.body, s.count, *s.there)
        case Contract():
            return (s.a, s.b, s.scale, *s.there)
        case Scatter():
            return (s.index, s.values)
        case Make():
            return ()
        case Both(first, second):
            return (*expressions(first), *expressions(second))
        case Invoke():
            return (s.call,)
        case Loop() | Rows():
            return tuple(e for inner in s.body for e in expressions(inner))
