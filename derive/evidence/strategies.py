"""Hypothesis strategies for a layer's arguments, made from its signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from derive.evidence import generic, inputs
from derive.evidence.inputs import Array, Plan
from derive.evidence.layout import Case, Shape
from derive.notation.domain import Domain
from derive.notation.layer import Layer

#: Values that kernels get wrong: zeros of both signs, subnormals, tails, large ones. They are few, so they tie.
SPECIAL = (
    0.0,
    -0.0,
    5e-324,
    -1e-310,
    1e-300,
    1e-8,
    0.5,
    1.0,
    -1.0,
    2.0,
    40.0,
    -40.0,
    700.0,
    -745.0,
    1e6,
    -1e100,
)
PLAN = Plan((1, 2, 3, 4), ((), (2,), (1, 3)), (1, 2, 3))


@dataclass
class Drawn:
    """A Source that asks Hypothesis."""

    draw: Callable[[Any], Any]
    special: tuple[float, ...]
    dtype: Any

    def pick(self, choices: list[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def shuffled(self, choices: list[Any]) -> list[Any]:
        return list(self.draw(st.permutations(choices)))

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        """A few values, repeated at random: they tie, and an array is two draws however large it is."""
        if within is not None:
            unit = st.floats(2.0**-10, 1 - 2.0**-10, width=16)
            few = self.draw(st.lists(unit, min_size=1, max_size=6))
            return self._array(shape, list(inputs.placed(within, np.asarray(few)))).astype(self.dtype)
        value = st.sampled_from(self.special) | st.floats(-8, 8, width=16)
        return self._array(shape, self.draw(st.lists(value, min_size=1, max_size=6))).astype(self.dtype)

    def integers(self, shape: Shape, least: int, below: int) -> Array:
        return self._array(shape, list(range(least, max(least + 1, below)))).astype(np.int64)

    def booleans(self, shape: Shape) -> Array:
        return self._array(shape, self.draw(st.sampled_from([[True], [True, False], [False]]))).astype(bool)

    def _array(self, shape: Shape, palette: list[Any]) -> Array:
        rng = np.random.default_rng(self.draw(st.integers(0, 255)))
        return np.asarray(rng.choice(np.asarray(palette), shape))


@st.composite
def cases(
    draw: Any, layer: Layer, dtype: Any = np.float64, special: tuple[float, ...] = SPECIAL, plan: Plan = PLAN
) -> Case:
    """Arguments of any layout, with values from subnormal to large, ties among them."""
    small = replace(plan, attempts=20)
    info = np.finfo(dtype)
    largest = float(info.max)
    edges = largest, -largest / 2, largest**0.5, float(info.smallest_normal), -float(info.smallest_subnormal)
    source = Drawn(draw, (*(v for v in special if abs(v) < largest), *edges), dtype)
    try:
        case = inputs.build(layer, source, small)
    except inputs.NoArguments:
        from hypothesis import reject

        reject()
    change = draw(st.sampled_from([None, *generic.LAYOUTS]))
    if change is None:
        return case
    tensors = {n: v if v is None else generic.changed(v, change) for n, v in case.tensors.items()}
    return replace(case, tensors=tensors)


@st.composite
def cotangents(draw: Any, case: Case, dtype: Any = np.float64) -> dict[str, Any]:
    """A cotangent for every output that has a gradient: ordinary numbers, never all ones."""
    seed = draw(st.integers(0, 2**32 - 1))
    return inputs.cotangents(case, seed, dtype)
