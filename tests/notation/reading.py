"""Reads a definition of which a signature and a body are given."""

from __future__ import annotations

import textwrap

from derive.notation.define import read_source
from derive.notation.layer import Layer

HEAD = "from derive import layer\n\n\n"
X = "x: Real[i]"
CHOICE = 'x: Real[i], r: Choice["a", "b"] = "a"'


def defined(signature: str, body: str, name: str = "odd") -> tuple[Layer, ...]:
    text = f"@layer()\ndef {name}({signature}):\n" + textwrap.indent(body, "    ") + "\n"
    return read_source(HEAD + text, "mine.py")[name]
