"""The designed cases of a layer as vectors: arguments, results, gradients, the error allowed, and what each is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive import __version__
from derive.evidence import layout
from derive.evidence.evaluation import Undecided
from derive.evidence.inputs import NoArguments, Plan
from derive.judge import plan as plans
from derive.judge import wire
from derive.judge.allowed import Yardstick
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import derived, known, variants_of
from derive.judge.isolate import CannotJudge
from derive.notation.layer import Layer, Tensor
from derive.notation.text import show_equation
from derive.vectors.claims import PARTS, claims, dependence
from derive.vectors.files import Unreadable, Wanted

MUST, DEPENDS = "must hold", "depends on a convention"
RULE = (
    "Compare in float64. A result r of truth t (under KEY) and allowed error a (under allowed.KEY) is right where "
    "|r - t| <= a; where a is infinite r must be a finite number; where a is NaN nothing is claimed. Where "
    "depends.KEY is there and true, a result may follow another convention, which is a difference and no error."
)
Json = dict[str, Any]


@dataclass(frozen=True)
class Vector:
    """One case: what it is, and its arrays by key, each with its format's name."""

    about: Json
    arrays: dict[str, tuple[str, Any]]


def vectors(
    layer: Any, arithmetic: Arithmetic, options: Mapping[str, Any], count: int | None = None, seed: int = 0
) -> Iterator[Vector]:
    """The cases of a layer, what finds most first.

    Args:
        layer: its name, or ``file.py:name``. options: those that are not to be varied.
        count: how many; all that are designed by default, and beyond those the same with other numbers.

    Raises:
        derive.judge.isolate.CannotJudge: there is no such layer or option, or no variant with these options.
    """
    variants = variants_of(layer)
    options = known(variants[0], options, {}, {})
    offered = [
        (n, v) for n, v in enumerate(variants) if all(options.get(name, value) == value for name, value in v.choice)
    ]
    if not offered:
        raise CannotJudge("no variant of the definition has these options")
    fixed, made, before = Plan(options=dict(options)), 0, -1
    while made != before and (count is not None or before < 0):
        before = made
        for number, variant, turn, design in plans.battery(offered, arithmetic):
            if made == count:
                return
            if (
                design.change or design.turned or design.long
            ):  # files have no layouts; a long case is looked at in parts
                continue
            try:
                trial = plans.trial(variant, number, turn, design, arithmetic, seed, fixed)
                found = vector(
                    trial, Yardstick(derived(variant, number), trial.case, trial.cotangents), arithmetic, made
                )
            except (NoArguments, Undecided, ArithmeticError):
                continue
            made += 1
            yield found
        seed += 1
    if not made:
        raise CannotJudge(f"{variants[0].name}: no arguments were found with these options")


def vector(trial: plans.Trial, yardstick: Yardstick, arithmetic: Arithmetic, place: int) -> Vector:
    """One case as a vector."""
    case, layer = trial.case, trial.case.layer
    arrays: dict[str, tuple[str, Any]] = {}
    kinds = {"real": arithmetic.storage, "integer": "int64", "boolean": "bool"}

    def kept(prefix: str, tensor: Tensor, value: Any, format: str) -> Json:
        """Its arrays are put among those of the case."""
        several = isinstance(value, list)
        parts = value if several else [] if value is None else [value]
        keys = [f"{prefix}.{tensor.name}{f'.{n}' if several else ''}" for n in range(len(parts))]
        for key, part in zip(keys, parts, strict=True):
            arrays[key] = format, wire.bfloat16_bits(part) if format == "bfloat16" else np.asarray(part)
        shown = [{"key": k, "shape": list(np.shape(p))} for k, p in zip(keys, parts, strict=True)]
        axes = ["*".join(s) for s in layout.slots(layer, tensor)]
        return {"name": tensor.name, "axes": axes, "format": format, "arrays": shown, "list": several}

    about: Json = {
        "layer": layer.name,
        "case": f"{place:04}",
        "id": trial.id,
        "why": case.words,
        "arithmetic": str(arithmetic),
        "options": {n: v.item() if isinstance(v, np.generic) else v for n, v in case.options.items()},
        "inputs": [kept("input", t, case.tensors[t.name], kinds[t.kind]) for t in layer.inputs],
        "cotangents": [kept("cotangent", layer.tensors[n], v, kinds["real"]) for n, v in trial.cotangents.items()],
    }
    depends = dependence(yardstick, trial.design.extreme)
    for part in PARTS:
        results, own = [], depends[part]
        for name, claim in claims(yardstick, part, arithmetic).items() if part == "outputs" or trial.cotangents else ():
            tensor, prefix = layer.tensors[name], part.removesuffix("s")
            results.append({**kept(prefix, tensor, claim.true, "float64"), "format": kinds[tensor.kind]})
            kept(f"allowed.{prefix}", tensor, claim.allowed, "float64")
            if own.rows:
                marks = {i: i in own.elements[name] for i in yardstick.true.of(PARTS[part])[name]}
                kept(f"depends.{prefix}", tensor, layout.array(case, name, marks, np.bool_), "bool")
        rows = [{"where": r.where, "what": r.what, "others": r.others} for r in own.rows]
        about[part] = {"class": DEPENDS if rows else MUST, "conventions": rows, "results": results}
    return Vector(about, arrays)


def described(layer: Layer) -> Json:
    """A definition in words: for the reader of a folder of vectors."""
    return {
        "summary": layer.summary,
        "inputs": [_signature(layer, t) for t in layer.inputs],
        "outputs": [_signature(layer, layer.tensors[o]) for o in layer.outputs],
        "options": [{"name": o.name, "kind": o.kind, "default": o.default} for o in layer.options],
        "equations": [show_equation(e) for e in (layer.written or layer).equations],
    }


def _signature(layer: Layer, tensor: Tensor) -> str:
    return f"{tensor.name}[{', '.join('*'.join(s) for s in layout.slots(layer, tensor))}]: {tensor.kind}"


def manifest(layers: Mapping[str, Layer], cases: list[Json]) -> Json:
    """What a folder of vectors holds."""
    return {
        "gradbook_vectors": 1,
        "made_by": f"gradbook {__version__}",
        "rule": RULE,
        "layers": {n: described(layer) for n, layer in layers.items()},
        "cases": cases,
    }


def wanted(about: Json, everything: bool = True) -> dict[str, Wanted]:
    """The arrays of a case's file, or those of its results alone in the format of results.

    Raises:
        Unreadable: two have one name.
    """
    found: dict[str, Wanted] = {}

    def add(key: str, shape: list[int], format: str) -> None:
        if key in found:
            raise Unreadable(f"two arrays of a case are called {key}")
        found[key] = Wanted(tuple(shape), format)

    for part in PARTS:
        for tensor in about[part]["results"]:
            for array in tensor["arrays"]:
                add(array["key"], array["shape"], "float64" if everything else tensor["format"])
                if everything:
                    add(f"allowed.{array['key']}", array["shape"], "float64")
                if everything and about[part]["class"] == DEPENDS:
                    add(f"depends.{array['key']}", array["shape"], "bool")
    for tensor in (*about["inputs"], *about["cotangents"]) if everything else ():
        for array in tensor["arrays"]:
            add(array["key"], array["shape"], tensor["format"])
    return found
