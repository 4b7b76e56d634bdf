"""An own layer works wherever a project's layer does: kinds of layers times the places where they are used.

Every third pair of the table is built, all kinds and all places among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from derive.notation.define import read_source
from derive.notation.errors import DefinitionError
from tests.generality.support import HEAD, built, check, definition, own_registry


@dataclass(frozen=True)
class Kind:
    """A layer to be used: its inputs beside x, results, and what the call and its caller have beside tensors."""

    text: str
    more: tuple[str, ...] = ("g: Real[i]",)
    given: str = ""
    handed: str = ""
    results: int = 1

    @property
    def name(self) -> str:
        return self.text.rpartition("def ")[2].partition("(")[0]

    def call(self, x: str, lead: str = "") -> str:
        listed = (a.partition(":") for a in self.more)
        names = (
            name + (lead if annotation.strip().startswith(("Real", "State")) else "") for name, _, annotation in listed
        )
        return f"{self.name}({', '.join([x, *names, *([self.given] if self.given else [])])})"


def part(name: str, signature: str, body: str) -> str:
    return definition(f"x: Real[..., i], g: Real[i]{signature}", body, name)


OPTIONS = part(
    "scaled",
    ", a: Scalar = 0.5, n: Count = 2, flag: Flag = False",
    "y[..., i] = a * g[i] * x[..., i] ** n + (x[..., i] ** 2 if flag else 0)\nreturn y",
)
CHOICE = part(
    "chosen",
    ', mode: Choice["a", "b"] = "a"',
    'y[..., i] = g[i] * x[..., i] ** 2 if mode == "a" else tanh(x[..., i]) + g[i]\nreturn y',
)
ACTIVE = part("active", ', act: Activation = "tanh"', "y[..., i] = g[i] * act(x[..., i]) + x[..., i]\nreturn y")
CUBE = definition("x: Real[...], k: Scalar = 0.5", "y[...] = x[...] ** 3 * k + x[...]\nreturn y", "cube")
MASKED = part("masked", ", m: Mask[i]", "y[..., i] = g[i] * x[..., i] ** 2 if m[i] else 0\nreturn y")
SQUARE = part("my_square_", "", "y[..., i] = g[i] * x[..., i] ** 2\nreturn y")

KINDS = {
    "underscores": Kind(SQUARE),
    "options": Kind(OPTIONS, given="a=0.25, n=3, flag=True"),
    "options handed on": Kind(OPTIONS, given="a=b, n=k, flag=f", handed="b: Scalar = 2, k: Count = 2, f: Flag = True"),
    "a choice": Kind(CHOICE, given='mode="b"'),
    "a choice handed on": Kind(CHOICE, given="mode=kind", handed='kind: Choice["b", "a"] = "b"'),
    "a mask left out": Kind(MASKED),
    "a mask": Kind(MASKED, ("g: Real[i]", "m: Mask[i]")),
    "several outputs": Kind(
        part("several", "", "y[..., i] = g[i] * x[..., i] ** 2\nz[..., i] = tanh(x[..., i])\nreturn y, z"), results=2
    ),
    "a state": Kind(
        part(
            "moving", ", s: State[i]",
            "u[i] = s[i] / 2 + g[i]\ny[..., i] = (x[..., i] - s[i]) * g[i]\nreturn y, state(u)",
        ),
        ("g: Real[i]", "s: State[i]"),
    ),
    "an activation": Kind(ACTIVE, given='act="sigmoid"'),
    "an own activation": Kind(CUBE + ACTIVE, given='act="cube"'),
    "a part of a part": Kind(
        SQUARE + part("outer", "", "a = my_square_(x, g)\nb[..., i] = tanh(a[..., i])\ny = my_square_(b, g)\nreturn y")
    ),
    "a norm": Kind(
        part("norm", "", "m[...] = mean(j, x[..., j] ** 2)\ny[..., i] = g[i] * x[..., i] / (m[...] + 1)\nreturn y")
    ),
    "labels": Kind(
        part("picked", ", n: Integer[...]", "y[..., i] = x[..., i] * g[i] * x[..., n[...]]\nreturn y"),
        ("g: Real[i]", "n: Integer[...]"),
    ),
}  # fmt: skip


def once(kind: Kind, names: list[str]) -> tuple[str, str]:
    total = " + ".join(f"{n}[..., i] ** 2" for n in names)
    body = f"a[..., i] = tanh(x[..., i]) * w[i]\n{', '.join(names)} = {kind.call('a')}\ny[..., i] = {total}\nreturn y"
    return ", ".join(["x: Real[..., i]", "w: Real[i]", *kind.more]), body


def twice(kind: Kind, names: list[str]) -> tuple[str, str]:
    again = [f"{n}_again" for n in names]
    total = " + ".join(f"{n}[..., i] * r[..., i]" for n in again)
    calls = f"{', '.join(names)} = {kind.call('x')}\n{', '.join(again)} = {kind.call('r')}"
    return ", ".join(["x: Real[..., i]", *kind.more]), f"{calls}\ny[..., i] = {total}\nreturn y"


def in_a_list(kind: Kind, names: list[str]) -> tuple[str, str]:
    own = [a.replace("[i]", "[l][o]" if "Mask" not in a else "[o]") for a in kind.more]
    results = ", ".join(f"{n}[l]" for n in names)
    body = (
        "h[-1, ..., i] = x[..., i]\nz[l, ..., o] = sum(i, W[l, o, i] * h[l - 1, ..., i])\n"
        f"{results} = {kind.call('z[l]', '[l]')}\nh[l, ..., o] = tanh({' + '.join(f'{n}[l, ..., o]' for n in names)})\n"
        "y[..., o] = h[size(l) - 1, ..., o]\nreturn y"
    )
    return ", ".join(["x: Real[..., i]", "W: Real[l][o, i]", *own]), body


def at_every_step(kind: Kind, names: list[str]) -> tuple[str, str]:
    total = " + ".join(f"{n}[t, ..., i] ** 2" for n in names)
    body = f"{', '.join(f'{n}[t]' for n in names)} = {kind.call('x[t]')}\ny[..., i] = sum(t, {total})\nreturn y"
    return ", ".join(["x: Real[t, ..., i]", *kind.more]), body


def in_a_recurrence(kind: Kind, names: list[str]) -> tuple[str, str]:
    total = " + ".join(f"{n}[t, ..., i]" for n in names)
    calls = f"h[-1, ..., i] = h0[..., i]\n{', '.join(f'{n}[t]' for n in names)} = {kind.call('h[t - 1]')}"
    body = f"{calls}\nh[t, ..., i] = tanh({total} + x[t, ..., i])\nreturn h"
    return ", ".join(["x: Real[t, ..., i]", "h0: Real[..., i]", *kind.more]), body


PLACES = {f.__name__: f for f in (once, twice, in_a_list, at_every_step, in_a_recurrence)}
PAIRS = [
    (kind, place) for n, kind in enumerate(KINDS) for m, place in enumerate(PLACES) if (n + 2 * m) % 3 == 0
]  # fmt: skip


@pytest.mark.parametrize(("kind", "place"), PAIRS)
def test_a_layer_in_a_place(kind: str, place: str, tmp_path: Path) -> None:
    own = KINDS[kind]
    signature, body = PLACES[place](own, ["r", "s"][: own.results])
    if own.handed:
        signature += ", " + own.handed
    with own_registry():
        check(*built(tmp_path, own.text + definition(signature, body)), 1)


@pytest.mark.parametrize("branch", ["my_square_(x, g) if flag else x", "x[..., i] if flag else my_square_(x, g)"])
def test_a_call_in_a_branch_is_refused(branch: str) -> None:
    text = definition("x: Real[..., i], g: Real[i], flag: Flag = True", f"y[..., i] = {branch}\nreturn y")
    with own_registry(), pytest.raises(DefinitionError, match="as a statement of its own"):
        read_source(HEAD + SQUARE + text, "mine.py")


@pytest.mark.parametrize("use", ["cube(w[i] * x[..., i], k=0.25) * cube(x[..., i])", "f(x[..., i]) * f(w[i])"])
def test_an_elementwise_layer_inside_an_equation(use: str, tmp_path: Path) -> None:
    signature = 'x: Real[..., i], w: Real[i], f: Activation = "cube"'
    with own_registry():
        check(*built(tmp_path, CUBE + definition(signature, f"y[..., i] = {use}\nreturn y")), 2)
