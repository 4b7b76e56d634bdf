"""The derivation on a layer's page: every step in words, each sentence true as it stands.

The pages' own reader (tests/page) knows these sentences and executes them; another wording is one it does not know.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from derive.calculus.derivation import Derivation
from derive.calculus.steps import Equal, Rewrite, Said, Scatter, Step
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Layer
from derive.targets.chain import Chain, Link, chain
from derive.targets.latex import Latex
from derive.targets.places import Places
from derive.targets.symbols import ALPHABET, CAPITALS, Symbols

PLUS = r"\mathrel{+}="
KINDS = {"sum": "sum", "max": "maximum"}
STEPS = (
    "each evaluated on both sides at random points by the tests. "
    "Reverse mode in scatter form: for every reference on the right of an equation, its adjoint receives the "
    "adjoint of the left side times the derivative."
)


def derivation_section(
    derivation: Derivation,
    symbols: Symbols,
    places: Places,
    heading: str = "## Derivation { #derivation }",
    after: str = "",
) -> Iterator[str]:
    """The section's blocks; ``after`` is what says where one like it stands, which has told what the steps are."""
    if not derivation.steps:
        return
    layer = derivation.layer
    yield heading
    scatters = [s for s in derivation.steps if isinstance(s, Scatter)]
    steps = Steps(layer, symbols, places)
    rewrites = [s for s in derivation.steps if isinstance(s, Rewrite) and not steps.says_nothing(s)]
    count = len(scatters) + len(rewrites)
    yield f"{count} step{'s' * (count != 1)}, " + (after or STEPS)
    if layer.calls:
        own = {s.name for s in scatters} | {e.target for e in derivation.backward}
        given = [e for e in derivation.adjoint.equations if e.target not in own]
        said = "; it gives here" if given else "."
        yield f"What the gradient of a part is has been derived by itself: {parts(layer)}{said}"
        yield from (f"$${Latex(symbols).equation(e)}$$" for e in given)
    cancelled = [e for e in derivation.adjoint.auxiliary if e not in derivation.auxiliary]
    yield from (f"$${Latex(symbols).equation(e)}$$" for e in cancelled)  # the steps read it, the gradient does not
    yield from steps.folded("note", "Differentiate", scatters, 1)
    if scatters and rewrites:
        yield from steps.collected(derivation, {s.name for s in scatters})
    yield from steps.folded("tip", "Bring into textbook form", rewrites, 1 + len(scatters))


def parts(layer: Layer) -> str:
    """The layers that a layer calls, linked where they have a page beside it."""
    called = {c.part.name: Path(c.part.file).parent == Path(layer.file).parent for c in layer.calls}
    return " and ".join(f"[`{name}`]({name}.md)" if beside else f"`{name}`" for name, beside in called.items())


