"""A brute-force interpreter of equations: loops over every index, over any number system.

Elements are computed when they are asked for and kept, so recurrences need no order: ``h[t - 1]`` and the
adjoint's ``dh[t + 1]`` are elements like others. Conventions:

* A reference outside an array is zero; under ``max`` and ``argmax`` it is skipped. An exact division that
  leaves a remainder refers outside.
* Only the case taken of a piecewise expression is evaluated, and nothing beside an Iverson bracket that is
  zero.
* 0 log 0 = 0 and 0 / 0 = 0 in ``xlogy`` and ``xdivy``; a tie in ``argmax`` goes to the first position.
* ``activation(z)`` is evaluated by the definition of the elementwise layer chosen, ``activation'(z)`` by its
  derivative.

It shares no code with the calculus (but for the derivatives of elementwise layers by name) nor with the
programs.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.evidence.clauses import Closure, Env
from derive.evidence.evaluation import Evaluation
from derive.evidence.integers import compile_index, compile_position, compile_test
from derive.evidence.scalar import compile_number
from derive.notation.expr import Expr


class Interpreter(Evaluation):
    """Evaluates equations at one case: see Evaluation for the arguments."""

    def index(self, e: Expr) -> Closure:
        return compile_index(self, e)

    def position(self, index: tuple[Expr, ...]) -> Callable[[Env], tuple[int, ...] | None]:
        return compile_position(self, index)

    def test(self, e: Expr) -> Closure:
        return compile_test(self, e)

    def number(self, e: Expr) -> Closure:
        return compile_number(self, e)
