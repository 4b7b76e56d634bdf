"""How much there is to compute in a case, as far as the definition says that."""

from __future__ import annotations

import math

from derive.evidence import layout
from derive.evidence.layout import Case
from derive.notation.expr import Reduce, walk


def terms(case: Case) -> int:
    """How many steps the loops over the indices of all equations have, sums included."""
    layer, sizes, found = case.layer, case.sizes, 0
    for e in layer.equations:
        over = [i for n in walk(e.body) if isinstance(n, Reduce) for i in n.over]
        found += math.prod(sizes.get(layer.axis(i), 1) for i in {*e.indices, *over})
    return found


def results(case: Case) -> int:
    """How many elements the outputs have together, lists not counted."""
    shapes = [layout.shape_of(case, o) for o in case.layer.outputs]
    return sum(math.prod(shape) for shape in shapes if isinstance(shape, tuple))