class Steps:
    """Prints steps with the symbols of one page."""

    def __init__(self, layer: Layer, symbols: Symbols, places: Places) -> None:
        self.layer, self.symbols, self.places = layer, symbols, places
        self.known: dict[Ref, str] = {}  # the last line about each adjoint

    def folded(self, kind: str, title: str, steps: list[Any], first: int) -> Iterator[str]:
        if not steps:
            return
        last = first + len(steps) - 1
        number = f"step {first}" if first == last else f"steps {first} to {last}"
        blocks = [f'??? {kind} "{title}: {number}"']
        for n, step in enumerate(steps, first):
            blocks += ["    " + line if line else "" for block in self.step(n, step) for line in (block, "")]
        yield "\n".join([blocks[0], "", *blocks[1:]]).rstrip()

    def step(self, n: int, step: Step) -> Iterator[str]:
        yield from self.rewrite(n, step) if isinstance(step, Rewrite) else self.scatter(n, step)

    def collected(self, derivation: Derivation, names: set[str]) -> Iterator[str]:
        """What is added to each adjoint, as one sum: where the textbook form begins."""
        yield "Collected, each adjoint is the sum of all that is added to it:"
        for e in derivation.adjoint.equations:
            if e.target in names:
                self.known[e.lhs] = Latex(self.symbols).relation(e.lhs, e.body)
                yield f"$${Latex(self.symbols).equation(e)}$$"

    def says_nothing(self, step: Rewrite) -> bool:
        """Whether the line after is the line before: a part's name for an adjoint that has the same symbol."""
        printer = Latex(self.symbols)
        return printer.relation(step.target, step.before) == printer.relation(step.target, step.after)

    def rewrite(self, n: int, step: Rewrite) -> Iterator[str]:
        """Its reason and the line that it gives, what is new in it marked; the line before, if that stands nowhere."""
        yield f"**{n}. {step.rule.capitalize()}.** {self.sentence(step.said)}"
        before, after = (Latex(self.symbols).relation(step.target, e) for e in (step.before, step.after))
        if self.known.get(step.target) != before:
            yield f"$${before}$$"
        self.known[step.target] = after
        printer = Latex(self.symbols, marked=self.new(step))
        yield f"$${printer.relation(step.target, step.after)}$$"

    def new(self, step: Rewrite) -> Callable[[Expr], bool]:
        """Whether the line before has not an element, or not in that power, whatever its indices are called."""

        def kind(e: Expr) -> Expr:
            return x.rename(e, {i: Pos(self.layer.axis(x.origin(i))) for i in x.free(e)})

        before = frozenset(map(kind, elements(step.before)))
        return lambda e: kind(e) not in before

    def sentence(self, said: Said) -> str:
        """A sentence, what it is about as formulas."""
        words = []
        for part in said:
            printer = Latex(self.symbols)
            match part:
                case str():
                    words.append(part)
                case Equal(left, right):
                    words.append(f"${printer.relation(left, right)}$")
                case _:
                    words.append(f"${printer.expression(part)}$")
        return "".join(words)

    def scatter(self, n: int, step: Scatter) -> Iterator[str]:
        found = chain(step, self.layer.axis)
        printer = self.printer(step, found)
        yield f"**{n}. Through** $\\;{printer.equation(step.equation)}$"
        for name, reduction in found.names:
            yield f"Name the {KINDS[reduction.op]}: ${printer.relation(name, reduction)}$."
        said = ", that".join(self.derivative(link, printer, found.loops) for link in found.links)
        loops = ",".join(printer.index(i) for i in found.loops)
        yield f"The derivative{said}, so" + (f" for all ${loops}$" if loops else "")
        target, gathered = Ref(step.name, step.ref.index), Ref(step.name, step.left)
        yield f"$${printer.relation(target, found.product, PLUS)}$$"
        if said := self.places.of_scatter(step, found.product, printer):
            yield said
        if (gathered, step.after) != (target, found.product):
            yield "Gathered at one element:"
            yield f"$${Latex(self.symbols).relation(gathered, step.after, PLUS)}$$"
            if said := self.places.of_equation(gathered, step.after, Latex(self.symbols)):
                yield said

    def derivative(self, link: Link, printer: Latex, loops: tuple[str, ...]) -> str:
        """Of what, with respect to what, with what held fixed, and what it is, in a sentence about all ``loops``."""
        said = f" of ${printer.expression(link.of)}$ with respect to ${printer.expression(link.by)}$"
        if link.fixed:
            said += f", with {' and '.join(f'${printer.expression(f)}$' for f in link.fixed)} held fixed"
        if link.alone:
            said += f", other places of ${self.symbols.symbol(link.by.tensor)}$ held fixed"
        return said + f"{',' * (link.fixed != () or link.alone)} is ${printer.expression(link.slope, loops)}$"

    def printer(self, step: Scatter, found: Chain) -> Latex:
        """A printer in which an index has one letter in all formulas of a step, and the sums have theirs."""
        symbols = copy.copy(self.symbols)
        symbols.names = dict(symbols.names)
        every: list[Expr] = [step.equation.lhs, step.equation.body, step.ref, *map(Pos, step.loops), found.product]
        every += [e for name, reduction in found.names for e in (name, reduction)]
        fixed = symbols.index_letters(*every)
        used = {*symbols.names.values(), *symbols.letters.values(), *fixed.values()}
        free = (c for c in ("s", "u", "v", "w", *ALPHABET, *CAPITALS) if c not in used)
        symbols.names |= {name.tensor: next(free) for name, _ in found.names}
        return replace(Latex(symbols), fixed=fixed)


def elements(e: Expr) -> Iterator[Expr]:
    """Elements of tensors and their powers; what is divided by as what is multiplied with."""
    match e:
        case Op("pow", (Ref() as base, Num(value))):
            yield x.power(base, Num(abs(value)))
            if value.denominator > 1:  # a root shows what it is of
                yield base
        case Ref(_, index):
            yield e
            for i in index:  # where it is read may be a number of a tensor
                yield from elements(i)
        case _:
            for child in x.children(e):
                yield from elements(child)
