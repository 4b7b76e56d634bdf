"""How large the worked example is: axes as long and as different as so many elements allow as a person can read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from derive.evidence import layout
from derive.notation.expr import ELLIPSIS, Num
from derive.notation.layer import Layer, Tensor

MOST = 64  # numbers on all lines together, as far as it goes
LONGEST = 4
BY = (-1, 1, 2, 3)
WORTH = (-100.0, 0.0, 3.0, 3.5, 2.9)  # of an axis of a length
STEPS = 3  # how many times as much along a recurrence
ALIKE = 0.6  # what two axes of one length in one tensor cost: a transpose would not show
EACH, BEYOND = 0.045, 0.1  # what a number costs, and one more than MOST
ENTRIES = 2  # arrays in a list, and how long an axis of theirs is taken to be


def chosen(layer: Layer, tensors: Mapping[str, Tensor], options: Mapping[str, Any]) -> dict[str, int]:
    """Lengths of the axes that arrays have, those of lists left out; ``...`` stands for no axis where it is 1.

    From one element along each, by changes of one or two axes while what they show is worth more.
    """
    fixed = {o.axis: int(options[o.name]) for o in layer.options if o.kind == "Count" and o.axis}
    own = [a for t in layer.inputs if not t.sequence for a in t.axes]
    own += [ELLIPSIS for t in layer.inputs if ELLIPSIS in t.axes]
    free = [a for a in dict.fromkeys(own) if a not in layer.sizes and a not in fixed and not a.isdigit()]
    sizes = fixed | dict.fromkeys(free, 1)
    best = worth(layer, tensors, options, sizes)
    while True:
        steps = [c for n in (1, 2) for c in itertools.combinations(free, n)]
        changes = (zip(c, by, strict=True) for c in steps for by in itertools.product(BY, repeat=len(c)))
        moves = [sizes | {a: sizes[a] + n for a, n in change} for change in changes]
        moves = [m for m in moves if all(1 <= m[a] <= LONGEST for a in free)]
        scored = [(worth(layer, tensors, options, m), n) for n, m in enumerate(moves)]
        found, n = max(scored, key=lambda s: (s[0], -s[1]), default=(best, 0))
        if found <= best:
            return sizes
        best, sizes = found, moves[n]


def worth(layer: Layer, tensors: Mapping[str, Tensor], options: Mapping[str, Any], sizes: Mapping[str, int]) -> float:
    known = whole(layer, options, sizes)
    amount = count(layer, tensors, known)
    varied = {a: n for a, n in known.items() if not isinstance(layer.sizes.get(a), Num)}
    along = recurrent(layer)
    total = sum(WORTH[min(max(n, 0), LONGEST)] * (STEPS if a in along else 1) for a, n in varied.items())
    for tensor in tensors.values():
        lengths = [known.get(layer.axis(a), ENTRIES) for a in tensor.axes]
        total -= ALIKE * sum(a == b > 1 for a, b in itertools.combinations(lengths, 2)) / len(tensors)
    return total - EACH * amount - BEYOND * max(0, amount - MOST)


def recurrent(layer: Layer) -> set[str]:
    """Axes that something runs along from a beginning before the first place."""
    begin = ((e.target, n) for e in layer.equations for n, i in enumerate(e.left) if isinstance(i, Num) and i.value < 0)
    return {layer.axis(layer.tensors[name].axes[n]) for name, n in begin}


def whole(layer: Layer, options: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, int]:
    """Those lengths, and those that the definition computes."""
    known = dict(sizes)
    for _ in layer.sizes:
        for axis, length in layer.sizes.items():
            if (n := layout.whole(length, known, dict(options))) is not None:
                known[axis] = n
    if layer.sequence_axis:
        known[layer.sequence_axis] = ENTRIES
    return known


def count(layer: Layer, tensors: Mapping[str, Tensor], sizes: Mapping[str, int]) -> int:
    """How many numbers the tensors have."""
    return sum(
        math.prod(int(a) if a.isdigit() else max(0, sizes.get(layer.axis(a), ENTRIES)) for a in t.axes)
        for t in tensors.values()
    )


def leading(sizes: Mapping[str, int]) -> tuple[layout.Shape, ...]:
    """The shapes that ``...`` stands for, in turn."""
    n = sizes.get(ELLIPSIS, 1)
    return ((n,), (n + 1,)) if n > 1 else ((),)
