"""Derivations, made once for all tests of this folder, and kernels with something wrong in them."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from derive.calculus.derivation import Derivation, derive
from derive.evidence import kernels
from derive.notation.define import load_project
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
