"""Between a definition's arguments and a candidate's: names, order, layouts; and its answers back, checked for form."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from derive.evidence import layout
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Value
from derive.judge import wire
from derive.notation.layer import Layer, Tensor
from derive.notation.several import short

NONE: Mapping[str, Sequence[int]] = {}


class Shape(Exception):
    """An answer has the wrong form; says which was expected."""


def orders(layer: Layer, given: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """For each tensor named, which of the definition's axes stands at each place of the candidate's.

    Args:
        given: axes as ``"b p q c"`` (of a definition's ``x[b, c, p, q]``) or positions ``(0, 2, 3, 1)``.

    Raises:
        ValueError: no such tensor, or axes that are not its own.
    """
    found = {}
    for name, words in given.items():
        if name not in layer.tensors:
            raise ValueError(f"layout: {layer.name} has no {name!r}; it has {', '.join(layer.tensors)}")
        own = [str(" * ".join(p)) for p in layout.slots(layer, layer.tensors[name])]
        if isinstance(words, str):
            split = re.split(r"[,\s]+", re.sub(r"\s*\*\s*", "*", words.strip()))
            axes = [o.replace(" ", "") for o in own]
            if sorted(split) != sorted(axes):
                raise ValueError(f"layout: {name} has the axes {' '.join(axes)}, not {words}")
            found[name] = tuple(axes.index(s) for s in split)
        else:
            found[name] = tuple(int(n) for n in words)
            if sorted(found[name]) != list(range(len(own))):
                raise ValueError(f"layout: {name} has {len(own)} axes, not those of {words}")
    return found


class Bridge:
    """How one candidate sees a layer.

    Args:
        layer: the definition. arrangement: from ``orders``. format: of reals on the wire.
        options: those that the candidate takes, by the definition's names. rename: a definition's name to its.
        depths: of options of several numbers, as how many tuples inside one another it takes them: 0 is one number.
        filled: masks that it must have.
    """

    def __init__(
        self,
        layer: Layer,
        arrangement: Mapping[str, tuple[int, ...]],
        format: str,
        options: Sequence[str],
        rename: Mapping[str, str],
        given: Sequence[str],
        depths: Mapping[str, Sequence[int]] = NONE,
        filled: Collection[str] = (),
    ) -> None:
        self.layer, self.arrangement, self.format = layer, arrangement, format
        self.options, self.rename, self.given, self.depths = options, rename, given, depths
        self.filled = filled

    def request(self, case: Case, cotangents: Arrays | None, blobs: list[bytes]) -> dict[str, Any]:
        """Arguments as JSON and blobs."""
        inputs = {n: wire.packed(self._out(n, self._value(case, n)), self.format, blobs) for n in self.given}
        names = list(cotangents or {})
        told = [wire.packed(self._out(n, v), self.format, blobs) for n, v in (cotangents or {}).items()]
        values = {n: short(case.options[n], self.depths.get(n, range(9))) for n in self.options}
        options = {self.rename.get(n, n): plain_option(v) for n, v in values.items()}
        return {
            "inputs": inputs,
            "options": options,
            "format": self.format,
            "cotangents": told,
            "cotangent_names": [f"d{n}" for n in names],
            "lengths": [length for n in self.given for length in self._lengths(case, n)],
            "outputs": [(n, self._shape(case, n)) for n in self.layer.outputs],
            "gradients": [(t.name, self._shape(case, t.name)) for t in self.layer.differentiable],
        }

    def _value(self, case: Case, name: str) -> Value:
        """An argument; a mask that keeps everything for one that is left out, where the candidate must have one."""
        value = case.tensors[name]
        if value is None and name in self.filled:
            return np.ones(layout.shape_of(case, name), np.bool_)
        return value

    def _lengths(self, case: Case, name: str) -> list[int]:
        """Lengths of an input's axes for who knows no ranks: those of ``...`` multiplied, if they can be."""
        value, tensor = case.tensors[name], self.layer.tensors[name]
        if value is None or isinstance(value, list):
            return []
        shape = np.shape(self._out(name, value))
        if self.arrangement.get(name) or layout.moved(case, tensor) is not None:
            return list(shape)
        return [math.prod(part) for _, part in layout.bind(name, layout.slots(self.layer, tensor), shape)]

    def _shape(self, case: Case, name: str) -> Any:
        shape = layout.shape_of(case, name)
        order = self.arrangement.get(name)
        return shape if order is None or isinstance(shape, list) else [shape[n] for n in order]

    def _out(self, name: str, value: Value) -> Value:
        order = self.arrangement.get(name)
        if order is None or value is None:
            return value
        return [np.transpose(v, order) for v in value] if isinstance(value, list) else np.transpose(value, order)

    def _back(self, name: str, value: Any) -> Any:
        order = self.arrangement.get(name)
        if order is None:
            return value
        back = tuple(int(n) for n in np.argsort(order))
        return [np.transpose(v, back) for v in value] if isinstance(value, list) else np.transpose(value, back)

    # ---- answers -------------------------------------------------------------------------------------------

    def outputs(self, case: Case, told: Any, blobs: list[bytes]) -> Arrays:
        """Every output of the definition by name.

        Raises:
            Shape: another number of results, other shapes or formats.
        """
        names = self.layer.outputs
        if told is None:
            raise Shape("forward gives None")
        several = len(names) > 1
        parts = list(told["names"].values()) if "names" in told else told.get("list") if several else [told]
        tensor = self.layer.tensors[names[0]]
        if not several and "list" in told and not layout.listed(self.layer, tensor):
            parts = told["list"]
        if parts is None or len(parts) != len(names):
            count = "one" if parts is None else len(parts)
            raise Shape(f"forward gives {count} results, the definition {len(names)}: {', '.join(names)}")
        return {n: self._checked(case, n, part, blobs, f"forward's {n}") for n, part in zip(names, parts, strict=True)}

    def gradients(self, case: Case, told: Any, blobs: list[bytes]) -> Arrays:
        """Gradients by the input's name; those that are None are left out.

        Raises:
            Shape: as for outputs.
        """
        real = [t.name for t in self.layer.differentiable if t.name in self.given]
        everything = list(self.given)
        if told is None:
            return {}
        if "names" in told:
            own = {r: n for n, r in self.rename.items()}
            parts = {}
            for word, value in told["names"].items():
                name = own.get(word, word)
                if name not in real and name[:1] == "d":
                    name = name[1:]
                if name in real:
                    parts[name] = value
        elif "list" in told and not (len(real) == 1 and self.layer.tensors[real[0]].sequence and not _nested(told)):
            values = told["list"]
            if len(values) == len(everything):
                parts = {n: v for n, v in zip(everything, values, strict=True) if n in real}
            elif len(values) == len(real):
                parts = dict(zip(real, values, strict=True))
            else:
                raise Shape(f"backward gives {len(values)} gradients; there are {len(real)} of {', '.join(real)}")
        elif len(real) == 1:
            parts = {real[0]: told}
        else:
            raise Shape(f"backward gives one array; there are gradients of {', '.join(real)}")
        return {
            n: self._checked(case, n, part, blobs, f"the gradient of {n}")
            for n, part in parts.items()
            if part is not None
        }

    def _checked(self, case: Case, name: str, told: Any, blobs: list[bytes], what: str) -> Any:
        value = wire.unpacked(told, blobs)
        wanted = layout.shape_of(case, name)
        tensor: Tensor = self.layer.tensors[name]
        if isinstance(wanted, list):
            if not isinstance(value, list) or len(value) != len(wanted):
                raise Shape(f"{what} must be a list of {len(wanted)} arrays")
            value = self._back(name, value)
            parts, forms = value, [t.get("format") if t else None for t in told["list"]]
        else:
            if isinstance(value, list) or value is None:
                raise Shape(f"{what} is {'None' if value is None else 'a list'}, not an array")
            if self.arrangement.get(name) and value.ndim != len(wanted):
                raise Shape(f"{what} has {value.ndim} axes, not {len(wanted)}")
            value = self._back(name, value)
            parts, wanted, forms = [value], [wanted], [told["format"]]
        decoded = []
        for part, shape, form in zip(parts, wanted, forms, strict=True):
            if part is None or part.shape != tuple(shape):
                raise Shape(f"{what} has shape {getattr(part, 'shape', None)}, not {tuple(shape)}")
            expected = self.format if tensor.kind == "real" else None
            if expected and form != expected:
                raise Shape(f"{what} is {form} where the inputs are {expected}")
            decoded.append(wire.decoded(part, str(form)))
        return decoded if isinstance(value, list) else decoded[0]


def _nested(told: Any) -> bool:
    return bool(told["list"]) and all(isinstance(t, dict) and "list" in t for t in told["list"])


def plain_option(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
