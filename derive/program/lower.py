"""From equations to an array program.

Each reduction becomes a statement of its own, named after what it reduces; a sum of a product over two index sets
becomes a contraction; a sum under a condition ``[t == v]`` a scatter; equations that need each other at another
position of an axis become a loop along it. Nothing computed twice is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from derive.calculus.reverse import CalculusError, spread
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Part, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation, Layer, Tensor
from derive.program import absent
from derive.program.absent import with_absent
from derive.program.dependence import (
    call,
    components,
    condition_at,
    constants_inlined,
    is_push,
    mentions,
    position,
    shift_of,
    shifts_in,
    without_start,
)
from derive.program.ir import Contract, Fold, Invoke, Loop, Map, Program, Rows, Scatter, Statement, names
from derive.program.stable import Stabiliser


@dataclass
class Lowering:
    """Turns equations into statements. ``tensors`` grows by what is named on the way."""

    layer: Layer
    tensors: dict[str, Tensor]
    unit_rows: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()
    sigmoid: str = "sigmoid"
    known: dict[tuple[tuple[Expr, ...], Expr], str] = field(default_factory=dict)
    flat: list[Equation] = field(default_factory=list)

    def hoist(self, equation: Equation) -> None:
        """Give every reduction inside an equation an equation of its own, innermost first."""
        body = self.reductions(equation.body, equation, top=True)
        self.flat.append(Equation(equation.target, equation.left, body, equation.line))
        if isinstance(body, Reduce):
            self.known.setdefault(self.key(equation.left, body), equation.target)

    def key(self, left: tuple[Expr, ...], body: Reduce) -> tuple[tuple[Expr, ...], Expr]:
        canonical = {i: Pos(f"%{n}") for n, i in enumerate(body.over)}
        return left, Reduce(body.op, tuple(f"%{n}" for n in range(len(body.over))), x.rename(body.body, canonical))

    def split(self, e: Expr) -> Expr:
        """A sum of sums where one of them is a matrix product; nothing else is expanded, for terms may cancel."""
        if not (isinstance(e, Reduce) and e.op == "sum"):
            return e
        parts = x.terms(e.body)
        if len(parts) > 1:
            products = any(self.pair([f for f in x.factors(p) if x.free(f)], (), e.over) for p in parts)
            if products:
                return x.add(*(self.split(x.reduce("sum", e.over, p)) for p in parts))
            return e
        outside = [f for f in x.factors(e.body) if not set(x.free(f)) & set(e.over)]
        if outside and len(outside) < len(x.factors(e.body)):
            inside = x.mul(*(f for f in x.factors(e.body) if f not in outside))
            return x.mul(*outside, x.reduce("sum", e.over, inside))
        idle = [i for i in e.over if i not in x.free(e.body)]
        if idle:
            rest = x.reduce("sum", [i for i in e.over if i not in idle], e.body)
            return x.mul(*(Size(self.layer.axis(i)) for i in idle), rest)
        return e

    def reductions(self, e: Expr, equation: Equation, top: bool = False) -> Expr:
        whole = self.split(e)
        if whole != e:
            return self.reductions(whole, equation, top)
        if isinstance(e, Reduce):
            e = Reduce(e.op, e.over, self.reductions(e.body, equation))
            if top:
                return e
            free = x.free(e)
            order = [i for e2 in equation.left for i in x.free(e2) if i in free]
            left = tuple(Pos(i) for i in order + [i for i in free if i not in order])
            key = self.key(left, e)
            if key in self.known and self.known[key] != equation.target:
                return Ref(self.known[key], left)
            name = self.name(e)
            axes = tuple(x.plain(i) or "" for i in left)
            self.tensors[name] = Tensor(name, axes, kind="integer" if e.op == "argmax" else "real")
            self.flat.append(Equation(name, left, e))
            self.known[key] = name
            return Ref(name, left)
        if isinstance(e, Ref):
            return e
        return x.rebuild(e, lambda child: self.reductions(child, equation))

    def name(self, e: Reduce) -> str:
        """sum_g_x_hat: the reduction and what it reduces."""
        parts = [e.op, *dict.fromkeys(r.tensor for r in x.refs(e.body))][:4]
        name = "_".join(parts)
        count = 2
        while name in self.tensors:
            name = f"{'_'.join(parts)}_{count}"
            count += 1
        return name

    # ---- statements ------------------------------------------------------------------------------------------------

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
            scatter = self.scatter_target(part, axes)
            if scatter is not None:
                axis, index = scatter
                rest = [p for p in parts if p is not part]
                if any(axis in x.free(p) for p in rest):  # what is added depends on its place: a sum under a condition
                    continue
                over = tuple(i for i in body.over)
                return Scatter(e.target, e.left, axes, axis, index, over, x.mul(*rest))
        scalars = [p for p in parts if not x.free(p)]
        arrays = [p for p in parts if x.free(p)]
        pair = self.pair(arrays, axes, body.over) if {*axes} <= {*x.free(body.body)} else None
        if pair is not None:
            return Contract(e.target, e.left, axes, body.over, pair[0], pair[1], x.mul(*scalars), there)
        there = tuple(c for c in there if c not in absent.stated(inside))
        return Fold(e.target, e.left, axes, "sum", body.over, inside, there)

    def scatter_target(self, part: Expr, axes: tuple[str, ...]) -> tuple[str, Ref] | None:
        match part:
            case Op("iverson", (Op("==", (Ref() as index, Pos(axis))),)) if axis in axes and axis not in x.free(index):
                if set(x.free(index)) - set(axes):
                    return axis, index
        return None

    def pair(self, arrays: list[Expr], axes: tuple[str, ...], over: tuple[str, ...]) -> tuple[Expr, Expr] | None:
        """Split a product into two factors that each have an index the other lacks, if it is a matrix product."""
        arrays = sorted(arrays, key=lambda p: -len(x.free(p)))
        if len(arrays) < 2:
            return None
        seed = arrays[0]
        for other in arrays[1:]:
            mine, theirs = set(x.free(seed)), set(x.free(other))
            alone = mine ^ theirs
            if theirs - mine and mine - theirs and mine & theirs & set(over) and not alone & set(over):
                a, b = [seed], [other]
                for rest in arrays:
                    if rest is seed or rest is other:
                        continue
                    if set(x.free(rest)) <= theirs:
                        b.append(rest)
                    elif set(x.free(rest)) <= mine:
                        a.append(rest)
                    else:
                        return None
                both = set(x.free(x.mul(*a))) & set(x.free(x.mul(*b)))
                return (x.mul(*a), x.mul(*b)) if set(over) <= both else None
        return None

    # ---- recurrences of adjoints -----------------------------------------------------------------------------------

    def pushed(self, group: list[Equation]) -> list[Equation]:
        """In a recurrence of adjoints, let each position add to its neighbour instead of reading it.

        ``dh[t] = dy[t] + f(dz[t + 1])`` becomes ``dh[t] += dy[t]`` and ``dh[t - 1] += f(dz[t])``: beyond the last
        position there is nothing to read, and backpropagation is usually written so.
        """
        axis, backwards = self.recurrence(group)
        targets = {e.target for e in group}
        if axis is None or any(isinstance(i, Num) and i.value < 0 for e in group for i in e.left):
            return group
        kept: list[Equation] = []
        first: list[Equation] = []
        moved: list[Equation] = []
        for e in group:
            here: list[Expr] = []
            away: list[Equation] = []
            for term in (t for whole in x.terms(e.body) for t in spread(whole, axis)):
                if isinstance(term, Part):
                    here.append(term)
                    continue
                start = condition_at(term, axis)
                if start is not None:
                    at = {axis: start[0]}
                    left = tuple(x.rename(i, at) for i in e.left)
                    first.append(Equation(e.target, left, x.rename(start[1], at)))
                    continue
                shifts = shifts_in(term, axis, targets) - {0} or ({max(shifts_in(term, axis) or {0})} - {0})
                if (
                    not backwards
                    or all(s < 0 for s in shifts)
                    or (shifts != {1} and not shifts_in(term, axis, targets))
                ):
                    here.append(without_start(term, axis))
                    if backwards and e.target in self.early and not self.ends_before(term, axis):
                        at = {axis: x.num(-1)}
                        first.append(Equation(e.target, tuple(x.rename(i, at) for i in e.left), x.rename(term, at)))
                elif shifts == {1}:
                    back = {axis: x.add(Pos(axis), x.num(-shifts.pop()))}
                    left = tuple(x.rename(i, back) for i in e.left)
                    away.append(Equation(e.target, left, x.rename(term, back)))
                else:
                    raise CalculusError(f"{e.target} needs two positions of {axis} in one term")
            adds = bool(away) or any(f.target == e.target for f in first)
            if here or not adds:
                kept.append(Equation(e.target, e.left, x.add(*([e.lhs] if adds else []), *here), e.line))
            moved += [Equation(m.target, m.left, Op("add", (m.lhs, m.body))) for m in away]
        return [Equation(f.target, f.left, Op("add", (f.lhs, f.body))) for f in first] + kept + moved

    def ends_before(self, term: Expr, axis: str) -> bool:
        """Whether a term is surely zero at position -1: it has a condition, or reads an array that begins at 0."""
        for f in x.factors(term):
            if f == x.iverson(Op(">=", (Pos(axis), x.ZERO))):
                return True
            if isinstance(f, Ref) and f.tensor not in self.early and any(s < 1 for s in shifts_in(f, axis)):
                return True
        return False

    # ---- loops -----------------------------------------------------------------------------------------------------

    def program(self, equations: Iterable[Equation], results: tuple[str, ...]) -> Program:
        for group in components(constants_inlined(list(equations), results)):
            for equation in self.pushed(group):
                self.hoist(equation)
        self.prune(results)
        stabiliser = Stabiliser(self.flat, self.tensors, frozenset(results), self.unit_rows, self.sigmoid)
        self.flat = with_absent(stabiliser.run(), self.tensors, results)
        self.prune(results)
        return Program(tuple(self.schedule()), results, tuple(stabiliser.notes))

    def prune(self, results: tuple[str, ...]) -> None:
        needed = set(results)
        for _ in range(len(self.flat)):
            before = len(needed)
            for e in self.flat:
                if e.target in needed:
                    needed |= set(x.tensors(e.body))
            if len(needed) == before:
                break
        self.flat = [e for e in self.flat if e.target in needed]

    def schedule(self) -> list[Statement]:
        """Order equations by what they need; those that need one another form a loop."""
        groups = components(self.flat)
        out: list[Statement] = []
        sequence = self.layer.sequence_axis
        for group in groups:
            axis, backwards = self.recurrence(group)
            if axis is None and isinstance(group[0].body, Part):
                axis = next(iter(x.free(group[0].body)), None)
            elif axis is None and len(group) == 1 and sequence in group[0].indices:
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

    def recurrence(self, group: list[Equation]) -> tuple[str | None, bool]:
        """The axis along which a group of equations refers to itself at another position, and the direction."""
        targets = {e.target for e in group}
        for e in group:
            for node in x.walk(e.body):
                if isinstance(node, Ref) and node.tensor in targets:
                    for index in (*node.index, *e.left):
                        shift = shift_of(index)
                        if shift is not None and shift[1]:
                            axis = shift[0]
                            ahead = (position(node, axis) or 0) - (position(e.lhs, axis) or 0)
                            if ahead:
                                return axis, ahead > 0
        return None, False


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


def expressions(s: Statement) -> tuple[Expr, ...]:
    """The expressions a statement reads."""
    match s:
        case Map():
            return (s.body,)
        case Fold():
            return (s.body, *s.there)
        case Contract():
            return (s.a, s.b, s.scale, *s.there)
        case Scatter():
            return (s.index, s.values)
        case Invoke():
            return (s.call,)
        case Loop() | Rows():
            return tuple(e for inner in s.body for e in expressions(inner))


def lower(
    layer: Layer,
    tensors: dict[str, Tensor],
    equations: Iterable[Equation],
    results: tuple[str, ...],
    unit_rows: frozenset[str] = frozenset(),
    early: frozenset[str] = frozenset(),
    sigmoid: str = "sigmoid",
) -> Program:
    """Lower equations to the statements that the results need.

    Args:
        tensors: every tensor by name; arrays named on the way are added.
        unit_rows: tensors that are known to sum to 1 along their last axis.
        early: tensors that begin at position -1 of a recurrence.
        sigmoid: what the layer of that name is called.
    """
    return Lowering(layer, tensors, unit_rows, early, sigmoid).program(equations, results)
