"""Options in pairs: so few sets of values that every two values of two options meet in one of them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from derive.evidence import inputs
from derive.notation.layer import Layer

MOST = 16  # sets of values

Value = tuple[str, int]  # an option, and which of its values


def pairs(layer: Layer) -> list[dict[str, Any]]:
    """Sets of values of a layer's options, chosen greedily; none where fewer than two options have a choice."""
    axes = dict.fromkeys((a for t in layer.inputs for a in t.axes), 2)
    values = {o.name: inputs.option_values(layer, o, axes) for o in layer.options}
    for option in layer.options:
        if option.kind == "Axis":
            values[option.name] = [v for v in values[option.name] if v in (-1, 0)]
    free = [n for n, own in values.items() if len(own) > 1]
    left = {
        ((a, i), (b, j)) for a, b in combinations(free, 2) for i in range(len(values[a])) for j in range(len(values[b]))
    }
    found: list[dict[str, Any]] = []
    while left and len(found) < MOST:
        chosen: dict[str, int] = dict(min(left))
        for name in free:
            if name not in chosen:
                chosen[name] = max(range(len(values[name])), key=lambda i: _met(left, {**chosen, name: i}))
        left -= {p for p in left if all(chosen[n] == i for n, i in p)}
        found.append({n: values[n][i] for n, i in chosen.items()})
    return found


def _met(left: set[tuple[Value, Value]], chosen: dict[str, int]) -> int:
    return sum(all(chosen.get(n) == i for n, i in pair) for pair in left)
