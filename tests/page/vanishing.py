"""Where a product is zero because one of its factors reads outside of its array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.page.symbols import Symbols
from tests.page.tree import Add, Frac, Index, Int, Mul, Neg, Node, Ref, Size, walk

if TYPE_CHECKING:
    from tests.page.evaluator import Evaluator


def vanishes(e: Node, values: Evaluator) -> list[tuple[Node, int]]:
    """The computed indices that factors of an expression read at, each with the length of its axis: where one is
    outside, the expression is zero whatever else it reads."""
    match e:
        case Mul(factors):
            return [found for f in factors for found in vanishes(f, values)]
        case Neg(of) | Frac(of, _):
            return vanishes(of, values)
        case Ref():
            row = values.symbols.by_name[e.name]
            if row.option or row.sequence:
                return []
            places = [(i, n) for n, i in enumerate(e.index) if of_numbers(i, values.symbols)]
            lengths = [(i, values.extent(row, n)) for i, n in places if (e.key, n) not in values.named]
            return [(i, length) for i, length in lengths if length is not None]
    return []


def of_numbers(i: Node, symbols: Symbols) -> bool:
    """Whether an index is computed, and from nothing but other indices, options and lengths."""
    parts = list(walk(i))
    refs = [n for n in parts if isinstance(n, Ref)]
    return (
        not isinstance(i, (Index, Int))
        and all(isinstance(n, (Ref, Index, Int, Size, Add, Mul, Neg, Frac)) for n in parts)
        and all(symbols.by_name[n.name].option for n in refs)
    )
