"""What the passes of the compiler work on: functions on their way from equations to statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.expr import Expr
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.ir import Function, Statement


@dataclass(frozen=True)
class Draft:
    """Functions of one layer that are compiled together: forward with backward, and each of the others alone.

    Attributes:
        layer: one variant of the layer.
        functions: name, parameters and results of each; a later one may read what an earlier one keeps for it.
        equations: of all functions, in an order in which they can be computed.
        tensors: all that equations mention; a pass adds what it names.
        early: tensors that begin at position -1 of an axis, and that axis.
        unit_rows: tensors that are known to sum to 1 along their last axis.
        kept: what the first function is to compute beside its results.
        own: the equations of each function by itself, once they are parted.
        elementwise: what the elementwise layers are called that equations may use.
    """

    layer: Layer
    functions: tuple[Function, ...]
    equations: tuple[Equation, ...]
    tensors: dict[str, Tensor]
    early: dict[str, str] = field(default_factory=dict)
    unit_rows: frozenset[str] = frozenset()
    kept: tuple[str, ...] = ()
    own: tuple[tuple[Equation, ...], ...] = ()
    elementwise: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def taken(self) -> frozenset[str]:
        """The names that arrays and options have: a new array has another one."""
        return frozenset((*self.tensors, *(o.name for o in self.layer.options)))

    @property
    def places_of_steps(self) -> dict[str, int]:
        """Where the axis that begins at position -1 stands among the axes of a tensor."""
        return {n: self.tensors[n].axes.index(axis) for n, axis in self.early.items()}

    @property
    def results(self) -> tuple[str, ...]:
        """Everything that leaves a function."""
        first, *later = self.functions
        return tuple(dict.fromkeys((*first.returned, *self.kept, *(n for f in later for n in f.returned))))

    def with_equations(self, equations: Iterable[Equation]) -> Draft:
        return replace(self, equations=tuple(equations))

    def each_body(self, change: Callable[[Expr], Expr]) -> Draft:
        """The draft with every right side changed."""
        return self.with_equations(replace(e, body=change(e.body)) for e in self.equations)

    def each_function(self, change: Callable[[Function], tuple[Statement, ...]]) -> Draft:
        """The draft with the statements of every function changed."""
        return replace(self, functions=tuple(replace(f, statements=change(f)) for f in self.functions))


def pruned(equations: Iterable[Equation], results: Iterable[str]) -> tuple[Equation, ...]:
    """The equations that results need."""
    equations, pending = tuple(equations), list(results)
    read: dict[str, list[str]] = {}
    for e in equations:
        read.setdefault(e.target, []).extend(x.tensors(e.body))
    needed = set(pending)
    while pending:
        found = set(read.get(pending.pop(), ())) - needed
        needed |= found
        pending += found
    return tuple(e for e in equations if e.target in needed)
