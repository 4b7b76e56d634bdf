"""What an equation reads beyond an array's end or between two elements, said beside it.

Which of its references do is found by going through all their indices at small sizes, with the options' values; a
reference within cases or beside a bracket counts where these are reached, as far as indices and options say. The pages'
own reader does the same with what is printed (tests/page/outside.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from derive.calculus.derivation import Derivation
from derive.calculus.steps import Scatter
from derive.evidence import inputs, world
from derive.evidence.interpret import Interpreter
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.targets import apart
from derive.targets.apart import PLACES
from derive.targets.latex import Latex, unshadowed

VERBS = (("counts as zero", "count as zero"), ("is left out of the maximum", "are left out of the maximum"))
CASES = 24
PLAN = replace(inputs.SMALL, sizes=(1, 2, 3, 4), trusted=True)


@dataclass(frozen=True)
class Reading:
    """A reference as an equation reads it.

    Attributes:
        over: indices bound around it, the outermost first.
        when: conditions on indices and options under which it is reached.
        largest: whether it stands in a maximum, which leaves out what is not there.
    """

    ref: Ref
    over: tuple[str, ...] = ()
    when: tuple[Expr, ...] = ()
    largest: bool = False


@dataclass
class Places:
    """What the equations of a derivation read where nothing is."""

    derivation: Derivation

    @cached_property
    def runs(self) -> list[Interpreter]:
        derivation = self.derivation
        raw = derivation.adjoint.equations
        extra = tuple(e for e in derivation.backward if e.target not in {r.target for r in raw})
        cases = inputs.cases(derivation.layer, 0, CASES, PLAN)
        runs = [world.backward(derivation, c, inputs.cotangents(c), equations=raw + extra) for c in cases]
        for run in runs:  # what no equation names before the first position is not there for a reader
            run.lowest = run.lower_bounds()
        return runs

    @cached_property
    def early(self) -> frozenset[str]:
        """Tensors that begin before the first position, and their adjoints, those within a part among them."""
        layer, adjoint = self.derivation.layer, self.derivation.adjoint
        found = {e.target for e in layer.equations if any(isinstance(i, Num) and i.value < 0 for i in e.left)}
        return frozenset(found | {names[t] for names in (adjoint.names, adjoint.inner) for t in found if t in names})

    def of_equation(self, lhs: Expr, body: Expr, printer: Latex) -> str:
        """Sentences about what the right side of a printed equation reads outside; nothing where it reads none."""
        assert isinstance(lhs, Ref)
        body = unshadowed(printer.prepare(body), frozenset(x.free(lhs)))
        seen: dict[tuple[Ref, bool], set[str]] = {}
        for reading in readings(body):
            if lhs.tensor in self.early or not plain(reading.ref):
                seen.setdefault((reading.ref, reading.largest), set()).update(self.seen(lhs, body, reading))
        together: dict[tuple[bool, str], list[Ref]] = {}
        for (ref, largest), places in seen.items():
            if places:
                together.setdefault((largest, where(places)), []).append(ref)
        fixed = printer.symbols.index_letters(lhs, body, fixed=printer.fixed)
        show = replace(printer, fixed=fixed)
        return " ".join(
            f"{listed([f'${show.expression(r)}$' for r in refs])} {VERBS[largest][len(refs) > 1]} {places}."
            for (largest, places), refs in together.items()
        )

    def of_scatter(self, step: Scatter, product: Expr, printer: Latex) -> str:
        """A sentence about where a step adds nothing, for there is no element."""
        if plain(step.ref):
            return ""
        found: set[str] = set()
        target = Ref(step.name, step.ref.index)
        when = [r.when for r in readings(x.mul(product, Ref("%", ()))) if r.ref.tensor == "%"]
        conditions = [c for reached in when for c in reached]
        for run in self.runs:
            if (known := apart.seen(run, target, conditions, step.loops)) is not None:
                found |= known
                continue
            place = run.position(target.index)
            tests = [run.test(c) for c in conditions]
            for env in run.loops(step.loops, step.equation.lhs, step.equation.body, step.ref)({}):
                if all(test(env) for test in tests):
                    found |= outside(run, target, place(env))
        return f"Nothing is added to ${printer.expression(target)}$ {where(found)}." if found else ""

    def seen(self, lhs: Ref, body: Expr, reading: Reading) -> set[str]:
        found: set[str] = set()
        named = [i.index for i in lhs.index if isinstance(i, Pos)]
        simple = len(named) == len(lhs.index) and not self.begun(lhs) and lhs.tensor not in self.early
        for run in self.runs:
            known = apart.seen(run, reading.ref, reading.when, (*named, *reading.over)) if simple else None
            if known is not None:
                found |= known
                continue
            place = run.position(reading.ref.index)
            tests = [run.test(c) for c in reading.when]
            loops = run.loops(reading.over, lhs, body)
            decisive, tried = deciding(run, reading), set()
            for start in elements(run, lhs, self.begun(lhs)):
                for env in loops(start):
                    if (key := tuple([env.get(i) for i in decisive])) not in tried:
                        tried.add(key)
                        if all(test(env) for test in tests):
                            found |= outside(run, reading.ref, place(env))
        return found

    def begun(self, lhs: Ref) -> list[tuple[int, int]]:
        """Positions, with their places, that other equations give what is defined: where a recurrence begins."""
        own = (e for e in self.derivation.layer.equations if e.target == lhs.tensor and e.left != lhs.index)
        return [(n, int(i.value)) for e in own for n, i in enumerate(e.left) if isinstance(i, Num)]


def elements(run: Interpreter, lhs: Ref, begun: list[tuple[int, int]]) -> Iterator[dict[str, int]]:
    """The values of the indices of what an equation defines."""
    fixed = [(n, run.index(e)({})) for n, e in enumerate(lhs.index) if not isinstance(e, Pos)]
    for index in run.indices(lhs.tensor):
        if all(index[n] == i for n, i in fixed) and not any(index[n] == i for n, i in begun):
            yield {e.index: i for e, i in zip(lhs.index, index, strict=True) if isinstance(e, Pos)}


def deciding(run: Interpreter, reading: Reading) -> list[str]:
    """The indices that decide whether a reference is reached and whether it is outside: not what runs along an axis."""
    axes, axis = run.tensors[reading.ref.tensor].axes, run.case.layer.axis
    inside = [isinstance(i, Pos) and axis(i.index) == axis(a) for i, a in zip(reading.ref.index, axes, strict=True)]
    places = [i for i, sure in zip(reading.ref.index, inside, strict=True) if not sure or run.case.layer.sequence_axis]
    return sorted({name for e in (*places, *reading.when) for name in x.free(e)})


def outside(run: Interpreter, ref: Ref, at: tuple[int, ...] | None) -> set[str]:
    """Where an element lies that is none."""
    if at is None:
        return {PLACES[2]}
    if run.within(ref.tensor, at):
        return set()
    return {PLACES[0] if any(i < 0 for i in at) else PLACES[1]}


def plain(ref: Ref) -> bool:
    """Whether every index stands alone, is a number or is looked up."""
    return all(isinstance(i, Pos | Num | Ref) for i in ref.index)


def where(places: Iterable[str]) -> str:
    """``before the first and behind the last element``."""
    found = [p for p in PLACES if p in set(places)]
    return f"{listed(found)} {'elements' if found[-1] == PLACES[2] else 'element'}"


def listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def sure(*conditions: Expr) -> tuple[Expr, ...]:
    """Those conditions that speak of indices and options alone."""
    return tuple(c for c in conditions if not x.tensors(c))


def readings(
    e: Expr, over: tuple[str, ...] = (), when: tuple[Expr, ...] = (), largest: bool = False
) -> Iterator[Reading]:
    """Every reference to a tensor outside index positions."""

    def inside(part: Expr, more: tuple[Expr, ...] = ()) -> Iterator[Reading]:
        return readings(part, over, (*when, *more), largest)

    match e:
        case Ref():
            yield Reading(e, over, when, largest)
        case Reduce(op, bound, body):
            yield from readings(body, (*over, *bound), when, op != "sum")
        case Op("where", (c, a, b)):
            yield from inside(c)
            yield from inside(a, sure(c))
            yield from inside(b, sure(Op("not", (c,))))
        case Op("mul", args):
            brackets = [a for a in args if isinstance(a, Op) and (a.fn == "iverson" or a.args[1:] == (x.ONE, x.ZERO))]
            for a in args:
                yield from inside(a, sure(*(b.args[0] for b in brackets if b is not a)))
        case _:
            for child in x.children(e):
                yield from inside(child)
