"""The tangent of a page: its equations executed at drawn rates of the inputs, against the kernel's jvp."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.page.arithmetic import EvaluationError
from tests.page.compare import Trial, differences, flat
from tests.page.dialect import DialectError
from tests.page.inputs import arguments, together
from tests.page.notes import symbol_or_element
from tests.page.parser import parse
from tests.page.symbols import PageError
from tests.page.tree import Equation, Ref, walk

if TYPE_CHECKING:
    from tests.page.reading import Reading

FIRST = 4  # trials for every misprint; a survivor has all of them


@dataclass
class Tangents:
    """The displays under the heading `tangent`, and what they give at the rates drawn."""

    of: Reading

    @cached_property
    def equations(self) -> list[Equation]:
        found = [b for b in self.of.found if b.heading == "tangent" and b.text == "⟦0⟧"]
        return [parse(b.formulas[0].tex, self.of.symbols) for b in found]

    @cached_property
    def given(self) -> list[str]:
        """The inputs whose rates the kernel takes, in its order."""
        rows = arguments(self.of.symbols, self.of.variant.equations)
        return [r.name for r in rows if r.role == "input" and r.kind not in ("integer", "boolean")]

    @cached_property
    def trials(self) -> list[Trial]:
        """What jvp makes of rates, at the draws at which the page is looked at."""
        return [self.run(n, t) for n, t in enumerate(self.of.drawn)]

    def run(self, seed: int, trial: Trial) -> Trial:
        rng = np.random.default_rng(seed)
        rows = arguments(self.of.symbols, self.of.variant.equations)
        values = trial.values
        along = {n: drawn(rng, values[n]) for n in self.given if values.get(n) is not None}
        options = {r.name: values[r.name] for r in self.of.symbols.rows if r.option and r.name in values}
        options = {k: v for k, v in options.items() if not k.endswith("'")}
        with np.errstate(all="ignore"):
            result = self.of.layer.jvp(  # type: ignore[attr-defined]
                tuple(values.get(r.name) for r in rows), tuple(along.get(n) for n in self.given), **together(options)
            )
        kernel = self.named(result)
        return Trial({**values, **{f"dot {n}": v for n, v in along.items()}}, kernel, trial.what, trial.memo)

    def named(self, result: Any) -> Mapping[str, Any]:
        """The kernel's results by the keys that the page has for them."""
        outputs = [r.name for r in self.of.symbols.by_name.values() if r.role == "output"]
        found = result._asdict() if hasattr(result, "_asdict") else None
        if found is None:
            moved = [n for n in outputs if f"dot {n}" in {e.key for e in self.equations}]
            found = dict(zip(moved, [result] if len(moved) == 1 else result, strict=True))
        return {f"dot {n}": [flat(a) for a in v] if isinstance(v, list) else flat(v) for n, v in found.items()}

    def check(self, known: Equation, tex: str) -> str:
        """What is wrong with an equation, as printed or with a misprint; the others are as printed."""
        try:
            changed = parse(tex, self.of.symbols)
        except (DialectError, PageError) as error:
            return f"not read: {error}"
        tangents = [changed if e == known else e for e in self.equations]
        equations = [*self.of.variant.equations, *tangents]
        for trial in self.trials:
            memo = {k: v for k, v in trial.memo.items() if not k.startswith("dot ")}
            try:
                found = next(differences(equations, self.of.symbols, trial, memo), None)
            except (ArithmeticError, KeyError, ValueError, TypeError, EvaluationError) as error:
                return f"no value: {error!r}"
            if found:
                return f"{found} on {trial.what}"
        return ""

    def wrong(self, texs: Sequence[str], words: str) -> list[str]:
        """Whether a sentence names what is given and what comes out."""
        count = len(re.findall(r"⟦\d+⟧", words.split(", the results move at")[0]))
        said = [symbol_or_element(tex, self.of.symbols) for tex in texs]
        given = {n.key for n in said[:count] if isinstance(n, Ref)}
        results = {n.key for n in said[count:] if isinstance(n, Ref)}
        defined = {e.key for e in self.equations}
        used = {n.key for e in self.equations for n in walk(e.right) if isinstance(n, Ref) and n.accent == "dot"}
        problems = []
        if used - defined - given or given != {f"dot {n}" for n in self.given}:
            problems.append(f"{self.of.name}: the rates {', '.join(sorted(given))} are not those that are given")
        if results != {k for t in self.trials[:1] for k in t.kernel}:
            problems.append(f"{self.of.name}: the rates {', '.join(sorted(results))} are not those that come out")
        return problems


def drawn(rng: np.random.Generator, like: Any) -> Any:
    """Rates in the shape of an input."""
    return [drawn(rng, a) for a in like] if isinstance(like, list) else rng.normal(size=np.shape(like))
