"""Sums over runs of positions: those between two bounds that depend on one other index.

``sum(j, x[b, j] if j <= i else 0)`` goes over all pairs of j and i, and a mask of them would be needed. It is a running
sum, ``run(x[b, j], j, 0, i + 1)``: the elements from a first place on, before a last one. A window of adaptive pooling
is such a run, and ``i // scale == p`` is one of i, from ``scale * p`` up to ``scale * (p + 1)``. Runs along two axes
are summed one after another, and so is what computed places send elsewhere. A run of ones is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from derive.calculus.indices import tidy_index
from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation, Layer, Tensor
from derive.notation.text import split_sign
from derive.program.absent import parts
from derive.program.common import Named
from derive.program.draft import Draft
from derive.program.selected import Select, opened

FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
NOT = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def in_runs(draft: Draft) -> Draft:
    """A sum over positions between two bounds goes over these alone, one axis after another."""
    if draft.layer.sequence_axis is not None:  # entries of lists have lengths of their own
        return draft
    tensors = dict(draft.tensors)
    finder = Runs(draft.layer, tensors, Select(draft.layer, tensors), frozenset(draft.early.values()))
    equations = tuple(new for e in draft.equations for new in finder.equations(e))
    return replace(draft, equations=equations, tensors=tensors)


@dataclass(frozen=True)
class Run:
    """The positions of an index from ``first`` on, before ``last``; both depend on one other index, ``of``."""

    index: str
    of: str
    first: Expr
    last: Expr

    @property
    def over(self) -> tuple[str, ...]:
        return (self.index,)

    def of_body(self, body: Expr) -> Reduce:
        return Reduce("sum", self.over, Op("run", (body, Pos(self.index), self.first, self.last)))


@dataclass(frozen=True)
class Placed:
    """The positions of some indices that a computed place sends to ``of``: ``test`` says so."""

    over: tuple[str, ...]
    of: str
    test: Expr

    def of_body(self, body: Expr) -> Reduce:
        return Reduce("sum", self.over, x.mul(body, x.iverson(self.test)))


@dataclass
class Sums:
    """Gives sums names of their own, each once; ``tensors`` grows by them."""

    layer: Layer
    tensors: dict[str, Tensor]
    found: list[Equation] = field(default_factory=list, kw_only=True)

    def __post_init__(self) -> None:
        self.names = Named(self.layer.axis)

    def named(self, e: Equation, body: Reduce) -> Ref:
        """A sum, by a name of its own, or by that which it has already."""
        if (known := self.names.called(body)) is not None:
            return known
        indices = tuple(x.free(body))
        match body.body:
            case Op("run", (inner, Pos(index), first, last)):  # in the order of what is summed
                (of,) = dict.fromkeys(x.free(x.add(first, last)))
                indices = tuple(of if i == index else i for i in x.free(inner))
        along = "rows" if body.over[0] == x.ELLIPSIS else x.origin(body.over[0])
        name = x.numbered(f"{e.target}_along_{along}", {*self.tensors, *(o.name for o in self.layer.options)})
        self.tensors[name] = Tensor(name, tuple(map(self.layer.axis, indices)))
        self.names.note(body, name, indices)
        self.found.append(Equation(name, tuple(map(Pos, indices)), body, e.line))
        return Ref(name, tuple(map(Pos, indices)))

    def made(self) -> list[Equation]:
        """The equations of what has been named since."""
        found, self.found = self.found, []
        return found


@dataclass
class Runs(Sums):
    """Finds the runs in equations."""

    select: Select
    looped: frozenset[str]

    def equations(self, e: Equation) -> Iterator[Equation]:
        """An equation, after those of the sums that it is made of."""
        match e.body:
            case Reduce("sum", over, body):
                inside, there = parts(body)
                factors, tests = opened(inside)
                runs: list[Run | Placed] = [*self.runs(over, factors, tests)]
                runs += self.placed([i for i in over if all(i not in r.over for r in runs)], factors, tests)
                used = {t for r in runs for t in tests if {*r.over} & {*x.free(t)} and not self.beside(t, r)}
                rest = [x.iverson(t) for t in tests if t not in used]
                worth = len(runs) > 1 or any(isinstance(r, Run) for r in runs)
                if worth and {*there} <= {*tests}:
                    yield from self.summed(e, runs, factors + rest, over)
                    return
                if runs and {*there} <= {*tests}:
                    e = replace(e, body=Reduce("sum", over, x.mul(*factors, *map(x.iverson, tests))))
        yield e

    def summed(
        self, e: Equation, runs: list[Run | Placed], factors: list[Expr], over: tuple[str, ...]
    ) -> Iterator[Equation]:
        """One sum after another: over each run of what has its index, then over what is left."""
        left = [i for i in over if all(i not in r.over for r in runs)]
        for r in runs:
            own = [f for f in factors if {*r.over} & {*x.free(f)}]
            factors = [f for f in factors if f not in own]
            alone = tuple(i for i in left if i in x.free(x.mul(*own)) and i not in x.free(x.mul(*factors)))
            if not own and isinstance(r, Run):
                factors.append(self.count(r))
                continue
            if alone:
                left = [i for i in left if i not in alone]
                own = [self.named(e, Reduce("sum", alone, x.mul(*own)))]
            body = r.of_body(x.mul(*own))
            if not factors and not left and r is runs[-1]:
                yield from (*self.made(), replace(e, body=body))
                return
            factors.append(self.named(e, body))
        yield from (*self.made(), replace(e, body=x.reduce("sum", left, x.mul(*factors))))

    def count(self, r: Run) -> Expr:
        """How many positions a run has."""
        size = Size(self.select.layer.axis(r.index))
        last = r.last if r.last == size else x.neg(Op("max", (x.neg(r.last), x.neg(size))))
        first = r.first if r.first == x.ZERO else Op("max", (r.first, x.ZERO))
        return Op("max", (x.sub(last, first), x.ZERO))

    def runs(self, over: tuple[str, ...], factors: list[Expr], tests: list[Expr]) -> list[Run]:
        """The indices that are summed over runs."""
        layer, found = self.select.layer, list[Run]()
        for index in over:
            own = [t for t in self.of(index, tests) if not self.masks(t, index)]
            sides = [self.bounds(t, index) for t in own]
            bounds = [b for side in sides for b in side or ()]
            others = dict.fromkeys(i for _, b in bounds for i in x.free(b))
            if not own or None in sides or len(others) != 1:
                continue
            (of,) = others
            both = {layer.axis(index), layer.axis(of)}
            if of in over or both & self.looped or of in (r.of for r in found):
                continue
            if any({index, of} <= {*x.free(f)} for f in (*factors, *(t for t in tests if t not in own))):
                continue  # a mask has no more axes than what stands beside it
            lowest = [b for lower, b in bounds if lower] or [x.ZERO]
            highest = [x.neg(b) for lower, b in bounds if not lower] or [x.neg(Size(layer.axis(index)))]
            found.append(Run(index, of, largest(lowest), x.neg(largest(highest))))
        return found

    def placed(self, over: list[str], factors: list[Expr], tests: list[Expr]) -> Iterator[Placed]:
        """The places that indices of one condition alone decide."""
        for test in tests:
            found = self.select.place(test)
            own = {i for i in x.free(test) if i in over}
            if found is None or not own or any(own & {*x.free(t)} for t in tests if t != test):
                continue
            of, _ = found
            if of not in over and not any(of in x.free(f) and own & {*x.free(f)} for f in factors):
                yield Placed(tuple(i for i in over if i in own), of, test)

    def masks(self, test: Expr, index: str) -> bool:
        """Whether a condition asks data about positions, and is no bound of them."""
        return bool(x.refs(test)) and self.bounds(test, index) is None

    def beside(self, test: Expr, run: Run | Placed) -> bool:
        """Whether a condition stays with what is summed over a run."""
        return isinstance(run, Run) and self.masks(test, run.index)

    def of(self, index: str, tests: Iterable[Expr]) -> list[Expr]:
        return [t for t in tests if index in x.free(t)]

    def bounds(self, test: Expr, index: str) -> list[tuple[bool, Expr]] | None:
        """What a condition says of an index: from where on (True), and before what (False); None for anything else."""
        match test:
            case Op("not", (Op(fn, (a, b)),)) if fn in NOT:
                return self.bounds(Op(NOT[fn], (a, b)), index)
            case Op(fn, (a, b)) if fn in ("==", *NOT) and self.select.whole(a) and self.select.whole(b):
                if index in x.free(b):
                    a, b, fn = b, a, FLIPPED.get(fn, fn)
                if index in x.free(b):
                    return self.solved(fn, x.sub(a, b), index)
                if isinstance(a, Op) and a.fn == "floordiv" and self.select.positive(a.args[1]):
                    above, below = a.args
                    first = x.mul(below, b)
                    after = x.mul(below, x.add(b, x.ONE))
                    match fn:
                        case "==":
                            start = self.solved(">=", x.sub(above, first), index)
                            end = self.solved("<", x.sub(above, after), index)
                            return start + end if start and end else None
                        case ">=" | "<":
                            return self.solved(fn, x.sub(above, first), index)
                        case ">" | "<=":
                            return self.solved({">": ">=", "<=": "<"}[fn], x.sub(above, after), index)
                return self.solved(fn, x.sub(a, b), index)
        return None

    def solved(self, fn: str, difference: Expr, index: str) -> list[tuple[bool, Expr]] | None:
        """``c * index + rest < 0`` as a bound of the index."""
        found = affine(expanded(difference), index)
        if found is None or fn == "==" or not self.select.positive(found[0]):
            return None
        negative, c = split_sign(found[0])
        rest = found[1] if negative else x.neg(found[1])
        fn = FLIPPED[fn] if negative else fn
        place = x.add(rest, x.ONE) if fn in (">", "<=") else rest
        if c != x.ONE:
            place = Op("floordiv", (tidy_index(x.add(place, c, x.num(-1))), c))  # rounded up
        return [(fn in (">", ">="), place)]


def expanded(e: Expr) -> Expr:
    """A sum of products."""
    match e:
        case Op("add", args):
            return x.add(*map(expanded, args))
        case Op("mul", args):
            for n, f in enumerate(args):
                if isinstance(f, Op) and f.fn == "add":
                    return x.add(*(expanded(x.mul(*args[:n], t, *args[n + 1 :])) for t in f.args))
    return e


def largest(bounds: list[Expr]) -> Expr:
    return bounds[0] if len(bounds) == 1 else Op("max", tuple(bounds))
