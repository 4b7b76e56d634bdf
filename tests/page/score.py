"""How strong the page leg is: every misprint of every claim of a page, caught by the comparison with the
kernel or not.

    python -m tests.page.score SITE [LAYER ...] [--kernels DIR] [--most N]

SITE is a built site; prints the score and how many of its formulas are read and executed, in what page and kernel
disagree, what is wrong with a formula, and survivors. Where anything is, no misprint is tried. With --most, a few of
every formula's misprints are tried, about N in all.

A mutant that cannot be caught because it says the same in other words is a row of EQUIVALENT
(tests/page/equivalent.py), with the reason.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tests.page.compare import TRIALS, Layer, Trial, check, differences, trials
from tests.page.equivalent import reason
from tests.page.formulas import Item
from tests.page.glyphs import glyphs
from tests.page.items import Items
from tests.page.mutate import Mutant, mutants
from tests.page.reader import Page, Variant, read
from tests.page.reading import reading
from tests.page.symbols import PageError
from tests.page.tangents import downstream
from tests.page.tree import Equation, Ref, Size, walk

FURTHER = 3  # times as many draws for a misprint that survives the first ones
SECOND = 12  # misprints of an equation of the second order: with all of them a page of a recurrence takes minutes


@dataclass(frozen=True)
class Result:
    """One mutant's fate: ``caught`` says by what, "" for a survivor; ``equivalent`` is its reason."""

    page: str
    section: str
    tex: str
    mutant: Mutant
    caught: str
    equivalent: str

    def __str__(self) -> str:
        return f"{self.page}, {self.section}: {self.mutant.change}\n  from {self.tex}\n  to   {self.mutant.tex}"


def score(
    page: Page, layer: Layer, count: int = TRIALS, most: int | None = None, times: int = FURTHER
) -> Iterator[Result]:
    """Every mutant of every claim; a claim that stands in two variants word for word, in the first.

    With ``most``, about so many: of every claim as many. What survives is tried on ``times`` as many draws.
    """
    done: set[Any] = set()
    each = share(most, sum(len(variant.claims) for variant in page.variants))
    for variant in page.variants:
        symbols, equations = variant.symbols, variant.equations
        drawn, further = trials(variant, layer, count), []
        keys = sorted(
            {n.key for e in equations for side in (e.left, e.right) for n in walk(side) if isinstance(n, Ref)}
        )
        for n, claim in enumerate(variant.claims):
            if claim in done:
                continue
            done.add(claim)
            for mutant in islice(mutants(equations[n], symbols, keys), each):
                changed = [*equations[:n], mutant.equation, *equations[n + 1 :]]
                caught = _caught(changed, n, variant, drawn)
                why = "" if caught else reason(page.name, mutant.tex)
                if not caught and not why:
                    further = further or beyond(variant, layer, count, times)
                    caught = _caught(changed, n, variant, further)
                yield Result(str(variant), claim.section, claim.tex, mutant, caught, why)


def beyond(variant: Variant, layer: Layer, count: int, times: int) -> list[Trial]:
    """Draws behind the first ones, for misprints that these do not see: of a flag with two paddings, say.

    Raises PageError where page and kernel disagree on one of them.
    """
    found = trials(variant, layer, times * count)[len(trials(variant, layer, count)) :]
    for trial in found:
        for wrong in differences(variant.equations, variant.symbols, trial, trial.memo):
            raise PageError(f"{variant}: {wrong}\n  on {trial.what}")
    return found


def _caught(after: Sequence[Equation], n: int, variant: Variant, drawn: Sequence[Trial]) -> str:
    before = variant.equations
    affected = downstream(before, before[n].key) | downstream(after, after[n].key) | downstream(after, before[n].key)
    all_affected = any(isinstance(e.left, Size) for e in (before[n], after[n]))
    for trial in drawn:
        kept = {} if all_affected else {k: v for k, v in trial.memo.items() if k not in affected}
        only = None if all_affected else frozenset(affected & set(trial.kernel))
        found = next(differences(after, variant.symbols, trial, kept, only), None)
        if found:
            return str(found)
    return ""


