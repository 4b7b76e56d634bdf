"""The tangent of a page: its equations executed at drawn rates of the inputs, against the kernel's jvp."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tests.page.compare import Trial, differences, flat
from tests.page.dialect import DialectError
from tests.page.evaluator import Evaluator
from tests.page.inputs import arguments, together
from tests.page.notes import symbol_or_element
from tests.page.parser import parse
from tests.page.symbols import PageError
from tests.page.tree import Equation, Ref, walk

if TYPE_CHECKING:
    from tests.page.reading import Reading

BETWEEN = ", the results move at"  # what is given stands before it


@dataclass
class Along:
    """Equations of a fold that say what rates of the inputs make, and the kernel's function that computes it."""

    of: Reading
    heading: ClassVar[str]

    @cached_property
    def equations(self) -> list[Equation]:
        found = [b for b in self.of.found if b.heading == self.heading and b.text == "⟦0⟧"]
        return [parse(b.formulas[0].tex, self.of.symbols) for b in found]

    @cached_property
    def given(self) -> list[str]:
        """The inputs whose rates the kernel takes, in its order."""
        rows = arguments(self.of.symbols, self.of.variant.equations)
        return [r.name for r in rows if r.role == "input" and r.kind not in ("integer", "boolean")]

    @cached_property
    def trials(self) -> list[Trial]:
        """What the kernel makes of rates, at the draws at which the page is looked at; and what the page does."""
        found = []
        for n, drawn_ in enumerate(self.of.drawn):
            trial = self.run(n, drawn_)
            evaluator = Evaluator([*self.of.variant.equations, *self.equations], self.of.symbols, trial.values)
            evaluator.memo.update({k: {**v} for k, v in drawn_.memo.items()})
            with contextlib.suppress(ArithmeticError, KeyError, ValueError, TypeError):
                for e in self.equations:
                    evaluator.array(e.key)
            found.append(replace(trial, memo=evaluator.memo))
        return found

    def run(self, seed: int, trial: Trial) -> Trial:
        """A draw with rates, and the kernel's results by the keys of the page."""
        raise NotImplementedError

    def drawn(self, seed: int, trial: Trial) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
        """Rates of inputs, the kernel's options and its arguments."""
        rng, values = np.random.default_rng(seed), trial.values
        rows = arguments(self.of.symbols, self.of.variant.equations)
        along = {n: drawn(rng, values[n]) for n in self.given if values.get(n) is not None}
        options = {r.name: values[r.name] for r in self.of.symbols.rows if r.option and r.name in values}
        options = {k: v for k, v in options.items() if not k.endswith("'")}
        return along, together(options), [values.get(r.name) for r in rows]

    def check(self, known: Equation, tex: str) -> str:
        """What is wrong with an equation, as printed or with a misprint; the others are as printed."""
        try:
            changed = parse(tex, self.of.symbols)
        except (DialectError, PageError) as error:
            return f"not read: {error}"
        rest = [changed if e == known else e for e in self.equations]
        equations = [*self.of.variant.equations, *rest]
        affected = downstream(self.equations, known.key) | downstream(rest, changed.key) | downstream(rest, known.key)
        try:
            for trial in self.trials:
                kept = {k: v for k, v in trial.memo.items() if k not in affected}
                only = frozenset(affected & {*trial.kernel}) if changed != known else None
                if found := next(differences(equations, self.of.symbols, trial, kept, only), None):
                    return f"{found} on {trial.what}"
        except (ArithmeticError, KeyError, ValueError, TypeError) as error:
            return f"no value: {error!r}"
        return ""


@dataclass
class Tangents(Along):
    """The displays under the heading `tangent`, against jvp."""

    heading = "tangent"

    def run(self, seed: int, trial: Trial) -> Trial:
        along, options, primals = self.drawn(seed, trial)
        with np.errstate(all="ignore"):
            result = self.of.layer.jvp(  # type: ignore[attr-defined]
                tuple(primals), tuple(along.get(n) for n in self.given), **options
            )
        kernel = self.named(result)
        return Trial({**trial.values, **{f"dot {n}": v for n, v in along.items()}}, kernel, trial.what, trial.memo)

    @cached_property
    def said(self) -> tuple[list[str], list[str]]:
        """The keys that the sentence before the equations says are given, and those that come out; both in order."""
        block = next((b for b in self.of.found if b.heading == "tangent" and BETWEEN in b.text), None)
        if block is None:
            return [], []
        count = len(re.findall(r"⟦\d+⟧", block.text.split(BETWEEN)[0]))
        refs = [symbol_or_element(f.tex, self.of.symbols) for f in block.formulas]
        keys = [n.key if isinstance(n, Ref) else "" for n in refs]
        return keys[:count], keys[count:]

    def named(self, result: Any) -> Mapping[str, Any]:
        """The kernel's results by the keys that the page says come out."""
        keys = self.said[1]
        found = zip(keys, [result] if len(keys) == 1 else result, strict=True)
        return {key: [flat(a) for a in v] if isinstance(v, list) else flat(v) for key, v in found}

    def wrong(self) -> list[str]:
        """Whether the sentence names all that is given, and results of the page."""
        given, results = self.said
        defined = {e.key for e in self.equations}
        used = {n.key for e in self.equations for n in walk(e.right) if isinstance(n, Ref) and n.accent == "dot"}
        outputs = {f"dot {r.name}" for r in self.of.symbols.by_name.values() if r.role == "output"}
        problems = []
        if used - defined - {*given} or given != [f"dot {n}" for n in self.given]:
            problems.append(f"{self.of.name}: the rates {', '.join(given)} are not those that are given")
        if not {*results} <= outputs & defined or len({*results}) != len(results):
            problems.append(f"{self.of.name}: the rates {', '.join(results)} are not those of outputs")
        return problems


def drawn(rng: np.random.Generator, like: Any) -> Any:
    """Rates in the shape of an input."""
    return [drawn(rng, a) for a in like] if isinstance(like, list) else rng.normal(size=np.shape(like))


def downstream(equations: Sequence[Equation], key: str) -> set[str]:
    """Keys whose values may depend on one."""
    uses: dict[str, set[str]] = {}
    for e in equations:
        uses.setdefault(e.key, set()).update(e.reads)
    found, size = {key}, 0
    while size != len(found):
        size = len(found)
        found |= {k for k, used in uses.items() if used & found}
    return found
