"""What a definition is once it is read: tensors, options, axes and equations, all immutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from derive.notation.expr import ELLIPSIS, Expr, Opt, Pos, Reduce, Ref, Size, plain, transform

Kind = Literal["real", "integer", "boolean"]


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
        kind: real, integer or boolean.
        role: input, state (an input without gradient), output or intermediate.
        sequence: the first axis counts the entries of a Python list whose arrays may differ in shape.
        optional: a boolean mask that may be left out.
    """

    name: str
    axes: tuple[str, ...]
    slots: tuple[Slot, ...] = ()
    kind: Kind = "real"
    role: str = "intermediate"
    sequence: bool = False
    optional: bool = False

    def ref(self) -> Ref:
        return Ref(self.name, tuple(Pos(a) for a in self.axes))


@dataclass(frozen=True)
class Option:
    """A keyword argument. ``kind`` is one of OPTION_KINDS in derive.notation.read."""

    name: str
    kind: str
    default: object
    axis: str = ""
    choices: tuple[str, ...] = ()


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
    """``target[lead] = part(arguments)``: a layer used inside another one.

    Attributes:
        arguments: a tensor's name and its leading indices, for each tensor the part takes.
        options: keyword arguments of the part.
        axes: the part's axes and what they are called here.
    """

    target: str
    lead: tuple[Expr, ...]
    part: Layer
    arguments: tuple[tuple[str, tuple[Expr, ...]], ...]
    options: tuple[tuple[str, Expr], ...]
    axes: tuple[tuple[str, str], ...]
    line: int = 0


@dataclass(frozen=True)
class Layer:
    """One definition, read. A definition with a choice (``reduction``) is one Layer for each value of it.

    Attributes:
        sizes: axes whose length is not read off an input but computed: axis to expression.
        same: index to the axis it runs along (softmax's j runs along i).
        begins_early: tensors that reach back to position -1 of a recurrence though no equation of theirs says so.
        choice: the value chosen for each option of kind choice that changes the equations.
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
    source: str = ""
    file: str = ""

    def axis(self, index: str) -> str:
        """The axis that an index runs along. Derived indices (i2, i3) run along their original's axis."""
        if index in self.same:
            return self.same[index]
        stem = index.rstrip("0123456789") if index != ELLIPSIS else index
        return self.same.get(stem, stem) or index

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors.values() if t.role in ("input", "state"))

    @property
    def differentiable(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors.values() if t.role == "input" and t.kind == "real")

    @property
    def differentiable_outputs(self) -> tuple[str, ...]:
        return tuple(o for o in self.outputs if o not in self.state_outputs)

    @property
    def sequence_axis(self) -> str | None:
        """The axis counting list entries (a network's depth), where there is one."""
        return next((t.axes[0] for t in self.tensors.values() if t.sequence), None)

    @property
    def elementwise(self) -> bool:
        """One real tensor in, one out, element by element: usable as a scalar function inside other equations."""
        first = self.steps[0]
        return (
            len(self.inputs) == 1
            and self.inputs[0].axes == (ELLIPSIS,)
            and len(self.steps) == 1
            and isinstance(first, Equation)
            and first.left == (Pos(ELLIPSIS),)
        )

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """The equations with every call written out in the caller's names."""
        return tuple(e for step in self.steps for e in (expand(self, step) if isinstance(step, Call) else (step,)))


def expand(layer: Layer, call: Call) -> tuple[Equation, ...]:
    """The part's equations, in the caller's tensors and axes. Inner tensors get the target's name in front."""
    axes = dict(call.axes)
    formals = {f.name: actual for f, actual in zip(call.part.inputs, call.arguments, strict=True)}
    options = dict(call.options)
    inner = {i: f"{call.target}_{i}" for i in call.part.same if i not in axes and i in layer.tensors}

    def translate(e: Expr) -> Expr | None:
        match e:
            case Ref(name, index):
                moved = tuple(transform(i, translate) for i in index)
                if name in formals:
                    actual, lead = formals[name]
                    return Ref(actual, lead + moved)
                return Ref(call.target if name == call.part.outputs[0] else f"{call.target}_{name}", call.lead + moved)
            case Pos(index):
                return Pos(axes.get(index, inner.get(index, index)))
            case Size(axis):
                return Size(axes.get(axis, axis))
            case Opt(name) if name in options:
                return options[name]
            case Reduce(op, over, body):
                return Reduce(op, tuple(axes.get(i, inner.get(i, i)) for i in over), transform(body, translate))
        return None

    result = []
    for equation in call.part.equations:
        lhs = transform(equation.lhs, translate)
        assert isinstance(lhs, Ref)
        result.append(Equation(lhs.tensor, lhs.index, transform(equation.body, translate), call.line))
    return tuple(result)
