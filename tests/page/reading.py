"""A layer's page read as a whole: the values that its formulas are executed in, and what belongs to no single one.

Three sorts of worlds: what the page's equations say of drawn inputs, in which everything printed holds; the same at one
draw more than a misprint is usually tried in; and ``elsewhere``, where an intermediate is any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from tests.page.arithmetic import EvaluationError
from tests.page.blocks import PLAIN, Block, blocks
from tests.page.compare import Layer, Trial, trials
from tests.page.counts import Counter
from tests.page.evaluator import Evaluator
from tests.page.parser import parse
from tests.page.reader import Page, Variant
from tests.page.seconds import Seconds
from tests.page.slopes import ELSEWHERE, TOLERANCE, Context, check_rewritten, check_through, close
from tests.page.steps import RULE, THROUGH, Step, Through, read_steps
from tests.page.symbols import Row, Symbols
from tests.page.tangents import Tangents
from tests.page.tree import Add, And, Compare, Equation, Index, Iverson, Mul, Node, Ref
from tests.page.worked import Worked
from tests.page.world import ABOUT, World, adjoints, renamed

QUICK, WORLDS, TRIALS = 2, 3, 6  # worlds for every misprint, for a survivor; trials among which they are
FEW = 300  # numbers in those trials: with fewer there are four times as many


def numbers(trial: Trial) -> int:
    """How many numbers a trial's arguments have."""
    return sum(np.size(a) for v in trial.values.values() for a in (v if isinstance(v, list) else [v]))


def told(trial: Trial) -> bool:
    """Whether every array that the kernel made has elements."""
    return all(isinstance(a, list) and a != [] for a in trial.kernel.values())


def tied(trial: Trial) -> bool:
    return "with ties" in trial.what


