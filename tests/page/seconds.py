"""The second order of a page: its equations executed at drawn rates, against the kernel's double_backward."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tests.page.compare import TOLERANCE, Trial, flat
from tests.page.dialect import DialectError
from tests.page.evaluator import Evaluator
from tests.page.notes import symbol_or_element
from tests.page.parser import expression
from tests.page.symbols import Row
from tests.page.tangents import Along
from tests.page.tree import Equation, Int, Node, Ref, walk

OBJECTIVE = ", double_backward computes the gradient of "  # between what is given and what comes out
IS = " is that with respect to "


@dataclass
class Seconds(Along):
    """The displays under the heading `second-order`."""

    heading = "second-order"

    def run(self, seed: int, trial: Trial) -> Trial:
        along, options, primals = self.drawn(seed, trial)
        outputs = {r.name for r in self.of.symbols.by_name.values() if r.role == "output"}
        bars = [v for k, v in trial.values.items() if k.startswith("bar ") and k[4:] in outputs]
        with np.errstate(all="ignore"):
            result = self.of.layer.double_backward(  # type: ignore[attr-defined]
                tuple(bars) if len(bars) > 1 else bars[0],
                tuple(primals),
                tuple(along.get(n) for n in self.given),
                **options,
            )
        inputs = {r.name for r in self.of.symbols.by_name.values() if r.role in ("input", "state")}
        kernel = {
            f"dot bar {n}" if n in inputs else f"dot {n[1:]}": [flat(a) for a in v] if isinstance(v, list) else flat(v)
            for n, v in zip(result._fields, result, strict=True)
            if v is not None
        }
        defined = {e.key for e in self.equations}  # what no equation defines is 0
        kernel = {k: v for k, v in kernel.items() if k in defined or any(numbers(v))}
        return Trial({**trial.values, **{f"dot {n}": v for n, v in along.items()}}, kernel, trial.what, trial.memo)

    @cached_property
    def said(self) -> tuple[list[str], list[tuple[str, str]]]:
        """What the sentence before the equations says is given, and what comes out with respect to what."""
        block = next((b for b in self.of.found if b.heading == self.heading and OBJECTIVE in b.text), None)
        if block is None:
            return [], []
        count = len(re.findall(r"⟦\d+⟧", block.text.split(OBJECTIVE)[0]))
        keys = [key(symbol_or_element(f.tex, self.of.symbols)) for f in block.formulas[:count]]
        rest = [key(symbol_or_element(f.tex, self.of.symbols)) for f in block.formulas[count + 1 :]]
        return keys, [*zip(rest[::2], rest[1::2], strict=True)]

    def wrong(self) -> list[str]:
        """Whether the sentence names all that is given and all that comes out, each with what it is a gradient by."""
        given, results = self.said
        problems = []
        moved = {e.key for e in self.of.variant.equations if e.right != Int(0)}  # a gradient that is 0 adds nothing
        rates = [f"dot {n}" for n in self.given if f"bar {n}" in moved]
        used = {n.key for e in self.equations for n in walk(e.right) if isinstance(n, Ref) and n.accent == "dot"}
        if given != rates or used - {e.key for e in self.equations} - {*given}:
            problems.append(f"{self.of.name}: the directions {', '.join(given)} are not those that are given")
        wanted = {k for trial in self.trials for k in trial.kernel}
        if {r for r, _ in results} != wanted or any(of != respect(r) for r, of in results):
            problems.append(f"{self.of.name}: the second gradients are {', '.join(sorted(wanted))}")
        apart = [b for b in self.of.found if b.heading == self.heading and IS in b.text]
        for b in apart:
            names = [key(symbol_or_element(f.tex, self.of.symbols)) for f in b.formulas]
            if any(of.startswith("bar ") or d != f"dot {of}" for d, of in zip(names[::2], names[1::2], strict=True)):
                problems.append(f"{self.of.name}: no gradients by adjoints: {b}")
        return problems

    def objective(self, tex: str) -> str:
        """The sum that is differentiated: the directions times the kernel's gradients."""
        try:
            tree = expression(tex, self.of.symbols, ())
        except DialectError as error:
            return f"not read: {error}"
        symbols = replace(self.of.symbols, rows=(*self.of.symbols.rows, Row("objective", "objective")))
        equations = [*self.of.variant.equations, Equation(Ref("objective", "", ()), tree)]
        for trial, before in zip(self.trials, self.of.drawn, strict=True):
            given = {k.removeprefix("dot "): v for k, v in trial.values.items() if k.startswith("dot ")}
            found = before.kernel
            pairs = [(numbers(found[f"bar {n}"]), flatten(v)) for n, v in given.items() if f"bar {n}" in found]
            truth = sum(a * b for one, other in pairs for a, b in zip(one, other, strict=True))
            scale = sum(abs(a * b) for one, other in pairs for a, b in zip(one, other, strict=True))
            try:
                value = float(Evaluator(equations, symbols, trial.values, memo=before.memo).element("objective", ()))
            except (ArithmeticError, KeyError, ValueError, TypeError) as error:
                return f"no value: {error!r}"
            if not abs(value - truth) <= TOLERANCE * max(1.0, scale):
                return f"it is {value}, the directions times the gradients {truth}"
        return ""


def key(node: Node) -> str:
    return node.key if isinstance(node, Ref) else ""


def respect(result: str) -> str:
    """What a dotted letter is a gradient with respect to: the letter under a bar, or without one."""
    return result.removeprefix("dot bar ") if result.startswith("dot bar ") else f"bar {result.removeprefix('dot ')}"


def numbers(value: Any) -> list[float]:
    return [n for part in value for n in part] if value and isinstance(value[0], list) else value


def flatten(value: Any) -> list[float]:
    return numbers([flat(a) for a in value] if isinstance(value, list) else flat(value))
