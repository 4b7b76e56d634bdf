"""The text of a kernel, of derivations that no plan was made for."""

from __future__ import annotations

from derive.calculus.derivation import Derivation
from derive.command.build import printed
from derive.notation.errors import placed


def kernel_source(derivations: tuple[Derivation, ...], activations: tuple[str, ...]) -> str:
    """The module of one layer, as text.

    Args:
        derivations: of every variant of the layer, the default first.
        activations: names of the elementwise layers that an Activation option may choose.

    Raises:
        DefinitionError: it cannot be printed; says which layer.
    """
    with placed(derivations[0].layer, "its kernel is printed"):
        return printed(derivations, activations)[0]