@dataclass
class Reading:
    """One page read: its items, and what is wrong before any is looked at. The plain case is one of its own."""

    page: Page
    layer: Layer
    variant: Variant
    found: list[Block]
    html: str = field(default="", repr=False)
    plain: Reading | None = None
    problems: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.page.name

    @property
    def symbols(self) -> Symbols:
        return self.variant.symbols

    @cached_property
    def derivation(self) -> list[Block]:
        return [b for b in self.found if b.heading == "derivation"]

    @cached_property
    def worked(self) -> Worked:
        """The example in numbers."""
        return Worked(self)

    @cached_property
    def tangents(self) -> Tangents:
        """The equations of the tangent."""
        return Tangents(self)

    @cached_property
    def seconds(self) -> Seconds:
        """The equations of the second order."""
        return Seconds(self)

    @cached_property
    def steps(self) -> list[Step]:
        return read_steps(self.derivation, self.symbols, self.name)

    @cached_property
    def parts(self) -> list[Equation]:
        """Equations of parts: displays before the first step."""
        found: list[Equation] = []
        for block in self.derivation:
            if THROUGH.fullmatch(block.text) or RULE.fullmatch(block.text):
                break
            if block.text == "⟦0⟧":
                found.append(parse(block.formulas[0].tex, self.symbols))
        return found

    @cached_property
    def accumulated(self) -> dict[str, list[Equation]]:
        """What is added to each adjoint."""
        found: dict[str, list[Equation]] = {}
        for step in self.steps:
            if isinstance(step.content, Through) and step.content.scattered:
                line = step.content.gathered or Equation(*step.content.scattered)
                found.setdefault(line.left.key, []).append(line)
        for key, tensor in cotangents(self.variant).items():  # of an output that is used within: one path of several
            total = adjoints(self.variant)[tensor]
            if total.key != key and total.key in found:
                index = tuple(map(Index, self.symbols.by_name[tensor].axes))
                own = Equation(replace(total, index=index), Ref(tensor, "bar", index))
                found[total.key].append(own)
        return found

    def definitions(self, parts: Sequence[Equation], given: str | None = None) -> list[Equation]:
        """The page's equations, and for what these do not define the lines of the derivation that do.

        Where some tensors are ``given``, whatever their equations say, adjoints are what the derivation adds up.
        """
        found = [e for e in self.variant.equations if given is None or e.key not in self.accumulated]
        have = {e.key for e in found}
        headings = [s.content.heading for s in self.steps if isinstance(s.content, Through)]
        found += [e for e in dict.fromkeys([*parts, *headings]) if e.key not in have]
        have |= {e.key for e in parts}
        for key, lines in self.accumulated.items():
            found += [] if key in have else added(lines)
        return found

    @cached_property
    def times(self) -> int:
        """How many times as many trials and worlds are looked at: a vector has few numbers near a kink."""
        found = trials(self.variant, self.layer, TRIALS)
        return 4 if sum(map(numbers, found)) < FEW else 1

    @cached_property
    def drawn(self) -> list[Trial]:
        """Draws at which a page is looked at. Where a result has no elements nothing is seen: another is taken for it
        if there is one."""
        count = self.times * TRIALS
        found = trials(self.variant, self.layer, count)
        if all(map(told, found)):
            return found
        further = [t for t in trials(self.variant, self.layer, 4 * count)[len(found) :] if told(t)]
        others = {ties: iter([t for t in further if tied(t) == ties]) for ties in (False, True)}
        return [t if told(t) else next(others[tied(t)], t) for t in found]

    @cached_property
    def runs(self) -> list[Trial]:
        """Without ties, at which there are no derivatives; a small one first."""
        found = [t for t in self.drawn if not tied(t)][: self.times * WORLDS]
        return [*found[1:2], *found[:1], *found[2:]]

    def context(self, parts: Sequence[Equation], count: int | None = None) -> Context:
        definitions = self.definitions(parts)
        worlds = tuple(World(definitions, self.symbols, t) for t in self.runs[:count])
        return Context(worlds, adjoints(self.variant))

    @cached_property
    def elsewhere(self) -> list[Context]:
        """Worlds in which one intermediate, or each, is any number: what an equation says beyond its definition.

        A sum that is zero by definition is none there, so that what it is multiplied with can be seen.
        """
        found: list[Context] = []
        rows = [
            self.symbols.by_name[k]
            for k in dict.fromkeys(e.key for e in self.definitions(self.parts))
            if k in self.symbols.by_name
        ]
        known = self.full.worlds[1].evaluator
        free = [r for r in rows if len(known.targets.get(r.name, ())) == 1 and r.kind == "real" and not r.sequence]
        free = [r for r in free if r.axes and not any(key == r.name for key, _ in known.named)]
        for given in [*([r] for r in free), free]:
            definitions = [e for e in self.definitions(self.parts, "some") if e.key not in {r.name for r in given}]
            values = {r.name: elsewhere(known.array(r.name), n).reshape(joined(r, known)) for n, r in enumerate(given)}
            trial = replace(self.runs[1], values={**self.runs[1].values, **values}, memo={})
            try:
                world = World(definitions, self.symbols, trial)
                for target in world.evaluator.targets:  # whether everything has a value: the root of a sum may not
                    world.evaluator.array(target)
                found.append(replace(self.quick, worlds=(world,)))
            except (ArithmeticError, EvaluationError):
                continue  # a definition that those numbers cannot be put into
        return found

    def every(self, variant: Variant) -> list[World]:
        """A world for each draw that equations are compared at."""
        found = trials(variant, self.layer)
        definitions = self.definitions(self.parts) if variant is self.variant else variant.equations
        return [World(definitions, variant.symbols, t) for t in found]

    @cached_property
    def worlds(self) -> list[World]:
        return self.every(self.variant)

    @cached_property
    def full(self) -> Context:
        definitions = self.definitions(self.parts)
        ties = (World(definitions, self.symbols, t) for t in self.drawn if tied(t))
        return replace(self.context(self.parts), ties=tuple(ties), whole=True)

    @cached_property
    def quick(self) -> Context:
        return replace(self.full, worlds=self.full.worlds[:QUICK], ties=(), whole=False)

    def said(
        self, look: Callable[[Context], Iterator[str]], printed: Callable[[Context], Iterator[str]] | None = None
    ) -> str:
        """The first thing wrong: in a few worlds, then in all, then elsewhere if it holds there as ``printed``."""
        for context in (self.quick, self.full):
            if wrong := first(look, context):
                return wrong
        for context in self.elsewhere if printed else ():
            assert printed is not None
            if (wrong := first(look, context)) and not first(printed, context):
                return wrong
        return ""

    def as_printed(self, step: Step) -> str:
        """What is wrong with a step as it stands; derivatives, in other worlds too."""
        if step.where not in self.seen:
            content = step.content
            if isinstance(content, Through):
                said = first(lambda c: check_through(content, c), self.full)
                free = (first(lambda c: check_through(content, c, (ELSEWHERE,)), c) for c in self.elsewhere)
                self.seen[step.where] = said or next(filter(None, free), "")
            else:
                self.seen[step.where] = first(lambda c: check_rewritten(content, c), self.full)
        return self.seen[step.where]

    def table(self, section: str) -> list[tuple[str, str, str, str]]:
        """The cells of a table of symbols."""
        found: list[list[str]] = []
        for block in self.found:
            if block.section == section and block.tag == "td" and block.header[:1] == ("symbol",):
                if not block.row:
                    found.append([block.formulas[0].tex if block.formulas else ""])
                else:
                    found[-1].append(block.text)
        return [(row[0], row[1], row[2], row[3] if len(row) > 3 else "") for row in found]

    def counted(self, section: str, context: Context) -> list[list[dict[str, int]]]:
        """For each world what may be counted: the longest or shortest case of each, numerals with sizes or apart."""
        pairs = zip(self.variant.equations, self.variant.claims, strict=True)
        equations = [e for e, claim in pairs if claim.section == section]
        readings = [(case, apart) for case in ("longest", "last", "shortest") for apart in (True, False)]
        return [[Counter(world, *reading).passes(equations) for reading in readings] for world in context.all]

    @cached_property
    def counts(self) -> dict[str, list[list[dict[str, int]]]]:
        return {s: self.counted(s, self.full) for s in ("forward", "backward")}

    def sums(self, context: Context) -> Iterator[str]:
        """Everything that is added to an adjoint, against what the page says the adjoint is."""
        for key, lines in self.accumulated.items():
            for world in context.worlds:
                if key not in {e.key for e in self.variant.equations}:
                    continue
                total: dict[tuple[Any, ...], float] = {}
                for line in lines:
                    value, place = world.compiled(line.right, line.indices), world.place(line.left, line.indices)
                    for at in world.points(line.indices, line.left, line.right, most=10**9):
                        total[place(at)] = total.get(place(at), 0.0) + value(at)
                for element, added in total.items():
                    there = world.holds(lines[0].left, element)
                    if there and not close(known := world.evaluator.element(key, element), added, TOLERANCE):
                        yield f"all that is added to {key}{list(element)} is {added}, the adjoint {known}"
                        return


