"""Cases of the second reader stay small, and defaults are among them all the same."""

from __future__ import annotations

from itertools import islice

import pytest

from derive.evidence.text import sources
from derive.notation.define import load_project
from derive.text.cases import Case, cases
from derive.text.compare import Point, find
from derive.text.parse import Library
from derive.text.small import AT_ONCE, MANY, small, steps

load_project()
LIBRARY = Library(sources())


def drawn(turn: int) -> list[Case]:
    return list(islice(cases(LIBRARY["conv_transpose3d"], LIBRARY, 0, turn, {}), 3 * AT_ONCE))


def test_of_large_cases_the_smallest_of_a_few() -> None:
    found = drawn(3)
    sizes = list(map(steps, found))
    assert max(sizes) > MANY
    kept = list(small(found))
    assert sorted(map(steps, kept[: len(found) - AT_ONCE])) != sorted(sizes[: len(found) - AT_ONCE])
    assert all(steps(case) <= min(sizes[:AT_ONCE]) for case in kept[:1])


def test_none_is_lost_where_all_are_small() -> None:
    found = [case for case in drawn(0) if steps(case) <= MANY]
    assert list(small(found)) == found


@pytest.mark.parametrize("turn", range(5))
def test_transposed_convolution_over_three_axes(turn: int) -> None:
    point = find(LIBRARY["conv_transpose3d"], LIBRARY, 0, turn, {})
    assert isinstance(point, Point)
    assert sum(len(grid.elements) for grids in point.results.values() for grid in grids) < 600  # 2520 in turn 4 before
    assert turn or point.case.options["stride"] == (1, 1, 1)


def test_few_elements_are_not_preferred_to_options() -> None:
    """Of several cases with the same options the smallest: of others it has no groups and no stride."""
    points = [find(LIBRARY["conv_transpose3d"], LIBRARY, 0, turn, {}) for turn in range(5)]
    options = [point.case.options for point in points if isinstance(point, Point)]
    assert {o["groups"] for o in options} > {1}
    assert len({str(o["stride"]) for o in options}) > 2
