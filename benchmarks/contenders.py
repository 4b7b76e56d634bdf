"""The contenders: each turns a problem into a step, one forward and one backward pass over fixed inputs.

A step takes nothing and returns `(outputs, gradients)` as its library gives them; `arrays` makes flat lists
of both, gradients in the order of the inputs, so that any two contenders can be compared array by array.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from benchmarks import handwritten
from benchmarks.cases import CASES
from benchmarks.draws import Tensor, turned

Array = NDArray[Any]
Step = Callable[[], tuple[Any, Any]]


class Missing(Exception):
    """This contender is not installed here, or has no such layer."""


def spread(values: Any) -> list[Any]:
    """An array, or tuples and lists of arrays, as one flat list."""
    if isinstance(values, tuple | list):
        return [leaf for value in values for leaf in spread(value)]
    return [values]


def gather(flat: Iterable[Any], like: Any) -> Any:
    """The inverse of `spread`: the flat values as lists and plain tuples nested like `like`."""
    leaves = iter(flat)

    def fill(pattern: Any) -> Any:
        if isinstance(pattern, list):
            return [fill(part) for part in pattern]
        if isinstance(pattern, tuple):
            return tuple(fill(part) for part in pattern)
        return next(leaves)

    return fill(like)


@dataclass(frozen=True)
class Problem:
    """One layer's inputs and cotangents, the same for every contender.

    `inputs` are the positions of the tensors that gradients are wanted for. `cotangents` are nested like the
    output; where there are several, they are those a gradient can come from (not batch norm's statistics).
    """

    layer: str
    tensors: tuple[Tensor, ...]
    options: Mapping[str, Any]
    inputs: tuple[int, ...]
    cotangents: Any


def pose(layer: str, size: str, dtype: DTypeLike, options: Mapping[str, Any], seed: int = 1) -> Problem:
    """Draw inputs and random cotangents; the hand-written forward says how the output is shaped and lies in memory."""
    case = CASES[layer]
    tensors = case.draw(seed, size, dtype)
    forward, _ = by_hand(layer)
    y = forward(*tensors, **options)[0]
    if case.stateful:
        y = y[0]
    rng = np.random.default_rng(seed + 1)
    random = [np.asarray(rng.standard_normal(np.shape(leaf)), dtype=dtype) for leaf in spread(y)]
    if size == "turned":
        random = [turned(leaf) for leaf in random]
    return Problem(layer, tensors, options, case.inputs, gather(random, y))


def by_hand(layer: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The hand-written pair of this layer."""
    return handwritten.LAYERS[layer]


def generated(layer: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The generated pair of this layer."""
    try:
        module = importlib.import_module(f"reference.layers.{layer}")
    except ModuleNotFoundError as error:
        raise Missing(f"reference has no layer {layer}") from error
    return module.forward, module.backward


def earlier(tree: Path) -> Callable[[Problem], Step]:
    """The generated pairs of another working tree of the project, of whatever state, in this process."""

    def step(problem: Problem) -> Step:
        ours = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "reference"}
        sys.modules.update(theirs)
        sys.path.insert(0, str(tree))
        try:
            return pair(generated(problem.layer), problem)
        finally:
            sys.path.remove(str(tree))
            theirs.update({name: sys.modules.pop(name) for name in [*sys.modules] if name.startswith("reference")})
            sys.modules.update(ours)

    theirs: dict[str, Any] = {}
    return step


def pair(functions: tuple[Callable[..., Any], Callable[..., Any]], problem: Problem) -> Step:
    """A step out of a forward and a backward function."""
    forward, backward = functions
    tensors, options, dy = problem.tensors, problem.options, problem.cotangents

    def step() -> tuple[Any, Any]:
        y, saved = forward(*tensors, **options)
        return y, backward(dy, saved)

    return step


def autograd(problem: Problem) -> Step:
    """A step of HIPS autograd: it traces the forward pass and walks back, every time."""
    try:
        from autograd import make_vjp

        from benchmarks import in_autograd
    except ModuleNotFoundError as error:
        raise Missing("autograd is not installed") from error
    function = in_autograd.LAYERS[problem.layer]
    tensors, options, dy = problem.tensors, problem.options, problem.cotangents
    traced = make_vjp(lambda *x: function(*x, **options), argnum=problem.inputs)

    def step() -> tuple[Any, Any]:
        backward, y = traced(*tensors)
        return y, backward(dy)

    return step


def torch_leaves(problem: Problem) -> tuple[list[Any], list[Any], list[Any]]:
    """The arguments as torch tensors; flat, those that a gradient is wanted for; flat, the cotangents."""
    import torch

    arguments = list(problem.tensors)
    flat = [None if leaf is None else torch.from_numpy(np.array(leaf)) for leaf in spread(arguments)]
    tensors = gather(flat, arguments)
    wanted = spread([tensors[position] for position in problem.inputs])
    for leaf in wanted:
        leaf.requires_grad_()
    return tensors, wanted, [torch.from_numpy(leaf) for leaf in spread(problem.cotangents)]


def pytorch(problem: Problem) -> Step:
    """A step of PyTorch on one thread: eager, with its own autograd."""
    try:
        import torch

        from benchmarks import in_torch
    except ModuleNotFoundError as error:
        raise Missing("torch is not installed") from error
    torch.set_num_threads(1)
    function, options = in_torch.LAYERS[problem.layer], problem.options
    tensors, wanted, dys = torch_leaves(problem)

    def step() -> tuple[Any, Any]:
        y = function(*tensors, **options)
        return y, torch.autograd.grad(spread(y)[: len(dys)], wanted, dys)

    return step


CONTENDERS: dict[str, Callable[[Problem], Step]] = {
    "gradbook": lambda problem: pair(generated(problem.layer), problem),
    "by hand": lambda problem: pair(by_hand(problem.layer), problem),
    "autograd": autograd,
    "torch": pytorch,
}


def arrays(values: Any) -> list[Array]:
    """A step's outputs or gradients as flat NumPy arrays."""
    return [np.asarray(leaf.detach() if hasattr(leaf, "detach") else leaf) for leaf in spread(values)]
