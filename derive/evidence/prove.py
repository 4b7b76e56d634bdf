"""Proofs that two forms of one expression are equal: exact arithmetic modulo a prime at random points.

The interpreter evaluates both sides by brute force, at random sizes, with random residues modulo P = 2**61 - 1 for all
that is real. Two rational expressions that differ agree at such a point with a probability of about their
degree / P, so one disagreement refutes and a few agreements prove. What is not rational is modelled by laws
that hold for the real functions, so that an identity of the model is one of the reals:

* ``a ** (1/2)``: the square root that is a square itself. Points where ``a`` is no square are drawn again.
  Squares play the part of the positive numbers: P = 3 mod 4, so -1 is none, and exactly one of a and -a is.
* ``exp``: a random function with exp(a + b) = exp(a) exp(b) and exp(c a) = exp(a)**c for numerals c. log is
  its inverse.
* ``a > b``: whether a - b is a square. Exactly one of a > b, a == b, a < b holds. Whole numbers (indices,
  sizes, integer tensors) are compared as such.
* erf, and a power whose exponent is no number: a random function of each name.

Blind spots. An identity that needs more than these laws is refused though it is true: exp(a b + a c) = exp(a
(b + c)), log(a b) = log a + log b, transitivity of >, that a sum of squares is positive, that erf' is a
Gaussian. What holds only where a radicand is positive is proved only there. Nothing is said about floating
point. Proofs hold for the sizes drawn (1 to 3); that a wrong form is right at all of them and wrong at larger
sizes is not excluded by a theorem.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import numpy as np

from derive.calculus.adjoint import Adjoint
from derive.evidence import inputs
from derive.evidence.clauses import Env
from derive.evidence.interpret import Interpreter
from derive.evidence.layout import Case, Elements, every
from derive.evidence.residues import Field, P, Retry, Value
from derive.notation import expr as x
from derive.notation.expr import Expr, Pos, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.notation.text import show

POINTS, ELEMENTS, ATTEMPTS = 4, 12, 4000
PATIENCE = (
    50  # attempts at a point before a smaller one will do: of ten roots, not one point in a thousand has them all
)
SIDES = 64  # elements where an order is asked for: which side a condition takes is one draw in two, of two one in four
PLAN = inputs.Plan((2, 3, 4), ((2,), (3,)), (2,), trusted=True)
SMALLEST = inputs.Plan((1, 2, 3), ((1,), (2,)), (1,), trusted=True)  # for one point: lengths 1 hide sums


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
    target: Ref | None = None,
) -> Proof:
    """Prove or refute ``before = after`` for all values of their free indices.

    Args:
        layer: its equations give every tensor of the definition a value.
        adjoint: its equations, as the scatter rule gave them, do so for the adjoints; cotangents are random.
        before, after: the two sides.
        target: what both sides are equal to; its indices begin where it does, at -1 in a recurrence.
    """
    seen, done, asked, last = 0, 0, False, 0
    for seed in range(ATTEMPTS):
        if done >= POINTS and (seen >= SIDES or not asked):
            return Proof(True, seen)
        field = Field(seed)
        run = point(layer, adjoint, field, PLAN if done and seed - last < PATIENCE else SMALLEST)
        try:
            one, two = run.number(before), run.number(after)
            places = list(environments(run, before, after, target))
        except Retry:
            continue
        Random(seed).shuffle(places)
        found = 0
        for env in places[:ELEMENTS]:
            with suppress(Retry):  # of an element: others may have values, where there are many roots
                left, right = one(env).r, two(env).r
                if left != right:
                    return Proof(False, seen, f"at {env}, sizes {run.case.sizes}: {left} and {right} modulo {P}")
                found += 1
        seen += found
        done, last = (done + 1, seed) if found else (done, last)
        asked |= field.asked
    raise ArithmeticError(f"{layer.name}: no point found where {show(before)} can be evaluated")


def prove_equation(layer: Layer, adjoint: Adjoint, equation: Equation) -> Proof:
    """Prove that an equation holds for the adjoints that the scatter rule gave."""
    return prove_equal(layer, adjoint, equation.lhs, equation.body, equation.lhs)


def point(layer: Layer, adjoint: Adjoint | None, field: Field, plan: inputs.Plan) -> Interpreter:
    """The equations at random sizes, options and residues."""
    case = inputs.build(layer, inputs.Random(np.random.default_rng(field.seed)), plan, field.seed)
    given = {t.name: residues(field, case, t.name, t.name) for t in layer.inputs if t.kind == "real"}
    equations, tensors = list(layer.equations), dict[str, Tensor](layer.tensors)
    if adjoint is not None:
        for output, cotangent in adjoint.cotangents.items():
            given[cotangent] = residues(field, case, cotangent, output)
        equations += [*adjoint.auxiliary, *adjoint.equations]
        tensors |= {**adjoint.tensors, **{c: layer.tensors[o] for o, c in adjoint.cotangents.items()}}
    return Interpreter(case, equations, tensors, field.numbers, given)


def residues(field: Field, case: Case, name: str, like: str) -> Elements:
    """Random elements for a tensor with the indices of an input or output."""
    return {i: Value(field.key("real", name, *i)) for i in every(case, like)}


def environments(run: Interpreter, before: Expr, after: Expr, target: Ref | None) -> Iterator[Env]:
    """The free indices' values; those of a target are where the target has elements."""
    names = tuple(dict.fromkeys([*x.free(before), *x.free(after)]))
    if target is None:
        yield from run.loops(names, before, after)({})
        return
    fixed = [(n, run.index(e)({})) for n, e in enumerate(target.index) if not isinstance(e, Pos)]
    for index in run.indices(target.tensor):
        if all(index[n] == constant for n, constant in fixed):
            yield {e.index: i for e, i in zip(target.index, index, strict=True) if isinstance(e, Pos)}


__all__ = ["Proof", "prove_equal", "prove_equation"]
