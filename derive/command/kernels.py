"""The text of a kernel, and the kernel itself, of layers that no plan was made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType

from derive.calculus.derivation import Derivation, derive
from derive.command.build import printed
from derive.notation.define import REGISTRY, load_project
from derive.notation.errors import error, place_in, placed
from derive.notation.layer import Layer
from derive.text.validate import Kernels, Verdict, validate


def kernel_source(derivations: tuple[Derivation, ...]) -> str:
    """The module of one layer, as text.

    Args:
        derivations: of every variant of the layer, the default first.

    Raises:
        DefinitionError: it cannot be printed; says which layer.
    """
    with placed(derivations[0].layer, "its kernel is printed"):
        return printed(derivations)[0]


def source(layer: Layer) -> str:
    """The module of one layer as text, printed now.

    Raises:
        DefinitionError: it cannot be derived or printed.
    """
    load_project()
    return kernel_source(tuple(map(derive, variants(layer))))


def variants(layer: Layer) -> tuple[Layer, ...]:
    """The layer for each value of its choices, the default first."""
    found = REGISTRY.get(layer.name, ())
    return found if any(v is layer for v in found) else (layer,)


def kernel(layer: Layer) -> ModuleType:
    """The kernel of a layer, in memory: its forward, backward, jvp and double_backward. Nothing is written.

    It is compared with the text of its definition first, as those that are written are.

    Args:
        layer: what a definition's name stands for after ``@layer``.

    Raises:
        TypeError: not a layer.
        DefinitionError: it cannot be derived or printed, or does not compute what the definition says.
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"kernel takes a layer, as @layer makes one, not {type(layer).__name__}")
    project = load_project()
    texts = Kernels(Printed({n: v[0] for n, v in REGISTRY.items() if v is not project.get(n)} | {layer.name: layer}))
    definitions = {n: v[0].source for n, v in REGISTRY.items()} | {layer.name: layer.source}
    verdict = validate(layer.name, definitions, texts, [dict(v.choice) for v in variants(layer)])
    agreeing(layer, verdict)
    return texts[layer.name]  # type: ignore[no-any-return]


def agreeing(layer: Layer, verdict: Verdict, done: str = "") -> None:
    """Let a kernel pass that computes what its definition says; ``done`` says what came of one that does not.

    Raises:
        DefinitionError: it does not.
    """
    if verdict.wrong:
        what = f"internal error: its kernel does not compute what the definition says ({verdict.wrong})"
        mend = "this is a fault of gradbook, not of the definition: please report it with the definition"
        raise error(layer.name, what, place_in(layer, 0), f"{done}{mend}")


class Printed(Mapping[str, str]):
    """The modules of a user's own layers, each printed when another one or the user asks for it."""

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = layers

    def __getitem__(self, name: str) -> str:
        return source(self.layers[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)
