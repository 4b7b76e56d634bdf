"""A page's formulas one by one, each with the check of its kind and its misprints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from tests.page import matrices, mistakes, notes
from tests.page.blocks import Block, Formula
from tests.page.counts import KINDS as COUNTED
from tests.page.counts import amount
from tests.page.dialect import DialectError
from tests.page.formulas import Item, kind_of
from tests.page.glyphs import glyphs
from tests.page.misprints import in_turn, misprinted, misprinted_equation, symbols_misprinted
from tests.page.outside import WORDS as OUTSIDE
from tests.page.outside import Said, added_outside, reaches, read_outside, said, scope_of
from tests.page.parser import expression, parse, relation
from tests.page.pieces import misprints_of, reread
from tests.page.reading import QUICK, Reading
from tests.page.slopes import Context, around, check_equation, check_through, close, named
from tests.page.steps import COLLECTED, RULE, THROUGH, Piece, Rewritten, Step, Through
from tests.page.symbols import PageError, Symbols
from tests.page.tree import Node, Ref, walk


def reads(step: Through, key: str) -> bool:
    """Whether a slope of a step is told by a tensor."""
    return any(isinstance(n, Ref) and n.key == key for link in step.links for n in walk(link.slope))


@dataclass
class Items:
    """The formulas of a page that was read."""

    of: Reading

    @cached_property
    def all(self) -> list[Item]:
        return [*(self.plain.all if self.plain else ()), *self.items()]

    @cached_property
    def plain(self) -> Items | None:
        return Items(self.of.plain) if self.of.plain else None

    def wrong(self) -> list[str]:
        """All that is wrong with a page: formulas without a check, false ones, what adds up to something else."""
        return [*(self.plain.wrong() if self.plain else ()), *self.own_wrong()]

    def own_wrong(self) -> list[str]:
        try:
            items = list(self.items())
            found = [*self.of.problems, *self.of.sums(self.of.quick)]
            found += [f"{self.of.name}, in numbers: {said}" for said in self.of.worked.wrong()]
        except (ArithmeticError, DialectError) as error:
            return [f"{self.of.name}: no value: {error!r}"]
        for item in items:
            if said := item.check(item.formula.tex):
                found.append(f"{item.where}: {said}: {item.formula.tex}")
            if len(set(glyphs(item.formula))) > 1:
                found.append(f"{item.where}: drawn unlike its TeX: {item.formula.tex}")
        return list(dict.fromkeys(found))

    def items(self) -> Iterator[Item]:
        """All formulas but those of the kind `equation`, which the kernel's comparison has."""
        state, steps = "part", iter(self.of.steps)
        step: Step | None = None
        pieces: Iterator[Piece] = iter(())
        for n, block in enumerate(self.of.found):
            after = next((b for b in self.of.found[n + 1 : n + 2] if OUTSIDE.fullmatch(b.text)), None)
            if block.heading == "derivation" and (THROUGH.fullmatch(block.text) or RULE.fullmatch(block.text)):
                step = next(steps)
                pieces = iter(step.pieces)
                state = "accumulation" if isinstance(step.content, Through) else "line"
            elif block.heading == "derivation" and COLLECTED.fullmatch(block.text):
                state = "collected"
            if not block.formulas:
                continue
            try:
                kind = kind_of(block, state)
            except PageError as error:
                self.of.problems.append(f"{self.of.name}: {error}")
                continue
            if kind in ("step", "accumulation", "line"):
                assert step is not None
                for _ in block.formulas:
                    yield self.of_step(step, piece := next(pieces), kind)
                if kind == "accumulation":
                    yield from self.outside_step(step, piece, after)
            elif kind != "outside":
                yield from getattr(self, f"of_{kind}")(block)
                if kind == "equation":
                    yield from self.outside_equation(block, after)
            elif self.of.found[n - 1].text != "⟦0⟧":
                self.of.problems.append(f"{self.of.name}: no equation before: {block}")

    def of_step(self, step: Step, piece: Piece, kind: str) -> Item:
        def check(tex: str) -> str:
            if tex == piece.formula.tex:
                return self.of.as_printed(step)
            try:
                changed = reread(step.content, piece.path, tex)
            except (DialectError, PageError) as error:
                return f"not read: {error}"
            if isinstance(step.content, Through) and isinstance(changed, Through):
                known = self.of.variant.equations
                if step.content.heading in known and changed.heading not in known:
                    return "the equation is none of the forward section"
            if isinstance(changed, Rewritten):
                line = changed.lines[int(piece.path[1])]
                if changed.lines[0].left != changed.lines[1].left:
                    return "the two lines are not about the same"
                before = step.content.lines[int(piece.path[1])]
                return self.of.said(lambda c: check_equation(line, c), lambda c: check_equation(before, c))
            now, then = changed, step.content
            return self.of.said(
                lambda c: check_through(now, c, piece.path), lambda c: check_through(then, c, piece.path)
            )

        def misprints() -> Iterator[str]:
            return misprints_of(step.content, piece)

        return Item(kind, step.where, piece.formula, check, misprints)

    def of_equation(self, block: Block) -> Iterator[Item]:
        for formula in block.formulas:
            yield Item("equation", self.of.name, formula, lambda tex: "", lambda: iter(()))

    def outside_equation(self, block: Block, after: Block | None) -> Iterator[Item]:
        """What is said to be read outside, after an equation of the forward and backward sections."""
        variant = self.of.variant
        if not variant.suffix:
            variant = self.of.page.variant(block.section.partition("-")[2])
        e = parse(block.formulas[0].tex, variant.symbols)
        worlds = self.of.worlds if variant is self.of.variant else self.of.every(variant)
        found = read_outside(e, worlds) if isinstance(e.left, Ref) and reaches(e, worlds[:1]) else {}
        yield from self.outside(found, after, variant.symbols, scope_of(e))

    def outside_step(self, step: Step, piece: Piece, after: Block | None) -> Iterator[Item]:
        """The same after what a step adds, and where it adds nothing."""
        assert isinstance(step.content, Through)
        content, worlds = step.content, self.of.worlds
        e = content.gathered if piece.path == ("gathered",) else None
        if e is not None:
            found = read_outside(e, worlds) if reaches(e, worlds[:1]) else {}
            yield from self.outside(found, after, content.symbols, scope_of(e))
        elif content.scattered is not None:
            left, right = content.scattered
            assert isinstance(left, Ref)
            found = added_outside(left, right, content.loops, around(content, named(content)), worlds)
            yield from self.outside(found, after, content.symbols, content.loops)

    def outside(self, found: Said, after: Block | None, symbols: Symbols, scope: Sequence[str]) -> Iterator[Item]:
        texs = [f.tex for f in after.formulas] if after else []

        def check(n: int, tex: str) -> str:
            try:
                claimed = said(after, [*texs[:n], tex, *texs[n + 1 :]], symbols, scope)
            except (DialectError, PageError) as error:
                return f"not read: {error}"
            wrong = [k for k in {**found, **claimed} if found.get(k) != claimed.get(k)]
            return f"read outside: {', '.join(sorted(found.get(wrong[0], ()))) or 'nowhere'}" if wrong else ""

        if not after and found:
            self.of.problems.append(f"{self.of.name}: nothing is said of what is read outside: {[*found]}")

        def misprints(tex: str) -> Iterator[str]:
            return misprinted(expression(tex, symbols, tuple(scope)), tuple(scope), symbols)

        for n, formula in enumerate(after.formulas if after else ()):
            yield Item("outside", self.of.name, formula, partial(check, n), partial(misprints, formula.tex))

    def of_symbol(self, block: Block) -> Iterator[Item]:
        (formula,) = block.formulas
        code, shape, meaning = next((c, s, m) for t, c, s, m in self.of.table(block.section) if t == formula.tex)

        def check(tex: str) -> str:
            suffix = self.of.variant.suffix or block.section.removeprefix("symbols").removeprefix("-")
            return notes.symbol_wrong(self.of.page.variant(suffix), formula.tex, tex, code, f"{shape} {meaning}")

        yield Item("symbol", self.of.name, formula, check, lambda: symbols_misprinted(formula.tex, self.of.symbols))

    def of_numbers(self, block: Block) -> Iterator[Item]:
        for formula in block.formulas:
            check = partial(self.of.worked.check, formula)
            yield Item("numbers", self.of.name, formula, check, partial(matrices.misprints, formula.tex))

    def of_size(self, block: Block) -> Iterator[Item]:
        for n, formula in enumerate(block.formulas):
            check = partial(self.of.worked.check_size, block, n)
            yield Item("size", self.of.name, formula, check, partial(matrices.sizes_misprinted, formula.tex))

    def of_note(self, block: Block) -> Iterator[Item]:
        for n, formula in enumerate(block.formulas):
            check = notes.check_of(self.of, block, n)
            yield Item("note", self.of.name, formula, check, partial(notes.misprints, self.of, formula))

    def of_fact(self, block: Block) -> Iterator[Item]:
        for formula in block.formulas:
            yield self.identity("fact", formula)

    def identity(self, kind: str, formula: Formula) -> Item:
        scope = notes.open_indices(formula.tex, self.of.symbols)

        def check(tex: str) -> str:
            try:
                left, right = relation(tex, self.of.symbols, scope)
            except DialectError as error:
                return f"not read: {error}"
            return self.of.said(lambda c: both_sides(left, right, scope, c))

        def misprints() -> Iterator[str]:
            left, right = relation(formula.tex, self.of.symbols, scope)
            sides = formula.tex.split(" = ", 1)
            return in_turn(
                (f"{m} = {sides[1]}" for m in misprinted(left, scope, self.of.symbols)),
                (f"{sides[0]} = {m}" for m in misprinted(right, scope, self.of.symbols)),
            )

        return Item(kind, self.of.name, formula, check, misprints)

    def of_collected(self, block: Block) -> Iterator[Item]:
        """What is added to an adjoint, as one sum: both sides at every place."""
        (formula,) = block.formulas
        known = parse(formula.tex, self.of.symbols)
        if known.key not in self.of.accumulated:
            self.of.problems.append(f"{self.of.name}: nothing is added to {known.key}, which is collected")

        def check(tex: str) -> str:
            try:
                line = parse(tex, self.of.symbols)
            except (DialectError, PageError) as error:
                return f"not read: {error}"
            if line.left != known.left:
                return "another left side"
            return self.of.said(lambda c: check_equation(line, c), lambda c: check_equation(known, c))

        yield Item("collected", self.of.name, formula, check, lambda: misprinted_equation(known, self.of.symbols))

    def of_part(self, block: Block) -> Iterator[Item]:
        (formula,) = block.formulas
        known = parse(formula.tex, self.of.symbols)

        def check(tex: str) -> str:
            try:
                changed = [parse(tex, self.of.symbols) if e == known else e for e in self.of.parts]
                context = self.of.context(changed, QUICK)
                if wrong := next(self.of.sums(context), ""):
                    return wrong
                for step in self.of.steps:
                    for line in step.content.lines if isinstance(step.content, Rewritten) else ():
                        if wrong := next(check_equation(line, context), ""):
                            return wrong
                    if isinstance(step.content, Through) and reads(step.content, known.key):
                        wrong = next(check_through(step.content, context), "")
                    if wrong:
                        return wrong
            except (ArithmeticError, KeyError, ValueError, TypeError) as error:
                return f"no value: {error!r}"
            return ""

        yield Item("part", self.of.name, formula, check, lambda: misprinted_equation(known, self.of.symbols))

    def of_tangent(self, block: Block) -> Iterator[Item]:
        (formula,) = block.formulas
        known = parse(formula.tex, self.of.symbols)

        def misprints() -> Iterator[str]:
            return misprinted_equation(known, self.of.symbols)

        yield Item("tangent", self.of.name, formula, partial(self.of.tangents.check, known), misprints)

    def of_rates(self, block: Block) -> Iterator[Item]:
        self.of.problems += self.of.tangents.wrong()
        for formula in block.formulas:
            yield self.mention("rates", formula)

    def of_second(self, block: Block) -> Iterator[Item]:
        (formula,) = block.formulas
        known = parse(formula.tex, self.of.symbols)
        misprints = partial(misprinted_equation, known, self.of.symbols)
        yield Item("second", self.of.name, formula, partial(self.of.seconds.check, known), misprints)

    def of_seconds(self, block: Block) -> Iterator[Item]:
        self.of.problems += self.of.seconds.wrong()
        summed = len(self.of.seconds.said[0])
        for n, formula in enumerate(block.formulas):
            if n != summed:
                yield self.mention("seconds", formula)
            else:
                misprints = partial(misprinted, expression(formula.tex, self.of.symbols, ()), (), self.of.symbols)
                yield Item("seconds", self.of.name, formula, self.of.seconds.objective, misprints)

    def of_dots(self, block: Block) -> Iterator[Item]:
        for formula in block.formulas:
            yield self.mention("dots", formula)

    def of_rule(self, block: Block) -> Iterator[Item]:
        for formula in block.formulas:
            if " = " in formula.tex:
                yield self.identity("rule", formula)
            else:
                yield self.mention("rule", formula)

    def mention(self, kind: str, formula: Formula) -> Item:
        """A symbol of the table, or an element of what it stands for, named in a sentence."""
        known = notes.symbol_or_element(formula.tex, self.of.symbols)

        def check(tex: str) -> str:
            try:
                return "" if notes.symbol_or_element(tex, self.of.symbols) == known else "another symbol"
            except DialectError as error:
                return f"not read: {error}"

        return Item(kind, self.of.name, formula, check, lambda: symbols_misprinted(formula.tex, self.of.symbols))

    def of_count(self, block: Block) -> Iterator[Item]:
        (formula,) = block.formulas
        section, operation = block.row[0], block.header[len(block.row)]
        if section not in ("forward", "backward") or operation not in COUNTED:
            self.of.problems.append(f"{self.of.name}: no count of {operation} of {section}")
            return
        yield self.number("count", formula, [{c[operation] for c in both} for both in self.of.counts[section]])

    def number(self, kind: str, formula: Formula, wanted: Sequence[set[int]]) -> Item:
        """A polynomial in the sizes, and the number that it must be in each world, or the numbers that it may be."""

        def check(tex: str) -> str:
            try:
                tree = expression(tex, self.of.symbols, ())
                pairs = zip(self.of.full.all, wanted, strict=True)
                # of nothing there are not -1 additions
                counted = [(w, n) for w, n in pairs if 0 not in w.evaluator.sizes.known.values()]
                if not counted:
                    return "no sizes at which it could be counted"
                for world, count in counted:
                    if (said := amount(tree, world)) not in count:
                        return f"counted {' or '.join(map(str, sorted(count)))}, the page says {said}"
            except (ArithmeticError, KeyError, ValueError, IndexError) as error:
                return f"no value: {error!r}"
            return ""

        def misprints() -> Iterator[str]:
            return misprinted(expression(formula.tex, self.of.symbols, ()), (), self.of.symbols, sizes=True)

        return Item(kind, self.of.name, formula, check, misprints)

    def of_mistake(self, block: Block) -> Iterator[Item]:
        yield from self.told(mistakes.equations, block)

    def of_shown(self, block: Block) -> Iterator[Item]:
        yield from self.told(mistakes.numbers, block)

    def told(self, items: Callable[[Reading, Block], Iterator[Item]], block: Block) -> Iterator[Item]:
        try:
            yield from items(self.of, block)
        except PageError as error:
            self.of.problems.append(f"{self.of.name}: {error}")

    def of_counting(self, block: Block) -> Iterator[Item]:
        for n, formula in enumerate(block.formulas):
            misprints = partial(notes.number_misprinted, formula)
            yield Item("counting", self.of.name, formula, notes.counting(block, n), misprints)

    def of_kept(self, block: Block) -> Iterator[Item]:
        *listed, total = block.formulas
        pairs = [*zip(self.of.variant.equations, self.of.variant.claims, strict=True)]
        forward = {e.key for e, c in pairs if c.section == "forward"}
        known = forward | {r.name for r in self.of.symbols.rows if r.role in ("input", "state")}
        used = {n.key for e, c in pairs if c.section == "backward" for n in walk(e.right) if isinstance(n, Ref)}
        used = {k for k in used & known if not self.of.symbols.by_name[k].option}
        names = [notes.symbol_or_element(f.tex, self.of.symbols) for f in listed]
        if {n.key for n in names if isinstance(n, Ref)} != used:
            self.of.problems.append(
                f"{self.of.name}: the backward equations read {', '.join(sorted(used))}, the page says another"
            )
        for formula in listed:
            yield self.mention("kept", formula)
        yield self.number("kept", total, [{sum(map(len, notes.elements(w, used)))} for w in self.of.full.all])


def both_sides(left: Node, right: Node, scope: Sequence[str], context: Context) -> Iterator[str]:
    for world in context.worlds:
        a, b = world.compiled(left, scope), world.compiled(right, scope)
        for at in world.points(scope, left, right, most=60):
            if not close(x := a(at), y := b(at), 1e-9):
                yield f"at {dict(zip(scope, at, strict=True))} the left side is {x}, the right side {y}"
                return
