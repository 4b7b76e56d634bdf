"""Whether a formula's picture shows the characters that its TeX asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from tests.page.dialect import GREEK, tokenize


class Drawn(Protocol):
    """A formula: its TeX and the characters of its picture."""

    @property
    def tex(self) -> str: ...
    @property
    def drawn(self) -> str: ...


_DRAWN = {
    r"\ast": "∗", r"\sum": "∑", r"\max": "max", r"\exp": "exp", r"\log": "log", r"\tanh": "tanh", r"\sin": "sin",
    r"\cos": "cos", r"\pi": "π",
    r"\infty": "∞", r"\ne": "≠", r"\le": "≤", r"\ge": "≥", r"\land": "∧", r"\lor": "∨", r"\lnot": "¬",
    "-": "−", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\overline": "‾", r"\hat": "ˆ", r"\dot": "˙", r"\ddot": "¨",
    r"\begin{cases}": "{", r"\begin{pmatrix}": "(", r"\end{pmatrix}": ")", r"\times": "×",
}  # fmt: skip
_SILENT = {"^", "_", "{", "}", "&", r"\\", r"\left", r"\right", r"\frac", r"\sqrt", r"\end{cases}"}
_INVISIBLE = re.compile("[\\s\u2061-\u2064]")


def glyphs(claim: Drawn) -> tuple[str, str]:
    """The characters that the TeX asks for and those that are drawn, each sorted; equal where the page is
    honest.

    Blind to where they stand (a fraction upside down), which the picture in a browser is looked at for.
    """

    def wanted() -> Iterator[str]:
        for token in tokenize(claim.tex):
            text = token.text
            if text in _SILENT:
                continue
            name = re.match(r"\\(?:mathrm|mathrel|operatorname|text)\s*\{(.*)\}\Z", text)
            yield (name[1].replace(r"\_", "_") if name else _DRAWN.get(text) or GREEK.get(text) or text)

    return "".join(sorted(_INVISIBLE.sub("", "".join(wanted())))), "".join(sorted(_INVISIBLE.sub("", claim.drawn)))
