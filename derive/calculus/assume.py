"""Gradients under a stated assumption, such as targets that sum to one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.calculus.collect import collect, name_bound
from derive.calculus.facts import Fact
from derive.calculus.monomials import ONE, is_sum
from derive.calculus.patterns import Rewriter, Rule
from derive.calculus.polynomials import Algebra
from derive.calculus.steps import Rewrite
from derive.notation import expr as x
from derive.notation.layer import Equation, Layer
from derive.notation.text import show


def under(
    layer: Layer, equations: Iterable[Equation], assumption: Fact
) -> tuple[tuple[Equation, ...], tuple[Rewrite, ...]]:
    """The equations where a sum is known, and a step for each one that changes.

    The steps hold only where the assumption does: prove them with ``prove_equal(...,
    assumption=assumption)``.

    Raises:
        ValueError: the assumption's left side is not one sum.
    """
    algebra = Algebra(layer)
    known = algebra.to(assumption.lhs)
    atoms = [a for m in known for a, _ in m]
    if len(known) != 1 or len(atoms) != 1 or not is_sum(atoms[0]) or known != {((atoms[0], ONE),): ONE}:
        raise ValueError(f"an assumption gives the value of one sum, not of {show(assumption.lhs)}")
    said = f"{show(assumption.lhs)} = {show(assumption.body)}"
    value = tuple(algebra.to(assumption.body).items())
    rule = Rule(atoms[0], ONE, value, frozenset(x.free(atoms[0])), (), said)
    found, steps = [], []
    for e in equations:
        rewriter = Rewriter(algebra, [rule], [])
        after = rewriter(algebra.to(e.body))
        if rewriter.used:
            body = name_bound(algebra, collect(algebra, after), frozenset(e.indices))
            steps.append(Rewrite(e.lhs, "assume", e.body, body, f"Assume that {said}."))
            e = replace(e, body=body)
        found.append(e)
    return tuple(found), tuple(steps)
