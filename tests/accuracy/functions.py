"""Finds every elementwise function: of the project, of the probes and of the textbooks' spellings beside this file."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.evidence.inputs import option_values
from derive.notation.define import load_project, read_source
from derive.notation.errors import DefinitionError
from derive.notation.layer import Layer
from tests.generality.probes.expected import KNOWN, REFUSED
from tests.generality.probes.probe import HEAD, definitions, made, texts
from tests.generality.support import own_registry

SPELLINGS = Path(__file__).with_name("spellings.py")


@dataclass(frozen=True)
class Found:
    """An elementwise function.

    Attributes:
        where: ``project``, ``spellings`` or the group of a probe.
        layer: what was read; its options are worth several values.
        text: its definition, where the project has no kernel of it.
    """

    where: str
    layer: Layer
    text: str = ""

    @property
    def name(self) -> str:
        return f"{self.where}-{self.layer.name}"

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every option at its default, then each at other values."""
        default = {o.name: o.default for o in self.layer.options}
        yield default
        for option in self.layer.options:
            for value in option_values(self.layer, option, {})[1:]:
                yield {**default, option.name: value}

    @contextmanager
    def kernel(self) -> Iterator[Any]:
        """The generated module."""
        if not self.text:
            yield importlib.import_module(f"reference.layers.{self.layer.name}")
            return
        with tempfile.TemporaryDirectory() as folder, made(self.layer.name, self.text, Path(folder)) as built:
            yield built.kernel


def functions(project: bool = False) -> list[Found]:
    """All of them, or the project's; what cannot be read is a matter of ``tests/generality``."""
    found = [Found("project", v[0]) for v in load_project().values()]
    if project:
        return [f for f in found if f.layer.elementwise]
    sources = {f"spellings-{name}": text for name, text in texts(SPELLINGS).items()}
    sources |= {p: text for p, text in definitions().items() if p not in REFUSED.keys() | KNOWN.keys()}
    for name, text in sources.items():
        group, _, own = name.partition("-")
        with own_registry():
            try:
                found.append(Found(group, read_source(HEAD + text, f"{group}.py")[own][0], text))
            except DefinitionError as error:
                if group == "spellings":
                    raise
                print(f"{name} cannot be read: {str(error).splitlines()[0]}")
    return [f for f in found if f.layer.elementwise]
