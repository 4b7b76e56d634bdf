"""What a definition is once it is read: tensors, options, axes and equations, all immutable."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, Literal

from derive.notation.conditions import decided
from derive.notation.domain import Domain
from derive.notation.expr import (
    ELLIPSIS,
    ONE,
    ZERO,
    Expr,
    Given,
    Num,
    Op,
    Opt,
    Pos,
    Reduce,
    Ref,
    Size,
    Slots,
    add,
    mul,
    origin,
    plain,
    reduce,
    transform,
    walk,
)

Kind = Literal["real", "integer", "boolean", "number", "saved"]


@dataclass(frozen=True)
class Slot:
    """One axis of a tensor as its signature writes it: ``i``, ``...``, or a product ``g * c`` of two axes."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "*".join(self.parts)


@dataclass(frozen=True)
class Tensor:
    """A tensor of a definition.

    Attributes:
        name: its name in code.
        axes: the indices of its equations, product slots split: ``x[b, g*c, p]`` has axes b, g, c, p.
        slots: the axes as a caller passes them.
        kind: real, integer, boolean; of what a program computes also number (a plain one, of options and sizes alone),
            or saved: what a part's forward keeps for its backward.
        role: input, state (an input without gradient), output or intermediate.
        sequence: the first axis counts the entries of a Python list whose arrays may differ in shape.
        optional: a boolean mask that may be left out.
        domain: where its numbers lie, where the definition says so.
    """

    name: str
    axes: tuple[str, ...]
    slots: tuple[Slot, ...] = ()
    kind: Kind = "real"
    role: str = "intermediate"
    sequence: bool = False
    optional: bool = False
    domain: Domain | None = None

    def ref(self) -> Ref:
        return Ref(self.name, tuple(Pos(a) for a in self.axes))


@dataclass(frozen=True)
class Option:
    """A keyword argument. ``kind`` is one of OPTION_KINDS in derive.notation.options.

    Attributes:
        shape: of an option of several numbers how many, ``stride: Count[2]``, ``padding: Natural[2, 2]``. A caller may
            give one number for all; its default and every value inside are nested tuples of that shape.
    """

    name: str
    kind: str
    default: object
    axis: str = ""
    choices: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    @cached_property
    def elements(self) -> tuple[Opt, ...]:
        """The option as equations name it: each of its numbers."""
        return tuple(Opt(self.name, at) for at in product(*map(range, self.shape)))

    @property
    def declared(self) -> str:
        """The kind as a signature has it: ``Count``, or ``Count[2]``."""
        return self.kind + (f"[{', '.join(map(str, self.shape))}]" if self.shape else "")


@dataclass(frozen=True)
class Equation:
    """``target[left] = body``. An index of ``left`` may be a constant (``h[-1, ...]``) in a recurrence.

    ``line`` is where it stands in the definition, 0 for derived ones.
    """

    target: str
    left: tuple[Expr, ...]
    body: Expr
    line: int = 0

    @property
    def lhs(self) -> Ref:
        return Ref(self.target, self.left)

    @property
    def indices(self) -> tuple[str, ...]:
        """The free indices of the left-hand side."""
        return tuple(i for e in self.left if (i := plain(e)) is not None)


