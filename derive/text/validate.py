"""Before a kernel is written: does it compute what the text of its definition says?

The kernel is run from its text, in memory, on one or two tiny inputs.
"""

from __future__ import annotations

import builtins
import importlib
import itertools
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from derive.text.annotations import Unread
from derive.text.compare import compare
from derive.text.parse import Library
from reference.runtime.activations import kernel

PROJECT = "reference.layers"
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Verdict:
    """What came of it: what is wrong, nothing if nothing is; and what could not be compared, and why."""

    wrong: str = ""
    notes: tuple[str, ...] = ()
    checks: int = 0


class Kernels:
    """Modules made from their texts, which import one another and, where they have no text, what is on disk."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.package = f"gradbook_unwritten_{next(_NUMBERS)}"
        self.made: dict[str, types.ModuleType] = {}

    def __getitem__(self, name: str) -> Any:
        """A kernel.

        Raises:
            Exception: whatever its text raises.
        """
        if name not in self.texts:
            return importlib.import_module(f"{PROJECT}.{name}")
        if name not in self.made:
            module = self.made[name] = types.ModuleType(f"{self.package}.{name}")
            module.__package__ = self.package
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self.bring}
            with self.known():  # a NamedTuple looks its module up
                exec(compile(self.texts[name], f"{name}.py (not written)", "exec", dont_inherit=True), vars(module))
            if "ACTIVATIONS" in vars(module):
                module.ACTIVATIONS.find = self.chosen
        return self.made[name]

    def chosen(self, name: str) -> Any:
        """A kernel that an option names; KeyError where there is none."""
        return self[name] if name in self.texts else kernel(name)

    @contextmanager
    def known(self) -> Iterator[None]:
        own = {f"{self.package}.{name}": module for name, module in self.made.items()}
        sys.modules.update(own)
        try:
            yield
        finally:
            for name in own:
                sys.modules.pop(name, None)

    def bring(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """``import``, with kernels that are not written yet in the places of those that are."""
        if (level == 1 and not name) or (level == 0 and name == PROJECT and fromlist):
            found = types.ModuleType(PROJECT)
            vars(found).update({kernel: self[kernel] for kernel in fromlist or ()})
            return found
        return __import__(name, None, None, fromlist or (), level)


def validate(
    name: str,
    definitions: Mapping[str, str],
    kernels: Kernels,
    choices: Sequence[Mapping[str, str]] = ({},),
    turns: range = range(2),
    seed: int = 0,
) -> Verdict:
    """Compare a kernel with the text of its definition.

    Args:
        name: the layer.
        definitions: the source of every definition, by name.
        kernels: what was generated.
        choices: the words of its choices, together: one kernel has a function for each.
    """
    library = Library(definitions)
    notes: list[str] = []
    checks = 0
    try:
        text = library[name]
    except Unread as error:
        return Verdict(notes=(f"not compared: {error}",))
    try:
        kernel = kernels[name]
    except Exception as error:
        return Verdict(f"it cannot be imported: {type(error).__name__}: {error}")
    for chosen in choices:
        report = compare(text, library, kernel, chosen, turns, seed, each=False)
        if report.wrong:
            return Verdict(report.wrong[0], tuple(notes), checks + report.checks)
        notes += [f"not compared: {reason}" for reason in report.notes]
        checks += report.checks
    return Verdict("", tuple(dict.fromkeys(notes)), checks)
