"""Runs the legs of the evidence on a layer."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any

from derive.calculus.derivation import Derivation, derive
from derive.evidence import compare, domain, enclosure, exact, generic, kernels, ladder, mutants, steps, text
from derive.evidence.extras import lacking, loads
from derive.evidence.inputs import NoArguments
from derive.evidence.result import Result, together
from derive.notation.layer import Layer

#: Legs that need the derivation alone.
MATHEMATICS: dict[str, Callable[[Derivation], Result]] = {
    "steps": steps.steps,
    "exact": exact.exact,
    "mutants": lambda derivation: mutants.score(derivation).result(),
}

#: Legs that run the kernel.
KERNEL: dict[str, Callable[[Derivation, Any], Result]] = {
    "text": text.text,
    "definition": compare.definition,
    "differences": compare.differences,
    "enclosure": enclosure.enclosure,
    "duality": compare.duality,
    "second order": compare.second,
    "generic": generic.generic,
}

LEGS = ladder.LEGS


def leg(name: str, derivation: Derivation, kernel: Any = None) -> Result:
    """One leg on one variant of a layer. What is raised on the way is a failure, and says where.

    Raises:
        KeyError: there is no such leg.
    """
    layer = derivation.layer
    run = MATHEMATICS[name] if name in MATHEMATICS else KERNEL[name]
    try:
        if name in MATHEMATICS:
            return run(derivation)  # type: ignore[call-arg]
        return run(derivation, kernel or kernels.kernel_of(layer.name))  # type: ignore[call-arg]
    except NoArguments as error:
        words = f"{error}; declare in the definition where its inputs lie"
        return Result(name, layer.name, True, notes=(words,))
    except Exception as error:
        if isinstance(error, ImportError) and (install := lacking(["flint"], loads)):
            return Result(name, layer.name, True, notes=(f"not run: {install}",))
        at = traceback.extract_tb(error.__traceback__)[-1]
        return Result(name, layer.name, False, float("inf"), detail=f"{error!r} at {at.filename}:{at.lineno}")


def applies(name: str, layer: Layer, kernel: Any = None) -> bool:
    """Whether a leg can be run: second order needs a smooth layer, or a kernel that offers it anyway."""
    if name != "second order" or domain.smooth(layer):
        return True
    return hasattr(kernel or kernels.kernel_of(layer.name), "double_backward")


def verify(
    variants: Iterable[Layer],
    kernel: Any = None,
    legs: Iterable[str] = LEGS,
    derived: Callable[[Layer], Derivation] = derive,
) -> list[Result]:
    """Every leg on every variant of a layer, one Result a leg.

    Args:
        variants: the definition, once for each of its choices.
        kernel: the generated module; that of ``reference`` by default.
        derived: how to derive, where derivations are at hand already.
    """
    derivations = [derived(layer) for layer in variants]
    return [
        together(leg(name, d, kernel) for d in derivations)
        for name in legs
        if applies(name, derivations[0].layer, kernel)
    ]
