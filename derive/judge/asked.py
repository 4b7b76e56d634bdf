"""What the judge is asked: which definition, which names, which framework."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from derive.calculus.derivation import Derivation, derive
from derive.judge.isolate import CannotJudge
from derive.notation.layer import Layer

_DERIVED: dict[tuple[str, str, int, str], Derivation] = {}


def derived(layer: Layer, variant: int) -> Derivation:
    """The derivation of a layer, made once."""
    key = layer.file, layer.name, variant, layer.source
    if key not in _DERIVED:
        _DERIVED[key] = derive(layer)
    return _DERIVED[key]


def variants_of(layer: Any) -> tuple[Layer, ...]:
    """The definition by name, or ``file.py:name``.

    Raises:
        CannotJudge: there is none; says which names are like it.
    """
    from derive.command.suggest import meant
    from derive.notation.define import load_file, load_project
    from derive.notation.errors import DefinitionError

    if isinstance(layer, Layer):
        return (layer,)
    where, colon, name = str(layer).rpartition(":")
    there = "gradbook list shows what there is"
    try:
        registry = load_file(Path(where)) if colon else load_project()
    except FileNotFoundError:
        raise CannotJudge(f"there is no file {where}; write FILE.py:LAYER, or the name of a layer alone") from None
    except (OSError, DefinitionError) as error:
        raise CannotJudge(str(error)) from error
    if name.endswith(".py"):
        raise CannotJudge(f"{name} is a file: say which of its layers, {name}:LAYER")
    if name not in registry:
        if colon:
            own = ", ".join(registry)
            raise CannotJudge(f"{where} defines no layer {name!r}; {meant(name, registry, f'it has {own}')}")
        raise CannotJudge(f"there is no layer {name!r}; {meant(name, registry, there)}")
    return registry[name]


def framework_of(candidate: Any) -> str:
    """The framework that a candidate is of, where nobody says."""
    if isinstance(candidate, str):
        return "numpy"
    kinds = [
        k.__module__.split(".")[0] for k in (candidate if isinstance(candidate, type) else type(candidate)).__mro__
    ]
    if "torch" in kinds:
        return "torch"
    if "_torchdynamo_orig_callable" in getattr(candidate, "__dict__", {}):  # what torch.compile makes of a function
        return "torch"
    both = hasattr(candidate, "forward") and hasattr(candidate, "backward")
    return "module" if isinstance(candidate, ModuleType) or both else "numpy"


def arranged(layer: Layer, given: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    from derive.judge.bridge import orders

    try:
        return orders(layer, given)
    except ValueError as error:
        raise CannotJudge(str(error)) from None


def known(
    layer: Layer, options: Mapping[str, Any], shape: Mapping[str, int], rename: Mapping[str, str]
) -> dict[str, Any]:
    """Names that the definition has, and options of the kinds that it says: these, as a definition has them.

    Raises:
        CannotJudge: a name that it has not, a value that the option cannot have.
    """
    from derive.command.suggest import meant
    from reference.runtime.values import kind_of

    own = [o.name for o in layer.options]
    axes = dict.fromkeys(a for t in layer.inputs for a in t.axes)
    for given, words, there in (
        (options, "option", own),
        (shape, "axis", list(axes)),
        (rename, "input, output or option", [*(t.name for t in layer.inputs), *layer.outputs, *own]),
    ):
        for name in given:
            if name not in there:
                raise CannotJudge(
                    f"{layer.name} has no {words} {name!r}; {meant(name, there, 'it has ' + ', '.join(there))}"
                )
    read = dict(options)
    for option in layer.options:
        if option.name in options:
            value, kind = options[option.name], kind_of(option.declared)
            words = f"one of {', '.join(map(repr, option.choices))}" if option.choices else kind.words
            try:
                plain = kind.read(value)
                good = kind.holds(plain) and (not option.choices or plain in option.choices)
            except (TypeError, ValueError, ArithmeticError):
                good = False
            if not good:
                raise CannotJudge(f"{layer.name}: {option.name} is {value!r}; it must be {words}")
            read[option.name] = plain if option.shape else value
    return read
