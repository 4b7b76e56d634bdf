"""Reverse mode in scatter form.

For an equation ``Z[left] = sum_k f(A[index], ...)`` and each reference in it,

    dA[index] += dZ[left] * df/dA        for all left and k.

SymPy gives ``df/dA``, a derivative of scalars by a scalar. The contribution is then gathered at one element of dA: the
target's plain indices name themselves, an affine index is solved for a loop index, an index read from a tensor becomes
a condition, and the loops that are left are summed. Indices are renamed all at once; nothing is ever captured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.calculus.adjoint import Adjoint, CalculusError
from derive.calculus.indices import always, linear, names_indices, rest_of, spread, tidy_indices
from derive.calculus.order import groups
from derive.calculus.ranges import Ranges, mark
from derive.calculus.scalars import Derivative, Scalars
from derive.calculus.singular import singular
from derive.calculus.steps import Inner, Scatter
from derive.notation import expr as x
from derive.notation.conditions import decided
from derive.notation.errors import at
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.functions import moved, moving
from derive.notation.layer import Equation, Layer, Tensor


@dataclass
class Reverse(Ranges):
    wanted: frozenset[str]
    scalars: Scalars = field(default_factory=Scalars)
    contributions: dict[str, list[Scatter]] = field(default_factory=dict)
    auxiliary: list[Equation] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.derivative = Derivative(self.scalars)
        bodies = [e for equation in self.layer.equations for e in (*equation.left, equation.body)]
        indices = {i for e in bodies for n in x.walk(e) for i in names_indices(n)}
        self.taken = {*self.layer.tensors, *(o.name for o in self.layer.options), *self.layer.sizes, *indices}
        consumed = {name for e in self.layer.equations for name in moving(e.body)}
        self.cotangents = {o: self.free_name(f"d{o}") for o in self.layer.differentiable_outputs}
        self.names = {
            name: self.cotangents[name]
            if name in self.cotangents and name not in consumed
            else self.free_name(f"d{name}_total" if name in self.cotangents else f"d{name}")
            for name in self.layer.tensors
        }

    def free_name(self, name: str) -> str:
        """A name that nothing in the layer has, nor anything that was named before."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def active(self) -> set[str]:
        """Tensors that depend on a wanted input and reach a differentiable output."""
        names = [(e.target, self.moved_by(e)) for e in self.layer.equations]
        real = {n for n, _ in names}  # a place too, through which the gradient is 0
        depends = set(self.wanted)
        while found := {n for n, used in names if n in real and n not in depends and depends & used}:
            depends |= found
        reaches = set(self.cotangents)
        while found := {t for n, used in names if n in reaches for t in used} - reaches:
            reaches |= found
        read = set(self.cotangents)
        while found := {t for e in self.layer.equations if e.target in read for t in x.tensors(e.body)} - read:
            read |= found
        return (depends & reaches) | (self.wanted & read)  # what is only read where it is held has a gradient of 0

    def moved_by(self, e: Equation) -> set[str]:
        """What moves what an equation gives; inputs that do not move a result, where nothing does: the slope is 0."""
        still = self.wanted.intersection(x.tensors(e.body)) if e.target in self.layer.outputs else ()
        return set(moving(e.body) or still)

    def run(self) -> Adjoint:
        active = self.active()
        for equation in reversed(self.layer.equations):
            if equation.target in active and self.read_where(equation, active):
                cotangent = Ref(self.names[equation.target], equation.left)
                loops = equation.indices
                with at(equation.line):
                    for step in self.scatter(equation, cotangent, loops, equation.body, active):
                        self.contributions.setdefault(step.ref.tensor, []).append(step)
        equations: list[Equation] = []
        order = [t for t in self.layer.tensors if t in active and (t in self.cotangents or self.moves(t))]
        for name in reversed(order):
            equations += self.collect(name)
        return Adjoint(
            in_order(equations),
            {n: self.names[n] for n in order},
            self.cotangents,
            tuple(self.auxiliary),
            self.tensors,
            tuple(s for name in reversed(order) for s in self.contributions.get(name, ())),
        )

    def read_where(self, e: Equation, active: set[str]) -> bool:
        """Whether an equation's value is read where it stands: a recurrence's beginning may only be read stopped."""
        places = [n for n, i in enumerate(e.left) if isinstance(i, Num) and i.value < 0]
        return not places or any(
            x.plain(ref.index[n]) is None or reader.target in self.reaching_back
            for reader in self.layer.equations
            if reader.target in active
            for ref in x.refs(moved(reader.body))
            if ref.tensor == e.target
            for n in places
        )

    def moves(self, name: str) -> bool:
        """Whether a tensor is made of numbers that may move, and not of places."""
        return self.layer.tensors[name].kind == "real"

    def collect(self, name: str) -> list[Equation]:
        """Add up the contributions to one tensor. Constant slots stay separate equations if all are constant."""
        tensor = self.layer.tensors[name]
        adjoint = self.names[name]
        self.tensors[adjoint] = replace(
            tensor,
            name=adjoint,
            role="intermediate" if tensor.role != "input" else "output",
            kind="real",
            domain=None,
        )
        steps = self.contributions.get(name, [])
        groups: dict[tuple[Expr, ...], list[Expr]] = {}
        for step in steps:
            groups.setdefault(step.left, []).append(step.after)
        if name in self.cotangents and self.cotangents[name] != adjoint:
            own = Ref(self.cotangents[name], tuple(Pos(a) for a in tensor.axes))
            groups.setdefault(own.index, []).insert(0, own)
        elif name in self.cotangents:
            return []
        plain = tuple(Pos(a) for a in tensor.axes)
        if not groups:
            return [Equation(adjoint, plain, x.ZERO)]
        if len(groups) > 1 and plain in groups:
            for left in [g for g in groups if g != plain]:
                condition = [
                    Op("==", (Pos(a), e)) for a, e in zip(tensor.axes, left, strict=True) if x.plain(e) is None
                ]
                groups[plain] += [x.mul(*(x.iverson(c) for c in condition), body) for body in groups.pop(left)]
        return [Equation(adjoint, left, x.add(*bodies)) for left, bodies in groups.items()]

    def scatter(
        self,
        equation: Equation,
        cotangent: Expr,
        loops: tuple[str, ...],
        body: Expr,
        active: set[str],
        through: tuple[Inner, ...] = (),
    ) -> Iterator[Scatter]:
        """Every contribution that one body makes, given the cotangent of its value and what it stands in."""
        flat, inner = self.flatten(body)
        for ref in x.refs(flat):
            if ref.tensor in active:
                coefficient = self.derivative(flat, ref)
                coefficient = self.unflatten(coefficient, inner)
                if coefficient != x.ZERO:
                    yield self.gather(equation, ref, coefficient, loops, cotangent, through)
        for stand_in, reduction in inner.items():
            if reduction.op == "argmax" or not active & set(moving(reduction.body)):
                continue  # a place does not move with what is there
            coefficient = self.unflatten(self.derivative(flat, stand_in), inner)
            if coefficient == x.ZERO:
                continue
            moved = {i: x.fresh(i, set(loops) | set(x.free(reduction))) for i in reduction.over}
            over = tuple(moved.values())
            inside = x.rename(reduction.body, {k: Pos(v) for k, v in moved.items()})
            at = self.at_maximum(equation, over, inside) if reduction.op == "max" else x.ONE
            stands = (*through, Inner(Reduce(reduction.op, over, inside), coefficient, at))
            onward = x.mul(cotangent, coefficient, at)
            yield from self.scatter(equation, onward, loops + over, inside, active, stands)

    def flatten(self, body: Expr) -> tuple[Expr, dict[Expr, Reduce]]:
        """Replace the outermost reductions by stand-ins that the scalar derivative can see."""
        inner: dict[Expr, Reduce] = {}

        def visit(e: Expr) -> Expr | None:
            if isinstance(e, Reduce):
                stand_in = Opt(f"%{len(inner)}")
                for known, reduction in inner.items():
                    if reduction == e:
                        return known
                inner[stand_in] = e
                return stand_in
            return e if isinstance(e, Ref) else None

        return x.transform(body, visit), inner

    def unflatten(self, e: Expr, inner: dict[Expr, Reduce]) -> Expr:
        return x.transform(e, lambda node: inner.get(node) if isinstance(node, Opt) else None)

    def at_maximum(self, equation: Equation, over: tuple[str, ...], body: Expr) -> Expr:
        """[position == argmax]: the gradient of a maximum goes to its first position."""
        inside = [i for i in x.free(body) if i not in over]
        axes = tuple(i for i in equation.indices if i in inside)
        axes += tuple(i for i in inside if i not in axes)
        made = Equation("", tuple(map(Pos, axes)), Reduce("argmax", over, body))
        name = next((e.target for e in self.auxiliary if replace(e, target="") == made), "")
        if not name:
            name = self.free_name(f"argmax_{equation.target}")
            self.auxiliary.append(replace(made, target=name))
            self.tensors[name] = Tensor(name, axes, kind="integer")
        position: Expr = Pos(over[0])
        for i in over[1:]:
            position = x.add(x.mul(position, Size(self.layer.axis(i))), Pos(i))
        return x.iverson(Op("==", (position, Ref(name, tuple(Pos(a) for a in axes)))))

    def gather(
        self,
        equation: Equation,
        ref: Ref,
        coefficient: Expr,
        loops: tuple[str, ...],
        cotangent: Expr,
        through: tuple[Inner, ...],
    ) -> Scatter:
        """Rewrite ``d ref += cotangent * coefficient for all loops`` as a sum at one element of the target."""
        axes = self.layer.tensors[ref.tensor].axes
        mapping: dict[str, Expr] = {}
        equal: list[tuple[Expr, str]] = []  # an expression in loop indices, and the target's axis it must be
        within: list[Expr] = []  # where an index that runs over a part of the target's axis has not ended
        left: list[Expr] = []
        pending: list[tuple[Expr, str]] = []
        for e, axis in zip(ref.index, axes, strict=True):
            i = x.plain(e)
            if i is not None and i in loops:
                if i in mapping:
                    equal.append((Pos(i), axis))
                else:
                    mapping[i] = Pos(axis)
                    if self.runs_over_part(i, axis, x.mul(cotangent, coefficient)):
                        within.append(x.iverson(Op("<", (Pos(axis), Size(i)))))
                left.append(Pos(axis))
            elif not x.free(e) and not any(isinstance(n, Ref) for n in x.walk(e)):
                if self.surely_inside(e, ref.tensor, axis):
                    left.append(e)
                else:
                    equal.append((e, axis))
                    left.append(Pos(axis))
            else:
                pending.append((e, axis))
                left.append(Pos(axis))
        for e, axis in pending:
            if any(isinstance(n, Ref) for n in x.walk(e)) or not self.solve(
                e, axis, loops, x.mul(cotangent, coefficient), mapping
            ):
                equal.append((e, axis))
        begin = [*self.beginning(equation, ref, mapping), *self.within(x.mul(cotangent, coefficient), mapping)]
        taken = set(axes)
        rest = [i for i in loops if i not in mapping]
        for i in rest:
            name = x.fresh(i, taken)
            taken.add(name)
            mapping[i] = Pos(name)
        over = tuple(x.plain(mapping[i]) or i for i in rest)
        marked = {mark(i): mapping[i] for i in loops}
        mapping = {i: x.rename(e, marked) for i, e in mapping.items()}
        conditions = [x.iverson(Op("==", (x.rename(e, mapping), Pos(axis)))) for e, axis in equal]
        body = x.rename(x.mul(*(x.iverson(c) for c in begin), cotangent, coefficient), mapping)
        steps: tuple[str, ...] = ()
        if equation.target in self.layer.begins_early:
            own = (i for i in rest if i in equation.indices and self.counts_steps(self.layer.axis(i)))
            steps = tuple(x.plain(mapping[i]) or i for i in own)
        collected = decided(tidy_indices(self.total(over, x.mul(*within, *conditions, body), steps)))
        after = always(collected, self.layer.axis, self.early())
        given = Ref(self.names[equation.target], equation.left)
        name = self.names[ref.tensor]
        return Scatter(equation, ref, coefficient, loops, cotangent, tuple(left), after, name, given, through)

    def total(self, over: tuple[str, ...], body: Expr, steps: tuple[str, ...]) -> Expr:
        """Sum over indices, over steps from -1. One that a condition fixes is not summed but replaced."""
        for i in over:
            for factor in x.factors(body):
                match factor:
                    case Op("iverson", (Op("==", (Pos(j), value)),)) if j == i and i not in x.free(value):
                        pass
                    case Op("iverson", (Op("==", (value, Pos(j))),)) if j == i and i not in x.free(value):
                        pass
                    case _:
                        continue
                rest = x.mul(*(f for f in x.factors(body) if f is not factor))
                if x.tensors(value) and any(isinstance(n, Reduce) and i in x.free(n) for n in x.walk(rest)):
                    continue  # a sum for each position stays one, and is not computed for each label
                return self.total(tuple(o for o in over if o != i), x.rename(rest, {i: value}), steps)
        for i in (i for i in steps if i in over):
            return x.add(*(x.reduce("sum", over, self.from_zero(i, term)) for term in spread(body, i)))
        return x.reduce("sum", over, body)

    def from_zero(self, i: str, body: Expr) -> Expr:
        """Let an index that begins at -1 begin at 0: where all ends one position before the last.

        ``sum_t f[t + 1] g[t]`` from -1, in which f is zero behind its end, is ``sum_t f[t] g[t - 1]`` from 0. Without
        such a factor the term at -1 is zero: the equation says so itself.
        """

        def ends_before(e: Expr) -> bool:
            """Whether a product has such a factor; one that is a sum, where each of its terms has."""
            return any(
                any(rest_of(j, i) == x.ONE for j in f.index if x.free(j) == [i])
                if isinstance(f, Ref)
                else isinstance(f, Op) and f.fn == "add" and all(map(ends_before, f.args))
                for f in x.factors(e)
            )

        return x.rename(body, {i: x.add(Pos(i), x.num(-1))}) if ends_before(body) else body

    @cached_property
    def starts(self) -> set[str]:
        """Tensors that have an equation for position -1."""
        return {e.target for e in self.layer.equations if any(isinstance(i, Num) and i.value < 0 for i in e.left)}

    @cached_property
    def reaching_back(self) -> set[str]:
        """Tensors that begin at position -1 of a recurrence, adjoints of theirs included."""
        found = self.starts | set(self.layer.begins_early)
        return found | {
            self.names[n] for n in found if n in self.names and self.names[n] not in self.cotangents.values()
        }

    def beginning(self, equation: Equation, ref: Ref, mapping: dict[str, Expr]) -> list[Expr]:
        """[t >= 0] where t begins at 0, in a recurrence's equation or a sum, but its place can come out as -1."""
        guarded = () if equation.target in self.starts else equation.indices  # the cotangent is zero before it begins
        lowest = -1 if ref.tensor in self.reaching_back else 0
        found: list[Expr] = []
        for i, e in mapping.items():
            if i in guarded or not self.counts_steps(self.layer.axis(i)):
                continue
            rests = {rest_of(e, a) for a in x.free(e)} if len(x.free(e)) == 1 else set()
            if not any(isinstance(r, Num) and r.value + lowest >= 0 for r in rests):
                found.append(Op(">=", (Pos(i), x.ZERO)))
        return found

    def within(self, coefficient: Expr, mapping: dict[str, Expr]) -> list[Expr]:
        """That a position found is one: where the cotangent is zero outside, but a quotient there is 0 / 0."""
        divided = [
            n
            for n in x.walk(coefficient)
            if isinstance(n, Op)
            and (n.fn == "log" or (n.fn == "pow" and isinstance(n.args[1], Num) and n.args[1].value < 0))
        ]
        read = {i for n in divided for r in x.walk(n) if isinstance(r, Ref) for i in x.free(r)}
        ending = {i for n in divided if singular(n) for r in x.walk(n) if isinstance(r, Ref) for i in self.ahead(r)}
        found: list[Expr] = []
        for i, e in mapping.items():
            if x.plain(e) is not None:
                continue
            if self.counts_steps(self.layer.axis(i)):  # where it begins is said elsewhere
                before = any(isinstance(r := rest_of(e, a), Num) and r.value <= 0 for a in x.free(e))
                found += [Op("<", (Pos(i), Size(self.layer.axis(i))))] if i in ending and not before else []
            elif i in read:
                found += [Op(">=", (Pos(i), x.ZERO)), Op("<", (Pos(i), Size(self.layer.axis(i))))]
        return found

    def ahead(self, ref: Ref) -> list[str]:
        """Indices at which an array is read that may be outside where they have just ended."""
        return [i for e in ref.index for i in x.free(e) if not isinstance(r := rest_of(e, i), Num) or r.value >= 0]

    def surely_inside(self, e: Expr, tensor: str, axis: str) -> bool:
        """Whether one position is inside a tensor's axis whatever its length: one of so many, or where a recurrence
        begins or ends, which is where it begins if it has no steps."""
        if self.layer.tensors[tensor].sequence:
            return True
        if tensor in self.reaching_back:
            match e:
                case Num(value):
                    return value == -1
                case Op("add", (Size(other), Num(value))):
                    return value == -1 and self.layer.axis(other) == self.layer.axis(axis)
        size = self.layer.sizes.get(self.layer.axis(axis))
        return isinstance(size, Num) and isinstance(e, Num) and 0 <= e.value < size.value


def in_order(equations: list[Equation]) -> tuple[Equation, ...]:
    """Each after what it needs; those of a recurrence that need one another stay as they are."""
    makers: dict[str, list[int]] = {}
    for n, e in enumerate(equations):
        makers.setdefault(e.target, []).append(n)
    needs = [[m for t in x.tensors(e.body) for m in makers.get(t, ())] for e in equations]
    return tuple(equations[n] for group in groups(needs) for n in group)


def reverse(layer: Layer, wanted: frozenset[str] | None = None) -> Adjoint:
    """Differentiate a layer with respect to its real inputs, or the wanted ones of them."""
    if wanted is None:
        wanted = frozenset(t.name for t in layer.differentiable)
    return Reverse(layer, wanted).run()


__all__ = ["Adjoint", "CalculusError", "linear", "reverse"]
