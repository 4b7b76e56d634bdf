"""Cases with few elements: what many would show, other cases do, and each is computed some twenty times over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np

from derive.text.annotations import Unread
from derive.text.arrays import Meter
from derive.text.cases import Case

MANY = 10_000  #: elements of results times those of the largest array, each of which one of them may read
AT_ONCE = 5  #: of so many cases with more, the smallest


def elements(case: Case) -> int:
    """How many elements the results have, as far as lengths alone say that."""
    run, found = case.run(Meter()), 0
    for name in case.text.results:
        with suppress(Unread):
            found += 0 if case.text.listed(name) else math.prod(run.shape(name, ()))
    return found


def steps(case: Case) -> int:
    """At most so many elements of one array are read."""
    arrays = [a for v in case.arrays.values() if v is not None for a in (v if isinstance(v, list) else [v])]
    return elements(case) * max((np.size(a) for a in arrays), default=1)


def small(cases: Iterable[Case]) -> Iterator[Case]:
    """Cases of few elements as they come; of others a few at a time, the smallest."""
    large: list[tuple[int, int, Case]] = []
    for n, case in enumerate(cases):
        size = steps(case)
        if size <= MANY:
            yield case
            continue
        large.append((size, n, case))
        if len(large) == AT_ONCE:
            yield min(large)[-1]
            large = []
    yield from (case for *_, case in sorted(large))