@dataclass(frozen=True)
class Call:
    """``z[lead] = part(arguments)``: a layer used inside another one.

    Attributes:
        results: what the part's outputs are here; those beyond the last one named are not used.
        arguments: what the part's inputs are here; None for a mask that is left out.
        options: keyword arguments; a string for what has a name, a boolean for a flag.
        axes: the part's axes and indices and what they are called here; ``...`` may be any number of axes.
    """

    part: Layer
    results: tuple[Ref, ...]
    arguments: tuple[Ref | None, ...]
    options: tuple[tuple[str, Given], ...]
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    line: int = 0

    def spread(self, axes: Iterable[str]) -> tuple[str, ...]:
        """What axes or indices of the part are called here."""
        known = self.known
        return tuple(here for a in axes for here in (known[a] if a in known else self.derived(a)))

    @cached_property
    def known(self) -> dict[str, tuple[str, ...]]:
        """The part's axes and indices and what they are called here."""
        return dict(self.axes)

    def derived(self, index: str) -> tuple[str, ...]:
        """What an index that derivation made (i' from i, or another one along i) is called here."""
        stem = origin(index)
        primes = index[len(stem) :] if stem in self.known else "'" * (2 + len(index) - len(stem))
        along = self.known.get(stem) or self.known.get(self.part.axis(stem), (index,))
        return tuple(here if here == index else here + primes for here in along)

    @property
    def lead(self) -> tuple[Expr, ...]:
        """The leading indices of the results that the part knows nothing of."""
        first = self.results[0]
        return first.index[: len(first.index) - len(self.spread(self.part.tensors[self.part.outputs[0]].axes))]

    @cached_property
    def tensors(self) -> dict[str, Ref]:
        """The part's tensors here; those without a name of their own get the first result's in front."""
        part = self.part
        inputs = {t.name: ref for t, ref in zip(part.inputs, self.arguments, strict=True) if ref is not None}
        named = dict(zip(part.outputs, self.results, strict=False))
        hidden = {
            name: Ref(f"{self.results[0].tensor}_{name}", self.lead + tuple(map(Pos, self.spread(t.axes))))
            for name, t in part.tensors.items()
            if t.role not in ("input", "state") and name not in named
        }
        return inputs | named | hidden

    def option(self, name: str, at: tuple[int, ...] = ()) -> Expr | str:
        """The value of one of the part's options, of several numbers the one at a place; a name as a string."""
        default = next(o.default for o in self.part.options if o.name == name)
        value: Any = dict(self.options).get(name, default)
        for n in at:
            value = value[n] if isinstance(value, tuple) else value
        if isinstance(value, bool | int | float):
            return Num(Fraction(value))
        return value  # type: ignore[no-any-return]

    def here(self, e: Expr, tensors: Mapping[str, Ref | None] | None = None) -> Expr:
        """An expression of the part in the tensors, axes and options of the caller.

        Args:
            e: the expression.
            tensors: what the part's tensors are here, None for one that is zero; by default those of its definition.
        """
        tensors = self.tensors if tensors is None else tensors
        options = {o.name for o in self.part.options}
        left_out = {t.name for t in self.part.inputs} - set(self.tensors)

        def inside(node: Expr) -> Expr:
            return self.here(node, tensors)

        def visit(node: Expr) -> Expr | None:
            match node:
                case Ref(name, _) if name in left_out:
                    return ONE
                case Ref(name, index):
                    own = tensors[name]
                    if own is None:
                        return ZERO
                    inner = tuple(h for i in index for h in (self.moved(i) if isinstance(i, Pos) else (inside(i),)))
                    return Ref(own.tensor, own.index[: len(own.index) - len(inner)] + inner)
                case Pos(index):
                    return position(self.spread([index]))
                case Size(axis):
                    return mul(*map(Size, self.spread([axis])))
                case Opt(name, at) if name in options:
                    value = self.option(name, at)
                    return value if not isinstance(value, str) else None
                case Op(fn, args) if (name := fn.rstrip("'")) in options:
                    value = self.option(name)
                    chosen = value if isinstance(value, str) else str(value.name)  # type: ignore[union-attr]
                    return Op(chosen + fn[len(name) :], tuple(map(inside, args)))
                case Reduce(op, over, body):
                    return reduce(op, self.spread(over), inside(body))
            return None

        return decided(transform(e, visit))

    def moved(self, e: Pos) -> tuple[Expr, ...]:
        """What stands in place of an index here."""
        return tuple(map(Pos, self.spread([e.index])))

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """The part's equations, in the tensors, axes and options of the caller."""
        return tuple(
            Equation(lhs.tensor, lhs.index, self.here(e.body), self.line)
            for e in self.part.equations
            if isinstance(lhs := self.here(e.lhs), Ref)
        )


