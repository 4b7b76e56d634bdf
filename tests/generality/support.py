"""Builds a definition that the project does not have, and holds all four functions of its kernel to the equations.

forward is compared with the loop over the equations, backward and jvp with differences of forward, double_backward
with differences of backward. The differences are of fourth order in float64, along random tangents.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation, derive
from derive.command.kernels import kernel_source
from derive.evidence import domain, inputs, kernels, layout, world
from derive.evidence.layout import Case
from derive.evidence.numbers import MP
from derive.notation import define

HEAD = "from __future__ import annotations\nfrom derive import layer\n\n\n"
SEED = 1  # no number lies within a difference of a kink of an activation
PLAN = inputs.Plan(sizes=(2, 3, 4, 5), leading=((2,), (3,), (2, 2), ()))
STEP = 1e-4
COUNT = itertools.count()


def definition(signature: str, body: str, name: str = "odd") -> str:
    """The text of a definition; the body without its indentation."""
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return f'@layer(cites="a test")\ndef {name}({signature}):\n    """Odd."""\n{body}\n\n\n'


@contextmanager
def own_registry() -> Iterator[None]:
    """Definitions read inside are forgotten afterwards."""
    before = dict(define.load_project())
    try:
        yield
    finally:
        define.REGISTRY.clear()
        define.REGISTRY.update(before)


def built(folder: Path, text: str, name: str = "odd") -> tuple[tuple[Derivation, ...], Any]:
    """The derivations and the kernel of one layer of a text; the others are built too. Call it in own_registry."""
    file = folder / f"definitions_{next(COUNT)}.py"
    file.write_text(HEAD + text)
    package = types.ModuleType(f"kernels_{file.stem}")
    place = folder / package.__name__
    place.mkdir()
    package.__path__ = [str(place)]
    sys.modules[package.__name__] = package
    define.load_project()
    found = {n: tuple(derive(v) for v in variants) for n, variants in define.load_file(file).items()}
    for n, derivations in found.items():
        (place / f"{n}.py").write_text(kernel_source(derivations))
    importlib.invalidate_caches()
    return found[name], importlib.import_module(f"{package.__name__}.{name}")


def flat(value: Any) -> Any:
    parts = value if isinstance(value, list) else [value]
    return np.concatenate([np.ravel(np.asarray(p, float)) for p in parts])


def dot(a: Any, b: Any) -> float:
    return float(flat(a) @ flat(b))


def moved(case: Case, along: dict[str, Any], step: float) -> Case:
    def one(a: Any, t: Any) -> Any:
        return [one(x, y) for x, y in zip(a, t, strict=True)] if isinstance(a, list) else a + step * t

    return replace(case, tensors={n: one(v, along[n]) if n in along else v for n, v in case.tensors.items()})


def difference(f: Callable[[float], Any]) -> Any:
    """The derivative of f at 0."""
    return (8 * (f(STEP) - f(-STEP)) - (f(2 * STEP) - f(-2 * STEP))) / (12 * STEP)


def same(a: Any, b: Any, tolerance: float, what: str) -> None:
    np.testing.assert_allclose(a, b, atol=tolerance * max(1.0, np.abs(b).max(initial=0)), rtol=0, err_msg=what)


def check(derivations: tuple[Derivation, ...], kernel: Any, count: int | None = None) -> None:
    """All four functions in every variant, at cases in which each option takes each of its values."""
    for derivation in derivations:
        for case in inputs.cases(derivation.layer, SEED, count, plan=PLAN):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                check_case(derivation, kernel, case)


def check_case(derivation: Derivation, kernel: Any, case: Case) -> None:
    layer, rng = case.layer, np.random.default_rng(5)
    y, saved = kernels.forward(kernel, case)
    truth = world.forward(case, MP)
    for o in layer.outputs:
        values = {i: float(v) for i, v in truth.values(o, o).items()}
        same(flat(y[o]), flat(layout.array(case, o, values, float)), 1e-10, f"{o} at {case}")
    if domain.stops(layer, case.options):  # an activation that rounds: its gradient is not how the value moves
        return
    outputs, shapes = layer.differentiable_outputs, {t.name: case.tensors[t.name] for t in layer.differentiable}

    def like(a: Any) -> Any:
        return [like(v) for v in a] if isinstance(a, list) else rng.normal(size=np.shape(a))

    cotangents = {o: like(y[o]) for o in outputs}
    tangents, along = ({n: like(a) for n, a in shapes.items()} for _ in range(2))
    slopes = [difference(lambda h, o=o: flat(kernels.forward(kernel, moved(case, tangents, h))[0][o])) for o in outputs]
    gradients = kernels.backward(kernel, case, cotangents, saved)
    assert [np.shape(v) for v in gradients.values() if not isinstance(v, list)] == [
        np.shape(shapes[n]) for n, v in gradients.items() if not isinstance(v, list)
    ]
    total = sum(dot(g, tangents[n]) for n, g in gradients.items())
    same(total, sum(flat(cotangents[o]) @ s for o, s in zip(outputs, slopes, strict=True)), 1e-6, f"backward at {case}")
    forward_mode = kernels.jvp(kernel, case, tangents)
    for o, slope in zip(outputs, slopes, strict=True):
        same(flat(forward_mode[o]), slope, 1e-6, f"jvp of {o} at {case}")
    second = kernels.double_backward(kernel, derivation, case, cotangents, along)

    def backward(h: float) -> float:
        there = kernels.backward(kernel, moved(case, tangents, h), cotangents)
        return sum(dot(along[n], g) for n, g in there.items())

    total = sum(dot(g, tangents[n]) for n, g in second.items() if n in tangents)
    same(total, difference(backward), 1e-5, f"double_backward at {case}")
    by_jvp = kernels.jvp(kernel, case, along)
    for o in outputs:
        same(flat(second[o]), flat(by_jvp[o]), 1e-8, f"double_backward for the cotangent of {o} at {case}")
