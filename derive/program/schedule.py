"""From equations to statements, in the order in which they run.

A sum of a product over two index sets becomes a contraction; a sum under a condition ``[t == v]`` a scatter; equations
that need each other at another position of an axis become a loop along it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from derive.calculus.adjoint import CalculusError
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Part, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer
from derive.program import absent
from derive.program.contraction import pair
from derive.program.dependence import call, components, is_push, mentions, position, recurrence
from derive.program.draft import Draft
from derive.program.ir import Contract, Fold, Invoke, Loop, Map, Scatter, Statement, expressions, names
from derive.program.selected import Select


def scheduled(draft: Draft) -> Draft:
    """Each function's equations as statements."""
    schedules = (
        Schedule(draft.layer, own, Select(draft.layer, draft.tensors)).statements_in_order() for own in draft.own
    )
    functions = (replace(f, statements=tuple(s)) for f, s in zip(draft.functions, schedules, strict=True))
    return replace(draft, functions=tuple(functions))


@dataclass
class Schedule:
    """Turns the equations of one function into statements."""

    layer: Layer
    equations: tuple[Equation, ...]
    select: Select

    def statements_in_order(self) -> list[Statement]:
        """Order equations by what they need; those that need one another form a loop."""
        groups = components(list(self.equations))
        out: list[Statement] = []
        sequence = self.layer.sequence_axis
        for group in groups:
            axis, backwards = recurrence(group)
            if axis is None and isinstance(group[0].body, Part):
                axis = next(iter(x.free(group[0].body)), None)
            elif axis is None and len({e.target for e in group}) == 1 and any(sequence in e.indices for e in group):
                axis = sequence
            if axis is None and sequence is not None and len(group) == 1 and isinstance(group[0].body, Reduce):
                e = group[0]
                group = [Equation(e.target, e.left, self.along_sequence(group[0].body), e.line)]
                reduction = group[0].body
                if (
                    isinstance(reduction, Reduce)
                    and sequence in reduction.over
                    and reduction.op not in ("norm", "squares")
                ):
                    axis = sequence
            if axis is None:
                out += self.statements(group)
                continue
            out += self.statements(e for e in group if not mentions(e, axis))
            body = tuple(self.statements(self.inside([e for e in group if mentions(e, axis)], axis)))
            last = out[-1] if out else None
            if (
                axis == sequence
                and isinstance(last, Loop)
                and last.axis == axis
                and self.joins(last, body, axis, backwards)
            ):
                out[-1] = Loop(axis, last.backwards or backwards, last.body + body)
            else:
                out.append(Loop(axis, backwards, body))
        return out

    def joins(self, last: Loop, body: tuple[Statement, ...], axis: str, backwards: bool) -> bool:
        """Whether statements may run inside the loop before them: they read its results at the same position only."""
        made = set(names(last.body))
        for s in body:
            if isinstance(s, Loop):
                return False
            for e in expressions(s):
                for node in x.walk(e):
                    if isinstance(node, Ref) and node.tensor in made and node.index[:1] != (Pos(axis),):
                        return False
        return last.backwards == backwards or not backwards

    def inside(self, group: list[Equation], axis: str) -> list[Equation]:
        """The equations of one loop in an order in which each position can be computed."""
        pending = list(group)
        done: list[Equation] = []
        while pending:
            for e in pending:
                read = {n for n in x.walk(e.body) if isinstance(n, Ref) and n != e.lhs}
                at = {n.tensor for n in read if position(n, axis) == position(e.lhs, axis)}
                away = {n.tensor for n in read} - at
                late = {p.target for p in pending if p is not e}
                # what is read at this position must be complete; what a neighbour left there is
                if not any(
                    p is not e and p.target in at and position(p.lhs, axis) == position(e.lhs, axis) for p in pending
                ) and not (
                    is_push(e, axis) and (at | away) & {p.target for p in pending if not is_push(p, axis)} & late
                ):
                    break
            else:
                raise CalculusError(f"{pending[0].target} needs itself at the same position of {axis}")
            done.append(e)
            pending.remove(e)
        return done

    def statements(self, equations: Iterable[Equation]) -> list[Statement]:
        """A statement for each equation, one for all results of a call."""
        found: list[Statement] = []
        for e in equations:
            s = self.statement(e)
            if isinstance(s, Invoke):
                for n, other in enumerate(found):
                    if isinstance(other, Invoke) and other.call == s.call:
                        found[n] = replace(other, results=other.results + s.results)
                        break
                else:
                    found.append(s)
            else:
                found.append(s)
        return found

    def statement(self, e: Equation) -> Statement:
        axes = e.indices
        if isinstance(e.body, Part):
            return Invoke(call(e.body), ((e.body.field, e.lhs),))
        if isinstance(e.body, Reduce):
            body = away_from(axes, self.along_sequence(e.body))
            e = Equation(e.target, e.left, body)
            if body.op == "sum":
                return self.sum(e, axes, body)
            return Fold(e.target, e.left, axes, body.op, body.over, body.body)  # type: ignore[arg-type]
        return Map(e.target, e.left, axes, e.body)

    def along_sequence(self, body: Reduce) -> Reduce:
        """Call the index that runs over a list's entries by the list axis's own name."""
        sequence = self.layer.sequence_axis
        for i in body.over:
            if sequence is not None and i != sequence and self.layer.axis(i) == sequence:
                over = tuple(sequence if o == i else o for o in body.over)
                return Reduce(body.op, over, x.rename(body.body, {i: Pos(sequence)}))
        return body

    def sum(self, e: Equation, axes: tuple[str, ...], body: Reduce) -> Statement:
        inside, there = absent.parts(body.body)
        parts = list(x.factors(inside))
        for part in parts:
            for axis, index, value in self.scatter_targets(part, axes):
                rest = [value, *(p for p in parts if p is not part)]
                if any(axis in x.free(p) for p in rest):  # what is added depends on its place: a sum under a condition
                    continue
                return Scatter(e.target, e.left, axes, axis, index, body.over, x.mul(*rest))
        scalars = [p for p in parts if not x.free(p)]
        arrays = [p for p in parts if x.free(p)]
        product = pair(arrays, axes, body.over) if {*axes} <= {*x.free(body.body)} else None
        if product is not None:
            return Contract(e.target, e.left, axes, body.over, product[0], product[1], x.mul(*scalars), there)
        there = tuple(c for c in there if c not in absent.stated(inside))
        return Fold(e.target, e.left, axes, "sum", body.over, inside, there)

    def scatter_targets(self, part: Expr, axes: tuple[str, ...]) -> Iterator[tuple[str, Expr, Expr]]:
        """Where a factor ``[t == i]``, or a case of it, goes to: the axis, the place along it, and what is left."""
        match part:
            case Op("iverson", (condition,)):
                value: Expr = x.ONE
            case Op("where", (condition, value, other)) if other == x.ZERO:
                pass
            case _:
                return
        conditions = condition.args if isinstance(condition, Op) and condition.fn == "and" else (condition,)
        value = x.transform(value, lambda e: taken(e, condition))
        for c in conditions:
            rest = tuple(o for o in conditions if o is not c)
            left = x.where(rest[0] if len(rest) == 1 else Op("and", rest), value, x.ZERO) if rest else value
            found = self.select.place(c)
            if found is not None and found[0] in axes and {*x.free(found[1])} - {*axes}:
                yield *found, left


def away_from(axes: tuple[str, ...], e: Reduce) -> Reduce:
    """A sum that is the same all along some axes, with other names for the indices that it has for itself."""
    new: dict[str, str] = {}
    taken = [*axes, *e.over, *x.free(e.body)]
    for i in e.over:
        if i in axes:
            new[i] = x.fresh(i, taken)
            taken.append(new[i])
    over = tuple(new.get(i, i) for i in e.over)
    return replace(e, over=over, body=x.rename(e.body, {i: Pos(n) for i, n in new.items()}))


def taken(e: Expr, condition: Expr) -> Expr | None:
    """What a case of a condition is where it holds; None for anything else."""
    return e.args[1] if isinstance(e, Op) and e.fn == "where" and e.args[0] == condition else None
