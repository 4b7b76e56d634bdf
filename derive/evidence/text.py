"""The leg text: the kernel against a second reading of the definition's text.

Every other leg takes the definition as ``derive.notation`` has read it, so what is misread there passes them all. This
one takes its source to ``derive.text``, which shares no code with the reader, and compares forward, backward, jvp and
double_backward in float64: lengths that differ and square ones, several leading axes, options away from their
defaults, ties. It needs nothing that has to be installed besides.
"""

from __future__ import annotations

from typing import Any

from derive.calculus.derivation import Derivation
from derive.evidence.inputs import composed
from derive.evidence.result import Result
from derive.notation import define
from derive.text.annotations import Unread
from derive.text.compare import compare
from derive.text.parse import Library

TURNS = range(5)  #: defaults, square lengths, options, ties, and all of them drawn
FEW = range(2)  #: those of them that show how parts are put together; see derive.evidence.inputs.composed
UNIT = "of half a double's digits"


def sources() -> dict[str, str]:
    """The text of every definition that is known."""
    return {name: variants[0].source for name, variants in define.REGISTRY.items()}


def text(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """The kernel against the second reader. What that cannot read is said, with the reason, and is no failure."""
    layer = derivation.layer
    library = Library(sources() | {layer.name: layer.source})
    try:
        few = composed(layer)
        turns = FEW if few else TURNS
        report = compare(library[layer.name], library, kernel, dict(layer.choice), turns, seed, each=not few)
    except Unread as error:
        return Result("text", layer.name, True, unit=UNIT, notes=(str(error),))
    more = f" (and {len(report.wrong) - 1} more)" if len(report.wrong) > 1 else ""
    kinks = f"{report.kinks} slopes left out at kinks, where the text has two" if report.kinks else ""
    detail = report.wrong[0] + more if report.wrong else kinks
    notes = tuple(report.notes)
    return Result("text", layer.name, not report.wrong, report.worst, UNIT, report.checks, detail, notes)