@dataclass(frozen=True)
class Layer:
    """One definition, read. A definition with a choice (``reduction``) is one Layer for each value of it.

    Attributes:
        sizes: axes whose length is not read off an input but computed: axis to expression.
        same: index to the axis it runs along (softmax's j runs along i).
        written: the definition as it was typed, where its recurrences are in normal form here.
        begins_early: tensors that reach back to position -1 of a recurrence though no equation of theirs says so.
        choice: the value chosen for each option of kind choice that changes the equations.
        source, file, first_line: the definition's text, and where it begins.
    """

    name: str
    doc: str
    cites: str
    tensors: dict[str, Tensor]
    options: tuple[Option, ...]
    steps: tuple[Equation | Call, ...]
    outputs: tuple[str, ...]
    state_outputs: tuple[str, ...] = ()
    sizes: dict[str, Expr] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)
    choice: tuple[tuple[str, str], ...] = ()
    begins_early: tuple[str, ...] = ()
    written: Layer | None = field(default=None, repr=False, compare=False)
    source: str = ""
    file: str = ""
    first_line: int = 1

    def _repr_html_(self) -> str:
        """What a notebook shows: equations, gradient and kernel."""
        from derive.targets import notebook  # only here: reading a definition takes nothing of what shows it

        return notebook.html(self)

    def _repr_latex_(self) -> str:
        """Equations and gradient for what shows LaTeX."""
        from derive.targets import notebook

        return notebook.latex(self)

    def axis(self, index: str) -> str:
        """The axis that an index runs along."""
        index = origin(index)
        return self.same.get(index, index)

    @property
    def summary(self) -> str:
        """The first line of what the definition says of itself."""
        return self.doc.partition("\n")[0]

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors.values() if t.role in ("input", "state"))

    @cached_property
    def axes(self) -> frozenset[str]:
        """Every axis there is."""
        return frozenset(a for t in self.tensors.values() for a in t.axes) | frozenset(self.sizes)

    @cached_property
    def products(self) -> frozenset[tuple[str, ...]]:
        """Axes that the signature has as one."""
        return frozenset(s.parts for t in self.inputs for s in t.slots if len(s.parts) > 1)

    @cached_property
    def masks(self) -> frozenset[str]:
        """Inputs that may be left out."""
        return frozenset(t.name for t in self.inputs if t.optional)

    @cached_property
    def differentiable(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors.values() if t.role == "input" and t.kind == "real")

    @cached_property
    def differentiable_outputs(self) -> tuple[str, ...]:
        return tuple(o for o in self.outputs if o not in self.state_outputs)

    @cached_property
    def sequence_axis(self) -> str | None:
        """The axis counting list entries (a network's depth), where there is one."""
        return next((t.axes[0] for t in self.tensors.values() if t.sequence), None)

    @cached_property
    def elementwise(self) -> bool:
        """One real tensor in, one out, element by element: usable as a scalar function inside other equations."""
        match self.steps:
            case (Equation(left=(Pos(index),), body=body),):
                if any(isinstance(n, Reduce | Size) for n in walk(body)):  # of all elements, or how many there are
                    return False
                if any(o.shape for o in self.options):  # a function of one number is given numbers
                    return False
                found = [(t.axes, t.kind, t.role) for t in self.inputs]
                return index == ELLIPSIS and found == [((ELLIPSIS,), "real", "input")]
        return False

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """The equations with every call written out in this layer's names."""
        return tuple(e for step in self.steps for e in (step.equations if isinstance(step, Call) else (step,)))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        return tuple(step for step in self.steps if isinstance(step, Call))

    def split(self, tensor: Tensor) -> tuple[tuple[str, ...], ...]:
        """The axes of a tensor as a caller sees them: products of the signature are one axis."""
        return merged(tensor, self.axis, self.products)


def merged(tensor: Tensor, axis: Callable[[str], str], products: Collection[tuple[str, ...]]) -> Slots:
    """A tensor's axes, those together that a signature has as one: ``products`` of axes, which ``axis`` names."""
    if tensor.slots:
        return tuple(s.parts for s in tensor.slots)
    axes = [axis(a) for a in tensor.axes]
    slots: list[tuple[str, ...]] = []
    while axes:
        pair = tuple(axes[:2])
        slots.append(pair if pair in products else pair[:1])
        del axes[: len(slots[-1])]
    return tuple(slots)


def position(indices: tuple[str, ...]) -> Expr:
    """Where indices of axes that are one stand on it: ``size(c) * g + c``; 0 on an axis that is not there."""
    found: Expr = ZERO
    for index in indices:
        found = add(mul(Size(index), found), Pos(index))
    return found


def is_place(e: Expr) -> bool:
    """Whether something says where an element is, and so is a whole number."""
    return isinstance(e, Reduce) and e.op == "argmax"