def disagreements(page: Page, layer: Layer) -> list[str]:
    """In what page and kernel differ, and formulas that are not drawn as they are annotated."""
    claims = [c for variant in page.variants for c in variant.claims]
    unlike = (f"{page.name}: drawn unlike its TeX: {c.tex}" for c in claims if len(set(glyphs(c))) > 1)
    return [*check(page, layer), *unlike]


def kernel(name: str, folder: Path | None) -> Any:
    """A layer's module: the project's, or a file in a folder."""
    if folder is None:
        return importlib.import_module(f"reference.layers.{name}")
    package = f"{folder.resolve().name}_as_read"
    if package not in sys.modules:
        place = [str(folder.resolve())]
        spec = importlib.util.spec_from_file_location(package, folder / "__init__.py", submodule_search_locations=place)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[package])
    return importlib.import_module(f"{package}.{name}")


@dataclass(frozen=True)
class Survivor:
    """A misprint of a formula outside the forward and backward sections that its check does not see."""

    where: str
    kind: str
    tex: str
    changed: str
    equivalent: str

    def __str__(self) -> str:
        return f"{self.where}, {self.kind}\n  from {self.tex}\n  to   {self.changed}"


def other_formulas(items: Items, most: int | None = None) -> tuple[int, list[Survivor]]:
    """How many misprints of the other formulas of a page were tried, and the survivors; a formula said twice counts
    twice.

    With ``most``, about so many are tried: of every formula as many.
    """
    found = []
    others = [item for item in items.all if item.kind != "equation"]
    each = share(most, len(others))
    tried = [
        (item, changed) for item in others for changed in spread(dict.fromkeys(islice(item.misprints(), each)), item)
    ]
    for item, changed in tried:
        if not item.check(changed):
            why = reason(items.of.name, f"{item.kind}: {changed}")
            found.append(Survivor(item.where, item.kind, item.formula.tex, changed, why))
    return len(tried), found


def spread(changed: Iterable[str], item: Item) -> list[str]:
    """The misprints of a formula; of one of the second order, whose check computes all that it stands on, a part."""
    found = list(dict.fromkeys(changed))
    return found[:: -(-len(found) // SECOND)] if item.kind == "second" and found else found


def share(most: int | None, formulas: int) -> int | None:
    """How many misprints of one of so many formulas are tried, at least one; None for all of them."""
    return None if most is None else -(-most // max(formulas, 1))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.page.score")
    parser.add_argument("site", type=Path)
    parser.add_argument("layers", nargs="*")
    parser.add_argument("--kernels", type=Path)
    parser.add_argument("--most", type=int, help="about how many misprints of the equations are tried, and of others")
    given = parser.parse_args(arguments)
    names = given.layers or sorted(p.parent.name for p in (given.site / "layers").glob("*/index.html"))
    every = Counter[str]()
    for name in names:
        html = (given.site / "layers" / name / "index.html").read_text(encoding="utf-8")
        page = read(html, name)
        layer = kernel(name, given.kernels)
        items = Items(reading(html, page, layer))
        problems = [*disagreements(page, layer), *items.wrong()]
        results = [] if problems else list(score(page, layer, most=given.most))
        count, others = (0, []) if problems else other_formulas(items, given.most)
        survivors = [*(r for r in results if not r.caught), *others]
        same = sum(bool(r.equivalent) for r in survivors)
        all_, read_ = html.count("<math"), len(items.all)
        one = Counter(
            total=len(results) + count - same,
            caught=len(results) + count - len(survivors),
            same=same,
            formulas=all_,
            read=read_ if not problems else 0,
            wrong=len(problems),
        )
        print(line(name, one))
        for problem in problems:
            print(f"  DISAGREES {problem}")
        for r in survivors:
            if not r.equivalent:
                print(f"  SURVIVES {r}")
        every.update(one)
    print(line("all", every))
    return int(every["wrong"] > 0 or every["caught"] != every["total"])


def line(name: str, of: Counter[str]) -> str:
    said = f"{of['caught']}/{of['total']} caught, {of['same']} equivalent, {of['read']}/{of['formulas']} formulas"
    return f"{name:30} {said}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
