"""Sums of products of three arrays or more, as products of two: one is summed before the next is multiplied by.

``sum((i, j), x[b, i] * A[k, i, j] * y[b, j])`` would be an array over b, k, i and j. What only two of the arrays have
is summed first, ``t[b, k, j] = sum(i, x[b, i] * A[k, i, j])``, a matrix product, and what is left is
``sum(j, t[b, k, j] * y[b, j])``. So is what others have no index of, ``sum((i, j), a[b, j] ** 2 * y[b, j] * x[b, i])``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Reduce
from derive.notation.functions import sign_of
from derive.notation.layer import Equation
from derive.program.contraction import alone, inner, pair
from derive.program.draft import Draft
from derive.program.runs import Sums


def in_pairs(draft: Draft) -> Draft:
    """A sum of products of several arrays is summed as soon as two of them are multiplied."""
    if draft.layer.sequence_axis is not None:  # entries of lists have lengths of their own
        return draft
    targets = Counter(e.target for e in draft.equations)
    pairs = Pairs(draft.layer, dict(draft.tensors), frozenset(t for t, n in targets.items() if n == 1))
    equations = tuple(new for e in draft.equations for new in pairs.equations(e))
    return replace(draft, equations=equations, tensors=pairs.tensors)


@dataclass
class Pairs(Sums):
    """Finds what is summed first. ``once`` are the arrays that one equation makes."""

    once: frozenset[str]

    def equations(self, e: Equation) -> Iterator[Equation]:
        """An equation, after those of the sums that it is made of."""
        match e.body:
            case Reduce("sum", over, Op("mul", _) as body) if not any(map(conditional, x.factors(body))):
                factors = list(x.factors(body))
                while pair(arrays := [f for f in factors if x.free(f)], e.indices, over) is None:
                    own, summed = inner(arrays, over)
                    if not own:
                        own, summed = alone(arrays, over)
                    if not own:
                        break
                    rest = [f for f in factors if f not in own]
                    over = tuple(i for i in over if i not in summed)
                    factors = [*rest, self.named(e, Reduce("sum", summed, x.mul(*own)))]
                e = replace(e, body=x.reduce("sum", over, x.mul(*factors)))
        yield from (*self.made(), e)
        if e.target in self.once:
            self.names.defined(e)


def conditional(e: Expr) -> bool:
    """Whether a factor is 0 by a condition."""
    return isinstance(e, Op) and e.fn in ("iverson", "where", "there", "run") and sign_of(e) is None
