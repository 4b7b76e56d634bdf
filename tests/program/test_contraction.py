"""Which two factors of a sum of products a matrix product is made of: all products of few arrays with few indices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, combinations_with_replacement

from derive.notation import expr as x
from derive.notation.expr import Expr, Pos, Ref
from derive.program.contraction import inner, pair

INDICES = "ijkl"


def some(of: str) -> list[str]:
    """The sets that are not empty."""
    return ["".join(s) for n in range(1, len(of) + 1) for s in combinations(of, n)]


def sums(count: int) -> Iterator[tuple[list[Expr], tuple[str, ...]]]:
    """Arrays that have all the indices that are summed over, and those."""
    for axes in combinations_with_replacement(some(INDICES), count):
        arrays: list[Expr] = [Ref(f"a{n}", tuple(map(Pos, own))) for n, own in enumerate(axes)]
        for over in some("".join(sorted(set(chain(*axes))))):
            yield arrays, tuple(over)


def of(e: Expr) -> set[str]:
    return set(x.free(e))


def apart(a: set[str], b: set[str], over: tuple[str, ...]) -> bool:
    """Whether a sum over a product is one of two matrices."""
    return set(over) <= a & b and bool(a - b) and bool(b - a)


def test_two_arrays_are_a_matrix_product_or_none() -> None:
    """Or a matrix with a vector: an array and all that is summed over, and not all of its indices."""
    for (a, b), over in sums(2):
        vector = any(set(over) <= of(v) < of(m) for m, v in ((a, b), (b, a)))
        found = pair([a, b], (), over)
        assert (found is not None) == (apart(of(a), of(b), over) or vector), (a, b, over)
        assert found is None or (set(found) == {a, b} and len(of(found[0])) >= len(of(found[1])))


def test_what_three_are_made_of_is_a_product_that_has_all_of_them() -> None:
    for arrays, over in sums(3):
        found = pair(arrays, (), over)
        if found is not None:
            left, right = found
            assert sorted([*x.factors(left), *x.factors(right)], key=str) == sorted(arrays, key=str)
            assert set(over) <= of(left) & of(right), (arrays, over)
            assert of(left) != of(right)
            assert isinstance(left, Ref) or apart(of(left), of(right), over)


def test_three_that_have_all_that_is_summed_over_are_a_product() -> None:
    """If the largest and another are: the third is multiplied with one of the two."""
    for arrays, over in sums(3):
        if all(set(over) <= of(a) for a in arrays):
            largest, *others = sorted(arrays, key=lambda a: -len(of(a)))
            matrices = any(apart(of(largest), of(b), over) for b in others)
            assert not matrices or pair(arrays, (), over) is not None, (arrays, over)


def test_of_three_those_two_are_summed_first_that_alone_have_an_index() -> None:
    """The smallest product of those there are, and all the indices that they alone have; nothing of two arrays."""
    assert not any(any(inner(arrays, over)) for arrays, over in sums(2))
    for arrays, over in sums(3):
        own, summed = inner(arrays, over)
        found = {}
        for a, b, rest in ((arrays[p], arrays[q], arrays[3 - p - q]) for p, q in combinations(range(3), 2)):
            alone = ((of(a) | of(b)) & set(over)) - of(rest)
            if alone and alone <= of(a) & of(b):
                found[a, b] = alone
        assert bool(own) == bool(found), (arrays, over)
        if own:
            assert found[own[0], own[1]] == set(summed)
            smallest = min(len((of(a) | of(b)) - alone) for (a, b), alone in found.items())
            assert len((of(own[0]) | of(own[1])) - set(summed)) == smallest
