"""Cases of probes: arguments that are drawn the same on every machine, and what PyTorch says they give.

A reference module holds rows such as

    case("elu", lambda x, alpha: F.elu(x, alpha), normal(4, 6), alpha=0.5)

and needs PyTorch only when a reference is evaluated: its figures are kept in ``figures.json``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

try:
    import torch
    import torch.nn.functional as F
except ImportError:  # then there are the figures
    torch = F = None

Draw = Callable[[Random], Any]
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One set of arguments.

    Attributes:
        probe: the group and the definition, as in ``losses-bce``.
        number: counts the cases of one definition.
        reference: takes the inputs as tensors and the options by name, and gives every output.
        draws: one an input.
        options: as a caller passes them.
        each: every element is compared with its own size, not with its array's.
        second: whether the reference has second derivatives.
    """

    probe: str
    number: int
    reference: Callable[..., Any]
    draws: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    each: bool = False
    second: bool = True

    def random(self, what: str) -> Random:
        """Only ``random()`` of it is used: that stream is the same in every version of Python."""
        return Random(f"{self.probe} {self.number} {what}")

    def inputs(self) -> list[Any]:
        random = self.random("inputs")
        return [[one(random) for one in d] if isinstance(d, list) else d(random) for d in self.draws]

    def like(self, value: Any, what: str) -> Any:
        """Cotangents or tangents of the shape of an array, or list of arrays."""
        random = self.random(what)
        parts = [normal(*np.shape(v))(random) for v in (value if isinstance(value, list) else [value])]
        return parts if isinstance(value, list) else parts[0]

    def __str__(self) -> str:
        shapes = [[np.shape(v) for v in a] if isinstance(a, list) else np.shape(a) for a in self.inputs()]
        words = [*map(str, shapes), *(f"{n}={v!r}" for n, v in self.options.items())]
        return f"{self.probe}, case {self.number} ({', '.join(words)})"


#: The cases of every probe that has a reference.
CASES: dict[str, list[Case]] = {}


def group(name: str) -> Callable[..., None]:
    """What registers the cases of one file of definitions; a tuple of names is several spellings of one function."""

    def case(
        names: str | tuple[str, ...],
        reference: Callable[..., Any],
        *draws: Any,
        each: bool = False,
        second: bool = True,
        **options: Any,
    ) -> None:
        for n in (names,) if isinstance(names, str) else names:
            own = CASES.setdefault(f"{name}-{n}", [])
            own.append(Case(f"{name}-{n}", len(own), reference, draws, options, each, second))

    return case


# ---- arguments -------------------------------------------------------------------------------------------------------


def filled(shape: Sequence[int], one: Callable[[], Any]) -> np.ndarray:
    return np.array([one() for _ in range(math.prod(shape))]).reshape(shape)


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Draw:
    """About normal: the sum of twelve uniform numbers less 6, which no library function rounds otherwise."""
    return lambda r: filled(shape, lambda: shift + scale * (math.fsum(r.random() for _ in range(12)) - 6))


def between(low: float, high: float, *shape: int) -> Draw:
    return lambda r: filled(shape, lambda: low + (high - low) * r.random())


def positive(*shape: int) -> Draw:
    return between(0.2, 2.0, *shape)


def unit(*shape: int) -> Draw:
    """Inside (0, 1)."""
    return between(0.05, 0.95, *shape)


def whole(below: int, *shape: int) -> Draw:
    """Integers from 0."""
    return lambda r: filled(shape, lambda: int(r.random() * below))


def bits(*shape: int) -> Draw:
    """0.0 or 1.0."""
    return lambda r: whole(2, *shape)(r).astype(float)


def signs(*shape: int, kind: type = int) -> Draw:
    return lambda r: (2 * whole(2, *shape)(r) - 1).astype(kind)


def flags(*shape: int, share: float = 0.5) -> Draw:
    return lambda r: filled(shape, lambda: r.random() < share)


def simplex(*shape: int) -> Draw:
    """Probabilities along the last axis."""

    def draw(r: Random) -> np.ndarray:
        x = between(0.1, 1.0, *shape)(r)
        return x / x.sum(-1, keepdims=True)

    return draw


def definite(n: int) -> Draw:
    """A positive definite matrix."""

    def draw(r: Random) -> np.ndarray:
        x = normal(n, n)(r)
        return x @ x.T + np.eye(n)

    return draw


def given(value: Any) -> Draw:
    return lambda r: np.array(value)


# ---- what PyTorch says -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Names:
    """The names of a definition's inputs and outputs, in its order."""

    inputs: tuple[str, ...]
    differentiable: tuple[str, ...]
    outputs: tuple[str, ...]
    differentiable_outputs: tuple[str, ...]


def parts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def named(prefix: str, name: str, value: Any) -> Arrays:
    """An array by its name; those of a list by name and number."""
    if isinstance(value, list):
        return {f"{prefix}{name}[{n}]": np.asarray(v) for n, v in enumerate(value)}
    return {f"{prefix}{name}": np.asarray(value)}


def tensor(value: Any) -> Any:
    if isinstance(value, list):
        return [tensor(v) for v in value]
    found = torch.from_numpy(np.array(value))
    return found.requires_grad_() if found.is_floating_point() else found


def in_torch(case: Case, names: Names) -> Arrays:
    """Values, gradients, tangents and second gradients, the last two by differentiating gradients once more.

    Keys are those of ``probe.measured``.
    """
    arrays = case.inputs()
    given_ = dict(zip(names.inputs, map(tensor, arrays), strict=True))
    result = case.reference(*given_.values(), **case.options)
    values = dict(zip(names.outputs, result if isinstance(result, tuple) else (result,), strict=True))
    found: Arrays = {}
    for name, value in values.items():
        found |= named("", name, detached(value))
    leaves = [leaf for n in names.differentiable for leaf in parts(given_[n])]
    chosen = {n: values[n] for n in names.differentiable_outputs}
    flat = [v for value in chosen.values() for v in parts(value)]
    if not leaves or not any(v.requires_grad for v in flat):
        return found
    cotangents = [c for n, v in chosen.items() for c in parts(tensor(case.like(detached(v), f"cotangent of {n}")))]
    total = sum((c * v).sum() for c, v in zip(cotangents, flat, strict=True) if v.requires_grad)
    gradients = torch.autograd.grad(total, leaves, create_graph=case.second, allow_unused=True)
    found |= placed("gradient of ", names.differentiable, given_, gradients)
    if not case.second:
        return found
    along = [c for n in names.differentiable for c in parts(tensor(case.like(detached(given_[n]), f"tangent of {n}")))]
    product = sum((a.detach() * g).sum() for a, g in zip(along, gradients, strict=True) if g is not None)
    wanted = [*cotangents, *leaves]
    second = torch.autograd.grad(product, wanted, allow_unused=True)
    found |= placed("tangent of ", names.differentiable_outputs, values, second[: len(cotangents)])
    found |= placed("second gradient of ", names.differentiable, given_, second[len(cotangents) :])
    return found


def detached(value: Any) -> Any:
    return [detached(v) for v in value] if isinstance(value, list) else value.detach().numpy(force=True)


def placed(prefix: str, names: Iterable[str], like: dict[str, Any], found: Sequence[Any]) -> Arrays:
    """Derivatives by name; what nothing depends on is 0."""
    rest, out = list(found), {}
    for n in names:
        own = [np.zeros(tuple(v.shape)) if (d := rest.pop(0)) is None else detached(d) for v in parts(like[n])]
        out |= named(prefix, n, own if isinstance(like[n], list) else own[0])
    return out
