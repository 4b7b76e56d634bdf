"""Proofs that two forms of one expression are equal: exact arithmetic modulo a prime at random points.

Both sides are evaluated by brute force, at random sizes, with random residues modulo P = 2**61 - 1 for all
that is real. Two rational expressions that differ agree at such a point with a probability of about their
degree / P, so one disagreement refutes and a few agreements prove. What is not rational is modelled by laws
that hold for the real functions, so that an identity of the model is one of the reals:

* ``a ** (1/2)``: the square root that is a square itself. Points where ``a`` is no square are drawn again.
  Squares play the part of the positive numbers: P = 3 mod 4, so -1 is none, and exactly one of a and -a is.
* ``exp``: a random function with exp(a + b) = exp(a) exp(b) and exp(c a) = exp(a)**c for numerals c. log is
  its inverse.
* ``a > b``: whether a - b is a square. Exactly one of a > b, a == b, a < b holds. Whole numbers (indices,
  sizes, integer tensors) are compared as such.
* erf, an activation, its derivative: a random function of each name.

Blind spots. An identity that needs more than these laws is refused though it is true: exp(a b + a c) = exp(a
(b + c)), log(a b) = log a + log b, transitivity of >, that a sum of squares is positive, that erf' is a
Gaussian. What holds only where a radicand is positive is proved only there. Nothing is said about floating
point. Proofs hold for the sizes drawn (1 to 5); that a wrong form is right at all of them and wrong at larger
sizes is not excluded by a theorem.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from derive.calculus.facts import Fact
from derive.calculus.points import World
from derive.calculus.residues import P, Retry
from derive.calculus.reverse import Adjoint
from derive.notation import expr as x
from derive.notation.expr import Expr, Ref
from derive.notation.layer import Equation, Layer
from derive.notation.text import show

POINTS, ELEMENTS, ATTEMPTS = 4, 12, 400


@dataclass(frozen=True)
class Proof:
    """Whether two expressions are equal, at how many elements this was seen, and where it failed."""

    equal: bool
    elements: int
    counterexample: str = ""

    def __bool__(self) -> bool:
        return self.equal


def prove_equal(
    layer: Layer,
    adjoint: Adjoint | None,
    before: Expr,
    after: Expr,
    assumption: Fact | None = None,
    target: Ref | None = None,
) -> Proof:
    """Prove or refute ``before = after`` for all values of their free indices.

    Args:
        layer: its equations give every tensor of the definition a value.
        adjoint: its equations, as the scatter rule gave them, do so for the adjoints; cotangents are random.
        before, after: the two sides.
        assumption: a sum of an input that is known; only points where it holds are drawn.
        target: what both sides are equal to; its indices begin where it does, at -1 in a recurrence.
    """
    free = tuple(dict.fromkeys([*x.free(before), *x.free(after)]))
    seen, done = 0, 0
    for seed in range(ATTEMPTS):
        if done == POINTS:
            return Proof(True, seen)
        try:
            world = World(layer, adjoint, seed, assumption)
            places = list(world.loops(free, {}, world.begins(target)))
            Random(seed).shuffle(places)
            found = []
            for env in places[:ELEMENTS]:
                left, right = world.evaluate(before, env), world.evaluate(after, env)
                found.append((env, left.r, right.r))
        except Retry:
            continue
        for env, one, two in found:
            if one != two:
                return Proof(False, seen, f"at {env}, sizes {world.sizes}: {one} and {two} modulo {P}")
        seen += len(found)
        done += 1 if found else 0
    raise ArithmeticError(f"{layer.name}: no point found where {show(before)} can be evaluated")


def prove_equation(layer: Layer, adjoint: Adjoint, equation: Equation, assumption: Fact | None = None) -> Proof:
    """Prove that an equation holds for the adjoints that the scatter rule gave."""
    return prove_equal(layer, adjoint, equation.lhs, equation.body, assumption, equation.lhs)


__all__ = ["Proof", "prove_equal", "prove_equation"]
