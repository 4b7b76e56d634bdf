"""The words of the TeX dialect, and its tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

FUNCTIONS = {
    r"\exp": ("exp", 1), r"\log": ("log", 1), r"\tanh": ("tanh", 1), r"\max": ("max", 2), r"\sin": ("sin", 1),
    r"\cos": ("cos", 1),
    **{rf"\operatorname{{{f}}}": (f, 1) for f in ("erf", "sigmoid", "relu", "gelu", "identity", "sign")},
    **{rf"\operatorname{{{f}}}": (f, 1) for f in ("floor", "round", "sg")},
}  # fmt: skip
OWN = re.compile(r"\\operatorname\{(.+)\}")  # a function that another page defines
REDUCTIONS = {r"\sum": "sum", r"\max": "max", r"\operatorname{argmax}": "argmax"}
COMPARISONS = {"=": "=", r"\ne": "!=", "<": "<", r"\le": "<=", ">": ">", r"\ge": ">="}
CONSTANTS = {r"\pi": "pi", r"\infty": "inf"}
GREEK = {
    rf"\{name}": letter
    for names, letters in (
        ("alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi rho", "αβγδζηθικλμνξρ"),
        ("sigma tau upsilon chi psi omega epsilon varepsilon phi varphi", "στυχψωϵεϕφ"),
        ("Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega", "ΓΔΘΛΞΠΣΦΨΩ"),
    )
    for name, letter in zip(names.split(), letters, strict=True)
}
ACCENTS = {r"\overline": "bar", r"\dot": "dot"}
FENCES = {("(", ")"), ("|", "|"), (r"\lfloor", r"\rfloor"), ("[", "]")}

_SPACE = re.compile(r"(?:\s|\\[;,]|\\q?quad)*")
_TOKEN = re.compile(
    r"\\(?:mathrm|mathrel|operatorname|begin|end)\s*\{[^{}]*\}|\\text\s*\{[^{}]*\}|\\[a-zA-Z]+|\\\\|\d+(?:\.\d+)?|[A-Za-z]|[-+=<>(){}\[\]|,_^&]"
)


def function(text: str) -> tuple[str, int] | None:
    """A function's name and number of arguments; 0 is any number, of one that another page defines."""
    own = OWN.fullmatch(text) if text not in REDUCTIONS else None
    return FUNCTIONS.get(text) or (own and (own[1].replace(r"\_", "_"), 0))


class DialectError(ValueError):
    """TeX outside the dialect; shows the place."""

    def __init__(self, tex: str, at: int, why: str) -> None:
        super().__init__(f"{why}\n    {tex}\n    {' ' * at}^")
        self.tex, self.at, self.why = tex, at, why


class Token(NamedTuple):
    text: str
    at: int


def tokenize(tex: str) -> list[Token]:
    """Tokens with their places. Raises DialectError at the first character that starts none."""
    found, at = [], _SPACE.match(tex).end()  # type: ignore[union-attr]
    while at < len(tex):
        m = _TOKEN.match(tex, at)
        if not m:
            raise DialectError(tex, at, f"{tex[at]!r} is not in the dialect")
        text = m[0] if m[0].startswith(r"\text") else "".join(m[0].split())
        found.append(Token(text, at))
        at = _SPACE.match(tex, m.end()).end()  # type: ignore[union-attr]
    return found
