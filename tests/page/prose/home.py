"""The home page: its equations are those of a layer, read with the symbols of that layer's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import reference
from tests.page.compare import Trial, differences, trials
from tests.page.dialect import DialectError
from tests.page.misprints import misprinted_equation
from tests.page.parser import parse
from tests.page.prose.page import Prose
from tests.page.reader import Variant, read
from tests.page.tree import Equation

LAYER = "layer_norm"
ARROW = re.compile(r"\\q*uad\s*\\longrightarrow\s*\\q*uad")
PAGE = Prose()


@cache
def layer(page: str) -> tuple[Variant, list[Trial]]:
    variant = read(page, LAYER).variants[0]
    return variant, trials(variant, reference.layer_norm, 3)


def wrong(tex: str, page: str) -> str:
    """What is wrong with equations and an arrow between them: each is put into the layer's page and executed."""
    variant, runs = layer(page)
    try:
        found = [parse(part.strip(), variant.symbols) for part in ARROW.split(tex)]
    except DialectError as error:
        return f"not read: {error}"
    if not all(a.key == b.key.removeprefix("bar ") or b.key.startswith("bar ") for a, b in pairwise(found)):
        return "no gradient follows"
    for equation in found:
        if equation.key not in {e.key for e in variant.equations}:
            return f"{equation.key} is not an equation of {LAYER}"
        changed = [equation if e.key == equation.key else e for e in variant.equations]
        for trial in runs:
            if said := next(differences(changed, variant.symbols, trial), None):
                return str(said)
    return ""


def misprints(tex: str, page: str) -> Iterator[str]:
    variant, _ = layer(page)
    parts = [part.strip() for part in ARROW.split(tex)]
    for n, part in enumerate(parts):
        equation: Equation = parse(part, variant.symbols)
        for changed in misprinted_equation(equation, variant.symbols):
            yield r" \qquad\longrightarrow\qquad ".join([*parts[:n], changed, *parts[n + 1 :]])


PAGE.executed_by(".*", f"layers/{LAYER}", wrong, misprints)