def reading(html: str, page: Page, layer: Layer) -> Reading:
    """A page and its plain case, where it has one."""
    found = blocks(html)
    plain = [b for b in found if b.case == PLAIN]
    whole = Reading(page, layer, page.variants[0], [b for b in found if b.case != PLAIN], html)
    if plain:
        whole.plain = Reading(page, layer, page.variant(PLAIN), plain)
    return whole


def added(lines: Sequence[Equation]) -> list[Equation]:
    """What is added to an adjoint, as equations for it: one for each constant place, or one with conditions."""
    groups: dict[tuple[Node | None, ...], list[Equation]] = {}
    for line in lines:
        groups.setdefault(tuple(None if isinstance(i, Index) else i for i in index_of(line)), []).append(line)
    plain = next((own[0] for place, own in groups.items() if not any(place)), None)
    if plain is None or len(groups) == 1:
        return [together(own, own[0].left) for own in groups.values()]
    return [together([at_places(line, plain) for own in groups.values() for line in own], plain.left)]


def index_of(line: Equation) -> tuple[Node, ...]:
    assert isinstance(line.left, Ref)
    return line.left.index


def together(lines: Sequence[Equation], left: Node) -> Equation:
    """One equation that adds up several, in the indices of a left side."""
    assert isinstance(left, Ref)
    terms: list[Node] = []
    for line in lines:
        names = {b.name: a for a, b in zip(left.index, index_of(line), strict=True) if isinstance(b, Index)}
        terms.append(renamed(line.right, names))
    return Equation(left, terms[0] if len(terms) == 1 else Add(tuple(terms)))


def at_places(line: Equation, plain: Equation) -> Equation:
    """A line for a constant place as one for every place, with the condition to be there."""
    pairs = list(zip(index_of(plain), index_of(line), strict=True))
    conditions = tuple(Compare("=", a, b) for a, b in pairs if not isinstance(b, Index))
    if not conditions:
        return line
    right = renamed(line.right, {b.name: a for a, b in pairs if isinstance(b, Index)})
    return Equation(plain.left, Mul((Iverson(conditions[0] if len(conditions) == 1 else And(conditions)), right)))


def cotangents(variant: Variant) -> dict[str, str]:
    """The keys of the cotangents that are given, with the tensors they are of."""
    about = (ABOUT.search(cell) for _, _, cell in variant.cells)
    return {f"bar {m[2]}": m[2] for m in about if m and m[1] == "cotangent"}


def joined(row: Row, known: Evaluator) -> tuple[int, ...]:
    """The shape of an array as a caller has it, axes of a product as one."""
    lengths = iter(range(len(row.axes)))
    return tuple(prod(known.extent(row, next(lengths)) or 0 for _ in slot) for slot in row.slots)


def first(look: Callable[[Context], Iterator[str]], context: Context) -> str:
    try:
        return next(look(context), "")
    except (ArithmeticError, KeyError, AssertionError, ValueError, TypeError) as error:
        return f"no value: {error!r}"


def elsewhere(values: Any, seed: int) -> Any:
    """Other numbers of about the same size, positive where all are."""
    rng = np.random.default_rng(seed)
    values = np.asarray(values, dtype=float)
    if (values > 0).all():
        return values * np.exp(0.5 * rng.normal(size=values.shape))
    return values + 0.5 * rng.normal(size=values.shape)
