"""Derivations, made once for all tests of this folder, and kernels with something wrong in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from derive.calculus.derivation import Derivation, derive
from derive.command.build import generate, write
from derive.command.verify import outside_kernels
from derive.evidence import kernels
from derive.notation.define import REGISTRY, load_file, load_project
from derive.notation.layer import Layer

LAYERS = load_project()


@cache
def derived(name: str, variant: int = 0) -> Derivation:
    return derive(LAYERS[name][variant])


def derivation_of(layer: Layer) -> Derivation:
    """The derivation of a layer of the project, from the cache."""
    return derived(layer.name, LAYERS[layer.name].index(layer))


def broken(name: str, **replaced: Any) -> Any:
    """A layer's kernel with some of its functions replaced."""
    module = kernels.kernel_of(name)
    own = {n: getattr(module, n) for n in ("forward", "backward", "jvp", "double_backward") if hasattr(module, n)}
    return SimpleNamespace(**{**own, **replaced})


@contextmanager
def own(folder: Path, text: str) -> Iterator[dict[str, tuple[tuple[Derivation, ...], Any]]]:
    """Definitions in a file of their own: for each layer its derivations and its kernel, as `build` makes them.

    The text holds definitions without decorator and docstring. The registry is as it was afterwards.
    """
    before = dict(load_project())
    path, out = folder / "definitions.py", folder / "kernels"
    text = re.sub(
        r"(?m)^def .*:$", lambda m: f"@layer(cites='a test')\n{m[0]}\n    '''A definition of a test.'''", text
    )
    path.write_text(f"from derive import layer\n\n{text}")
    try:
        layers = load_file(path)
        write(generate(file=path, out=out))
        kernel = outside_kernels(out)
        yield {name: (tuple(map(derive, variants)), kernel(name)) for name, variants in layers.items()}
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
